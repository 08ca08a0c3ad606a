package platform

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"lanyard/internal/cloud"
	"lanyard/internal/fault"
	"lanyard/internal/httpkit"
	"lanyard/internal/store"
)

const (
	// maxAhead bounds by how much a clock can be moved altogether: no certificate lasts as long.
	maxAhead = 20 * 366 * 24 * time.Hour
	// maxAdvances bounds how many movements are remembered one by one.
	maxAdvances = 64
)

// Moment is what `lanyard clock` prints.
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

func (c *clock) moment() Moment {
	now, moved := c.now().UTC(), *c.moved.Load()
	m := Moment{Now: now, Ahead: cloud.Span(ahead(moved)), Advances: []Advance{}, Timing: c.Timing().String()}
	for _, a := range moved {
		m.Advances = append(m.Advances, Advance{a.At, cloud.Span(a.By)})
	}
	return m
}

func ahead(c cloud.Clock) (total time.Duration) {
	for _, a := range c {
		total += a.By
	}
	return total
}

// advance makes everything that exists older. It returns when this process sees it; others do as fast as
// they see any change of the store.
func (c *clock) advance(ctx context.Context, by time.Duration) error {
	if by <= 0 {
		return fault.New(fault.Invalid, "InvalidDuration", "A clock is advanced by more than nothing.").Try("lanyard clock advance 25h")
	}
	return c.change(ctx, func(moved *cloud.Clock) error {
		if by > maxAhead || ahead(*moved)+by > maxAhead {
			return fault.New(fault.Invalid, "TooFarAhead", "A clock is at most %s ahead, and this one is %s ahead already.",
				cloud.Span(maxAhead), cloud.Span(ahead(*moved))).Try("lanyard clock reset")
		}
		*moved = append(*moved, cloud.Advance{At: c.now().UTC(), By: by})
		*moved = merged(*moved)
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

func (c *clock) reset(ctx context.Context) error {
	return c.change(ctx, func(moved *cloud.Clock) error {
		*moved = cloud.Clock{}
		return nil
	})
}

func (c *clock) change(ctx context.Context, how func(*cloud.Clock) error) error {
	if c.fixed {
		return fault.New(fault.Forbidden, "ClockIsFixed",
			"The clock of a world that has a domain of its own is not moved: others trust its tokens. Development worlds have Azure's names.")
	}
	if err := store.Update(ctx, c.store, cloud.KeyClock, how); err != nil {
		return err
	}
	_, revision, err := c.store.List(ctx, cloud.KeyClock)
	if err != nil {
		return fmt.Errorf("read the clock: %w", err)
	}
	return c.Await(ctx, revision)
}

func (p *Platform) showClock(w http.ResponseWriter, _ *http.Request) error {
	return httpkit.WriteJSON(w, http.StatusOK, p.clock.moment())
}

func (p *Platform) advanceClock(w http.ResponseWriter, r *http.Request) error {
	body, err := httpkit.ReadBody(r)
	if err != nil {
		return err
	}
	var asked struct {
		By string `json:"by"`
	}
	if err := json.Unmarshal(body, &asked); err != nil {
		return fault.New(fault.Invalid, "InvalidRequestContent", "The advance is not valid JSON.").Because(err)
	}
	by, err := cloud.ParseSpan(asked.By)
	if err != nil {
		return fault.New(fault.Invalid, "InvalidDuration", "%v.", err).Try("lanyard clock advance 25h")
	}
	if err := p.clock.advance(r.Context(), by); err != nil {
		return err
	}
	p.log.Warn("clock advanced", "by", by)
	return p.showClock(w, r)
}

func (p *Platform) resetClock(w http.ResponseWriter, r *http.Request) error {
	if err := p.clock.reset(r.Context()); err != nil {
		return err
	}
	p.log.Warn("clock reset")
	return p.showClock(w, r)
}

// keepTiming writes down the timing that this start asks for, so that the next one that asks for none
// keeps it, and other processes of the world have it too.
func (p *Platform) keepTiming(ctx context.Context) error {
	if p.config.Timing == nil {
		return nil
	}
	return p.clock.keep(ctx, *p.config.Timing)
}

func (c *clock) keep(ctx context.Context, timing cloud.Timing) error {
	value, err := json.Marshal(timing)
	if err != nil {
		return err
	}
	revision, err := c.store.Commit(ctx, store.Change{Key: cloud.KeyTiming, Value: value, If: store.Any})
	if err != nil {
		return fmt.Errorf("keep the timing: %w", err)
	}
	return c.Await(ctx, revision)
}

func (p *Platform) changeTiming(w http.ResponseWriter, r *http.Request) error {
	body, err := httpkit.ReadBody(r)
	if err != nil {
		return err
	}
	var asked struct {
		Timing string `json:"timing"`
	}
	if err := json.Unmarshal(body, &asked); err != nil {
		return fault.New(fault.Invalid, "InvalidRequestContent", "The timing is not valid JSON.").Because(err)
	}
	timing, err := cloud.ParseTiming(asked.Timing)
	if err != nil {
		return fault.New(fault.Invalid, "InvalidTiming", "%v.", err)
	}
	if err := p.clock.keep(r.Context(), timing); err != nil {
		return err
	}
	return p.showClock(w, r)
}
