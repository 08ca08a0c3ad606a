package issuer

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

var dawn = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

const day = 24 * time.Hour

// at gives spans that begin to sign at these days, made a day earlier, as the defaults have it.
func at(days ...int) []span {
	spans := make([]span, len(days))
	for i, d := range days {
		signs := dawn.Add(time.Duration(d) * day)
		spans[i] = Schedule{}.filled().born(signs.Add(-day), signs)
	}
	return spans
}

func TestThePlan(t *testing.T) {
	for sentence, test := range map[string]struct {
		keys   []span
		now    time.Time
		forced bool
		makes  time.Duration // from now to the first signature; -1 for no key
		drops  int
	}{
		"the very first key signs at once":                     {keys: nil, now: dawn, makes: 0},
		"nothing is due in the middle of a period":             {keys: at(0), now: dawn.Add(10 * day), makes: -1},
		"a successor is published a day before it is needed":   {keys: at(0), now: dawn.Add(29 * day), makes: day},
		"a second before that it is not":                       {keys: at(0), now: dawn.Add(29*day - time.Second), makes: -1},
		"a late successor is published as long as any":         {keys: at(0), now: dawn.Add(40 * day), makes: day},
		"one successor is enough":                              {keys: at(0, 30), now: dawn.Add(29*day + time.Hour), makes: -1},
		"a rotation can be asked for at any time":              {keys: at(0), now: dawn.Add(3 * day), forced: true, makes: day},
		"asking twice makes one key":                           {keys: at(0, 4), now: dawn.Add(3*day + time.Hour), forced: true, makes: -1},
		"a retired key stays while its tokens may live":        {keys: at(0, 30), now: dawn.Add(30*day + keep - time.Second), makes: -1},
		"and goes when they cannot":                            {keys: at(0, 30), now: dawn.Add(30*day + keep), makes: -1, drops: 1},
		"after a year asleep a new key replaces the ended one": {keys: at(0), now: dawn.Add(365 * day), makes: 0},
		"a clock that stands before every key makes nothing":   {keys: at(0), now: dawn.Add(-time.Hour), makes: -1},
		"a clock that stands before every key drops nothing":   {keys: at(0, 30), now: dawn.Add(-time.Hour), makes: -1},
		"the last key is never dropped, however old":           {keys: at(0, 30, 60), now: dawn.Add(70 * day), makes: -1, drops: 2},
	} {
		t.Run(sentence, func(t *testing.T) {
			p := Schedule{}.plan(test.keys, test.now, test.forced)
			makes := time.Duration(-1)
			if p.make != nil {
				makes = p.make.signs.Sub(test.now)
			}
			if makes != test.makes || len(p.drop) != test.drops {
				t.Errorf("makes a key that signs in %s and drops %d, want %s and %d", makes, len(p.drop), test.makes, test.drops)
			}
		})
	}
}

func TestStatesFollowFromTheTimes(t *testing.T) {
	keys := at(0, 30, 60)
	for sentence, test := range map[string]struct {
		now  time.Time
		want []State
	}{
		"before the second signs":        {dawn.Add(29 * day), []State{Current, Next, Next}},
		"at its first second":            {dawn.Add(30 * day), []State{Retired, Current, Next}},
		"when all of the first ended":    {dawn.Add(30*day + keep), []State{Spent, Current, Next}},
		"set back, the clock says again": {dawn.Add(30*day - time.Second), []State{Current, Next, Next}},
		"before all":                     {dawn.Add(-time.Second), []State{Next, Next, Next}},
		"long after all":                 {dawn.Add(365 * day), []State{Spent, Spent, Retired}},
	} {
		t.Run(sentence, func(t *testing.T) {
			for i, got := range state(keys, current(keys, test.now), test.now) {
				if got != test.want[i] {
					t.Errorf("key %d is %s, want %s", i, got, test.want[i])
				}
			}
		})
	}
}

// outsider verifies as services elsewhere do: with a key set that it fetched up to a day ago.
type outsider struct {
	known   map[time.Time]bool // keys by when they were made
	fetched time.Time
}

// minted is a token: which key signed it, and until when it is good.
type minted struct {
	key  time.Time
	ends time.Time
}

// TestNoVerifierEverMeetsAnUnknownKey turns the state machine through a hundred rotations with
// random delays, forced rotations and periods, and a verifier that fetches the key set every 24
// hours and no sooner: every token, from its first second to its last, is by a key it knows (T15).
func TestNoVerifierEverMeetsAnUnknownKey(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		s := Schedule{Period: time.Duration(rapid.IntRange(1, 60).Draw(rt, "period")) * day}.filled()
		now := dawn
		var keys []span
		var tokens []minted
		verifier := outsider{}
		for rotations := 0; rotations < 100; {
			p := s.plan(keys, now, rapid.IntRange(0, 9).Draw(rt, "forced") == 0)
			keys = apply(keys, p)
			if p.make != nil {
				rotations++
			}
			if now.Sub(verifier.fetched) >= day {
				verifier = fetch(keys, now)
			}
			signing := current(keys, now)
			if signing < 0 {
				rt.Fatalf("after %d rotations no key signs at %s", rotations, now)
			}
			tokens = append(tokens, minted{key: keys[signing].made, ends: now.Add(MaxLife)})
			tokens = alive(tokens, now)
			for _, one := range tokens {
				if !verifier.known[one.key] {
					rt.Fatalf("after %d rotations a token of the key made %s is unknown at %s", rotations, one.key, now)
				}
				if !published(keys, one.key) {
					rt.Fatalf("the key made %s was dropped while its token lives until %s", one.key, one.ends)
				}
			}
			if len(keys) > 6 {
				rt.Fatalf("%d keys are published at once", len(keys))
			}
			now = now.Add(time.Duration(rapid.IntRange(1, 24*60).Draw(rt, "minutes")) * time.Minute)
		}
	})
}

func apply(keys []span, p plan) []span {
	gone := map[int]bool{}
	for _, i := range p.drop {
		gone[i] = true
	}
	var left []span
	for i, k := range keys {
		if !gone[i] {
			left = append(left, k)
		}
	}
	if p.make != nil {
		left = append(left, *p.make)
	}
	return left
}

func fetch(keys []span, now time.Time) outsider {
	o := outsider{known: map[time.Time]bool{}, fetched: now}
	for _, k := range keys {
		o.known[k.made] = true
	}
	return o
}

func alive(tokens []minted, now time.Time) []minted {
	var left []minted
	for _, one := range tokens {
		if one.ends.After(now) {
			left = append(left, one)
		}
	}
	return left
}

func published(keys []span, made time.Time) bool {
	for _, k := range keys {
		if k.made.Equal(made) {
			return true
		}
	}
	return false
}
