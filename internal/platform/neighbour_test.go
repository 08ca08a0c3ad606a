package platform

import (
	"bufio"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"lanyard/internal/cloud"
	"lanyard/internal/host"
)

// TestNeighboursGetNothing is T7: what one replica was given opens nothing of another, nor of the
// same app's other replica; and what it could guess opens nothing at all.
func TestNeighboursGetNothing(t *testing.T) {
	s := newStage(t)
	mine, twin, other := s.replica(t, s.app), s.replica(t, s.app), s.replica(t, s.newApp(t, "neighbour"))
	ask := func(sentence string, r *host.Replica, header string, want int) {
		t.Helper()
		answer, body := s.visit(t, "GET", "http://"+s.Address()+path(r), "X-IDENTITY-HEADER", header)
		if answer.StatusCode != want {
			t.Errorf("%s is answered %d %s, want %d", sentence, answer.StatusCode, body, want)
		}
	}
	ask("a replica with its own header", mine, mine.Header.Open(), 200)
	for _, r := range []*host.Replica{twin, other} {
		ask("a neighbour's endpoint with my header", r, mine.Header.Open(), 401)
		ask("my endpoint with a neighbour's header", mine, r.Header.Open(), 401)
		ask("a neighbour's endpoint with its proxy password", r, r.Proxy.Open(), 401)
		ask("a neighbour's endpoint with its name", r, r.Name, 401)
	}
	for range 1000 {
		guess, err := cloud.NewID(rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		ask("a guess", other, guess, 401)
		if t.Failed() {
			break
		}
	}
	// An endpoint that is there and one that is not look alike to a neighbour that tries names.
	answer, there := s.visit(t, "GET", "http://"+s.Address()+path(other))
	gone, absent := s.visit(t, "GET", "http://"+s.Address()+path(&host.Replica{Name: "hello--one-bcdfghjklm"}))
	strip := func(body string) string { before, _, _ := strings.Cut(body, "correlationId"); return before }
	if answer.StatusCode != gone.StatusCode || strip(there) != strip(absent) {
		t.Errorf("a neighbour's endpoint is told from none: %s and %s", there, absent)
	}
	for credential, want := range map[string]int{
		mine.Name + ":" + mine.Proxy.Open():     200,
		other.Name + ":" + mine.Proxy.Open():    407,
		mine.Name + ":" + mine.Header.Open():    407,
		"owner:" + mine.Proxy.Open():            407,
		other.Name + ":":                        407,
		":" + mine.Proxy.Open():                 407,
		"hello--one-x:" + mine.Proxy.Open():     407,
		mine.Name + ":" + mine.Proxy.Open()[1:]: 407,
	} {
		if got := s.connect(t, credential); got != want {
			t.Errorf("the proxy answers %d to %q, want %d", got, credential, want)
		}
	}
}

// connect gives the status with which the proxy answers a credential.
func (s *stage) connect(t *testing.T, credential string) int {
	t.Helper()
	conn, err := net.Dial("tcp", s.Address())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "CONNECT management.azure.com:443 HTTP/1.1\r\nHost: management.azure.com:443\r\nProxy-Authorization: Basic %s\r\n\r\n",
		base64.StdEncoding.EncodeToString([]byte(credential)))
	answer, err := http.ReadResponse(bufio.NewReader(conn), &http.Request{Method: "CONNECT"})
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	return answer.StatusCode
}

// TestThePlatformListensOnOnePortAlone is T7's port scan: of all that this process comes to listen on
// when a lasting platform starts, one socket is there, on loopback; the store opens none.
func TestThePlatformListensOnOnePortAlone(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("what a process listens on is read from /proc")
	}
	before := listening(t)
	s := newStage(t, func(c *Config) { c.Ephemeral = false })
	s.replica(t, s.app)
	s.fetch(t, s.replica(t, s.app))
	var fresh []string
	for socket, at := range listening(t) {
		if before[socket] == "" {
			fresh = append(fresh, at)
		}
	}
	if len(fresh) != 1 || !strings.Contains(fresh[0], "0100007F:") {
		t.Errorf("the platform listens on %v, want one loopback port: %s", fresh, s.Address())
	}
}

// listening gives the sockets that this process listens on, of every kind, by inode.
func listening(t *testing.T) map[string]string {
	t.Helper()
	mine := map[string]bool{}
	links, err := filepath.Glob("/proc/self/fd/*")
	if err != nil {
		t.Fatal(err)
	}
	for _, link := range links {
		if to, err := os.Readlink(link); err == nil {
			if inode, ok := strings.CutPrefix(to, "socket:["); ok {
				mine[strings.TrimSuffix(inode, "]")] = true
			}
		}
	}
	found := map[string]string{}
	for file, column := range map[string]struct {
		state   int
		listens string
		inode   int
	}{
		"tcp": {3, "0A", 9}, "tcp6": {3, "0A", 9}, "udp": {3, "07", 9}, "udp6": {3, "07", 9}, "unix": {3, "00010000", 6},
	} {
		text, err := os.ReadFile("/proc/self/net/" + file)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			f := strings.Fields(line)
			if len(f) > column.inode && f[column.state] == column.listens && mine[f[column.inode]] {
				found[f[column.inode]] = file + " " + f[1]
			}
		}
	}
	return found
}
