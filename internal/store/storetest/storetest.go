// Package storetest holds what every store must do, each case with the reason it exists.
//
// It must not know any driver.
package storetest

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"lanyard/internal/store"
)

// Options are what a driver can do besides being a store.Store. Cases that need what is nil do not
// run.
type Options struct {
	// Compact forgets the history up to and with a revision.
	Compact func(t *testing.T, s store.Store, revision int64)
	// Reopen closes a store and opens it again on the same state.
	Reopen func(t *testing.T, s store.Store) store.Store
}

// conformance is one thing that a store must do.
type conformance struct {
	name    string
	because string
	run     func(*testing.T, trial)
}

// Run tries the store that open gives, a fresh and empty one for each case. Cases run side by side,
// so open is called from several goroutines.
func Run(t *testing.T, open func(*testing.T) store.Store, options ...Options) {
	var o Options
	if len(options) > 0 {
		o = options[0]
	}
	all := [][]conformance{commitCases, writerCases, listCases, watchCases, viewCases, largeCases}
	if o.Compact != nil {
		all = append(all, compactCases)
	}
	if o.Reopen != nil {
		all = append(all, reopenCases)
	}
	for _, cases := range all {
		for _, c := range cases {
			t.Run(c.name, func(t *testing.T) {
				t.Parallel()
				s := open(t)
				t.Cleanup(func() { s.Close() })
				t.Cleanup(func() {
					if t.Failed() {
						t.Logf("this matters because %s", c.because)
					}
				})
				c.run(t, trial{Store: s, Options: o})
			})
		}
	}
}

// trial is a store under test with what the cases keep saying.
type trial struct {
	store.Store
	Options
}

// within is far more than any answer takes.
func within(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func (s trial) commit(t *testing.T, changes ...store.Change) int64 {
	t.Helper()
	revision, err := s.Commit(within(t), changes...)
	if err != nil {
		t.Fatalf("commit: %v", err)
	}
	return revision
}

func (s trial) put(t *testing.T, key, value string) int64 {
	t.Helper()
	return s.commit(t, store.Change{Key: key, Value: []byte(value), If: store.Any})
}

func (s trial) remove(t *testing.T, key string) int64 {
	t.Helper()
	return s.commit(t, store.Change{Key: key, If: store.Any})
}

// refuse expects a transaction to fail with want, which may be nil for any error, and to leave no
// trace.
func (s trial) refuse(t *testing.T, want error, changes ...store.Change) {
	t.Helper()
	before, at := s.state(t)
	if _, err := s.Commit(within(t), changes...); err == nil || want != nil && !errors.Is(err, want) {
		t.Errorf("commit gave %v, want %v", err, want)
	}
	after, now := s.state(t)
	if before != after {
		t.Errorf("a refused transaction changed %s\nto %s", before, after)
	}
	if want != nil && at != now && errors.Is(want, store.ErrTooMany) {
		t.Errorf("a transaction refused unseen moved the revision from %d to %d", at, now)
	}
}

func (s trial) get(t *testing.T, key string) store.Entry {
	t.Helper()
	e, err := s.Get(within(t), key)
	if err != nil {
		t.Fatalf("get %s: %v", key, err)
	}
	return e
}

func (s trial) list(t *testing.T, prefix string) ([]store.Entry, int64) {
	t.Helper()
	entries, revision, err := s.List(within(t), prefix)
	if err != nil {
		t.Fatalf("list %s: %v", prefix, err)
	}
	return entries, revision
}

// state gives everything there is as text, and the revision.
func (s trial) state(t *testing.T) (string, int64) {
	t.Helper()
	entries, revision := s.list(t, "")
	return text(entries), revision
}

// text spells documents briefly, with what tells them apart.
func text(entries []store.Entry) string {
	spelled := ""
	for _, e := range entries {
		value := string(e.Value)
		if len(value) > 20 {
			value = fmt.Sprintf("%.8s…%d bytes", value, len(value))
		}
		spelled += fmt.Sprintf("%s=%q@%d ", e.Key, value, e.Revision)
	}
	return spelled
}

// write makes an unconditional change.
func write(key, value string) store.Change {
	return store.Change{Key: key, Value: []byte(value), If: store.Any}
}
