package edge

import (
	"errors"
	"net"
	"os"
	"testing"
	"testing/synctest"
	"time"
)

// counted counts how often its read deadline is set.
type counted struct {
	net.Conn
	sets int
}

func (c *counted) SetReadDeadline(t time.Time) error {
	c.sets++
	return c.Conn.SetReadDeadline(t)
}

// pipe gives a connection of the edge over one whose deadlines are counted, and its other end.
func pipe(t *testing.T) (*conn, *counted, net.Conn) {
	near, far := net.Pipe()
	t.Cleanup(func() { near.Close(); far.Close() })
	below := &counted{Conn: near}
	return &conn{Conn: below, crowd: newCrowd()}, below, far
}

func TestADeadlineHoldsForTheReadsThatFollow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, _, _ := pipe(t)
		start := time.Now()
		_ = c.SetReadDeadline(start.Add(3 * time.Second))
		if _, err := c.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) || time.Since(start) != 3*time.Second {
			t.Errorf("the read ended after %v with %v", time.Since(start), err)
		}
	})
}

// net/http ends the read it has under way behind a handler by a deadline that is past.
func TestADeadlineReachesTheReadUnderWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, _, far := pipe(t)
		ended := make(chan error, 1)
		go func() {
			_, err := c.Read(make([]byte, 1))
			ended <- err
		}()
		synctest.Wait()
		_ = c.SetReadDeadline(time.Unix(1, 0))
		if err := <-ended; !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("the read ended with %v", err)
		}
		_ = c.SetReadDeadline(noDeadline)
		go far.Write([]byte("x"))
		if n, err := c.Read(make([]byte, 1)); n != 1 || err != nil {
			t.Errorf("the next read gave %d bytes and %v", n, err)
		}
	})
}

func TestDeadlinesThatNobodyWaitsForAreNotSet(t *testing.T) {
	c, below, far := pipe(t)
	for range 5 {
		_ = c.SetReadDeadline(time.Now().Add(time.Minute))
		_ = c.SetReadDeadline(noDeadline)
	}
	go far.Write([]byte("x"))
	if _, err := c.Read(make([]byte, 1)); err != nil || below.sets != 0 {
		t.Errorf("it was set %d times; the read gave %v", below.sets, err)
	}
	_ = c.SetReadDeadline(time.Now().Add(time.Minute))
	go far.Write([]byte("x"))
	if _, err := c.Read(make([]byte, 1)); err != nil || below.sets != 1 {
		t.Errorf("it was set %d times, not once; the read gave %v", below.sets, err)
	}
}
