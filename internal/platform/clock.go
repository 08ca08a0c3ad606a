package platform

import (
	"context"
	"net/http"

	"lanyard/internal/cloud"
	"lanyard/internal/fault"
	"lanyard/internal/httpkit"
)

func (p *Platform) showClock(w http.ResponseWriter, _ *http.Request) error {
	return httpkit.WriteJSON(w, http.StatusOK, p.clock.Moment())
}

func (p *Platform) advanceClock(w http.ResponseWriter, r *http.Request) error {
	var asked struct {
		By string `json:"by"`
	}
	if err := readOrder(r, &asked); err != nil {
		return err
	}
	by, err := cloud.ParseSpan(asked.By)
	if err != nil {
		return fault.New(fault.Invalid, "InvalidDuration", "%v.", err).Try("lanyard clock advance 25h")
	}
	if err := p.clock.Advance(r.Context(), by); err != nil {
		return err
	}
	p.log.Warn("clock advanced", "by", by)
	return p.showClock(w, r)
}

func (p *Platform) resetClock(w http.ResponseWriter, r *http.Request) error {
	if err := p.clock.Reset(r.Context()); err != nil {
		return err
	}
	p.log.Warn("clock reset")
	return p.showClock(w, r)
}

func (p *Platform) changeTiming(w http.ResponseWriter, r *http.Request) error {
	var asked struct {
		Timing string `json:"timing"`
	}
	if err := readOrder(r, &asked); err != nil {
		return err
	}
	timing, err := cloud.ParseTiming(asked.Timing)
	if err != nil {
		return fault.New(fault.Invalid, "InvalidTiming", "%v.", err)
	}
	if err := p.clock.Keep(r.Context(), timing); err != nil {
		return err
	}
	return p.showClock(w, r)
}

// keepTiming writes down the timing that this start asks for, so that the next one that asks for none
// keeps it, and other processes of the world have it too.
func (p *Platform) keepTiming(ctx context.Context) error {
	if p.config.Timing == nil {
		return nil
	}
	return p.clock.Keep(ctx, *p.config.Timing)
}
