package world

import (
	"reflect"
	"strings"
	"testing"

	"lanyard/internal/cloud"
)

// FuzzPlan holds what a world file compiles to against what ARM would take: every resource and every
// scope has an id that reads one way, lies in the subscription, and stands once; grants are made to
// what the plan makes; and the same text always gives the same plan.
func FuzzPlan(f *testing.F) {
	for _, seed := range []string{
		shop,
		"apps: [{name: a, command: [x], identities: [system]}]",
		"group: g\nidentities: [a, A]\n",
		"vaults: [{name: kv-1, secrets: {a: b}}]\ngrants: [{to: a, role: Reader, at: kv-1}]\nidentities: [a]\n",
		"identities: [a]\ngrants: [{to: a, role: Reader, at: /subscriptions/s/../x}]",
		"group: a/../../b\nidentities: [\"x/y\"]",
		"a: &a [x]\nidentities: *a\n",
		"group: 1e3\nidentities: [null, 0x10, yes]",
	} {
		f.Add([]byte(seed))
	}
	subscription := cloud.MustID("/subscriptions/33333333-3333-4333-8333-333333333333")
	f.Fuzz(func(t *testing.T, text []byte) {
		w, err := Parse(text)
		if err != nil {
			return
		}
		plan, err := w.Plan(subscription, "t")
		if err != nil {
			t.Fatalf("a world that parses does not plan: %v", err)
		}
		if again, err := w.Plan(subscription, "t"); err != nil || !reflect.DeepEqual(plan, again) {
			t.Errorf("it plans otherwise the second time: %v", err)
		}
		made := map[string]bool{}
		for _, r := range plan.Resources {
			id, err := cloud.ParseID(r.ID)
			if err != nil || !subscription.Contains(id) {
				t.Fatalf("%q is no id in the subscription: %v", r.ID, err)
			}
			if made[id.Key()] {
				t.Errorf("%s is made twice", id)
			}
			made[id.Key()] = true
		}
		for _, g := range plan.Grants {
			if !made[strings.ToLower(g.To)] {
				t.Errorf("a grant is made to %q, which is not in the plan", g.To)
			}
			if _, err := cloud.ParseID(g.Scope); err != nil {
				t.Errorf("a grant is made at %q: %v", g.Scope, err)
			}
		}
	})
}
