package directory

import (
	"context"
	"maps"
	"slices"
	"time"

	"lanyard/internal/cloud"
	"lanyard/internal/store"
)

// late is a change of roles or their assignments that decisions do not know of yet (AC-6).
type late struct {
	since  time.Time // when it was seen
	events []store.Event
}

// propagation is for how long decisions do not know of such a change.
func (d *Directory) propagation() time.Duration {
	if d.Timing == nil {
		return 0
	}
	return d.Timing().RolePropagation
}

// postpone keeps a batch back from decisions, which go by the rights as they are before it. The caller
// holds the lock. What was there when this process began was seen by others long ago and is not kept back.
func (d *Directory) postpone(b store.Batch) {
	if b.Reset || d.propagation() == 0 || !touches(b, authorization) {
		return
	}
	if d.judged == d.rights {
		d.judged = d.rights.clone()
	}
	d.coming = append(d.coming, late{d.Now(), b.Events})
	d.Wake()
}

// propagate lets decisions know of what has been kept back long enough, and gives how long the next has
// to wait; 0 when there is none.
func (d *Directory) propagate() time.Duration {
	d.mu.Lock()
	defer d.mu.Unlock()
	after := d.propagation()
	for len(d.coming) > 0 {
		first := d.coming[0]
		if wait := after - d.Age(first.since); wait > 0 {
			return wait
		}
		d.coming = d.coming[1:]
		d.judged.apply(first.events, d.Log)
		d.held.empty()
	}
	d.judged = d.rights // both say the same now
	return 0
}

// Wake has the directory look at the clock and the timing now: they were changed.
func (d *Directory) Wake() {
	d.open()
	select {
	case d.nudge <- struct{}{}:
	default: // it is already about to
	}
}

// propagating lets decisions know of changes as their time comes, until ctx ends.
func (d *Directory) propagating(ctx context.Context) error {
	for {
		var due <-chan time.Time
		if wait := d.propagate(); wait > 0 {
			due = time.After(wait)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-d.nudge:
		case <-due:
		}
	}
}

// clone gives rights that can go on by themselves.
func (r *rights) clone() *rights {
	c := *r
	c.assignments, c.denials, c.rules = maps.Clone(r.assignments), maps.Clone(r.denials), maps.Clone(r.rules)
	c.grants = maps.Clone(r.grants) // its slices are replaced, never changed
	c.keys = make(map[cloud.PrincipalID][]string, len(r.keys))
	for p, keys := range r.keys {
		c.keys[p] = slices.Clone(keys)
	}
	c.custom = make(map[string]map[string]cloud.Role, len(r.custom))
	for guid, roles := range r.custom {
		c.custom[guid] = maps.Clone(roles)
	}
	return &c
}
