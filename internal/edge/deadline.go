package edge

import (
	"net"
	"sync"
	"time"
)

// readDeadline puts off setting a connection's read deadline until somebody reads. net/http sets it
// six times for each request that it keeps a connection for, and waits at two of them; to set one
// costs a busy connection as much as reading a small header.
type readDeadline struct {
	mu      sync.Mutex
	wanted  time.Time
	set     time.Time // what the connection itself has
	reading int       // reads under way, which a new deadline has to reach
}

// want makes t the deadline of reads under way and to come.
func (d *readDeadline) want(c net.Conn, t time.Time) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.wanted = t
	if d.reading == 0 {
		return nil
	}
	return d.apply(c)
}

// begin is called before a read, and end after it.
func (d *readDeadline) begin(c net.Conn) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.reading++
	return d.apply(c)
}

func (d *readDeadline) end() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.reading--
}

// apply gives the connection the deadline that is wanted, unless it has it.
func (d *readDeadline) apply(c net.Conn) error {
	if d.wanted.Equal(d.set) {
		return nil
	}
	err := c.SetReadDeadline(d.wanted)
	if err == nil {
		d.set = d.wanted
	}
	return err
}

// both sets the deadline of reads and writes at once.
func (d *readDeadline) both(c net.Conn, t time.Time) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.wanted, d.set = t, t
	return c.SetDeadline(t)
}
