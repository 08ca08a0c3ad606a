package clock

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"lanyard/internal/cloud"
	"lanyard/internal/fault"
	"lanyard/internal/store"
)

const (
	// maxAhead bounds by how much a clock can be moved altogether: no certificate lasts as long.
	maxAhead = 20 * 366 * 24 * time.Hour
	// maxAdvances bounds how many movements are remembered one by one.
	maxAdvances = 64
)

// Moment is a clock as people see it. Spans are in the words of cloud.Span.
type Moment struct {
	Now      time.Time `json:"now"`   // the real time, which is that on the wire
	Ahead    string    `json:"ahead"` // by how much what existed before every advance is older than it is
	Advances []Advance `json:"advances"`
	Timing   string    `json:"timing"`
}

// Advance is one movement of the clock.
type Advance struct {
	At time.Time `json:"at"`
	By string    `json:"by"`
}

// Moment gives the clock as it stands.
func (c *Clock) Moment() Moment {
	c.open()
	m := Moment{Now: c.Now().UTC(), Ahead: cloud.Span(c.Ahead()), Advances: []Advance{}, Timing: c.Timing().String()}
	for _, a := range *c.moved.Load() {
		m.Advances = append(m.Advances, Advance{a.At, cloud.Span(a.By)})
	}
	return m
}

// Ahead gives by how much the clock was moved altogether.
func (c *Clock) Ahead() time.Duration {
	c.open()
	return total(*c.moved.Load())
}

func total(moved cloud.Clock) (all time.Duration) {
	for _, a := range moved {
		all += a.By
	}
	return all
}

// Advance makes everything that exists older. It returns when this process sees it; others do as fast as
// they see any change of the store.
func (c *Clock) Advance(ctx context.Context, by time.Duration) error {
	c.open()
	if by <= 0 {
		return fault.New(fault.Invalid, "InvalidDuration", "A clock is advanced by more than nothing.").Try("lanyard clock advance 25h")
	}
	return c.change(ctx, func(moved *cloud.Clock) error {
		if by > maxAhead || total(*moved)+by > maxAhead {
			return fault.New(fault.Invalid, "TooFarAhead", "A clock is at most %s ahead, and this one is %s ahead already.",
				cloud.Span(maxAhead), cloud.Span(total(*moved))).Try("lanyard clock reset")
		}
		*moved = merged(append(*moved, cloud.Advance{At: c.Now().UTC(), By: by}))
		return nil
	})
}

// merged makes one of the two earliest advances where there are too many. What came to be between them
// counts as older than it is, never as younger.
func merged(c cloud.Clock) cloud.Clock {
	for len(c) > maxAdvances {
		c[1].By += c[0].By
		c = c[1:]
	}
	return c
}

// Reset takes all advances back.
func (c *Clock) Reset(ctx context.Context) error {
	return c.change(ctx, func(moved *cloud.Clock) error {
		*moved = cloud.Clock{}
		return nil
	})
}

func (c *Clock) change(ctx context.Context, how func(*cloud.Clock) error) error {
	if c.fixed() {
		return fault.New(fault.Forbidden, "ClockIsFixed",
			"The clock of a world that has a domain of its own is not moved: others trust its tokens. Development worlds have Azure's names.")
	}
	revision, err := store.Update(ctx, c.Store, cloud.KeyClock, how)
	if err != nil {
		return err
	}
	return c.Await(ctx, revision)
}

// Keep writes down what the world does late, for every process and for the next start.
func (c *Clock) Keep(ctx context.Context, timing cloud.Timing) error {
	value, err := json.Marshal(timing)
	if err != nil {
		return err
	}
	revision, err := c.Store.Commit(ctx, store.Change{Key: cloud.KeyTiming, Value: value, If: store.Any})
	if err != nil {
		return fmt.Errorf("keep the timing: %w", err)
	}
	return c.Await(ctx, revision)
}
