// Package directory knows who exists and what they were granted, kept fresh from the store.
//
// It must not know how anyone proves who they are, or what a token looks like.
package directory

import (
	"context"
	"crypto/rand"
	"io"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"lanyard/internal/cloud"
	"lanyard/internal/store"
)

// Directory is the view in memory of principals, groups, applications, role definitions, role assignments and deny
// assignments. No question that it answers waits for the store. What it gives is shared: callers
// read it and do not change it.
type Directory struct {
	Store  store.Store
	Tenant cloud.TenantID
	Now    func() time.Time // nil is time.Now
	Rand   io.Reader        // nil is crypto/rand
	Log    *slog.Logger     // nil discards
	// Age says how old something is by the world's clock; nil means the real time since then.
	Age func(born time.Time) time.Duration
	// Timing says what the world does late; nil does nothing late.
	Timing func() cloud.Timing

	recalls atomic.Pointer[recalls]

	once   sync.Once
	views  [2]*store.View
	mu     sync.RWMutex
	people *people
	rights *rights // as they are in the store
	judged *rights // as decisions know them: the same, unless something is coming
	coming []late
	nudge  chan struct{} // asks the loop to look at the clock now
	trusts *trusts
	held   held
}

// open prepares what the zero Directory lacks.
func (d *Directory) open() {
	d.once.Do(func() {
		if d.Now == nil {
			d.Now = time.Now
		}
		if d.Rand == nil {
			d.Rand = rand.Reader
		}
		if d.Log == nil {
			d.Log = slog.New(slog.DiscardHandler)
		}
		if d.Age == nil {
			d.Age = func(born time.Time) time.Duration { return d.Now().Sub(born) }
		}
		d.people, d.rights, d.trusts = newPeople(), newRights(), newTrusts()
		d.judged, d.nudge = d.rights, make(chan struct{}, 1)
		d.recalls.Store(newRecalls())
		d.views[0] = store.NewView(d.Store, keysDirectory)
		d.views[0].OnChange(d.meet)
		d.views[1] = store.NewView(d.Store, cloud.KeysARM)
		d.views[1].OnChange(d.learn)
	})
}

// meet takes in what has changed among principals, groups and applications.
func (d *Directory) meet(b store.Batch) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if b.Reset {
		d.people = newPeople()
	}
	d.people.apply(b.Events, d.Log)
	if b.Reset || touches(b, cloud.KeysGroup) {
		d.held.empty()
	}
	d.recalls.Store(d.recalls.Load().with(b, d.Log))
}

// outlives reports whether tokens live on when their identity is gone.
func (d *Directory) outlives() bool { return d.Timing != nil && d.Timing().Outlive }

// learn takes in what has changed among resource documents.
func (d *Directory) learn(b store.Batch) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if b.Reset {
		d.rights, d.trusts = newRights(), newTrusts()
		d.judged, d.coming = d.rights, nil
	}
	d.postpone(b)
	d.rights.apply(b.Events, d.Log)
	if b.Reset || touches(b, authorization) {
		d.held.empty()
	}
	d.trusts.apply(b.Events, d.Log)
}

// touches reports whether a batch changes documents whose keys hold a text.
func touches(b store.Batch, text string) bool {
	return slices.ContainsFunc(b.Events, func(e store.Event) bool { return strings.Contains(e.Key, text) })
}

// Run follows the store until ctx ends.
func (d *Directory) Run(ctx context.Context) error {
	d.open()
	return store.Together(ctx, d.views[0].Run, d.views[1].Run, d.propagating)
}

// Ready waits until the directory has heard from the store.
func (d *Directory) Ready(ctx context.Context) error { return d.Await(ctx, 0) }

// Await waits until the directory has seen everything up to store revision rev.
func (d *Directory) Await(ctx context.Context, rev int64) error {
	d.open()
	for _, v := range d.views {
		if err := v.Await(ctx, rev); err != nil {
			return err
		}
	}
	return nil
}

// Role finds a role definition by its GUID, built-in or custom.
func (d *Directory) Role(guid string) (cloud.Role, bool) {
	d.open()
	d.mu.RLock()
	defer d.mu.RUnlock()
	return d.rights.role(guid)
}

// Roles gives all role definitions: the built-in ones by id, then the custom ones by name.
func (d *Directory) Roles() []cloud.Role {
	d.open()
	d.mu.RLock()
	defer d.mu.RUnlock()
	return d.rights.roles()
}
