package httpkit

import (
	"context"
	"crypto/rand"
	"log/slog"
	"net/http"
	"sync"

	"lanyard/internal/cloud"
)

type eventKey struct{}

// event gathers what one request was about. It is the request's context, too: a context of its
// own beside it would cost every request an allocation.
type event struct {
	context.Context
	request *http.Request
	kept    bool // somebody will read the facts

	mu    sync.Mutex
	id    string // drawn when first asked for
	facts []slog.Attr
}

// Value gives the event itself under its key.
func (e *event) Value(key any) any {
	if key == (eventKey{}) {
		return e
	}
	return e.Context.Value(key)
}

// room is how many attributes an event has place for without growing.
const room = 16

func (e *event) note(key string, value any) {
	if !e.kept {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.facts == nil {
		e.facts = make([]slog.Attr, 0, room)
	}
	e.facts = append(e.facts, slog.Any(key, value))
}

// attributes gives first, and then what was noted.
func (e *event) attributes(first ...slog.Attr) []slog.Attr {
	e.mu.Lock()
	defer e.mu.Unlock()
	return append(first, e.facts...)
}

// correlation takes the caller's correlation id when it is a GUID, and draws one otherwise.
func (e *event) correlation() string {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.id != "" {
		return e.id
	}
	if e.id = e.request.Header.Get("x-ms-correlation-request-id"); cloud.IsGUID(e.id) {
		return e.id
	}
	var err error
	if e.id, err = cloud.NewID(rand.Reader); err != nil {
		panic(err) // crypto/rand never fails on the systems Go supports
	}
	return e.id
}

// Note adds a fact to the request's event. Keys come from keys.go.
func Note(ctx context.Context, key string, value any) {
	if e, ok := ctx.Value(eventKey{}).(*event); ok {
		e.note(key, value)
	}
}

// Correlation gives the id under which this request is logged: a GUID, or "" outside a Door.
func Correlation(ctx context.Context) string {
	if e, ok := ctx.Value(eventKey{}).(*event); ok {
		return e.correlation()
	}
	return ""
}
