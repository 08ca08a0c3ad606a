package store

import (
	"context"
	"errors"
	"strings"
	"sync"
	"time"
)

var (
	// ErrCompacted says that the history asked for is no longer kept.
	ErrCompacted = errors.New("store: that history has been compacted away")
	// ErrInUse says that another process has opened the store, and only one may.
	ErrInUse = errors.New("store: in use")
)

// Feed carries a driver's commits to its watchers. A driver publishes every revision once, in
// order; the Feed filters by prefix, tells watchers of revisions that did not touch theirs, and
// starts a watcher over with a Reset when its place is gone. A watcher that does not read delays
// nobody: its queue is bounded, and when it overflows that watcher alone is started over.
type Feed struct {
	// Snapshot is the driver's List.
	Snapshot func(ctx context.Context, prefix string) ([]Entry, int64, error)
	// History gives what changed under prefix after one revision and up to another, in order, or
	// ErrCompacted.
	History func(ctx context.Context, prefix string, after, upTo int64) ([]Batch, error)
	// Retry is how long a watcher waits before it asks again after Snapshot or History failed; 0
	// means a tenth of a second.
	Retry time.Duration

	mu       sync.Mutex
	revision int64
	watchers map[*watcher]bool
	closed   bool
}

// Start says at which revision publishing begins. It comes before the first Watch.
func (f *Feed) Start(revision int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.revision = revision
}

// Revision gives the last revision published.
func (f *Feed) Revision() int64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.revision
}

// Publish hands on everything that one transaction changed.
func (f *Feed) Publish(b Batch) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.revision = b.Revision
	for w := range f.watchers {
		w.push(Batch{Revision: b.Revision, Events: Under(b.Events, w.prefix)})
	}
}

// Reset starts every watcher over, because the driver itself lost its place, and goes on from
// revision.
func (f *Feed) Reset(revision int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.revision = revision
	for w := range f.watchers {
		w.lose()
	}
}

// Close ends every watch.
func (f *Feed) Close() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.closed = true
	for w := range f.watchers {
		w.stop()
	}
}

// Watch is Store.Watch.
func (f *Feed) Watch(ctx context.Context, prefix string, from int64) <-chan Batch {
	ctx, stop := context.WithCancel(ctx)
	out := make(chan Batch)
	w := &watcher{feed: f, prefix: prefix, seen: from, lost: from <= 0, wake: make(chan struct{}, 1), stop: stop}

	f.mu.Lock()
	joined := f.revision
	if f.closed {
		stop()
	} else {
		if f.watchers == nil {
			f.watchers = map[*watcher]bool{}
		}
		f.watchers[w] = true
	}
	f.mu.Unlock()

	go func() {
		defer close(out)
		defer f.leave(w)
		if from > 0 && from < joined && !w.resume(ctx, out, joined) {
			return
		}
		w.follow(ctx, out)
	}()
	return out
}

func (f *Feed) leave(w *watcher) {
	w.stop()
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.watchers, w)
}

// pause waits before another attempt; false means that the watch has ended.
func (f *Feed) pause(ctx context.Context) bool {
	wait := f.Retry
	if wait == 0 {
		wait = 100 * time.Millisecond
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// Under gives the events whose keys start with prefix.
func Under(events []Event, prefix string) []Event {
	var under []Event
	for _, e := range events {
		if strings.HasPrefix(e.Key, prefix) {
			under = append(under, e)
		}
	}
	return under
}
