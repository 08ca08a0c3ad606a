package directory

import (
	"testing"
	"time"

	"lanyard/internal/cloud"
	"lanyard/internal/rbac"
)

func TestWhoHasGoneIsRememberedWhereTokensOutlive(t *testing.T) { // ID-2
	w := start(t)
	var clock cloud.Clock
	outlives := cloud.Timing{Outlive: true}
	timing := outlives
	w.Timing = func() cloud.Timing { return timing }
	w.Age = func(born time.Time) time.Duration { return clock.Age(born, w.now) }
	p := w.enroll(cloud.SystemAssigned, "invoices", app)
	w.commit(w.grant(p.ID, reads, vault, "a1"))
	request := rbac.Request{Principal: p.ID, Action: getSecret, Data: true, At: cloud.MustID(vault)}
	w.commit(w.Retire(p))

	remembered := func(want bool, when string) {
		t.Helper()
		got, ok := w.Remembered(p.ID)
		if ok != want || ok && (got.ID != p.ID || got.Client != p.Client || got.Tenant != p.Tenant) {
			t.Errorf("%s guards find %+v, %v", when, got, ok)
		}
		if w.Decide(request).Allowed != want {
			t.Errorf("%s the grants count: %v", when, !want)
		}
	}
	remembered(true, "just gone")
	if _, there := w.Principal(p.ID); there {
		t.Error("everybody finds who has gone")
	}
	if _, there := w.ByResource(cloud.MustID(app)); there || len(w.ByName("invoices")) != 0 || len(w.Principals()) != 0 {
		t.Error("who has gone is listed")
	}
	again := w.enroll(cloud.SystemAssigned, "invoices", app)
	if again.ID == p.ID || again.Client == p.Client || w.Decide(rbac.Request{Principal: again.ID, Action: getSecret, Data: true, At: cloud.MustID(vault)}).Allowed {
		t.Error("who comes after has what the one before had")
	}

	timing = cloud.Instant
	remembered(false, "once tokens do not outlive")
	timing = outlives
	w.now = w.now.Add(time.Minute)
	clock = cloud.Clock{{At: w.now, By: 25 * time.Hour}}
	remembered(false, "25 hours later by the world's clock")
	if len(w.Outdated()) != 0 {
		t.Error("a moved clock removes what a reset brings back")
	}
	clock = nil
	remembered(true, "after a reset")
	w.now = w.now.Add(linger - 2*time.Minute)
	remembered(true, "within the life of a token")
	w.now = w.now.Add(time.Minute)
	remembered(false, "after it")
	w.now = w.now.Add(time.Hour)
	changes := w.Outdated()
	w.commit(changes...)
	if len(changes) != 1 || len(w.Outdated()) != 0 {
		t.Errorf("%d are removed", len(changes))
	}
}

func TestWhoHasGoneIsForgottenAtOnceOtherwise(t *testing.T) { // ID-2
	w := start(t)
	p := w.enroll(cloud.Application, "ci", "")
	if change := w.Retire(p); change.Value != nil {
		t.Errorf("kept is %s", change.Value)
	}
	w.commit(w.Retire(p))
	if _, ok := w.Remembered(p.ID); ok {
		t.Error("guards find who has gone")
	}
}
