package directory

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"lanyard/internal/cloud"
	"lanyard/internal/rbac"
	"lanyard/internal/store"
	"lanyard/internal/store/mem"
)

// hamlet is a directory in a bubble of time, with a timing and a clock that can be changed.
type hamlet struct {
	*town
	mu     sync.Mutex
	timing cloud.Timing
	clock  cloud.Clock
}

func found(t *testing.T, s store.Store, timing cloud.Timing) *hamlet {
	t.Helper()
	h := &hamlet{town: &town{t: t}, timing: timing}
	h.Directory = &Directory{Store: s, Tenant: tenant,
		Timing: func() cloud.Timing { h.mu.Lock(); defer h.mu.Unlock(); return h.timing },
		Age: func(born time.Time) time.Duration {
			h.mu.Lock()
			defer h.mu.Unlock()
			return h.clock.Age(born, time.Now())
		},
	}
	ended := make(chan error, 1)
	go func() { ended <- h.Run(t.Context()) }()
	t.Cleanup(func() {
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	if err := h.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	return h
}

func (h *hamlet) change(how func()) {
	h.mu.Lock()
	how()
	h.mu.Unlock()
	h.Wake()
	synctest.Wait()
}

// allows fails unless the principal may, or may not, read a secret of the vault.
func (h *hamlet) allows(p cloud.Principal, want bool, when string) {
	h.t.Helper()
	synctest.Wait()
	if got := h.Decide(rbac.Request{Principal: p.ID, Action: getSecret, Data: true, At: cloud.MustID(vault)}); got.Allowed != want {
		h.t.Errorf("%s it is allowed: %v", when, got.Allowed)
	}
}

func TestAChangeOfRolesTakesItsTime(t *testing.T) { // AC-6
	synctest.Test(t, func(t *testing.T) {
		s := mem.New()
		h := found(t, s, cloud.AsAzure)
		p := h.enroll(cloud.Application, "ci", "")
		grant := h.grant(p.ID, reads, vault, "a1")
		h.commit(grant)
		h.allows(p, false, "just granted")
		if len(h.Granted(p.ID)) != 1 {
			t.Error("a new grant is not listed")
		}
		time.Sleep(5*time.Minute - time.Second)
		h.allows(p, false, "a second early")
		time.Sleep(time.Second)
		h.allows(p, true, "after five minutes")

		h.commit(store.Change{Key: grant.Key, If: store.Any})
		h.allows(p, true, "just removed")
		if len(h.Granted(p.ID)) != 0 {
			t.Error("a grant that was removed is listed")
		}
		time.Sleep(2 * time.Minute)
		h.commit(h.grant(p.ID, reads, vault, "a2"))
		time.Sleep(3 * time.Minute)
		h.allows(p, false, "five minutes after it was removed")
		time.Sleep(2 * time.Minute)
		h.allows(p, true, "five minutes after it was granted anew")
		if h.judged != h.rights || len(h.coming) != 0 {
			t.Error("something is kept back although nothing is coming")
		}
	})
}

func TestChangesOfRolesComeWithTheClockAndTheTiming(t *testing.T) { // AC-6
	synctest.Test(t, func(t *testing.T) {
		s := mem.New()
		h := found(t, s, cloud.Timing{TokenCache: time.Hour, RolePropagation: 10 * time.Minute})
		p := h.enroll(cloud.Application, "ci", "")
		grant := h.grant(p.ID, reads, vault, "a1")
		h.commit(grant)
		time.Sleep(time.Minute)
		h.allows(p, false, "a minute later")
		h.change(func() { h.clock = cloud.Clock{{At: time.Now(), By: 9 * time.Minute}} })
		h.allows(p, true, "nine minutes on by the world's clock")

		time.Sleep(time.Second)
		h.commit(store.Change{Key: grant.Key, If: store.Any})
		h.allows(p, true, "just removed")
		h.change(func() { h.timing = cloud.Instant })
		h.allows(p, false, "once nothing is late")
		h.commit(grant)
		h.allows(p, true, "granted again")

		h.change(func() { h.timing = cloud.AsAzure })
		again := found(t, s, cloud.AsAzure) // a process that starts anew begins with what there is
		again.allows(p, true, "to a process that starts anew")
	})
}

func TestWhatIsDeniedIsDeniedAtOnce(t *testing.T) { // T28
	synctest.Test(t, func(t *testing.T) {
		h := found(t, mem.New(), cloud.Instant)
		p := h.enroll(cloud.Application, "ci", "")
		h.commit(h.grant(p.ID, reads, vault, "a1"))
		h.change(func() { h.timing = cloud.AsAzure })
		h.allows(p, true, "granted")
		h.commit(h.place(vault+"/providers/"+denialType+"/d1", map[string]any{
			"denyAssignmentName": "stop", "permissions": []any{map[string]any{"dataActions": []string{"*"}}},
			"principals": []any{map[string]any{"id": p.ID}},
		}))
		h.allows(p, false, "denied")
	})
}
