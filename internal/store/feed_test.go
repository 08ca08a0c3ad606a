package store

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
)

// ledger is the least driver: it can be listed, and its answers can be made to fail.
type ledger struct {
	feed     Feed
	revision int64
	failing  atomic.Bool
	listed   int
}

func newLedger(revision int64) *ledger {
	l := &ledger{revision: revision}
	answer := func() error {
		if l.failing.Load() {
			return errors.New("out of reach")
		}
		return nil
	}
	l.feed.Snapshot = func(context.Context, string) ([]Entry, int64, error) {
		l.listed++
		return []Entry{{Key: "/a", Value: fmt.Append(nil, l.revision), Revision: l.revision}}, l.revision, answer()
	}
	l.feed.History = func(_ context.Context, _ string, after, upTo int64) ([]Batch, error) {
		var missed []Batch
		for r := after + 1; r <= upTo; r++ {
			missed = append(missed, batchAt(r, 1))
		}
		return missed, answer()
	}
	l.feed.Start(revision)
	return l
}

func batchAt(revision int64, size int) Batch {
	return Batch{Revision: revision, Events: []Event{{Key: "/a", Value: make([]byte, size), Revision: revision}}}
}

func (l *ledger) write(size int) {
	l.revision++
	l.feed.Publish(batchAt(l.revision, size))
}

func TestAWatcherThatFellBehindStartsOver(t *testing.T) {
	for name, size := range map[string]int{"in number": 1, "in bytes": maxQueuedBytes / 10} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, stop := context.WithCancel(t.Context())
				defer stop()
				l := newLedger(1)
				watch := l.feed.Watch(ctx, "/", 1)
				l.write(1)
				synctest.Wait() // the watcher is stuck with this one
				for range map[bool]int{true: maxQueued + 1, false: 11}[size == 1] {
					l.write(size)
				}
				var got []Batch
				for len(got) == 0 || got[len(got)-1].Revision < l.revision {
					got = append(got, <-watch)
				}
				if last := got[len(got)-1]; !last.Reset || l.listed != 1 || len(got) != 2 {
					t.Errorf("after %d batches and %d lists the last is %v at %d", len(got), l.listed, last.Reset, last.Revision)
				}
				l.write(1)
				if b := <-watch; b.Reset || b.Revision != l.revision {
					t.Errorf("then came %v at %d, want an ordinary batch at %d", b.Reset, b.Revision, l.revision)
				}
			})
		})
	}
}

func TestRevisionsThatTouchNothingTakeNoRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		l := newLedger(1)
		watch := l.feed.Watch(ctx, "/other", 1)
		for range 10 * maxQueued {
			l.write(1)
		}
		n := 0
		for b := range watch {
			if n++; b.Revision == l.revision {
				break
			}
		}
		if n > 3 || l.listed != 0 {
			t.Errorf("%d batches and %d lists told of revisions that touched nothing", n, l.listed)
		}
	})
}

func TestADriverThatFailsIsAskedAgain(t *testing.T) {
	for name, from := range map[string]int64{"for a list": 0, "for history": 1} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, stop := context.WithCancel(t.Context())
				defer stop()
				l := newLedger(3)
				l.failing.Store(true)
				watch := l.feed.Watch(ctx, "/", from)
				synctest.Wait()
				l.failing.Store(false)
				for b := range watch {
					if b.Revision == l.revision {
						return
					}
				}
				t.Error("the watch ended")
			})
		})
	}
}

func TestADriverThatLostItsPlaceStartsEverybodyOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		l := newLedger(1)
		watch := l.feed.Watch(ctx, "/", 1)
		l.revision = 50
		l.feed.Reset(50)
		if b := <-watch; !b.Reset || b.Revision != 50 {
			t.Errorf("heard %+v", b)
		}
		l.feed.Close()
		if _, open := <-watch; open {
			t.Error("a closed feed goes on")
		}
	})
}
