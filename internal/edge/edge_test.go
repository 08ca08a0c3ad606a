package edge

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"lanyard/internal/cloud"
	"lanyard/internal/secret"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	proxyUser     = "hello--abc123"
	proxyPassword = "p/ss:w@rd"
	vaultHost     = "hello-kv.vault.azure.net"
)

// place is an edge that answers, with what a client needs to reach it.
type place struct {
	*Edge
	address string
	env     Environment
	roots   *x509.CertPool
	end     func() error // ends it and waits
}

func newAuthority(t *testing.T, dir string) *Authority {
	t.Helper()
	box, err := secret.NewBox(nil)
	if err != nil {
		t.Fatal(err)
	}
	a, err := OpenAuthority(dir, box, cloud.Azure, nil)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// newEdge makes an edge whose services answer with what they saw.
func newEdge(t *testing.T) *Edge {
	t.Helper()
	return &Edge{
		Authority: newAuthority(t, t.TempDir()),
		Profile:   cloud.Azure,
		Services: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			user, through := ProxyUser(r.Context())
			body, err := io.ReadAll(r.Body)
			fmt.Fprintf(w, "host=%s path=%s proto=%s user=%s through=%t body=%s err=%v", r.Host, r.URL.Path, r.Proto, user, through, body, err)
		}),
		Plain: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, err := io.ReadAll(r.Body)
			fmt.Fprintf(w, "plain host=%s path=%s body=%s err=%v", r.Host, r.URL.Path, body, err)
		}),
		Admit: func(user, password string) bool { return user == proxyUser && password == proxyPassword },
		lookup: func(_ context.Context, host string) ([]netip.Addr, error) {
			return nil, fmt.Errorf("test resolves no name, and not %s", host)
		},
		dial: func(_ context.Context, address string) (net.Conn, error) {
			return nil, fmt.Errorf("test reaches nothing, and not %s", address)
		},
	}
}

// open serves an edge on loopback until the test ends.
func open(t *testing.T, e *Edge) *place {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- e.Serve(ctx, ln) }()
	p := &place{Edge: e, address: ln.Addr().String(), roots: x509.NewCertPool()}
	p.end = func() error {
		cancel()
		select {
		case err := <-done:
			done <- err
			return err
		case <-time.After(20 * time.Second):
			return errors.New("the edge did not end")
		}
	}
	t.Cleanup(func() {
		if err := p.end(); err != nil {
			t.Error(err)
		}
	})
	p.roots.AppendCertsFromPEM(e.Authority.PEM())
	p.env = Environment{Address: p.address, User: proxyUser, Password: cloud.Seal(proxyPassword)}
	return p
}

// client gives a client that trusts the local authority and takes the proxy.
func (p *place) client(t *testing.T, user *url.Userinfo) *http.Client {
	t.Helper()
	tr := &http.Transport{
		Proxy:             http.ProxyURL(&url.URL{Scheme: "http", Host: p.address, User: user}),
		TLSClientConfig:   &tls.Config{RootCAs: p.roots},
		ForceAttemptHTTP2: true,
	}
	t.Cleanup(tr.CloseIdleConnections)
	return &http.Client{Transport: tr, Timeout: 20 * time.Second}
}

func good() *url.Userinfo { return url.UserPassword(proxyUser, proxyPassword) }

func read(t *testing.T, r *http.Response) string {
	t.Helper()
	defer r.Body.Close()
	b, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestAProductionNameLeadsHereThroughTheProxy(t *testing.T) {
	p := open(t, newEdge(t))
	r, err := p.client(t, good()).Post("https://"+vaultHost+"/secrets/db", "text/plain", strings.NewReader("hello"))
	if err != nil {
		t.Fatal(err)
	}
	want := "host=" + vaultHost + " path=/secrets/db proto=HTTP/2.0 user=" + proxyUser + " through=true body=hello err=<nil>"
	if got := read(t, r); got != want {
		t.Errorf("the service answered %q, want %q", got, want)
	}
}

func TestALocalNameLeadsHereDirectly(t *testing.T) {
	p := open(t, newEdge(t))
	host := NameFor(vaultHost)
	for proto, h2 := range map[string]bool{"HTTP/1.1": false, "HTTP/2.0": true} {
		tr := &http.Transport{
			TLSClientConfig:   &tls.Config{RootCAs: p.roots},
			ForceAttemptHTTP2: h2,
			DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
				return (&net.Dialer{}).DialContext(ctx, network, p.address)
			},
		}
		if !h2 {
			tr.TLSNextProto = map[string]func(string, *tls.Conn) http.RoundTripper{}
		}
		r, err := (&http.Client{Transport: tr}).Get("https://" + host + ":4140/")
		if err != nil {
			t.Fatal(err)
		}
		want := "host=" + host + ":4140 path=/ proto=" + proto + " user= through=false body= err=<nil>"
		if got := read(t, r); got != want {
			t.Errorf("the service answered %q, want %q", got, want)
		}
		tr.CloseIdleConnections()
	}
}

func TestPlainHTTPReachesThePlainDoor(t *testing.T) {
	p := open(t, newEdge(t))
	tr := &http.Transport{}
	defer tr.CloseIdleConnections()
	r, err := (&http.Client{Transport: tr}).Get("http://" + p.address + "/r/x/msi/token")
	if err != nil {
		t.Fatal(err)
	}
	if got, want := read(t, r), "plain host="+p.address+" path=/r/x/msi/token body= err=<nil>"; got != want {
		t.Errorf("the plain door answered %q, want %q", got, want)
	}
}

// Unmodified clients, in an environment of exactly the variables that Lanyard sets.
func TestRealClientsRunInAPreparedEnvironment(t *testing.T) {
	p := open(t, newEdge(t))
	t.Setenv(rootsVariable, "")
	var err error
	p.env.Bundle, p.env.TrustStore, err = WriteBundle(t.TempDir(), p.Authority.PEM())
	if err != nil {
		t.Fatal(err)
	}
	for name, command := range map[string][]string{
		"curl":    {"curl", "-sS", "--max-time", "20", "https://" + vaultHost + "/secrets/db"},
		"python3": {"python3", "-c", "import urllib.request as u; print(u.urlopen('https://" + vaultHost + "/secrets/db', timeout=20).read().decode())"},
	} {
		t.Run(name, func(t *testing.T) {
			path := tool(t, command[0])
			ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
			defer cancel()
			run := exec.CommandContext(ctx, path, command[1:]...)
			run.Env = append(p.env.Variables(), "PATH="+os.Getenv("PATH"))
			out, err := run.CombinedOutput()
			if err != nil || !bytes.Contains(out, []byte("host="+vaultHost+" path=/secrets/db")) || !bytes.Contains(out, []byte("user="+proxyUser)) {
				t.Errorf("%s: %v: %s", name, err, out)
			}
		})
	}
}

// tool finds a program; where it is missing the test is skipped, and in CI it fails.
func tool(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	switch {
	case err == nil:
	case os.Getenv("LANYARD_CI") != "":
		t.Fatalf("%s is not installed", name)
	default:
		t.Skipf("%s is not installed", name)
	}
	return path
}
