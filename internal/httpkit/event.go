package httpkit

import (
	"context"
	"sync"
)

type eventKey struct{}

// event gathers what one request was about.
type event struct {
	id string
	mu sync.Mutex
	kv []any
}

func (e *event) note(key string, value any) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.kv = append(e.kv, key, value)
}

func (e *event) facts() []any {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.kv
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
		return e.id
	}
	return ""
}
