package msi

import (
	"cmp"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// way is how a caller reaches the endpoint.
type way struct {
	address   string
	host      string          // what the caller names; "" names the address, as a client does
	transport *http.Transport // nil is Go's own
	sign      string          // what the refusal names
}

// along sends the replica's own request, or one that lacks its header, and expects the endpoint's own
// refusal of kind want: one that came from something in between would prove nothing.
func (w *world) along(t *testing.T, by way, withHeader bool, want int) {
	t.Helper()
	r := w.ask(t, "")
	r.URL.Host, r.Host = by.address, cmp.Or(by.host, by.address)
	if !withHeader {
		r.Header.Del("X-Identity-Header")
	}
	client := &http.Client{Timeout: 20 * time.Second}
	if by.transport != nil {
		client.Transport = by.transport
	}
	answer, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(body), "token-") {
		t.Errorf("with the header %t, there is a token: %s", withHeader, body)
	}
	refused(t, answer.StatusCode, string(body), want, by.sign)
}

// through is along the way of a client that knows an address alone.
func (w *world) through(t *testing.T, address string, withHeader bool, want int) {
	t.Helper()
	w.along(t, way{address: address}, withHeader, want)
}

// lacks skips a test that needs what this machine does not have, and fails it where all must be there.
func lacks(t *testing.T, what string, args ...any) {
	t.Helper()
	if os.Getenv("LANYARD_CI") != "" {
		t.Fatalf(what, args...)
	}
	t.Skipf(what, args...)
}

// program gives the path of an installed program, on the path or where else it may lie.
func program(t *testing.T, name string, elsewhere ...string) string {
	t.Helper()
	if at, err := exec.LookPath(name); err == nil {
		return at
	}
	for _, pattern := range elsewhere {
		if found, _ := filepath.Glob(pattern); len(found) > 0 {
			return found[0]
		}
	}
	lacks(t, "%s is not installed", name)
	return ""
}

// unused gives loopback addresses that nothing listens on.
func unused(t *testing.T, n int) (all []string) {
	t.Helper()
	for range n {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer ln.Close()
		all = append(all, ln.Addr().String())
	}
	return all
}

// runs starts a program, waits until it listens on all addresses, and ends it with the test.
func runs(t *testing.T, cmd *exec.Cmd, addresses ...string) {
	t.Helper()
	var said strings.Builder
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	t.Cleanup(func() { _ = cmd.Process.Signal(os.Interrupt); <-ended })
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for range 2000 {
		c, err := net.Dial("tcp", addresses[0])
		if err == nil {
			c.Close()
			if addresses = addresses[1:]; len(addresses) == 0 {
				return
			}
			continue
		}
		select {
		case err := <-ended:
			ended <- err
			t.Fatalf("%s ended: %v\n%s", cmd.Path, err, said.String())
		case <-tick.C:
		}
	}
	t.Fatalf("%s does not listen on %s", cmd.Path, addresses[0])
}

// TestAReverseProxyReachesNothing is T2 with the proxy of Go's library, and with one that passes bytes
// alone, as docker-proxy does.
func TestAReverseProxyReachesNothing(t *testing.T) {
	w := newWorld(t, worn(system)...)
	to := &url.URL{Scheme: "http", Host: w.port(t)}
	for name, proxy := range map[string]*httputil.ReverseProxy{
		"as it comes": httputil.NewSingleHostReverseProxy(to),
		"with our own name as Host": {Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(to)
			r.SetXForwarded()
		}},
		"with the name it was called by": {Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(to)
			r.Out.Host = r.In.Host
		}},
	} {
		t.Run(name, func(t *testing.T) {
			s := httptest.NewServer(proxy)
			defer s.Close()
			w.through(t, s.Listener.Addr().String(), true, http.StatusBadRequest)
			w.through(t, s.Listener.Addr().String(), false, http.StatusBadRequest)
		})
	}
	t.Run("one that leaves no trace is known by the header that its callers lack", func(t *testing.T) {
		s := httptest.NewServer(&httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(to) }})
		defer s.Close()
		w.through(t, s.Listener.Addr().String(), false, http.StatusUnauthorized)
	})
	t.Run("of bytes", func(t *testing.T) {
		address := forward(t, to.Host)
		w.through(t, address, true, http.StatusBadRequest)
		w.through(t, address, false, http.StatusBadRequest)
	})
	if n := w.minted(); n > 0 {
		t.Errorf("%d tokens were minted", n)
	}
}

// forward passes the bytes of every connection on, and gives the address it listens on.
func forward(t *testing.T, to string) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	go func() {
		for {
			near, err := ln.Accept()
			if err != nil {
				return
			}
			far, err := net.Dial("tcp", to)
			if err != nil {
				near.Close()
				continue
			}
			go func() { _, _ = io.Copy(far, near); far.Close() }()
			go func() { _, _ = io.Copy(near, far); near.Close() }()
		}
	}()
	return ln.Addr().String()
}

// nginx starts the proxy of that name with a location's lines, and gives its address.
func nginx(t *testing.T, location string) string {
	t.Helper()
	nginx := program(t, "nginx", "/usr/sbin/nginx") // where Debian has it, off the path of those who are not root
	address, dir := unused(t, 1)[0], t.TempDir()
	var temporary strings.Builder
	for _, kind := range []string{"client_body", "proxy", "fastcgi", "uwsgi", "scgi"} {
		fmt.Fprintf(&temporary, "%s_temp_path %s/%s;\n", kind, dir, kind)
	}
	config := fmt.Sprintf("daemon off; master_process off; pid %[1]s/pid; error_log %[1]s/error.log;\nevents {}\nhttp { access_log off; %[2]s\n"+
		"upstream lanyard { server %[3]s; }\nserver { listen %[4]s; location / {\n%[5]s\n} } }\n",
		dir, temporary.String(), strings.Fields(location)[0], address, strings.Join(strings.Fields(location)[1:], " "))
	if err := os.WriteFile(filepath.Join(dir, "nginx.conf"), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	runs(t, exec.Command(nginx, "-p", dir, "-e", filepath.Join(dir, "error.log"), "-c", filepath.Join(dir, "nginx.conf")), address)
	return address
}

// TestNginxReachesNothing is T2 with nginx in front, configured as its users do.
func TestNginxReachesNothing(t *testing.T) {
	w := newWorld(t, worn(system)...)
	to := w.port(t)
	for name, c := range map[string]struct {
		location string
		header   bool
		want     int
	}{
		"as it comes: HTTP/1.0":               {"proxy_pass http://" + to + ";", true, 400},
		"by a name of its own":                {"proxy_pass http://lanyard; proxy_http_version 1.1;", true, 400},
		"that names whom it speaks for":       {"proxy_pass http://" + to + "; proxy_http_version 1.1; proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;", true, 400},
		"that names the address":              {"proxy_pass http://" + to + "; proxy_http_version 1.1; proxy_set_header X-Real-IP $remote_addr;", true, 400},
		"that names the scheme":               {"proxy_pass http://" + to + "; proxy_http_version 1.1; proxy_set_header X-Forwarded-Proto $scheme;", true, 400},
		"that keeps the Host":                 {"proxy_pass http://" + to + "; proxy_http_version 1.1; proxy_set_header Host $http_host;", true, 400},
		"that leaves no trace, header absent": {"proxy_pass http://" + to + "; proxy_http_version 1.1; proxy_set_header Connection \"\";", false, 401},
	} {
		t.Run(name, func(t *testing.T) {
			address := nginx(t, to+" "+c.location)
			w.through(t, address, c.header, c.want)
			w.through(t, address, false, c.want)
		})
	}
	if n := w.minted(); n > 0 {
		t.Errorf("%d tokens were minted", n)
	}
}
