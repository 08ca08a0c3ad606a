package edge

import (
	"container/list"
	"net"
	"net/http"
	"sync"
)

// crowd knows every connection and which of them are idle: those that have not sent a whole
// request since they came or since their last one. Idle ones are cheap to replace, so that past
// maxIdle the oldest gives way; however many sockets someone opens, a new caller is heard (T20).
type crowd struct {
	mu     sync.Mutex
	all    map[*conn]*list.Element // the element is nil while the connection is busy
	idle   *list.List              // of *conn, oldest first
	closed bool
}

func newCrowd() *crowd { return &crowd{all: map[*conn]*list.Element{}, idle: list.New()} }

// enter admits a new connection as idle; false when there are too many busy ones.
func (c *crowd) enter(k *conn) bool {
	c.mu.Lock()
	if c.closed || len(c.all) >= maxConns {
		c.mu.Unlock()
		return false
	}
	c.all[k] = c.idle.PushBack(k)
	c.mu.Unlock()
	c.trim()
	return true
}

// follow is told by the servers what their connections are doing.
func (c *crowd) follow(nc net.Conn, state http.ConnState) {
	k := beneath(nc)
	if k == nil {
		return
	}
	switch state {
	case http.StateNew, http.StateIdle:
		c.set(k, true)
		c.trim()
	case http.StateActive, http.StateHijacked:
		c.set(k, false)
	}
}

func (c *crowd) set(k *conn, idle bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	at, here := c.all[k]
	switch {
	case !here || idle == (at != nil):
	case idle:
		c.all[k] = c.idle.PushBack(k)
	default:
		c.idle.Remove(at)
		c.all[k] = nil
	}
}

func (c *crowd) leave(k *conn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if at := c.all[k]; at != nil {
		c.idle.Remove(at)
	}
	delete(c.all, k)
}

func (c *crowd) trim() {
	for c.idlers() > maxIdle {
		c.shed()
	}
}

func (c *crowd) idlers() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.idle.Len()
}

// shed closes the connection that has been idle longest.
func (c *crowd) shed() {
	c.mu.Lock()
	oldest := c.idle.Front()
	c.mu.Unlock()
	if oldest != nil {
		_ = oldest.Value.(*conn).Close()
	}
}

func (c *crowd) closeIdle() {
	for c.idlers() > 0 {
		c.shed()
	}
}

// closeAll closes what is left and admits nobody any more.
func (c *crowd) closeAll() {
	c.mu.Lock()
	c.closed = true
	left := make([]*conn, 0, len(c.all))
	for k := range c.all {
		left = append(left, k)
	}
	c.mu.Unlock()
	for _, k := range left {
		_ = k.Close()
	}
}
