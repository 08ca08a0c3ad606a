package platform

import (
	"context"
	"encoding/json"
	"log/slog"
	"sync/atomic"
	"time"

	"lanyard/internal/cloud"
	"lanyard/internal/httpkit"
	"lanyard/internal/store"
)

// clock is the world's one clock, and what the world does late, as the store has them: each node sees
// both, and whoever asks takes no lock.
type clock struct {
	store store.Store
	now   func() time.Time
	log   *slog.Logger
	// fixed says that this clock is never moved: others trust the tokens of a world that has a domain of
	// its own.
	fixed bool

	moved  atomic.Pointer[cloud.Clock]
	timing atomic.Pointer[cloud.Timing]
	views  [2]*store.View
	// wake is told when the clock was moved, or the timing changed.
	wake []func()
}

func newClock(s store.Store, profile cloud.Profile, now func() time.Time, log *slog.Logger) *clock {
	c := &clock{store: s, now: now, log: log, fixed: profile.Name != cloud.Azure.Name}
	c.moved.Store(&cloud.Clock{})
	c.timing.Store(&cloud.Instant)
	c.views[0] = store.NewView(s, cloud.KeyClock)
	c.views[0].OnChange(func(b store.Batch) {
		follow(c, b, cloud.Clock{}, &c.moved)
		c.changed()
	})
	c.views[1] = store.NewView(s, cloud.KeyTiming)
	c.views[1].OnChange(func(b store.Batch) {
		follow(c, b, cloud.Instant, &c.timing)
		c.changed()
	})
	return c
}

func (c *clock) changed() {
	for _, wake := range c.wake {
		wake()
	}
}

// follow takes in what a batch says of a view's one document; one that cannot be read leaves what was
// known.
func follow[T any](c *clock, b store.Batch, absent T, into *atomic.Pointer[T]) {
	found, value := b.Reset, absent
	for _, e := range b.Events {
		read := absent
		if e.Value != nil {
			if err := json.Unmarshal(e.Value, &read); err != nil {
				c.log.Error("document cannot be read", httpkit.KeyDocument, e.Key, httpkit.KeyError, err)
				return
			}
		}
		found, value = true, read
	}
	if found {
		into.Store(&value)
	}
}

// Age says how old something is by this clock that came to be at born.
func (c *clock) Age(born time.Time) time.Duration {
	if c.fixed {
		return c.now().Sub(born)
	}
	return c.moved.Load().Age(born, c.now())
}

// Timing says what the world does late.
func (c *clock) Timing() cloud.Timing { return *c.timing.Load() }

// Run follows the store until ctx ends.
func (c *clock) Run(ctx context.Context) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	ended := make(chan error, len(c.views))
	for _, v := range c.views {
		go func() { ended <- v.Run(ctx) }()
	}
	first := <-ended
	stop()
	if second := <-ended; first == nil {
		return second
	}
	return first
}

// Ready waits until the clock has heard from the store.
func (c *clock) Ready(ctx context.Context) error { return c.Await(ctx, 0) }

// Await waits until the clock has seen everything up to a revision of the store.
func (c *clock) Await(ctx context.Context, revision int64) error {
	for _, v := range c.views {
		if err := v.Await(ctx, revision); err != nil {
			return err
		}
	}
	return nil
}
