package store

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
)

// View is a copy in memory of what is under a prefix, kept fresh by the store's watch, so that no
// read waits for the store. It is safe for concurrent use; the values it gives are shared and must
// not be changed.
type View struct {
	store  Store
	prefix string

	mu       sync.RWMutex
	entries  map[string]Entry
	keys     []string // of entries, sorted
	revision int64
	ready    bool
	ended    bool
	moved    chan struct{} // closed and replaced whenever the fields above have moved on
	changed  func(Batch)
}

// NewView makes a view of what is under prefix. It is empty until Run has heard from the store.
func NewView(s Store, prefix string) *View {
	return &View{store: s, prefix: prefix, entries: map[string]Entry{}, moved: make(chan struct{})}
}

// OnChange names a function that is told of every batch with changes, in order, once Get and List
// show it and before Await of its revision returns. It is set before Run.
func (v *View) OnChange(changed func(Batch)) { v.changed = changed }

// Run follows the store until ctx ends, which is no error, or the store closes, which is
// ErrClosed.
func (v *View) Run(ctx context.Context) error {
	v.settle(func() { v.ended = false })
	defer v.settle(func() { v.ended = true })
	for b := range v.store.Watch(ctx, v.prefix, 0) {
		v.apply(b)
		if v.changed != nil && (b.Reset || len(b.Events) > 0) {
			v.changed(b)
		}
		v.settle(func() { v.revision, v.ready = b.Revision, true })
	}
	if ctx.Err() != nil {
		return nil
	}
	return fmt.Errorf("follow %s: %w", v.prefix, ErrClosed)
}

// apply makes one batch visible, all of it at once.
func (v *View) apply(b Batch) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if b.Reset {
		v.entries = make(map[string]Entry, len(b.Events))
		for _, e := range b.Events {
			v.entries[e.Key] = Entry(e)
		}
		v.keys = slices.Sorted(maps.Keys(v.entries))
		return
	}
	for _, e := range b.Events {
		at, known := slices.BinarySearch(v.keys, e.Key)
		switch {
		case e.Value == nil && known:
			v.keys = slices.Delete(v.keys, at, at+1)
			delete(v.entries, e.Key)
		case e.Value != nil:
			if !known {
				v.keys = slices.Insert(v.keys, at, e.Key)
			}
			v.entries[e.Key] = Entry(e)
		}
	}
}

// settle changes the view's progress and wakes those who wait for it.
func (v *View) settle(change func()) {
	v.mu.Lock()
	defer v.mu.Unlock()
	change()
	close(v.moved)
	v.moved = make(chan struct{})
}

// Ready waits until the view has heard from the store for the first time.
func (v *View) Ready(ctx context.Context) error { return v.Await(ctx, 0) }

// Await waits until the view shows everything up to revision rev of the store: a writer that
// awaits what Commit gave it reads its own writes. It fails with ErrClosed when Run has ended.
func (v *View) Await(ctx context.Context, rev int64) error {
	for {
		v.mu.RLock()
		reached, ended, moved := v.ready && v.revision >= rev, v.ended, v.moved
		v.mu.RUnlock()
		if reached {
			return nil
		}
		if ended {
			return fmt.Errorf("await revision %d of %s: %w", rev, v.prefix, ErrClosed)
		}
		select {
		case <-moved:
		case <-ctx.Done():
			return fmt.Errorf("await revision %d of %s: %w", rev, v.prefix, ctx.Err())
		}
	}
}

// Revision gives the revision of the store up to which the view shows everything; 0 before Ready.
func (v *View) Revision() int64 {
	v.mu.RLock()
	defer v.mu.RUnlock()
	return v.revision
}

// Get gives the document under key.
func (v *View) Get(key string) (Entry, bool) {
	v.mu.RLock()
	defer v.mu.RUnlock()
	e, ok := v.entries[key]
	return e, ok
}

// List gives the documents whose keys start with prefix, in key order. Keys are whole ones: they
// include the prefix of the view.
func (v *View) List(prefix string) []Entry {
	v.mu.RLock()
	defer v.mu.RUnlock()
	from, _ := slices.BinarySearch(v.keys, prefix)
	var under []Entry
	for _, key := range v.keys[from:] {
		if !strings.HasPrefix(key, prefix) {
			break
		}
		under = append(under, v.entries[key])
	}
	return under
}
