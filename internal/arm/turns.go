package arm

import (
	"context"
	"sync"
)

// turns lets the writers of one resource go one after the other. The store alone would keep them
// apart, but by chance: of two that never rest, one may lose every time.
type turns struct {
	mu    sync.Mutex
	lines map[string]*line
}

// line is the line before one resource.
type line struct {
	turn chan struct{} // holds one token while nobody has the turn
	in   int           // who has it or waits for it
}

// take waits for the turn at a key. Whoever has it must call release.
func (t *turns) take(ctx context.Context, key string) (release func(), err error) {
	t.mu.Lock()
	if t.lines == nil {
		t.lines = map[string]*line{}
	}
	l := t.lines[key]
	if l == nil {
		l = &line{turn: make(chan struct{}, 1)}
		l.turn <- struct{}{}
		t.lines[key] = l
	}
	l.in++
	t.mu.Unlock()
	select {
	case <-l.turn:
		return func() { l.turn <- struct{}{}; t.leave(key, l) }, nil
	case <-ctx.Done():
		t.leave(key, l)
		return nil, ctx.Err()
	}
}

func (t *turns) leave(key string, l *line) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if l.in--; l.in == 0 {
		delete(t.lines, key)
	}
}
