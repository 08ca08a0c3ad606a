package issuer

import (
	"slices"
	"time"

	"lanyard/internal/token"
)

// State is where a signing key stands in its life. It follows from the key's own times, its
// successor's and the clock, so that it is nowhere stored and processes cannot disagree about it.
type State string

// The states in order. Keys are published in all three.
const (
	Next    State = "next"    // published so that verifiers learn of it; signs nothing yet
	Current State = "current" // signs
	Retired State = "retired" // signs no more; kept while tokens signed with it may live
)

// Schedule says how long a signing key stays in each state. The zero Schedule has the defaults.
type Schedule struct {
	// Period is between the first signatures of two keys; 0 means 30 days.
	Period time.Duration
	// Publish is how long a key is published before it signs: no shorter than verifiers cache key
	// sets; 0 means 24 hours (T15).
	Publish time.Duration
}

// MaxLife is the longest that a token may live from when it is minted.
const MaxLife = 24 * time.Hour

// keep is how long a key stays published after its successor has begun to sign: the longest life
// of a token, and an hour for the clocks of those who verify and of other processes that mint.
const keep = MaxLife + time.Hour

// span is what rotation needs to know of a key.
type span struct {
	made  time.Time
	signs time.Time // when it begins to sign
	ends  time.Time // when its certificate ends
}

func (s Schedule) filled() Schedule {
	if s.Period == 0 {
		s.Period = 30 * 24 * time.Hour
	}
	if s.Publish == 0 {
		s.Publish = 24 * time.Hour
	}
	return s
}

// born gives the times of a key made at now that begins to sign at signs. It can sign for one
// period more than planned, should nobody be there to make its successor.
func (s Schedule) born(now, signs time.Time) span {
	return span{made: now, signs: signs, ends: signs.Add(2*s.Period + s.Publish + keep)}
}

// canSign reports whether a token minted now may be signed with the key: it has begun, and its
// certificate outlives the token.
func (k span) canSign(now time.Time) bool {
	return !now.Before(k.signs) && !now.Add(MaxLife+token.Skew).After(k.ends)
}

// current gives the index of the key that signs at now, or -1: the last that has begun. Spans are
// in the order of their signs.
func current(keys []span, now time.Time) int {
	for i, k := range slices.Backward(keys) {
		if k.canSign(now) {
			return i
		}
	}
	return -1
}

// state says where each of the keys stands at now.
func state(keys []span, now time.Time) []State {
	states := make([]State, len(keys))
	signing := current(keys, now)
	for i, k := range keys {
		switch {
		case i == signing:
			states[i] = Current
		case now.Before(k.signs):
			states[i] = Next
		default:
			states[i] = Retired
		}
	}
	return states
}

// plan is what rotation asks for: a key to be made, keys to be dropped.
type plan struct {
	make *span // nil makes none
	drop []int // indexes
}

// plan gives what is to be done at now, by schedule or because forced asks for a rotation.
//
// A new key waits for Publish before it signs. The very first does not, as no verifier knows
// another; nor does one that replaces keys that have all ended, e.g. after a long sleep. When the
// clock stands before the first signature of every key, nothing is made: the clock is wrong, and
// another key would be one that no verifier knows.
func (s Schedule) plan(keys []span, now time.Time, forced bool) plan {
	s = s.filled()
	if len(keys) == 0 {
		first := s.born(now, now)
		return plan{make: &first}
	}
	p := plan{drop: s.spent(keys, now)}
	newest := keys[len(keys)-1]
	var made span
	switch due := newest.signs.Add(s.Period); {
	case now.Before(newest.signs):
		return p // its successor-to-be is already published, or the clock is wrong
	case current(keys, now) < 0:
		made = s.born(now, now)
	case forced || !now.Before(due.Add(-s.Publish)):
		made = s.born(now, now.Add(s.Publish))
	default:
		return p
	}
	p.make = &made
	return p
}

// spent gives the keys whose last token has ended: keep after their successor has begun to sign.
func (s Schedule) spent(keys []span, now time.Time) []int {
	var drop []int
	for i := range len(keys) - 1 {
		if !now.Before(keys[i+1].signs.Add(keep)) {
			drop = append(drop, i)
		}
	}
	return drop
}

// due gives how long after now the next plan will ask for something.
func (s Schedule) due(keys []span, now time.Time) time.Duration {
	s = s.filled()
	if len(keys) == 0 {
		return 0
	}
	next := keys[len(keys)-1].signs.Add(s.Period - s.Publish)
	for _, k := range keys[1:] {
		if gone := k.signs.Add(keep); gone.Before(next) {
			next = gone
		}
	}
	return next.Sub(now)
}
