package store

import (
	"context"
	"errors"
	"sync"
)

// The bounds of a watcher's queue. What is beyond them is cheaper to list again than to keep.
const (
	maxQueued      = 1024
	maxQueuedBytes = 16 << 20
)

// watcher is one reader's place in a Feed.
type watcher struct {
	feed   *Feed
	prefix string
	seen   int64 // the last revision handed out; the delivering goroutine's own
	wake   chan struct{}
	stop   context.CancelFunc

	mu    sync.Mutex
	queue []Batch
	bytes int
	lost  bool
}

// push queues a batch, called in order under the feed's lock. Revisions without events only raise
// the number of a preceding one, so a quiet prefix costs nothing.
func (w *watcher) push(b Batch) {
	w.mu.Lock()
	defer w.mu.Unlock()
	defer w.ring()
	if w.lost {
		return // the snapshot that comes next has it
	}
	if n := len(w.queue); n > 0 && len(b.Events) == 0 && len(w.queue[n-1].Events) == 0 {
		w.queue[n-1].Revision = b.Revision
		return
	}
	w.queue = append(w.queue, b)
	w.bytes += b.Size()
	if len(w.queue) > maxQueued || w.bytes > maxQueuedBytes {
		w.queue, w.bytes, w.lost = nil, 0, true
	}
}

func (w *watcher) lose() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.queue, w.bytes, w.lost = nil, 0, true
	w.ring()
}

func (w *watcher) ring() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// take empties the queue. When the watcher is lost it begins to queue again: what comes from now
// on is newer than, or part of, the snapshot taken after this call.
func (w *watcher) take() (queue []Batch, lost bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	queue, lost = w.queue, w.lost
	w.queue, w.bytes, w.lost = nil, 0, false
	return queue, lost
}

// follow delivers until ctx ends.
func (w *watcher) follow(ctx context.Context, out chan<- Batch) {
	for {
		queue, lost := w.take()
		if lost && !w.restart(ctx, out) {
			return
		}
		for _, b := range queue {
			if !w.send(ctx, out, b) {
				return
			}
		}
		if lost || len(queue) > 0 {
			continue
		}
		select {
		case <-w.wake:
		case <-ctx.Done():
			return
		}
	}
}

// restart sends the whole state of the prefix.
func (w *watcher) restart(ctx context.Context, out chan<- Batch) bool {
	for {
		entries, revision, err := w.feed.Snapshot(ctx, w.prefix)
		if err == nil {
			w.seen = -1 // even a store at revision 0 has a state to tell
			return w.send(ctx, out, Batch{Revision: revision, Events: events(entries), Reset: true})
		}
		if !w.feed.pause(ctx) {
			return false
		}
	}
}

// resume sends what happened between the revision asked for and the one at which the watcher
// joined the feed.
func (w *watcher) resume(ctx context.Context, out chan<- Batch, upTo int64) bool {
	for {
		missed, err := w.feed.History(ctx, w.prefix, w.seen, upTo)
		if errors.Is(err, ErrCompacted) {
			w.lose()
			return true
		}
		if err != nil {
			if !w.feed.pause(ctx) {
				return false
			}
			continue
		}
		for _, b := range missed {
			if !w.send(ctx, out, b) {
				return false
			}
		}
		return w.send(ctx, out, Batch{Revision: upTo})
	}
}

// send delivers a batch unless its revision has been told already; false means that the watch has
// ended.
func (w *watcher) send(ctx context.Context, out chan<- Batch, b Batch) bool {
	if b.Revision <= w.seen {
		return ctx.Err() == nil
	}
	select {
	case out <- b:
		w.seen = b.Revision
		return true
	case <-ctx.Done():
		return false
	}
}

func events(entries []Entry) []Event {
	all := make([]Event, len(entries))
	for i, e := range entries {
		all[i] = Event(e)
	}
	return all
}

// Size is how many bytes of keys and values the batch holds.
func (b Batch) Size() int {
	n := 0
	for _, e := range b.Events {
		n += len(e.Key) + len(e.Value)
	}
	return n
}
