package issuer

import (
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"lanyard/internal/cloud"
	"lanyard/internal/store/mem"
)

// aged is rotation under a clock that is moved, as the issuer has it.
type aged struct {
	s     Schedule
	now   time.Time
	clock cloud.Clock
	keys  []span
}

func (a *aged) spans() []span {
	spans := slices.Clone(a.keys)
	for i, k := range spans {
		spans[i].aged = a.clock.Age(k.made, a.now) - a.now.Sub(k.made)
	}
	return spans
}

func (a *aged) turn(forced bool) { a.keys = apply(a.keys, a.s.plan(a.spans(), a.now, forced)) }

// published gives the keys that are shown, by when they were made.
func (a *aged) published() map[time.Time]bool {
	spans, shown := a.spans(), map[time.Time]bool{}
	for i, s := range state(spans, current(spans, a.now), a.now) {
		if s != Spent {
			shown[spans[i].made] = true
		}
	}
	return shown
}

// move does at random what can happen to a clock: mostly time passes, sometimes it is advanced, and
// now and then reset. It reports a reset.
func (a *aged) move(rt *rapid.T) (reset bool) {
	a.now = a.now.Add(time.Duration(rapid.IntRange(1, 12*60).Draw(rt, "minutes")) * time.Minute)
	switch what := rapid.IntRange(0, 39).Draw(rt, "what"); {
	case what == 0:
		a.clock, reset = nil, true
	case what <= 6:
		by := time.Duration(rapid.IntRange(1, 60*24).Draw(rt, "hours")) * time.Hour
		a.clock = append(slices.Clone(a.clock), cloud.Advance{At: a.now, By: by})
	}
	return reset
}

// TestNoMovedClockMakesAVerifierMeetAnUnknownKey moves the clock at random, ahead and back to what is
// real, while keys are rotated. Whoever keeps key sets for a day by the same clock, and fetches anew when it is
// reset, knows the key of every token that has not aged out; so does the issuer's own guard, of every
// token that has not ended (T15).
func TestNoMovedClockMakesAVerifierMeetAnUnknownKey(t *testing.T) {
	type minted struct{ key, at time.Time }
	rapid.Check(t, func(rt *rapid.T) {
		a := &aged{now: dawn, s: Schedule{Period: time.Duration(rapid.IntRange(1, 40).Draw(rt, "period")) * day}.filled()}
		var tokens []minted
		var fetched time.Time
		var known map[time.Time]bool
		reset := false
		for range 300 {
			a.turn(rapid.IntRange(0, 19).Draw(rt, "forced") == 0)
			if known == nil || reset || a.clock.Age(fetched, a.now) >= day {
				known, fetched = a.published(), a.now
			}
			spans := a.spans()
			signing := current(spans, a.now)
			if signing < 0 {
				rt.Fatalf("no key of %d signs at %s", len(spans), a.now)
			}
			if k := spans[signing]; len(spans) > 1 && a.clock.Age(k.made, a.now) < k.signs.Sub(k.made) {
				rt.Fatalf("the key made %s signs at %s, before it was published long enough", k.made, a.now)
			}
			tokens = append(tokens, minted{key: spans[signing].made, at: a.now})
			tokens = slices.DeleteFunc(tokens, func(m minted) bool { return a.now.Sub(m.at) >= MaxLife })
			for _, m := range tokens {
				if a.clock.Age(m.at, a.now) < MaxLife && !known[m.key] {
					rt.Fatalf("at %s a verifier does not know the key made %s of a token minted %s", a.now, m.key, m.at)
				}
				if !published(a.keys, m.key) {
					rt.Fatalf("at %s the key made %s was dropped while its token of %s lives", a.now, m.key, m.at)
				}
			}
			if len(a.keys) > maxKeys {
				rt.Fatalf("%d keys are kept", len(a.keys))
			}
			reset = a.move(rt)
		}
	})
}

func TestKeysAreRotatedByTheirAge(t *testing.T) {
	a := &aged{now: dawn, s: Schedule{}.filled()}
	advance := func(by time.Duration) {
		a.now = a.now.Add(time.Second)
		a.clock = append(a.clock, cloud.Advance{At: a.now, By: by})
		a.now = a.now.Add(time.Second) // what is made at the moment of an advance is older than it
		a.turn(false)
	}
	stands := func(sentence string, want ...State) {
		t.Helper()
		spans := a.spans()
		if got := state(spans, current(spans, a.now), a.now); !slices.Equal(got, want) {
			t.Errorf("%s the keys are %v, want %v", sentence, got, want)
		}
	}
	a.turn(false)
	stands("at first", Current)
	advance(25 * time.Hour)
	stands("after 25 hours", Current)
	advance(28 * day)
	stands("a day before a month is over", Current, Next)
	advance(25 * time.Hour)
	stands("25 hours later", Retired, Current)
	advance(keep)
	stands("when the first's tokens have aged out", Spent, Current)
	if len(a.published()) != 1 {
		t.Error("the spent key is still published")
	}
	a.clock = nil
	a.turn(false)
	stands("after a reset", Current, Next)
	if !a.keys[1].ends.After(a.keys[1].signs.Add(30 * day)) {
		t.Error("a certificate's own dates have moved")
	}
}

func TestTheKeysOfAClockThatIsMovedOnAndOnAreBounded(t *testing.T) {
	pool()
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		var clock cloud.Clock
		i := &Issuer{Store: mem.New(), Box: box(t), Age: func(born time.Time) time.Duration {
			mu.Lock()
			defer mu.Unlock()
			return clock.Age(born, time.Now())
		}}
		defer run(t, i)()
		for range 2 * maxKeys {
			time.Sleep(time.Second)
			mu.Lock()
			clock = append(clock, cloud.Advance{At: time.Now(), By: 31 * day})
			mu.Unlock()
			i.Wake()
			synctest.Wait()
			mint(t, i, Order{Principal: userAssigned()})
		}
		if n := len(i.ring.Load().keys); n != maxKeys {
			t.Errorf("%d keys are kept, want %d", n, maxKeys)
		}
		if n := len(i.Keys()); n > 3 {
			t.Errorf("%d keys are published", n)
		}
		if err := i.Rotate(t.Context()); !errors.Is(err, ErrTooManyKeys) {
			t.Errorf("one more is asked for: %v", err)
		}
		time.Sleep(3 * day)
		if n := len(i.ring.Load().keys); n > 4 {
			t.Errorf("%d keys are kept when most of their tokens have ended", n)
		}
	})
}
