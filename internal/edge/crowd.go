package edge

import (
	"net"
	"net/http"
	"sync"
)

// crowd knows every connection and which of them are idle: those that have not sent a whole
// request since they came or since their last one. Idle ones are cheap to replace, so that past
// maxIdle the oldest gives way; however many sockets someone opens, a new caller is heard (T20).
type crowd struct {
	mu     sync.Mutex
	all    map[*conn]struct{}
	idle   line
	closed bool
}

// line is a queue of idle connections, linked through themselves: every request of every
// connection joins it and leaves it, and neither may cost an allocation.
type line struct {
	oldest, newest *conn
	length         int
}

// link is a connection's place in the line of the idle.
type link struct {
	older, newer *conn
	taken        bool
}

func (l *line) join(k *conn) {
	if k.link.taken {
		return
	}
	k.link = link{older: l.newest, taken: true}
	if l.newest != nil {
		l.newest.link.newer = k
	} else {
		l.oldest = k
	}
	l.newest = k
	l.length++
}

func (l *line) quit(k *conn) {
	if !k.link.taken {
		return
	}
	older, newer := k.link.older, k.link.newer
	if older != nil {
		older.link.newer = newer
	} else {
		l.oldest = newer
	}
	if newer != nil {
		newer.link.older = older
	} else {
		l.newest = older
	}
	k.link = link{}
	l.length--
}

func newCrowd() *crowd { return &crowd{all: map[*conn]struct{}{}} }

// enter admits a new connection as idle; false when there are too many busy ones.
func (c *crowd) enter(k *conn) bool {
	c.mu.Lock()
	if c.closed || len(c.all) >= maxConns {
		c.mu.Unlock()
		return false
	}
	c.all[k] = struct{}{}
	c.idle.join(k)
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
		if c.set(k, true) > maxIdle {
			c.trim()
		}
	case http.StateActive, http.StateHijacked:
		c.set(k, false)
	}
}

// set puts a connection among the idle or takes it out, and gives how many are idle then.
func (c *crowd) set(k *conn, idle bool) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, here := c.all[k]; !here || !idle {
		c.idle.quit(k)
	} else {
		c.idle.join(k)
	}
	return c.idle.length
}

func (c *crowd) leave(k *conn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.idle.quit(k)
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
	return c.idle.length
}

// shed closes the connection that has been idle longest.
func (c *crowd) shed() {
	c.mu.Lock()
	oldest := c.idle.oldest
	c.mu.Unlock()
	if oldest != nil {
		_ = oldest.Close()
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
