package edge

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"
)

func resolveTo(addrs ...string) func(context.Context, string) ([]netip.Addr, error) {
	return func(context.Context, string) ([]netip.Addr, error) {
		var all []netip.Addr
		for _, a := range addrs {
			all = append(all, netip.MustParseAddr(a))
		}
		return all, nil
	}
}

// dialInstead leads every dial to one loopback address, and notes what was wanted.
func dialInstead(to string, wanted *[]string) func(context.Context, string) (net.Conn, error) {
	return func(ctx context.Context, address string) (net.Conn, error) {
		if wanted != nil {
			*wanted = append(*wanted, address)
		}
		return (&net.Dialer{}).DialContext(ctx, "tcp", to)
	}
}

// echo serves on loopback what it is sent, until the test ends.
func echo(t *testing.T) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var work sync.WaitGroup
	work.Go(func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			work.Go(func() { _, _ = io.Copy(c, c); _ = c.Close() })
		}
	})
	t.Cleanup(func() { _ = ln.Close(); work.Wait() })
	return ln.Addr().String()
}

// tunnelStatus asks for a tunnel, and for an echo through it when it stands.
func (p *place) tunnelStatus(t *testing.T, target string) int {
	t.Helper()
	c, err := net.Dial("tcp", p.address)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(20 * time.Second))
	if _, err := io.WriteString(c, connectTo(target)); err != nil {
		t.Fatal(err)
	}
	head := make([]byte, len(established))
	if _, err := io.ReadFull(c, head); err != nil {
		t.Fatal(err)
	}
	if string(head) != established {
		var status int
		for _, digit := range head[len("HTTP/1.1 "):len("HTTP/1.1 200")] {
			status = status*10 + int(digit-'0')
		}
		return status
	}
	back := make([]byte, 4)
	if _, err := io.WriteString(c, "ping"); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(c, back); err != nil || string(back) != "ping" {
		t.Errorf("the tunnel to %s gave %q, %v", target, back, err)
	}
	return 200
}

func TestAPublicDestinationPasses(t *testing.T) {
	var wanted []string
	e := newEdge(t)
	e.lookup, e.dial = resolveTo("::ffff:93.184.215.14"), dialInstead(echo(t), &wanted)
	p := open(t, e)
	if got := p.tunnelStatus(t, "example.org:8443"); got != 200 {
		t.Fatalf("answered %d", got)
	}
	if len(wanted) != 1 || wanted[0] != "93.184.215.14:8443" {
		t.Errorf("dialled %v", wanted)
	}
}

// A name server that answers public first and private next (rebinding) is asked only once, and
// of a mixed answer only the public part is dialled.
func TestTheAddressThatWasCheckedIsTheOneDialled(t *testing.T) {
	var wanted []string
	asked := 0
	e := newEdge(t)
	e.dial = dialInstead(echo(t), &wanted)
	e.lookup = func(context.Context, string) ([]netip.Addr, error) {
		if asked++; asked > 1 {
			return []netip.Addr{netip.MustParseAddr("127.0.0.1")}, nil
		}
		return []netip.Addr{netip.MustParseAddr("10.0.0.1"), netip.MustParseAddr("64:ff9b::a00:1"), netip.MustParseAddr("8.8.4.4")}, nil
	}
	p := open(t, e)
	if got := p.tunnelStatus(t, "rebind.example.org:443"); got != 200 {
		t.Fatalf("answered %d", got)
	}
	if asked != 1 || len(wanted) != 1 || wanted[0] != "8.8.4.4:443" {
		t.Errorf("asked %d times and dialled %v", asked, wanted)
	}
	if got := p.tunnelStatus(t, "rebind.example.org:443"); got != 403 {
		t.Errorf("the private answer gave %d, want 403", got)
	}
}

func TestADestinationThatIsSilentIsABadGateway(t *testing.T) {
	e := newEdge(t)
	p := open(t, e)
	status, body, _ := p.say(t, connectTo("nowhere.example.org:443"))
	if status != 502 || strings.Contains(body, "test resolves") {
		t.Errorf("an unknown name answered %d %q, want 502 without the cause", status, body)
	}
	status, _, _ = p.say(t, connectTo("8.8.8.8:443"))
	if status != 502 {
		t.Errorf("a silent address answered %d, want 502", status)
	}
}

// userProxy is the proxy that a user has: it admits one credential and leads everything to far.
func userProxy(t *testing.T, far string) (*httptest.Server, *[]string) {
	t.Helper()
	var asked []string
	var work sync.WaitGroup
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Proxy-Authorization") != basic("me", "pa:ss") {
			http.Error(w, "who are you", http.StatusProxyAuthRequired)
			return
		}
		asked = append(asked, r.Method+" "+r.Host)
		c, err := net.Dial("tcp", far)
		if err != nil {
			t.Error(err)
			return
		}
		near, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		_, _ = io.WriteString(near, "HTTP/1.1 200 OK\r\n\r\n")
		work.Go(func() { _, _ = io.Copy(c, near); _ = c.Close() })
		work.Go(func() { _, _ = io.Copy(near, c); _ = near.Close() })
	}))
	t.Cleanup(func() { server.Close(); work.Wait() })
	return server, &asked
}

func TestTheUsersOwnProxyIsChained(t *testing.T) {
	server, asked := userProxy(t, echo(t))
	e := newEdge(t)
	e.dial = dialInstead(server.Listener.Addr().String(), nil)
	next, _ := url.Parse(server.URL)
	next.User = url.UserPassword("me", "pa:ss")
	e.Upstream = http.ProxyURL(next)
	p := open(t, e)
	if got := p.tunnelStatus(t, "example.org:443"); got != 200 { // a name that does not resolve here
		t.Errorf("answered %d", got)
	}
	if len(*asked) != 1 || (*asked)[0] != "CONNECT example.org:443" {
		t.Errorf("the user's proxy was asked %q", *asked)
	}
	for _, private := range []string{"10.0.0.1:443", "localhost:443"} {
		if got := p.tunnelStatus(t, private); got != 403 {
			t.Errorf("CONNECT %s answered %d, want 403", private, got)
		}
	}
	e.lookup = resolveTo("8.8.8.8", "10.0.0.9") // which of them the other proxy would take is unknown
	status, body, _ := p.say(t, connectTo("mixed.example.org:443"))
	if status != 403 || !strings.Contains(body, "10.0.0.9") {
		t.Errorf("a name that leads both ways was answered %d %q, want 403", status, body)
	}
	e.lookup = resolveTo("8.8.8.8")
	next.User = url.UserPassword("me", "wrong")
	if got := p.tunnelStatus(t, "example.org:443"); got != 502 {
		t.Errorf("with a wrong password the answer was %d, want 502", got)
	}
}

func TestProxiesThatCannotBeChainedAreNamed(t *testing.T) {
	e := newEdge(t)
	e.lookup = resolveTo("8.8.8.8")
	e.Upstream = http.ProxyURL(&url.URL{Scheme: "socks5", Host: "127.0.0.1:1080"})
	status, body, _ := open(t, e).say(t, connectTo("example.org:443"))
	if status != 502 || !strings.Contains(body, "socks5") {
		t.Errorf("a SOCKS proxy gave %d %q", status, body)
	}
	e = newEdge(t)
	e.Upstream = func(*http.Request) (*url.URL, error) { return nil, errors.New("invalid proxy address me:secret@x") }
	status, body, _ = open(t, e).say(t, connectTo("example.org:443"))
	if status != 502 || strings.Contains(body, "secret") {
		t.Errorf("an unreadable proxy variable gave %d %q", status, body)
	}
}

// Inside a shell that Lanyard prepared, the user's proxy is Lanyard's own port.
func TestAProxyVariableThatLeadsBackIsNoProxy(t *testing.T) {
	e := newEdge(t)
	e.lookup, e.dial = resolveTo("8.8.8.8"), dialInstead(echo(t), nil)
	var self *url.URL
	e.Upstream = func(*http.Request) (*url.URL, error) { return self, nil }
	p := open(t, e)
	_, port, _ := net.SplitHostPort(p.address)
	for _, host := range []string{p.address, "localhost:" + port, "[::1]:" + port} {
		self = &url.URL{Scheme: "http", Host: host, User: good()}
		if got := p.tunnelStatus(t, "example.org:443"); got != 200 {
			t.Errorf("with a proxy at %s the answer was %d, want 200", host, got)
		}
	}
}
