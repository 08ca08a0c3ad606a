package issuer

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"lanyard/internal/cloud"
	"lanyard/internal/httpkit"
	"lanyard/internal/store"
	"lanyard/internal/token"
)

// ring is the keys as one revision of the store has them. It never changes once it is made.
type ring struct {
	stored map[string]*held // by store key; nil for a document that could not be opened
	keys   []*held          // in the order in which they sign
	byID   map[string]token.Key
	broken int
	last   int // the highest generation, opened or not
	pause  pause
}

// held is one opened key.
type held struct {
	span
	key      token.Key
	stored   string // its store key
	revision int64
}

// spans gives the keys as they stand at now by the world's clock.
func (i *Issuer) spans(r *ring, now time.Time) []span {
	spans := make([]span, len(r.keys))
	for n, k := range r.keys {
		spans[n] = k.span
		if i.Age != nil {
			spans[n].aged = max(0, i.Age(k.made)-max(0, now.Sub(k.made)))
		}
		spans[n].kept = r.pause.keeps(k.made)
	}
	return spans
}

// signs gives the index of the key that signs at now, or -1. The one that rotation was held at signs
// on while its certificate lets it.
func (r *ring) signs(spans []span, now time.Time) int {
	if r.pause.held() {
		for n, k := range r.keys {
			if k.key.ID == r.pause.Key && spans[n].canSign(now) {
				return n
			}
		}
	}
	return current(spans, now)
}

// published gives the keys that verifiers are shown: all that are not spent.
func (i *Issuer) published() (keys []*held, states []State) {
	r, now := i.ring.Load(), i.Now()
	spans := i.spans(r, now)
	for n, s := range state(spans, r.signs(spans, now), now) {
		if s != Spent {
			keys, states = append(keys, r.keys[n]), append(states, s)
		}
	}
	return keys, states
}

// follow takes in what changed under the keys' prefix.
func (i *Issuer) follow(b store.Batch) {
	stored, paused := map[string]*held{}, pause{}
	if old := i.ring.Load(); !b.Reset {
		maps.Copy(stored, old.stored)
		paused = old.pause
	}
	for _, e := range b.Events {
		if e.Key == keyPause {
			paused = i.readPause(e, paused)
			continue
		}
		if e.Value == nil {
			delete(stored, e.Key)
			continue
		}
		k, err := i.open(e)
		if err != nil {
			i.Log.Error("open signing key", httpkit.KeyError, err)
			if stored[e.Key] != nil {
				continue // the last good one serves on (T21)
			}
		}
		stored[e.Key] = k
	}
	r := arrange(stored)
	r.pause = paused
	i.ring.Store(r)
}

// arrange makes a ring of opened documents.
func arrange(stored map[string]*held) *ring {
	r := &ring{stored: stored, byID: map[string]token.Key{}}
	for name, k := range stored {
		r.last = max(r.last, generation(name))
		if k == nil {
			r.broken++
			continue
		}
		r.keys = append(r.keys, k)
	}
	slices.SortFunc(r.keys, func(a, b *held) int {
		if c := a.signs.Compare(b.signs); c != 0 {
			return c
		}
		return strings.Compare(a.stored, b.stored)
	})
	for _, k := range r.keys {
		public := k.key
		public.Private = nil
		r.byID[public.ID] = public
	}
	return r
}

// Keys are stored under their generation: whoever makes the next one claims its number, so that
// of two processes that start on one empty store only one makes the first key.

func storeKey(generation int) string { return fmt.Sprintf("%s%08d", cloud.KeysSigning, generation) }

func generation(storeKey string) int {
	n, err := strconv.Atoi(strings.TrimPrefix(storeKey, cloud.KeysSigning))
	if err != nil {
		return 0
	}
	return n
}

// changes gives the writes that carry out a plan.
func (i *Issuer) changes(r *ring, p plan) ([]store.Change, error) {
	var changes []store.Change
	if p.make != nil {
		name := storeKey(r.last + 1)
		value, kid, err := i.forge(name, *p.make)
		if err != nil {
			return nil, err
		}
		i.Log.Info("signing key made", httpkit.KeyKeyID, kid, "signs", p.make.signs)
		changes = append(changes, store.Change{Key: name, Value: value})
	}
	for _, n := range p.drop {
		i.Log.Info("signing key dropped", httpkit.KeyKeyID, r.keys[n].key.ID)
		changes = append(changes, store.Change{Key: r.keys[n].stored, If: r.keys[n].revision})
	}
	return changes, nil
}
