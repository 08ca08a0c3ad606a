package platform

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"

	"lanyard/internal/cloud"
	"lanyard/internal/fault"
)

// logs streams an app's console, a JSON line each.
func (p *Platform) logs(ctx context.Context, app cloud.ID, w http.ResponseWriter, r *http.Request) error {
	tail, err := strconv.Atoi(r.URL.Query().Get("tail"))
	if err != nil || tail < 0 || tail > 10_000 {
		return fault.New(fault.Invalid, "InvalidTail", "tail is a number from 0 to 10000.")
	}
	past, news := p.console.Tail(app, tail), (<-chan Line)(nil)
	if r.URL.Query().Get("follow") == "true" {
		past, news = p.console.Follow(ctx, app, tail)
	}
	enc := json.NewEncoder(w)
	for _, l := range past {
		if err := enc.Encode(l); err != nil {
			return err
		}
	}
	if news == nil {
		return nil
	}
	flush := http.NewResponseController(w)
	for {
		if err := flush.Flush(); err != nil {
			return nil // the reader went away
		}
		select {
		case <-p.ending:
			return nil
		case l, open := <-news:
			if !open {
				return nil
			}
			if err := enc.Encode(l); err != nil {
				return nil
			}
		}
	}
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
