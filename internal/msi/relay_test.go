package msi

import (
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

// through sends the replica's own request, or one that lacks its header, to an address that leads to
// the endpoint, naming that address as a client does; and expects a refusal of kind want.
func (w *world) through(t *testing.T, address string, withHeader bool, want int) {
	t.Helper()
	r := w.ask(t, "")
	r.URL.Host, r.Host = address, address
	if !withHeader {
		r.Header.Del("X-Identity-Header")
	}
	if status, body := w.send(t, r); status != want || strings.Contains(body, "token-") {
		t.Errorf("with the header %t, the answer is %d %s; want %d", withHeader, status, body, want)
	}
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
	program, err := exec.LookPath("nginx")
	if err != nil {
		program = "/usr/sbin/nginx" // where Debian has it, off the path of those who are not root
	}
	if _, err := os.Stat(program); err != nil {
		if os.Getenv("LANYARD_CI") != "" {
			t.Fatal("nginx is not installed")
		}
		t.Skip("nginx is not installed")
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address, dir := ln.Addr().String(), t.TempDir()
	ln.Close()
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
	cmd := exec.Command(program, "-p", dir, "-e", filepath.Join(dir, "error.log"), "-c", filepath.Join(dir, "nginx.conf"))
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
	for range 500 {
		if c, err := net.Dial("tcp", address); err == nil {
			c.Close()
			return address
		}
		select {
		case err := <-ended:
			ended <- err
			t.Fatalf("nginx ended: %v\n%s\n%s", err, said.String(), config)
		case <-tick.C:
		}
	}
	t.Fatal("nginx does not listen")
	return ""
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
