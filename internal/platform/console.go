package platform

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"lanyard/internal/cloud"
	"lanyard/internal/fault"
)

// logs streams an app's console, a JSON line each.
func (p *Platform) logs(ctx context.Context, app cloud.ID, w http.ResponseWriter, r *http.Request) error {
	tail, err := strconv.Atoi(r.URL.Query().Get("tail"))
	if err != nil || tail < 0 || tail > 10_000 {
		return fault.New(fault.Invalid, "InvalidTail", "tail is a number from 0 to 10000.")
	}
	var news <-chan Line
	if r.URL.Query().Get("follow") == "true" {
		news = p.console.Follow(ctx, app) // before the tail, so that no line falls between
	}
	enc := json.NewEncoder(w)
	var last time.Time
	for _, l := range p.console.Tail(app, tail) {
		if err := enc.Encode(l); err != nil {
			return err
		}
		last = l.Time
	}
	flush := http.NewResponseController(w)
	for {
		var l Line
		select {
		case <-p.ending:
			return nil
		case next, ok := <-orNone(news):
			if !ok {
				return nil
			}
			l = next
		}
		if !l.Time.After(last) {
			continue // it stood in the tail
		}
		if err := enc.Encode(l); err != nil {
			return nil // the reader went away
		}
		if err := flush.Flush(); err != nil {
			return nil
		}
	}
}

func orNone(c <-chan Line) <-chan Line {
	if c == nil {
		none := make(chan Line)
		close(none)
		return none
	}
	return c
}

// Attached is the first line of an attach answer: the environment of the new replica.
type Attached struct {
	Replica     string   `json:"replica"`
	Environment []string `json:"environment"`
}

// attach answers the action by which a caller runs an app's process itself: it makes a replica
// that lives as long as the request does.
func (p *Platform) attach(ctx context.Context, app cloud.ID, w http.ResponseWriter, _ *http.Request) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	replica, err := p.host.Attach(ctx, app)
	if err != nil {
		return fmt.Errorf("attach to %s: %w", app, err)
	}
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(Attached{Replica: replica.Name, Environment: p.prepare(replica)}); err != nil {
		return err
	}
	if err := http.NewResponseController(w).Flush(); err != nil {
		return err
	}
	select {
	case <-ctx.Done():
	case <-p.ending:
	}
	return nil
}
