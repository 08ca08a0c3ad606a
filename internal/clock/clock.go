// Package clock keeps a world's one clock, by which what exists grows old.
//
// It must not know what grows old, or what happens to it then: it is asked for ages.
package clock

import (
	"context"
	"encoding/json"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"lanyard/internal/cloud"
	"lanyard/internal/httpkit"
	"lanyard/internal/store"
)

// Clock is how the world's clock was moved, and what the world does late, as the store has them: each
// process of the world sees both, and whoever asks takes no lock.
type Clock struct {
	Store store.Store
	// Profile is the cloud that the world passes for. Where that is not Azure, the clock is never moved:
	// others trust the tokens of a world that has a domain of its own.
	Profile cloud.Profile
	Now     func() time.Time // nil means time.Now
	Log     *slog.Logger     // nil discards

	once   sync.Once
	moved  atomic.Pointer[cloud.Clock]
	timing atomic.Pointer[cloud.Timing]
	views  [2]*store.View
	wake   []func()
}

// open prepares what the zero Clock lacks.
func (c *Clock) open() {
	c.once.Do(func() {
		if c.Now == nil {
			c.Now = time.Now
		}
		if c.Log == nil {
			c.Log = slog.New(slog.DiscardHandler)
		}
		c.moved.Store(&cloud.Clock{})
		c.timing.Store(&cloud.Instant)
		c.views[0] = store.NewView(c.Store, cloud.KeyClock)
		c.views[0].OnChange(func(b store.Batch) { follow(c, b, cloud.Clock{}, &c.moved) })
		c.views[1] = store.NewView(c.Store, cloud.KeyTiming)
		c.views[1].OnChange(func(b store.Batch) { follow(c, b, cloud.Instant, &c.timing) })
	})
}

// OnChange has the clock tell that it was moved, or that the timing changed, before Await of that change
// returns. It is set before Run.
func (c *Clock) OnChange(wake ...func()) { c.wake = append(c.wake, wake...) }

// follow takes in what a batch says of a view's one document; one that cannot be read leaves what was
// known.
func follow[T any](c *Clock, b store.Batch, absent T, into *atomic.Pointer[T]) {
	found, value := b.Reset, absent
	for _, e := range b.Events {
		read := absent
		if e.Value != nil {
			if err := json.Unmarshal(e.Value, &read); err != nil {
				c.Log.Error("document cannot be read", httpkit.KeyDocument, e.Key, httpkit.KeyError, err)
				return
			}
		}
		found, value = true, read
	}
	if found {
		into.Store(&value)
	}
	for _, wake := range c.wake {
		wake()
	}
}

// Age says how old something is by this clock that came to be at born.
func (c *Clock) Age(born time.Time) time.Duration {
	c.open()
	if c.fixed() {
		return c.Now().Sub(born)
	}
	return c.moved.Load().Age(born, c.Now())
}

func (c *Clock) fixed() bool { return c.Profile.Name != cloud.Azure.Name }

// Timing says what the world does late.
func (c *Clock) Timing() cloud.Timing {
	c.open()
	return *c.timing.Load()
}

// Run follows the store until ctx ends.
func (c *Clock) Run(ctx context.Context) error {
	c.open()
	return store.Together(ctx, c.views[0].Run, c.views[1].Run)
}

// Ready waits until the clock has heard from the store.
func (c *Clock) Ready(ctx context.Context) error { return c.Await(ctx, 0) }

// Await waits until the clock has seen everything up to a revision of the store.
func (c *Clock) Await(ctx context.Context, revision int64) error {
	c.open()
	for _, v := range c.views {
		if err := v.Await(ctx, revision); err != nil {
			return err
		}
	}
	return nil
}
