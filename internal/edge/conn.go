package edge

import (
	"bytes"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// noDeadline clears a deadline.
var noDeadline time.Time

// conn is a connection of the edge: bytes that were read too early can be put back, a peer that
// takes nothing is given up, and the crowd knows when it is gone.
type conn struct {
	net.Conn
	crowd *crowd
	link  link   // of the crowd's, under its lock
	user  string // the proxy user that tunnelled it here; empty when it came straight
	ahead []byte // read already, to be read again
	plain bool   // it carries requests that anyone can read: folds are looked for
	at    spot   // where in a header the last byte read left off
	heads int64  // headers that ended; what is no body is headers
	asked int64  // requests that came to the door
	// folded counts the headers up to the first with a line that goes on in the next; 0 is none.
	folded atomic.Int64
	// bounded says that whoever writes has set a deadline of their own.
	bounded atomic.Bool
	// renew is when, in nanoseconds since 1970, a write's time is to be counted anew: to set a
	// deadline at each write costs a busy connection more than the rest of what the edge does.
	renew atomic.Int64
	until readDeadline
	once  sync.Once
}

// beneath gives the edge's connection under one that a server holds.
func beneath(c net.Conn) *conn {
	if t, ok := c.(*tls.Conn); ok {
		c = t.NetConn()
	}
	k, _ := c.(*conn)
	return k
}

// unread puts bytes back in front; only before the connection is handed on.
func (c *conn) unread(b []byte) { c.ahead = append(append([]byte(nil), b...), c.ahead...) }

func (c *conn) Read(p []byte) (n int, err error) {
	if len(c.ahead) > 0 {
		n = copy(p, c.ahead)
		c.ahead = c.ahead[n:]
	} else {
		if err := c.until.begin(c.Conn); err != nil {
			c.until.end()
			return 0, err
		}
		n, err = c.Conn.Read(p)
		c.until.end()
	}
	if c.plain {
		c.inspect(p[:n])
	}
	return n, err
}

// spot is where in a header a connection's reader stands.
type spot int

const (
	inLine      spot = iota // in a line, or at the start of a request line
	lineStart               // at the start of a header line
	afterReturn             // behind the carriage return at such a start
)

// inspect looks for header lines that go on in the next line. Some readers join such lines, others
// take the second for a header of its own, so they are to be refused (RFC 9112 section 5.2); net/http
// joins them and does not tell. Whatever follows a header is taken for the next one, which holds until
// a request has a body, which is the connection's last therefore.
func (c *conn) inspect(p []byte) {
	for len(p) > 0 {
		switch {
		case c.at == inLine:
			end := bytes.IndexByte(p, '\n')
			if end < 0 {
				return
			}
			c.at, p = lineStart, p[end+1:]
		case p[0] == '\n':
			c.at, p = inLine, p[1:]
			c.heads++
		case c.at == lineStart && p[0] == '\r':
			c.at, p = afterReturn, p[1:]
		default:
			if c.at == lineStart && (p[0] == ' ' || p[0] == '\t') {
				c.folded.CompareAndSwap(0, c.heads+1)
			}
			c.at = inLine
		}
	}
}

// foldedNow counts a request and reports whether its header, or one before it, was folded.
func (c *conn) foldedNow() bool {
	c.asked++
	first := c.folded.Load()
	return first != 0 && c.asked >= first
}

func (c *conn) Write(p []byte) (int, error) {
	if now := time.Now(); !c.bounded.Load() && now.UnixNano() >= c.renew.Load() {
		_ = c.Conn.SetWriteDeadline(now.Add(writePause))
		c.renew.Store(now.Add(writePause / 4).UnixNano())
	}
	return c.Conn.Write(p)
}

func (c *conn) SetReadDeadline(t time.Time) error { return c.until.want(c.Conn, t) }

func (c *conn) SetWriteDeadline(t time.Time) error {
	c.bounded.Store(!t.IsZero())
	c.renew.Store(0)
	return c.Conn.SetWriteDeadline(t)
}

func (c *conn) SetDeadline(t time.Time) error {
	c.bounded.Store(!t.IsZero())
	c.renew.Store(0)
	return c.until.both(c.Conn, t)
}

// unhurry lets writes take as long as they may: somebody else watches over the connection.
func (c *conn) unhurry() {
	c.bounded.Store(true)
	_ = c.Conn.SetWriteDeadline(noDeadline)
}

// CloseWrite ends one direction, so that the other can finish.
func (c *conn) CloseWrite() error { return closeWrite(c.Conn) }

func (c *conn) Close() error {
	err := net.ErrClosed
	c.once.Do(func() {
		c.crowd.leave(c)
		err = c.Conn.Close()
	})
	return err
}

// queue is the listener of one of the two servers behind the port.
type queue struct {
	address net.Addr
	conns   chan net.Conn
	closed  chan struct{}
	once    sync.Once
}

func newQueue(a net.Addr) *queue {
	return &queue{address: a, conns: make(chan net.Conn), closed: make(chan struct{})}
}

func (q *queue) push(c net.Conn) {
	select {
	case q.conns <- c:
	case <-q.closed:
		_ = c.Close()
	}
}

func (q *queue) Accept() (net.Conn, error) {
	select {
	case c := <-q.conns:
		return c, nil
	case <-q.closed:
		return nil, net.ErrClosed
	}
}

func (q *queue) Close() error {
	q.once.Do(func() { close(q.closed) })
	return nil
}

func (q *queue) Addr() net.Addr { return q.address }

// steady gives up on a request whose body stalls, also when its handler reads none of it and
// the server does so instead before the next request. A deadline for the whole request would
// cut off answers that stream, so each read has its own.
func steady(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodConnect && r.Body != nil && r.Body != http.NoBody {
			b := &steadyBody{ReadCloser: r.Body, control: http.NewResponseController(w)}
			// A copy: the server looks at the request's own body to see that one of gigabytes need
			// not be awaited before the answer is sent.
			r = r.WithContext(r.Context())
			r.Body = b
			defer b.wait()
		}
		next.ServeHTTP(w, r)
	})
}

type steadyBody struct {
	io.ReadCloser
	control *http.ResponseController
	ended   atomic.Bool // whole or broken
}

func (b *steadyBody) Read(p []byte) (int, error) {
	b.wait()
	n, err := b.ReadCloser.Read(p)
	if err != nil {
		b.ended.Store(true)
	}
	if errors.Is(err, io.EOF) {
		_ = b.control.SetReadDeadline(noDeadline)
	}
	return n, err
}

// wait starts the time that the next bytes may take. A body that has ended starts none: what
// is read after it is the next request, or the client's going away.
func (b *steadyBody) wait() {
	if !b.ended.Load() {
		_ = b.control.SetReadDeadline(time.Now().Add(bodyPause))
	}
}
