package issuer

import (
	"errors"
	"slices"
	"time"

	"lanyard/internal/token"
)

// State is where a signing key stands in its life. It follows from the key's own times, its
// successor's and the clock, so that it is nowhere stored and processes cannot disagree about it.
type State string

// The states in order. Keys are published in the first three.
const (
	Next    State = "next"    // published so that verifiers learn of it; signs nothing yet
	Current State = "current" // signs
	Retired State = "retired" // signs no more; kept while tokens signed with it may live
	// Spent keys are so only because the world's clock was moved: every token signed with them has aged
	// out. They are kept for as long as they would be without, so that those tokens are still refused by
	// name, and are good again when the clock is reset.
	Spent State = "spent"
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

// maxKeys bounds the keys that are kept at once. Only moving the clock again and again within a day
// makes so many: then the last one signs on.
const maxKeys = 64

// ErrTooManyKeys says that as many keys are kept as there may be.
var ErrTooManyKeys = errors.New("issuer: too many signing keys at once")

// span is what rotation needs to know of a key. Its times are real ones.
type span struct {
	made  time.Time
	signs time.Time     // when it begins to sign
	ends  time.Time     // when its certificate ends
	aged  time.Duration // by how much the world's clock has made it older than it is
	kept  time.Time     // until when it is kept in any case, since rotation was held; zero otherwise
}

// begins gives when, as its age has it, the key begins to sign. Its certificate does not age: what is
// written in it others read.
func (k span) begins() time.Time { return k.signs.Add(-k.aged) }

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
func (k span) canSign(now time.Time) bool { return !now.Before(k.begins()) && k.outlives(now) }

// outlives reports whether the key's certificate outlives whatever is signed now.
func (k span) outlives(now time.Time) bool { return !now.Add(MaxLife + token.Skew).After(k.ends) }

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

// state says where each of the keys stands at now, when the one with the index signing signs.
func state(keys []span, signing int, now time.Time) []State {
	states := make([]State, len(keys))
	for i, k := range keys {
		switch {
		case i == signing:
			states[i] = Current
		case now.Before(k.begins()), i > signing && signing >= 0:
			states[i] = Next
		case i+1 < len(keys) && !now.Before(keys[i+1].begins().Add(keep)) && !now.Before(k.kept):
			states[i] = Spent
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
	switch due := newest.begins().Add(s.Period); {
	case now.Before(newest.begins()):
		return p // its successor-to-be is already published, or the clock is wrong
	case current(keys, now) < 0:
		made = s.born(now, now)
	case len(keys) >= maxKeys:
		return p
	case forced || !now.Before(due.Add(-s.Publish)):
		made = s.born(now, now.Add(s.Publish))
	default:
		return p
	}
	p.make = &made
	return p
}

// spent gives the keys whose last token has ended: keep after their successor has begun to sign. It
// goes by real time, which age never lags behind, so that no reset of the clock misses a key.
func (s Schedule) spent(keys []span, now time.Time) []int {
	var drop []int
	for i := range len(keys) - 1 {
		if !now.Before(keys[i+1].signs.Add(keep)) && !now.Before(keys[i].kept) {
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
	next := keys[len(keys)-1].begins().Add(s.Period - s.Publish)
	if len(keys) >= maxKeys {
		next = now.Add(s.Period) // none is made before one goes
	}
	for i, k := range keys[1:] {
		gone := k.signs.Add(keep)
		if kept := keys[i].kept; kept.After(gone) {
			gone = kept
		}
		if gone.Before(next) {
			next = gone
		}
	}
	return next.Sub(now)
}
