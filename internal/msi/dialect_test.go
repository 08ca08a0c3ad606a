package msi

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"

	"lanyard/internal/cloud"
	"lanyard/internal/host"
	"lanyard/internal/httpkit"
)

// dialect is how a client of one protocol asks.
type dialect struct {
	protocol *protocol
	source   host.Source
	version  string
	header   string // that must be there once and whole
}

var dialects = []dialect{
	{appService2019, host.SourceAppService, "2019-08-01", "X-IDENTITY-HEADER"},
	{appService2017, host.SourceAppService2017, "2017-09-01", "secret"},
	{appService2025, host.SourceAppService, "2025-03-30", "X-IDENTITY-HEADER"},
	{imds, host.SourceIMDS, "2018-02-01", "Metadata"},
	{arc, host.SourceArc, "2020-06-01", "Metadata"},
}

// speaking runs a test for each protocol, in a world whose replica is told of that one.
func speaking(t *testing.T, worn []cloud.Identity, test func(t *testing.T, w *world, d dialect)) {
	t.Helper()
	for _, d := range dialects {
		t.Run(d.protocol.name, func(t *testing.T) {
			w := newWorld(t, worn...)
			w.attach(t, host.Attachment{Source: d.source})
			w.door.Limits = Limits{Rate: 1e9, AtOnce: 1000}
			test(t, w, d)
		})
	}
}

func (d dialect) path(w *world) string {
	if d.protocol.header != "" {
		return "/r/" + w.replica.Name + "/msi/token"
	}
	return "/r/" + w.replica.Way.Open() + "/metadata/identity/oauth2/token"
}

func (d dialect) query() string {
	return "?api-version=" + d.version + "&resource=https://vault.azure.net"
}

func (d dialect) value(w *world) string {
	if d.protocol.header != "" {
		return w.replica.Header.Open()
	}
	return "true"
}

// more are the lines that a good request has beside the header.
func (d dialect) more() string {
	if d.protocol.keyed {
		return "Authorization: Basic {key}\r\n"
	}
	return ""
}

// fill puts what a replica was given into a request.
func (d dialect) fill(t testing.TB, w *world, request string) string {
	request = strings.ReplaceAll(request, "{more}", d.more())
	path, value := d.path(w), d.value(w)
	_, port, _ := net.SplitHostPort(w.door.Address)
	cut, last := len(value)/2, path[strings.LastIndexByte(path, '/')+1:]
	within := func(with string) string { return path[:len(path)-len(last)-1] + with }
	out := strings.NewReplacer("{path}", path, "{PATH}", strings.ToUpper(path), "{path//}", within("//"+last),
		"{path%}", within(fmt.Sprintf("/%%%02x%s", last[0], last[1:])), "{path%2f}", within("%2f"+last), "{path%252f}", within("%252f"+last),
		`{path\}`, within(`\`+last), "{name}", d.header, "{na_me}", strings.ReplaceAll(d.header, "-", "_")+"_", "{NAME}", strings.ToUpper(d.header), "{query}", d.query(),
		"{header}", value, "{HEADER}", strings.ToUpper(value), "{header:8}", value[:cut], "{header8:}", value[cut:],
		"{host}", w.door.Address, "{port}", port).Replace(request)
	if strings.Contains(out, "{key}") {
		out = strings.ReplaceAll(out, "{key}", w.key(t))
	}
	return out
}

// ask gives a good request for the vault; more is added to its query.
func (d dialect) ask(t testing.TB, w *world, more string) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), "GET", w.server.URL+d.path(w)+d.query()+more, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set(d.header, d.value(w))
	if d.protocol.keyed {
		r.Header.Set("Authorization", "Basic "+w.key(t))
	}
	return r
}

// key gives a key that Arc's challenge has laid for the world's replica.
func (w *world) key(t testing.TB) string {
	t.Helper()
	r := httptest.NewRequest("GET", "/r/"+w.replica.Way.Open()+"/metadata/identity/oauth2/token?api-version=2020-06-01&resource=https://vault.azure.net", nil)
	r.Host = w.door.Address
	r.Header.Set("Metadata", "true")
	rec := httptest.NewRecorder()
	w.door.Handler().ServeHTTP(rec, r)
	path, ok := strings.CutPrefix(rec.Header().Get("WWW-Authenticate"), "Basic realm=")
	if !ok || rec.Code != http.StatusUnauthorized {
		t.Fatalf("the challenge is %d %s %q", rec.Code, rec.Body, rec.Header())
	}
	return w.keys.read(path)
}

// files are keys that lie where tests can read them.
type files struct {
	mu   sync.Mutex
	n    int
	laid map[string]string
	uids []int
	fail error
}

func (f *files) Place(key []byte, uid int) (string, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.fail != nil {
		return "", f.fail
	}
	if f.laid == nil {
		f.laid = map[string]string{}
	}
	f.n++
	path := fmt.Sprintf("/var/opt/azcmagent/tokens/%d.key", f.n)
	f.laid[path], f.uids = string(key), []int{uid}
	return path, nil
}

func (f *files) Remove(path string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.laid, path)
	return nil
}

func (f *files) read(path string) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.laid[path]
}

func (f *files) left() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.laid)
}

// witnesses know of connections whose process they are, as tests say.
type witnesses struct {
	mu    sync.Mutex
	owns  map[netip.AddrPort]host.Root
	asked int
	blind error // cannot tell
}

// says that the far end of a connection belongs to a process that descends from root.
func (w *witnesses) says(far net.Addr, root int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.owns == nil {
		w.owns = map[netip.AddrPort]host.Root{}
	}
	w.owns[far.(*net.TCPAddr).AddrPort()] = host.Root{PID: root}
}

func (w *witnesses) Able() error { return nil }

func (w *witnesses) Find(_ context.Context, c *httpkit.Connection, roots []host.Root) (int, cloud.Process, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.asked++
	own := w.owns[c.Remote]
	p := cloud.Process{PID: own.PID, UID: 61000 + own.PID, Program: fmt.Sprintf("/bin/app%d", own.PID)}
	if w.blind != nil {
		return 0, p, w.blind
	}
	for i, r := range roots {
		if r == own {
			return i, p, nil
		}
	}
	return 0, p, host.ErrStranger
}

func (w *witnesses) Holder(_ context.Context, c *httpkit.Connection) (host.Root, cloud.Process, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.owns[c.Remote], cloud.Process{}, nil
}

// process gives a client whose connections are made by a process that descends from root.
func (w *world) process(t testing.TB, root int) *http.Client {
	transport := &http.Transport{DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := new(net.Dialer).DialContext(ctx, network, address)
		if err == nil {
			w.witness.says(conn.LocalAddr(), root)
		}
		return conn, err
	}}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

// started gives a replica whose processes descend from root, and are attested.
func (w *world) started(t testing.TB, root int, source host.Source) *host.Replica {
	t.Helper()
	at := netip.MustParseAddrPort(fmt.Sprintf("127.0.0.1:%d", root))
	w.witness.says(net.TCPAddrFromAddrPort(at), root)
	r := w.attach(t, host.Attachment{Source: source, Connection: &httpkit.Connection{Remote: at, Local: at}})
	if !r.Attested() {
		t.Fatalf("the replica is not attested: %s", r.Unattested())
	}
	return r
}

// connected is a connection that has ends and nothing else.
type connected struct {
	net.Conn
	local net.Addr
}

func (c *connected) LocalAddr() net.Addr { return c.local }
func (c *connected) RemoteAddr() net.Addr {
	return net.TCPAddrFromAddrPort(netip.MustParseAddrPort("127.0.0.1:4"))
}
