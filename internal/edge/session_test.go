package edge

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
)

// pipes is a listener whose connections live in memory, so that time in a bubble can pass.
type pipes struct{ *queue }

func newPipes() pipes { return pipes{newQueue(&net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 4140})} }

func (p pipes) open() net.Conn {
	near, far := net.Pipe()
	p.push(far)
	return near
}

// inBubble runs a story against an edge in a bubble, where waiting takes no time.
func inBubble(t *testing.T, e *Edge, story func(t *testing.T, p pipes)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		p, done := newPipes(), make(chan error)
		go func() { done <- e.Serve(ctx, p) }()
		story(t, p)
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

// closesAfter reads until the other side closes, and checks when that was.
func closesAfter(t *testing.T, c net.Conn, want time.Duration, from time.Time) {
	t.Helper()
	_, err := io.Copy(io.Discard, c)
	if took := time.Since(from); err != nil || took != want {
		t.Errorf("closed after %v with %v, want after %v", took, err, want)
	}
}

func TestAConnectionThatSaysNothingIsClosed(t *testing.T) {
	inBubble(t, newEdge(t), func(t *testing.T, p pipes) {
		closesAfter(t, p.open(), firstByte, time.Now())
	})
}

func TestAHeaderThatTricklesIsGivenUp(t *testing.T) {
	inBubble(t, newEdge(t), func(t *testing.T, p pipes) {
		start, c := time.Now(), p.open()
		var trickle sync.WaitGroup
		defer trickle.Wait()
		trickle.Go(func() {
			for _, b := range []byte("GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: 1") {
				if _, err := c.Write([]byte{b}); err != nil {
					return
				}
				time.Sleep(900 * time.Millisecond)
			}
		})
		closesAfter(t, c, headerTime, start)
	})
}

func TestAHelloThatTricklesIsGivenUp(t *testing.T) {
	inBubble(t, newEdge(t), func(t *testing.T, p pipes) {
		start, c := time.Now(), p.open()
		if _, err := c.Write([]byte{recordHandshake, 3, 1}); err != nil {
			t.Fatal(err)
		}
		closesAfter(t, c, headerTime, start)
	})
}

func TestABodyThatStallsIsGivenUp(t *testing.T) {
	reads, ignores := newEdge(t), newEdge(t)
	ignores.Plain = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "body=half err=") })
	for name, e := range map[string]*Edge{"the handler reads it": reads, "the handler does not read it": ignores} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, e, func(t *testing.T, p pipes) {
				start, c := time.Now(), p.open()
				if _, err := io.WriteString(c, "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\nhalf"); err != nil {
					t.Fatal(err)
				}
				answer, err := io.ReadAll(c)
				if took := time.Since(start); err != nil || took < bodyPause || took > bodyPause+time.Second || !strings.Contains(string(answer), "body=half err=") {
					t.Errorf("after %v, %v came %q", took, err, answer)
				}
			})
		})
	}
}

// An answer may take its time: only the request is held to a pace.
func TestAnAnswerMayStreamForLong(t *testing.T) {
	e := newEdge(t)
	e.Plain = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.ReadAll(r.Body)
		for range 10 {
			select {
			case <-r.Context().Done():
				return
			case <-time.After(time.Minute):
			}
			_, _ = io.WriteString(w, "tick ")
			_ = http.NewResponseController(w).Flush()
		}
	})
	inBubble(t, e, func(t *testing.T, p pipes) {
		c := p.open()
		if _, err := io.WriteString(c, "POST / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: 4\r\n\r\nbody"); err != nil {
			t.Fatal(err)
		}
		all, err := io.ReadAll(c)
		if ticks := strings.Count(string(all), "tick "); err != nil || ticks != 10 {
			t.Errorf("%d of 10 ticks came, %v", ticks, err)
		}
	})
}

func TestAConnectionBetweenRequestsIsClosedInTheEnd(t *testing.T) {
	inBubble(t, newEdge(t), func(t *testing.T, p pipes) {
		start, c := time.Now(), p.open()
		if _, err := io.WriteString(c, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		closesAfter(t, c, idleTime, start)
	})
}

func TestASilentTunnelIsClosed(t *testing.T) {
	e := newEdge(t)
	e.lookup = resolveTo("8.8.8.8")
	far := make(chan net.Conn, 1)
	e.dial = func(context.Context, string) (net.Conn, error) {
		near, other := net.Pipe()
		far <- other
		return near, nil
	}
	inBubble(t, e, func(t *testing.T, p pipes) {
		far = make(chan net.Conn, 1)
		start, c := time.Now(), p.open()
		if _, err := io.WriteString(c, connectTo("example.org:443")); err != nil {
			t.Fatal(err)
		}
		closesAfter(t, c, tunnelIdle, start)
		_ = (<-far).Close()
	})
}

func TestAHeaderThatIsTooLargeIsRefused(t *testing.T) {
	p := open(t, newEdge(t))
	status, _, _ := p.say(t, "GET / HTTP/1.1\r\nHost: localhost\r\nX-Big: "+strings.Repeat("x", maxHeader+4096)+"\r\n\r\n")
	if status != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("answered %d, want 431", status)
	}
}

// A thousand sockets that say nothing cost at most maxIdle connections, and a caller who has
// something to say is heard.
func TestIdleSocketsAreBounded(t *testing.T) {
	p := open(t, newEdge(t))
	const sockets = 1000
	before := runtime.NumGoroutine()
	idle := make([]net.Conn, sockets)
	for i := range idle {
		c, err := net.Dial("tcp", p.address)
		if errors.Is(err, syscall.EMFILE) {
			t.Skip("this machine allows too few open files for a thousand sockets")
		}
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		idle[i] = c
	}
	for i, c := range idle[:sockets-maxIdle] {
		_ = c.SetReadDeadline(time.Now().Add(firstByte / 2))
		if _, err := c.Read(make([]byte, 1)); err == nil || errors.Is(err, context.DeadlineExceeded) || isTimeout(err) {
			t.Fatalf("socket %d is still open: %v", i, err)
		}
	}
	// A peer sees the close before the goroutine that served it has had its turn to end.
	for end := time.Now().Add(firstByte / 2); runtime.NumGoroutine()-before > maxIdle+20; runtime.Gosched() {
		if time.Now().After(end) {
			t.Fatalf("%d sockets cost %d goroutines", sockets, runtime.NumGoroutine()-before)
		}
	}
	if status, _, _ := p.say(t, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"); status != 200 {
		t.Errorf("among idle sockets a request was answered %d", status)
	}
	if _, err := idle[sockets-1].Write([]byte("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")); err != nil {
		t.Error(err)
	}
	if _, err := idle[sockets-1].Read(make([]byte, 1)); err != nil {
		t.Errorf("the latest socket was closed: %v", err)
	}
}

func isTimeout(err error) bool {
	var ne net.Error
	return errors.As(err, &ne) && ne.Timeout()
}

// scarce is a listener on a machine that has run out of file descriptors for a moment.
type scarce struct {
	net.Listener
	refusals int
}

func (s *scarce) Accept() (net.Conn, error) {
	if s.refusals > 0 {
		s.refusals--
		return nil, &net.OpError{Op: "accept", Err: syscall.EMFILE}
	}
	return s.Listener.Accept()
}

func TestTheEdgeOutlivesAShortageOfFileDescriptors(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		p, done := newPipes(), make(chan error)
		e := newEdge(t)
		go func() { done <- e.Serve(ctx, &scarce{Listener: p, refusals: 20}) }()
		c := p.open()
		_, _ = io.WriteString(c, "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
		if all, err := io.ReadAll(c); err != nil || !strings.Contains(string(all), "200 OK") {
			t.Errorf("got %q, %v", all, err)
		}
		cancel()
		<-done
	})
}

func TestServeEndsCleanly(t *testing.T) {
	already := goleak.IgnoreCurrent()
	e := newEdge(t)
	e.lookup, e.dial = resolveTo("8.8.8.8"), dialInstead(echo(t), nil)
	began := make(chan struct{})
	e.Plain = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		close(began)
		<-r.Context().Done() // a stream that never ends by itself
	})
	p := open(t, e)
	var held []net.Conn
	for _, text := range []string{"", "G", "\x16", "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", connectTo("example.org:443"), connectTo(vaultHost + ":443")} {
		c, err := net.Dial("tcp", p.address)
		if err != nil {
			t.Fatal(err)
		}
		held = append(held, c)
		if _, err := io.WriteString(c, text); err != nil {
			t.Fatal(err)
		}
		if strings.HasPrefix(text, "CONNECT") {
			if _, err := io.ReadFull(c, make([]byte, len(established))); err != nil {
				t.Fatal(err)
			}
		}
	}
	<-began
	if err := p.end(); err != nil {
		t.Errorf("Serve returned %v", err)
	}
	for _, c := range held {
		_ = c.SetReadDeadline(time.Now().Add(5 * time.Second))
		if _, err := io.Copy(io.Discard, c); isTimeout(err) {
			t.Errorf("a connection was left open")
		}
		_ = c.Close()
	}
	if c, err := net.Dial("tcp", p.address); err == nil {
		_ = c.Close()
		t.Error("the port still answers")
	}
	goleak.VerifyNone(t, already, goleak.IgnoreAnyFunction("lanyard/internal/edge.echo.func1"))
}

func TestAListenerThatBreaksIsAnError(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = ln.Close()
	if err := newEdge(t).Serve(t.Context(), ln); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Serve returned %v", err)
	}
}

func TestTheProxyIsNotSpokenToOverTLS(t *testing.T) {
	p := open(t, newEdge(t))
	c, err := tls.Dial("tcp", p.address, &tls.Config{RootCAs: p.roots, ServerName: "localhost"})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_, _ = io.WriteString(c, connectTo(vaultHost+":443"))
	first := make([]byte, len("HTTP/1.1 405"))
	if _, err := io.ReadFull(c, first); err != nil || string(first) != "HTTP/1.1 405" {
		t.Errorf("got %q, %v", first, err)
	}
}

// Busy connections are never closed to make room: past maxConns it is the newcomer who goes.
func TestBusyConnectionsAreBounded(t *testing.T) {
	c := newCrowd()
	enter := func() (*conn, bool) {
		near, far := net.Pipe()
		t.Cleanup(func() { _ = near.Close(); _ = far.Close() })
		k := &conn{Conn: near, crowd: c}
		return k, c.enter(k)
	}
	var last *conn
	for range maxConns {
		k, ok := enter()
		if !ok {
			t.Fatal("a connection was refused too early")
		}
		c.follow(k, http.StateActive)
		last = k
	}
	if _, ok := enter(); ok || c.idlers() != 0 {
		t.Error("one connection too many was admitted")
	}
	_ = last.Close()
	if _, ok := enter(); !ok {
		t.Error("room that was made is not used")
	}
	c.closeAll()
	if _, ok := enter(); ok || len(c.all) != 0 {
		t.Error("after the end a connection was admitted")
	}
}

// TestAHugeBodyIsNotAwaited is of T20: a refusal does not wait for what nobody will read.
func TestAHugeBodyIsNotAwaited(t *testing.T) {
	e := newEdge(t)
	e.Plain = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) })
	p := open(t, e)
	conn, err := net.Dial("tcp", p.address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	fmt.Fprint(conn, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999\r\n\r\nx")
	answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	if answer.StatusCode != http.StatusTeapot || !answer.Close {
		t.Errorf("the answer is %s, and the connection stays: %t", answer.Status, !answer.Close)
	}
}
