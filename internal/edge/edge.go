// Package edge is the one port: local authority, names, TLS and proxy.
//
// It must not know what any service answers: it finds out which door a connection wants, proves
// the name that was asked for, and hands the request on as it was sent.
package edge

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"time"

	"lanyard/internal/cloud"
)

// Edge serves everything that Lanyard answers on one listener. The first byte of a connection
// tells what it is: a TLS hello (RFC 8446 section 4.1.2) is HTTPS for a named service; anything
// else is plain HTTP, where CONNECT (RFC 9110 section 9.3.6) is the proxy.
type Edge struct {
	Authority *Authority    // proves the names
	Profile   cloud.Profile // which names lead here instead of into the world
	// Services answers HTTPS, chosen by Host, which it sees as it was sent; Profile.Public gives
	// the public name behind a local one. nil answers 404.
	Services http.Handler
	// Plain answers plain HTTP in origin form: the identity endpoint. It checks Host itself, in
	// its own dialect (T3). nil answers 404.
	Plain http.Handler
	// Admit says whether a proxy credential is good, in constant time. nil admits nobody.
	Admit func(user, password string) bool
	// Upstream gives the proxy that the user has for a destination, or nil, in the manner of
	// http.ProxyFromEnvironment. nil means that there is none.
	Upstream func(*http.Request) (*url.URL, error)
	// Allow names the private destinations that the proxy leads to all the same.
	Allow []netip.Prefix
	Log   *slog.Logger // nil discards

	// lookup and dial stand in for the network in tests; nil means the real one.
	lookup func(ctx context.Context, host string) ([]netip.Addr, error)
	dial   func(ctx context.Context, address string) (net.Conn, error)
}

// What a stranger may use up before they have proved anything (T20).
const (
	firstByte  = 10 * time.Second // from the connection to its first byte
	headerTime = 10 * time.Second // for a TLS handshake, and for a request's header
	idleTime   = 2 * time.Minute  // between requests
	bodyPause  = 30 * time.Second // between two reads of a request's body
	writePause = 60 * time.Second // for one write to be taken; a quarter less where others went before it
	maxHeader  = 64 << 10         // bytes; the longest tokens and identity headers stay well under it
	maxIdle    = 512              // connections that have sent no whole request; the oldest goes first
	maxConns   = 4096             // connections in all
	grace      = 3 * time.Second  // for requests in flight when the edge ends
)

// Serve answers on ln until ctx ends, lets requests in flight finish for a moment, and closes
// everything it opened, ln included. It returns nil when ctx ended it.
func (e *Edge) Serve(ctx context.Context, ln net.Listener) error {
	live, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	s := e.session(live, ln)
	s.work.Go(func() { _ = s.https.ServeTLS(s.secure, "", "") })
	s.work.Go(func() { _ = s.http.Serve(s.clear) })
	defer context.AfterFunc(ctx, func() { _ = ln.Close() })()
	err := s.accept(ctx, ln)
	_ = ln.Close()
	s.finish(live, stop)
	if ctx.Err() != nil {
		return nil
	}
	return err
}

func (e *Edge) log() *slog.Logger {
	if e.Log == nil {
		return slog.New(slog.DiscardHandler)
	}
	return e.Log
}

type (
	proxyUserKey struct{}
	connKey      struct{} // of a request's *conn
)

// ProxyUser gives the user whose proxy credential opened the way that a request to Services took;
// false when it came straight to the port.
func ProxyUser(ctx context.Context) (string, bool) {
	user, ok := ctx.Value(proxyUserKey{}).(string)
	return user, ok
}
