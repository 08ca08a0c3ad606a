package platform

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"lanyard/internal/cloud"
	"lanyard/internal/drill"
	"lanyard/internal/host"
	"lanyard/internal/store"
)

// lateHouse is a household in a state folder of its own, whose app "late" is given its identity after its
// revision was made.
func lateHouse(t *testing.T, state string, log *slog.Logger) *household {
	t.Helper()
	h := newHousehold(t, func(c *Config) { c.State, c.Ephemeral, c.Log = state, false, log })
	h.describe(t, "late", `{"type":"None"}`)
	return h
}

// restarted stops the platform and gives the one that takes its state up.
func (h *household) restarted(t *testing.T) *household {
	t.Helper()
	if err := h.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	p, err := Start(t.Context(), h.config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Stop(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	})
	return &household{stage: &stage{Platform: p, app: h.app}, billing: h.billing, vault: h.vault}
}

// badge is the identity block that attaches the household's identity.
func (h *household) badge() string {
	return fmt.Sprintf(`{"type":"UserAssigned","userAssignedIdentities":{%q:{}}}`, h.identity())
}

// refused fails unless a replica's request is refused, and gives what it was answered.
func (h *household) refused(t *testing.T, r *host.Replica, when string) string {
	t.Helper()
	answer, body := h.visit(t, "GET", "http://"+h.Address()+path(r)+"&client_id="+string(h.billing.Client), "X-IDENTITY-HEADER", r.Header.Open())
	if answer.StatusCode != http.StatusBadRequest {
		t.Errorf("%s the replica is answered %d %s", when, answer.StatusCode, body)
	}
	return body
}

// TestALateIdentityWaitsForARevision goes through the drill as its user does.
func TestALateIdentityWaitsForARevision(t *testing.T) { // ID-9, ID-7
	h := lateHouse(t, filepath.Join(t.TempDir(), "state"), nil)
	late := cloud.MustID(h.appID("late"))
	old := h.replica(t, late)
	if said := h.refused(t, old, "bare,"); strings.Contains(said, "drill") {
		t.Errorf("without a drill it is refused with %s", said)
	}
	h.describe(t, "late", h.badge())
	h.opens(t, h.ask(t, old), "without a drill the token of a late identity opens;")

	h.order(t, "/drills/start", `{"name":"late-identity","app":"`+late.String()+`"}`)
	named := func(r *host.Replica, when string) {
		t.Helper()
		if said := h.refused(t, r, when); !strings.Contains(said, "make a new revision: lanyard containerapp update --name late --resource-group rg") ||
			!strings.Contains(said, "lanyard drill stop late-identity") {
			t.Errorf("%s the refusal does not say its cure: %s", when, said)
		}
	}
	named(old, "in the drill")
	named(h.replica(t, late), "in the drill, another")
	h.opens(t, h.ask(t, h.shop), "another app's token")

	h = h.restarted(t)
	again := h.replica(t, late)
	named(again, "started anew")
	h.put(t, late.String(), "2024-03-01", fmt.Sprintf(`{"location":"westeurope","identity":%s,"properties":{"environmentId":%q,
		"template":{"revisionSuffix":"two","containers":[{"name":"main","image":"local/attached","command":["true"]}],"scale":{"minReplicas":0}}}}`,
		h.badge(), h.group()+"/providers/Microsoft.App/managedEnvironments/env"))
	named(again, "with a new revision, the old one's")
	h.opens(t, h.ask(t, h.replica(t, late)), "of a new revision, the token")

	h.order(t, "/drills/stop", `{"name":"late-identity"}`)
	h.opens(t, h.ask(t, again), "after the drill")
	h = h.restarted(t)
	if on := h.drills.set(); on != nil {
		t.Errorf("a drill that was stopped comes back: %s", on)
	}
}

func TestDrillsAreTheOwnersAndAreShown(t *testing.T) {
	var log heap
	h := newHousehold(t, func(c *Config) { c.Log = slog.New(slog.NewTextHandler(&log, nil)) })
	owner, control := h.token(t, "https://management.azure.com"), "https://"+ControlHost
	for body, want := range map[string]int{
		`{"name":"fire"}`: 404, `{}`: 404, `{"name":"late-identity","app":"shop"}`: 400,
		`{"name":"late-identity","app":"` + h.identity() + `"}`: 400, `{"name":"late-identity","app":"` + h.appID("nobody") + `"}`: 404,
		`{"name":"late-identity","all":true}`: 400,
	} {
		if status, text := h.send(t, "POST", control+"/drills/start", owner, body); status != want {
			t.Errorf("%s is answered %d %s, want %d", body, status, text, want)
		}
	}
	for _, call := range []string{"GET /drills", "POST /drills/start", "POST /drills/stop"} {
		method, path, _ := strings.Cut(call, " ")
		if status, text := h.send(t, method, control+path, h.ask(t, h.shop), `{"name":"late-identity"}`); status != 401 {
			t.Errorf("an app's token for %s is answered %d %s", call, status, text)
		}
	}
	shows := func(path, want string) {
		t.Helper()
		if _, text := h.send(t, "GET", control+path, owner, ""); !strings.Contains(text, want) {
			t.Errorf("%s does not say %s: %s", path, want, text)
		}
	}
	shows("/drills", `{"name":"late-identity","on":"no","apps":[],"breaks":`)
	h.order(t, "/drills/start", `{"name":"late-identity","app":"`+h.appID("shop")+`"}`)
	shows("/drills", `"on":"some apps","apps":["`+h.appID("shop")+`"]`)
	shows("/status", `"drills":[{"name":"late-identity","app":"`+h.appID("shop")+`"}]`)
	h.order(t, "/drills/start", `{"name":"late-identity"}`)
	shows("/drills", `"on":"every app"`)
	if status, text := h.send(t, "POST", control+"/drills/stop", owner, `{"name":"late-identity","app":"`+h.appID("shop")+`"}`); status != 409 {
		t.Errorf("to stop for one app what is on for every app is answered %d %s", status, text)
	}
	h.order(t, "/drills/stop", `{"name":"late-identity"}`)
	for _, want := range []string{"drills are on", "late-identity for shop in rg", "no drill is on any more"} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("the log does not say %q", want)
		}
	}
}

func TestADocumentThatCannotBeReadLeavesTheDrills(t *testing.T) { // T28
	h := newStage(t)
	commit := func(value any, raw string) {
		t.Helper()
		text := []byte(raw)
		if value != nil {
			var err error
			if text, err = json.Marshal(value); err != nil {
				t.Fatal(err)
			}
		}
		rev, err := h.store.Commit(t.Context(), store.Change{Key: cloud.KeyDrills, Value: text, If: store.Any})
		if err == nil {
			err = h.drills.view.Await(t.Context(), rev)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	commit(drill.Set{{Name: drill.LateIdentity}}, "") // as another process does
	for _, raw := range []string{"poison", `[{"name":"fire"}]`} {
		commit(nil, raw)
		if !h.drills.set().Covers(drill.LateIdentity, h.app) {
			t.Errorf("%s ends the drill", raw)
		}
	}
	commit(drill.Set{}, "")
	if on := h.drills.set(); on != nil {
		t.Errorf("on is %s", on)
	}
}
