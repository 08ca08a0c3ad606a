package arm

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"testing"

	"lanyard/internal/cloud"
	"lanyard/internal/fault"
	"lanyard/internal/store"
	"lanyard/internal/store/mem"
)

// count is an action that adds one to properties.n, writes the sum beside the document, and refuses
// to count beyond a hundred.
func count(_ context.Context, c *Change) error {
	var p map[string]any
	if err := json.Unmarshal(c.After.Properties, &p); err != nil {
		return err
	}
	n, _ := p["n"].(float64)
	if n >= 100 {
		c.Demands = []Demand{{Action: "Toy.Shop/carts/overflow/action", Scope: cloud.MustID(group)}}
		return fault.New(fault.Conflict, "FullCart", "The cart is full.")
	}
	p["n"] = n + 1
	raw, err := json.Marshal(p)
	c.After.Properties = raw
	c.Writes = append(c.Writes, store.Change{Key: "/count", Value: fmt.Append(nil, n+1), If: store.Any})
	return err
}

const counted = `{"location":"westeurope","identity":{"type":"SystemAssigned"},"properties":{"n":0,"hosts":["a.example"]}}`

func TestAnActionChangesItsResourceAsAPutDoes(t *testing.T) {
	w := newWorld(t)
	before := w.want(201, w.ask("PUT", carts+"/a", counted))
	s := w.want(200, w.ask("POST", carts+"/a/count", "", "Authorization", "Bearer person"))
	if s.at("properties", "n") != 1.0 || s.at("properties", "provisioningState") != "Succeeded" || s.header.Get("ETag") == "" ||
		s.header.Get("ETag") == before.header.Get("ETag") {
		t.Errorf("it is shown as %s", s.text)
	}
	if s.at("systemData", "lastModifiedBy") != "owner@lanyard.localhost" || s.at("systemData", "createdBy") != before.at("systemData", "createdBy") {
		t.Errorf("by whom: %s", s.text)
	}
	if fmt.Sprint(s.at("identity")) != fmt.Sprint(before.at("identity")) {
		t.Errorf("the identity became %v", s.at("identity"))
	}
	if d, ok := w.ByHost("a.example"); !ok || d.Name != "a" {
		t.Error("the host name is claimed no longer")
	}
	if e, err := w.Store.Get(t.Context(), "/count"); err != nil || string(e.Value) != "1" {
		t.Errorf("beside it stands %q, %v", e.Value, err)
	}
	if now := w.want(200, w.ask("GET", carts+"/a", "")); now.text != s.text {
		t.Errorf("it is\n%s\nand was shown as\n%s", now.text, s.text)
	}
}

func TestAnActionThatChangesIsHeldToWhatHoldsForWrites(t *testing.T) {
	w := newWorld(t)
	before := w.want(201, w.ask("PUT", carts+"/a", counted)).header.Get("ETag")
	w.want(200, w.ask("POST", carts+"/a/count", "", "If-Match", before))
	w.want(412, w.ask("POST", carts+"/a/count", "", "If-Match", before))
	w.want(404, w.ask("POST", carts+"/none/count", ""))
	w.lock(group, "ReadOnly")
	if s := w.want(409, w.ask("POST", carts+"/a/count", "")); s.code() != "ScopeLocked" {
		t.Error(s.text)
	}
	w.want(200, w.ask("DELETE", group+locks+"/l", ""))
	w.want(200, w.ask("PATCH", carts+"/a", `{"properties":{"n":100}}`))
	if s := w.want(409, w.ask("POST", carts+"/a/count", "")); s.code() != "FullCart" {
		t.Error(s.text)
	}
	w.refuse(func(_ cloud.Caller, action string, _ cloud.ID) bool {
		return action == "Toy.Shop/carts/overflow/action"
	})
	if s := w.want(403, w.ask("POST", carts+"/a/count", "")); s.code() != "LinkedAuthorizationFailed" {
		t.Error(s.text)
	}
	w.refuse(func(_ cloud.Caller, action string, _ cloud.ID) bool { return action == "Toy.Shop/carts/count/action" })
	w.want(403, w.ask("POST", carts+"/a/count", ""))
}

func TestAnActionChangesNothingInAGroupThatGoes(t *testing.T) {
	f := &frail{Store: mem.New()}
	f.left.Store(1 << 40)
	w := open(t, f)
	w.place(sub, `{}`)
	w.place(group, here)
	fill(w, store.MaxChanges)
	f.left.Store(1) // the mark alone
	w.want(202, w.ask("DELETE", group, ""))
	if s := w.want(409, w.ask("POST", carts+"/c000/count", "")); s.code() != "ResourceGroupBeingDeleted" {
		t.Error(s.text)
	}
}

func TestActionsAtTheSameMomentAreAllDone(t *testing.T) {
	w := newWorld(t)
	w.place(carts+"/a", counted)
	var all sync.WaitGroup
	for range 40 {
		all.Go(func() {
			if s := w.ask("POST", carts+"/a/count", ""); s.status != 200 {
				t.Errorf("got %d %s", s.status, s.text)
			}
		})
		all.Go(func() { w.ask("PATCH", carts+"/a", `{"tags":{"a":"b"}}`) })
	}
	all.Wait()
	if s := w.want(200, w.ask("GET", carts+"/a", "")); s.at("properties", "n") != 40.0 {
		t.Error(s.text)
	}
}
