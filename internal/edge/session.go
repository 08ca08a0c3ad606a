package edge

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"lanyard/internal/httpkit"
)

// session is one run of an edge on one listener.
type session struct {
	*Edge
	self   string // the listener's own address
	crowd  *crowd
	secure *queue // to https
	clear  *queue // to http
	https  *http.Server
	http   *http.Server
	work   sync.WaitGroup // everything but tunnels
	tunnel tunnels
}

func (e *Edge) session(live context.Context, ln net.Listener) *session {
	s := &session{Edge: e, self: ln.Addr().String(), crowd: newCrowd(),
		secure: newQueue(ln.Addr()), clear: newQueue(ln.Addr())}
	s.https = s.server(live, steady(s.named(handlerOr404(e.Services))))
	s.https.TLSConfig = &tls.Config{
		MinVersion:     tls.VersionTLS12,
		NextProtos:     []string{"h2", "http/1.1"},
		GetCertificate: e.certificate,
	}
	s.http = s.server(live, steady(s.unnamed(handlerOr404(e.Plain))))
	return s
}

func (s *session) server(live context.Context, h http.Handler) *http.Server {
	return &http.Server{
		Handler: h,
		// OPTIONS * is a request like any other: net/http would answer it without asking anyone.
		DisableGeneralOptionsHandler: true,

		ReadHeaderTimeout: headerTime,
		IdleTimeout:       idleTime,
		MaxHeaderBytes:    maxHeader,
		ConnState:         s.crowd.follow,
		ErrorLog:          slog.NewLogLogger(s.log().Handler(), slog.LevelDebug),
		BaseContext:       func(net.Listener) context.Context { return live },
		ConnContext: func(ctx context.Context, c net.Conn) context.Context {
			k := beneath(c)
			if k == nil {
				return ctx
			}
			ctx = httpkit.WithConnection(ctx, k)
			if k.user != "" {
				ctx = context.WithValue(ctx, proxyUserKey{}, k.user)
			}
			return context.WithValue(ctx, connKey{}, k)
		},
	}
}

// certificate answers a hello. A name that is not ours gets no certificate, which crypto/tls
// tells the client with the alert unrecognized_name (RFC 6066 section 3).
func (e *Edge) certificate(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	cert, err := e.Authority.Certificate(hello.ServerName)
	if errors.Is(err, errForeignName) {
		return nil, nil
	}
	return cert, err
}

// accept takes connections until the listener is closed. When the process has run out of file
// descriptors it lets go of the oldest idle connection and tries again (T6).
func (s *session) accept(ctx context.Context, ln net.Listener) error {
	pause := time.Duration(0)
	for {
		raw, err := ln.Accept()
		switch {
		case err == nil:
			pause = 0
			s.receive(raw)
		case ctx.Err() != nil || errors.Is(err, net.ErrClosed):
			return fmt.Errorf("accept connections: %w", err)
		default:
			s.log().Error("cannot accept a connection", httpkit.KeyDoor, "edge", httpkit.KeyError, err.Error())
			s.crowd.shed()
			pause = min(max(2*pause, 5*time.Millisecond), time.Second)
			select {
			case <-time.After(pause):
			case <-ctx.Done():
			}
		}
	}
}

func (s *session) receive(raw net.Conn) {
	c := &conn{Conn: raw, crowd: s.crowd}
	if !s.crowd.enter(c) {
		_ = raw.Close()
		return
	}
	s.work.Go(func() { s.sniff(c) })
}

// sniff reads the first byte and hands the connection to the server that speaks its language.
func (s *session) sniff(c *conn) {
	first := make([]byte, 1)
	_ = c.Conn.SetReadDeadline(time.Now().Add(firstByte)) // no server has it yet
	if _, err := c.Conn.Read(first); err != nil {
		_ = c.Close()
		return
	}
	_ = c.Conn.SetReadDeadline(noDeadline)
	c.unread(first)
	if first[0] == recordHandshake {
		s.secure.push(c)
	} else {
		c.plain = true
		s.clear.push(c)
	}
}

// recordHandshake is the content type that a TLS connection begins with (RFC 8446 section 5.1).
const recordHandshake = 0x16

// finish lets requests in flight end, then closes whatever is still open and waits for it.
func (s *session) finish(live context.Context, stop func()) {
	s.crowd.closeIdle()
	soon, cancel := context.WithTimeout(live, grace)
	defer cancel()
	var both sync.WaitGroup
	both.Go(func() { _ = s.https.Shutdown(soon) })
	both.Go(func() { _ = s.http.Shutdown(soon) })
	both.Wait()
	stop()
	_ = s.https.Close()
	_ = s.http.Close()
	s.crowd.closeAll()
	s.tunnel.wait()
	s.work.Wait()
}

func handlerOr404(h http.Handler) http.Handler {
	if h == nil {
		return http.NotFoundHandler()
	}
	return h
}
