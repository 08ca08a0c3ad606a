package drill

import (
	"encoding/json"
	"fmt"
	"testing"

	"lanyard/internal/cloud"
	"lanyard/internal/fault"
)

var (
	shop   = cloud.MustID("/subscriptions/s/resourceGroups/rg/providers/Microsoft.App/containerApps/shop")
	orders = cloud.MustID("/subscriptions/s/resourceGroups/rg/providers/Microsoft.App/containerApps/orders")
	every  = cloud.ID{}
)

func TestEachDrillSaysWhatItBreaksAndItsCure(t *testing.T) {
	for _, d := range All() {
		found, ok := Find(d.Name)
		if !ok || found != d || d.Breaks == "" || d.Seen == "" || d.Cure == "" {
			t.Errorf("%+v is found as %+v", d, found)
		}
	}
	if _, ok := Find("fire"); ok {
		t.Error("a drill is found that there is not")
	}
}

func TestADrillCoversTheAppsThatItWasStartedFor(t *testing.T) {
	type step struct {
		do   func(Set, string, cloud.ID) (Set, error)
		app  cloud.ID
		code string
		on   string // afterwards: whether it covers shop, orders
	}
	start, stop := Set.Start, Set.Stop
	var s Set
	for i, step := range []step{
		{stop, every, "DrillIsOff", "false false"},
		{stop, shop, "DrillIsOff", "false false"},
		{start, shop, "", "true false"},
		{start, shop, "", "true false"},
		{stop, orders, "DrillIsOff", "true false"},
		{start, orders, "", "true true"},
		{stop, shop, "", "false true"},
		{start, every, "", "true true"},
		{stop, shop, "DrillIsOnForAll", "true true"},
		{stop, orders, "DrillIsOnForAll", "true true"},
		{stop, every, "", "false false"},
	} {
		before := fmt.Sprint(s)
		next, err := step.do(s, LateIdentity, step.app)
		if fmt.Sprint(s) != before {
			t.Errorf("step %d changes the set before it from %s to %s", i, before, s)
		}
		if code := codeOf(err); code != step.code {
			t.Fatalf("step %d: %v, want %q", i, err, step.code)
		}
		if err == nil {
			s = next
		}
		if on := fmt.Sprint(s.Covers(LateIdentity, shop), s.Covers(LateIdentity, orders)); on != step.on {
			t.Errorf("step %d: on for %s, want %s", i, on, step.on)
		}
	}
	for name, do := range map[string]func(Set, string, cloud.ID) (Set, error){"start": start, "stop": stop} {
		if _, err := do(s, "fire", shop); codeOf(err) != "DrillNotFound" {
			t.Errorf("%s of a drill that there is not: %v", name, err)
		}
	}
}

func codeOf(err error) string {
	if err == nil {
		return ""
	}
	return fault.Of(err).Code
}

func TestASetIsReadAsItWasWritten(t *testing.T) {
	s := Set{{LateIdentity, shop}, {LateIdentity, every}}
	text, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	back, err := Parse(text)
	if want := "late-identity for shop in rg, late-identity for every app"; err != nil || back.String() != want || s.String() != want {
		t.Errorf("%s is read as %s, %v", text, back, err)
	}
	for _, wrong := range []string{`poison`, `{}`, `[{"name":"fire"}]`, `[{"name":"late-identity","app":"shop"}]`} {
		if got, err := Parse([]byte(wrong)); err == nil {
			t.Errorf("%s is read as %s", wrong, got)
		}
	}
}

func TestDrillsAreOnForSoManyAppsAlone(t *testing.T) {
	var s Set
	var err error
	for i := range maxOn + 1 {
		if err != nil {
			t.Fatalf("for %d apps: %v", i, err)
		}
		s, err = s.Start(LateIdentity, cloud.MustID(fmt.Sprint(shop, i)))
	}
	if codeOf(err) != "TooManyDrills" {
		t.Errorf("for one app more: %v", err)
	}
}
