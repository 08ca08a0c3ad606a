package httpkit

import (
	"context"
	"net"
	"net/netip"
	"sync/atomic"
)

// Connection is what a request came on: its two ends as this machine sees them. Remote is the client's.
type Connection struct {
	Remote, Local netip.AddrPort

	memo atomic.Pointer[any]
}

// Memo gives what was last kept with the connection, nil at first: what a door finds out once for all
// requests that come on it. One door alone may use it.
func (c *Connection) Memo() any {
	if kept := c.memo.Load(); kept != nil {
		return *kept
	}
	return nil
}

// Keep keeps something with the connection in place of what was kept before.
func (c *Connection) Keep(what any) { c.memo.Store(&what) }

type connectionKey struct{}

// WithConnection adds a connection to the context of all its requests: it is an http.Server's
// ConnContext. A connection whose ends have no addresses and ports is not added.
func WithConnection(ctx context.Context, c net.Conn) context.Context {
	remote, local := addrPort(c.RemoteAddr()), addrPort(c.LocalAddr())
	if !remote.IsValid() || !local.IsValid() {
		return ctx
	}
	return context.WithValue(ctx, connectionKey{}, &Connection{Remote: remote, Local: local})
}

// ConnectionOf gives the connection that a request came on, or nil where the server tells none.
func ConnectionOf(ctx context.Context) *Connection {
	c, _ := ctx.Value(connectionKey{}).(*Connection)
	return c
}

func addrPort(a net.Addr) netip.AddrPort {
	if tcp, ok := a.(*net.TCPAddr); ok {
		at := tcp.AddrPort()
		return netip.AddrPortFrom(at.Addr().Unmap(), at.Port())
	}
	return netip.AddrPort{}
}
