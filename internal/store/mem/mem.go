// Package mem keeps a store in memory, for tests and worlds that leave nothing behind.
//
// It must not know any other driver, nor what the documents mean.
package mem

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	"lanyard/internal/store"
)

// The bounds of what is kept for watchers that resume.
const (
	maxHistory      = 1000
	maxHistoryBytes = 64 << 20
)

// Store is a store.Store whose state ends with the process. New makes one.
type Store struct {
	feed store.Feed

	mu       sync.Mutex
	entries  map[string]store.Entry
	revision int64
	history  []store.Batch
	bytes    int   // of the values in history
	floor    int64 // history holds everything after this revision
	closed   bool
}

// New makes an empty store.
func New() *Store {
	s := &Store{entries: map[string]store.Entry{}}
	s.feed.Snapshot, s.feed.History = s.List, s.since
	return s
}

// Get is store.Store.
func (s *Store) Get(ctx context.Context, key string) (store.Entry, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.usable(ctx); err != nil {
		return store.Entry{}, fmt.Errorf("get %s: %w", key, err)
	}
	e := s.entries[key]
	e.Key, e.Value = key, bytes.Clone(e.Value)
	return e, nil
}

// List is store.Store.
func (s *Store) List(ctx context.Context, prefix string) ([]store.Entry, int64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.usable(ctx); err != nil {
		return nil, 0, fmt.Errorf("list %s: %w", prefix, err)
	}
	var under []store.Entry
	for key, e := range s.entries {
		if strings.HasPrefix(key, prefix) {
			e.Value = bytes.Clone(e.Value)
			under = append(under, e)
		}
	}
	slices.SortFunc(under, func(a, b store.Entry) int { return strings.Compare(a.Key, b.Key) })
	return under, s.revision, nil
}

// Commit is store.Store.
func (s *Store) Commit(ctx context.Context, changes ...store.Change) (int64, error) {
	if err := store.Check(changes); err != nil {
		return 0, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.usable(ctx); err != nil {
		return 0, fmt.Errorf("commit: %w", err)
	}
	for _, c := range changes {
		if c.If != store.Any && s.entries[c.Key].Revision != c.If {
			return 0, fmt.Errorf("commit %s: %w", c.Key, store.ErrConflict)
		}
	}
	events := s.write(changes)
	if len(events) > 0 {
		s.revision++
		b := store.Batch{Revision: s.revision, Events: events}
		s.remember(b)
		s.feed.Publish(b)
	}
	return s.revision, nil
}

// write makes the changes at the next revision and gives what they changed: deleting what does not
// exist changes nothing.
func (s *Store) write(changes []store.Change) []store.Event {
	var events []store.Event
	for _, c := range changes {
		_, exists := s.entries[c.Key]
		if c.Check || c.Value == nil && !exists {
			continue
		}
		e := store.Entry{Key: c.Key, Value: bytes.Clone(c.Value), Revision: s.revision + 1}
		if c.Value == nil {
			delete(s.entries, c.Key)
		} else {
			s.entries[c.Key] = e
		}
		events = append(events, store.Event(e))
	}
	return events
}

// Watch is store.Store.
func (s *Store) Watch(ctx context.Context, prefix string, from int64) <-chan store.Batch {
	return s.feed.Watch(ctx, prefix, from)
}

// Close is store.Store. What was committed is gone with the last reference to the store.
func (s *Store) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	s.feed.Close()
	return nil
}

func (s *Store) usable(ctx context.Context) error {
	if s.closed {
		return store.ErrClosed
	}
	return ctx.Err()
}
