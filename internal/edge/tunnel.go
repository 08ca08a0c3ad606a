package edge

import (
	"context"
	"io"
	"net"
	"sync"
	"time"
)

// tunnelIdle is how long a tunnel may be silent in both directions.
const tunnelIdle = 30 * time.Minute

// tunnels counts the tunnels that stand, so that the edge can wait for their end.
type tunnels struct {
	mu     sync.Mutex
	closed bool
	open   sync.WaitGroup
}

// join copies between two connections until both directions have ended, ctx ends, or nothing
// has moved for tunnelIdle. It closes both.
func (t *tunnels) join(ctx context.Context, near, far net.Conn) {
	both := func() { _ = near.Close(); _ = far.Close() }
	defer both()
	t.mu.Lock()
	if t.closed {
		t.mu.Unlock()
		return
	}
	t.open.Add(1)
	t.mu.Unlock()
	defer t.open.Done()

	defer context.AfterFunc(ctx, both)()
	silence := time.AfterFunc(tunnelIdle, both)
	defer silence.Stop()
	var ways sync.WaitGroup
	ways.Go(func() { pump(far, near, silence) })
	ways.Go(func() { pump(near, far, silence) })
	ways.Wait()
}

// wait refuses further tunnels and waits for those that stand.
func (t *tunnels) wait() {
	t.mu.Lock()
	t.closed = true
	t.mu.Unlock()
	t.open.Wait()
}

// pump copies one direction and passes its end on. When either side breaks, both ends close,
// since half a tunnel helps nobody.
func pump(to, from net.Conn, silence *time.Timer) {
	_, err := io.Copy(alive{to, silence}, from)
	if err != nil || closeWrite(to) != nil {
		_ = to.Close()
		_ = from.Close()
	}
}

// alive puts off the end of a silent tunnel at every write.
type alive struct {
	io.Writer
	silence *time.Timer
}

func (a alive) Write(p []byte) (int, error) {
	a.silence.Reset(tunnelIdle)
	return a.Writer.Write(p)
}

// closeWrite ends one direction where the connection can, and the whole of it otherwise.
func closeWrite(c net.Conn) error {
	if half, ok := c.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return c.Close()
}
