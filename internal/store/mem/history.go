package mem

import (
	"context"

	"lanyard/internal/store"
)

// remember keeps a batch for watchers that resume, and forgets the oldest beyond the bounds.
func (s *Store) remember(b store.Batch) {
	s.history = append(s.history, b)
	s.bytes += b.Size()
	for len(s.history) > maxHistory || s.bytes > maxHistoryBytes {
		s.forget(s.history[0].Revision)
	}
}

// forget drops the history up to revision.
func (s *Store) forget(revision int64) {
	for len(s.history) > 0 && s.history[0].Revision <= revision {
		s.bytes -= s.history[0].Size()
		s.history = s.history[1:]
	}
	s.floor = max(s.floor, revision)
}

// since is store.Feed's History.
func (s *Store) since(_ context.Context, prefix string, after, upTo int64) ([]store.Batch, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if after < s.floor {
		return nil, store.ErrCompacted
	}
	var missed []store.Batch
	for _, b := range s.history {
		if b.Revision <= after || b.Revision > upTo {
			continue
		}
		if events := store.Under(b.Events, prefix); len(events) > 0 {
			missed = append(missed, store.Batch{Revision: b.Revision, Events: events})
		}
	}
	return missed, nil
}
