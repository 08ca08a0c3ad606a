package msi

import (
	"io"
	"math/rand/v2"
	"net"
	"os"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"
)

// words are what mutated requests are made of besides letters.
var words = []string{
	"\r\n", "\r\n ", "\n", "\x00", " ", "\t", ":", "?", "&", "&&", "=", "%", "%00", "%2f", "%2e%2e", "/", "//", "/../", "/.", ";", "#", "@", "*", "\\", "é", "\xff",
	"GET ", "POST ", "HEAD ", "CONNECT ", "HTTP/1.1", "HTTP/1.0", "HTTP/2.0", "Host: {host}\r\n", "Host: attacker.test\r\n", "{name}: {header}\r\n", "{name}: \r\n", "{NAME}: {header}\r\n",
	"secret: {header}\r\n", "X-IDENTITY-HEADER: {header}\r\n", "Metadata: true\r\n", "Metadata: True\r\n", "Authorization: Basic x\r\n", "{more}", "X-Forwarded-For: 1.2.3.4\r\n", "Via: a\r\n", "Origin: null\r\n",
	"Content-Length: 5\r\n", "Transfer-Encoding: chunked\r\n", "Expect: 100-continue\r\n", "Connection: close\r\n", "Upgrade: h2c\r\n",
	"api-version", "2017-09-01", "2018-02-01", "2019-08-01", "2020-06-01", "2025-03-30", "resource", "https://vault.azure.net", "client_id", "clientid", "object_id", "principal_id", "mi_res_id", "msi_res_id",
	"xms_cc=cp1", "token_sha256_to_refresh", string(system.Client), string(bill.Client), string(bill.ID), string(audit.Client), string(audit.ID), billing.String(), audits.String(),
	"{path}", "{query}", "{header}", "{header:8}", "/metadata/identity/oauth2/token", "/metadata/identity/info", "/msi/token", "/r/",
}

// mutate changes a request in a few places, or not at all.
func mutate(r *rand.Rand, text string) string {
	b := []byte(text)
	for range r.IntN(5) {
		at := r.IntN(len(b) + 1)
		end := min(len(b), at+r.IntN(8))
		switch r.IntN(6) {
		case 0:
			b = append(b[:at:at], b[end:]...)
		case 1:
			b = append(b[:at:at], append([]byte{byte(r.IntN(256))}, b[at:]...)...)
		case 2:
			if at < len(b) {
				b[at] ^= 1 << r.IntN(8)
			}
		case 3:
			b = append(b[:at:at], append([]byte(string(b[at:end])), b[at:]...)...)
		default:
			b = append(b[:at:at], append([]byte(words[r.IntN(len(words))]), b[at:]...)...)
		}
	}
	return string(b)
}

// TestAMillionMutatedRequests gives each protocol that many, in process, and each hundredth on the wire: no
// 5xx, no token without right, and neither goroutines nor descriptors are left. LANYARD_SLOW=1 runs it
// whole, otherwise a thousandth.
func TestAMillionMutatedRequests(t *testing.T) {
	n := 1_000
	if os.Getenv("LANYARD_SLOW") != "" {
		n = 1_000_000
	}
	for i, d := range dialects {
		t.Run(d.protocol.name, func(t *testing.T) {
			goroutines, files := runtime.NumGoroutine(), descriptors(t)
			t.Run("all", func(t *testing.T) {
				w, given := fuzzed(t, d), 0
				address, handler := w.port(t), w.door.Handler()
				from, r := seeds(), rand.New(rand.NewPCG(uint64(i), 4))
				for k := range n {
					text := from[0] // a right one, half of the time
					if r.IntN(2) == 0 {
						text = from[r.IntN(len(from))]
					}
					text = d.fill(t, w, mutate(r, text))
					if d.judge(t, w, handler, text) {
						given++
					}
					if k%100 == 0 {
						send(t, address, text+"\r\n\r\n")
					}
					if t.Failed() {
						t.Fatalf("request %d", k)
					}
				}
				t.Logf("%d of %d were given a token", given, n)
				if given == 0 || given == n {
					t.Error("the requests are all alike")
				}
			})
			tick := time.NewTicker(10 * time.Millisecond) // connections end a moment after their answers
			defer tick.Stop()
			for wait := 0; wait < 500 && (runtime.NumGoroutine() > goroutines || descriptors(t) > files); wait++ {
				<-tick.C
			}
			if g, f := runtime.NumGoroutine(), descriptors(t); g > goroutines || f > files {
				t.Errorf("goroutines: %d before, %d after; descriptors: %d before, %d after", goroutines, g, files, f)
			}
		})
	}
}

// send writes bytes to a port, and reads whatever comes. It says that this is all only when an answer has
// begun, or none comes: for the server, who says so is about to go.
func send(t testing.TB, address, text string) {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_, _ = io.WriteString(conn, text)
	_ = conn.SetReadDeadline(time.Now().Add(200 * time.Millisecond))
	first := make([]byte, 4<<10)
	n, _ := conn.Read(first)
	_ = conn.(*net.TCPConn).CloseWrite()
	_ = conn.SetReadDeadline(time.Now().Add(20 * time.Second))
	rest, err := io.ReadAll(io.LimitReader(conn, 1<<20))
	answer := append(first[:n], rest...)
	if timeout, ok := err.(net.Error); ok && timeout.Timeout() {
		t.Errorf("%q is left without an end: %q", text, answer)
	}
	if len(answer) > 12 {
		// 501 and 505 are net/http's own answers to codings and versions that it does not speak (RFC 9112
		// section 6.1, RFC 9110 section 15.6.6).
		own := strings.Contains(string(answer), "text/plain")
		if status, _ := strconv.Atoi(string(answer[9:12])); status >= 500 && (!own || status != 501 && status != 505) {
			t.Errorf("%q is answered %q", text, answer)
		}
	}
}

// descriptors counts the files that this process has open; 0 where the system does not tell.
func descriptors(t testing.TB) int {
	t.Helper()
	all, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return 0
	}
	return len(all)
}
