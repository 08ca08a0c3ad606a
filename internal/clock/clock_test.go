package clock

import (
	"context"
	"fmt"
	"testing"
	"time"

	"lanyard/internal/cloud"
	"lanyard/internal/fault"
	"lanyard/internal/store"
	"lanyard/internal/store/mem"
)

// runClock starts a clock over a store that stands at noon until it is told otherwise.
func runClock(t *testing.T, s store.Store, profile cloud.Profile, now *time.Time, wake ...func()) *Clock {
	t.Helper()
	c := &Clock{Store: s, Profile: profile, Now: func() time.Time { return *now }}
	c.OnChange(wake...)
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- c.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	if err := c.Ready(ctx); err != nil {
		t.Fatal(err)
	}
	return c
}

func TestAMovedClockIsSeenByEveryProcess(t *testing.T) {
	s := mem.New()
	now := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	woken := make(chan bool, 8)
	one, other := runClock(t, s, cloud.Azure, &now), runClock(t, s, cloud.Azure, &now, func() { woken <- true })
	seen := func() { // each clock is woken as it starts, too
		t.Helper()
		_, revision, err := s.List(t.Context(), cloud.KeyClock)
		if err == nil {
			err = other.Await(t.Context(), revision)
		}
		if err != nil {
			t.Fatal(err)
		}
		<-woken
	}
	born := now
	now = now.Add(time.Minute)
	if err := one.Advance(t.Context(), 25*time.Hour); err != nil {
		t.Fatal(err)
	}
	if got := one.Age(born); got != 25*time.Hour+time.Minute {
		t.Errorf("to who moved it, what existed is %s old", got)
	}
	seen()
	if got := other.Age(born); got != 25*time.Hour+time.Minute {
		t.Errorf("to another process it is %s old", got)
	}
	now = now.Add(time.Second)
	if got := one.Age(now); got != 0 {
		t.Errorf("what comes to be is %s old", got)
	}
	if m := one.Moment(); !m.Now.Equal(now) || m.Ahead != "1d1h" || len(m.Advances) != 1 || m.Timing != "instant" {
		t.Errorf("shown is %+v", m)
	}
	later := runClock(t, s, cloud.Azure, &now) // a start anew
	if got := later.Age(born); got != 25*time.Hour+time.Minute+time.Second {
		t.Errorf("after a start anew it is %s old", got)
	}
	if err := one.Reset(t.Context()); err != nil {
		t.Fatal(err)
	}
	seen()
	if got := other.Age(born); got != time.Minute+time.Second {
		t.Errorf("after a reset it is %s old", got)
	}
}

func TestAClockIsMovedAheadWithinBounds(t *testing.T) {
	now := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	c := runClock(t, mem.New(), cloud.Azure, &now)
	for _, by := range []time.Duration{0, -time.Hour, maxAhead + 1} {
		if err := c.Advance(t.Context(), by); !fault.Is(err, fault.Invalid) {
			t.Errorf("by %s: %v", by, err)
		}
	}
	if err := c.Advance(t.Context(), maxAhead-time.Hour); err != nil {
		t.Fatal(err)
	}
	if err := c.Advance(t.Context(), 2*time.Hour); !fault.Is(err, fault.Invalid) {
		t.Errorf("beyond the bound: %v", err)
	}
}

func TestOldAdvancesAreMergedAndNothingGrowsYounger(t *testing.T) {
	now := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	c := runClock(t, mem.New(), cloud.Azure, &now)
	var born []time.Time
	age := map[time.Time]time.Duration{}
	for n := range 2 * maxAdvances {
		born = append(born, now)
		now = now.Add(time.Minute)
		if err := c.Advance(t.Context(), time.Hour); err != nil {
			t.Fatal(err)
		}
		for _, b := range born {
			if got := c.Age(b); got < age[b]+time.Hour {
				t.Fatalf("after %d advances what was %s old is %s old", n+1, age[b], got)
			} else {
				age[b] = got
			}
		}
	}
	if n := len(c.Moment().Advances); n != maxAdvances {
		t.Errorf("%d advances are remembered, want %d", n, maxAdvances)
	}
	if want := now.Sub(born[0]) + 2*maxAdvances*time.Hour; c.Age(born[0]) != want {
		t.Errorf("the oldest is %s old, want %s", c.Age(born[0]), want)
	}
}

func TestAWorldWithADomainOfItsOwnHasARealClock(t *testing.T) {
	s := mem.New()
	now := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	own := cloud.Azure
	own.Name, own.Domain = "corp", "lanyard.corp.example"
	c := runClock(t, s, own, &now)
	for what, err := range map[string]error{"advance": c.Advance(t.Context(), time.Hour), "reset": c.Reset(t.Context())} {
		if f := fault.Of(err); f == nil || f.Code != "ClockIsFixed" {
			t.Errorf("%s: %v", what, err)
		}
	}
	rev, err := s.Commit(t.Context(), store.Change{Key: cloud.KeyClock, If: store.Any,
		Value: fmt.Appendf(nil, `[{"at":%q,"by":%d}]`, now.Format(time.RFC3339), 25*time.Hour)})
	if err == nil {
		err = c.Await(t.Context(), rev)
	}
	if err != nil {
		t.Fatal(err)
	}
	if got := c.Age(now.Add(-time.Minute)); got != time.Minute {
		t.Errorf("a clock that was moved behind its back makes a minute %s", got)
	}
}

func TestADocumentThatCannotBeReadLeavesTheClock(t *testing.T) { // T28
	s := mem.New()
	now := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	c := runClock(t, s, cloud.Azure, &now)
	born := now
	now = now.Add(time.Minute)
	if err := c.Advance(t.Context(), time.Hour); err != nil {
		t.Fatal(err)
	}
	rev, err := s.Commit(t.Context(), store.Change{Key: cloud.KeyClock, Value: []byte("poison"), If: store.Any},
		store.Change{Key: cloud.KeyTiming, Value: []byte("poison"), If: store.Any})
	if err == nil {
		err = c.Await(t.Context(), rev)
	}
	if err != nil {
		t.Fatal(err)
	}
	if got := c.Age(born); got != time.Hour+time.Minute || c.Timing() != cloud.Instant {
		t.Errorf("it is %s old, timing %s", got, c.Timing())
	}
}
