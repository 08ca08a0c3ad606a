package platform

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"lanyard/internal/host"
	"lanyard/internal/httpkit"
)

// load is what callers with one connection each do to a server.
type load struct {
	address string
	request string // as it stands on the wire
	callers int
}

// rate runs the load for a while and gives answers a second; every answer must be a 200.
func (l load) rate(b *testing.B, during time.Duration) float64 {
	b.Helper()
	var answered atomic.Int64
	var all sync.WaitGroup
	start := time.Now()
	end := start.Add(during)
	for range l.callers {
		all.Go(func() {
			n, err := l.call(end)
			if err != nil {
				b.Error(err)
			}
			answered.Add(n)
		})
	}
	all.Wait()
	return float64(answered.Load()) / time.Since(start).Seconds()
}

// call asks over one connection until end.
func (l load) call(end time.Time) (n int64, err error) {
	conn, err := net.Dial("tcp", l.address)
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	from := bufio.NewReaderSize(conn, 8<<10)
	for time.Now().Before(end) {
		if err := l.once(conn, from); err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}

// once asks once. It reads as little as HTTP/1.1 lets it, so that what is measured is the server.
func (l load) once(conn io.Writer, from *bufio.Reader) error {
	if _, err := io.WriteString(conn, l.request); err != nil {
		return err
	}
	length := -1
	for line := 0; ; line++ {
		text, err := from.ReadSlice('\n')
		if err != nil {
			return err
		}
		if line == 0 && !strings.Contains(string(text), " 200 ") {
			return fmt.Errorf("the answer is %s", text)
		}
		if name, value, _ := strings.Cut(string(text), ": "); name == "Content-Length" {
			if length, err = strconv.Atoi(strings.TrimSpace(value)); err != nil {
				return err
			}
		}
		if len(text) == 2 {
			break
		}
	}
	_, err := from.Discard(length)
	return err
}

// bare serves the bytes of an answer without asking anything, and gives its address.
func bare(b *testing.B, body string) string {
	b.Helper()
	bytes := []byte(body)
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		w.Write(bytes)
	})}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	go server.Serve(ln)
	b.Cleanup(func() { server.Close() })
	return ln.Addr().String()
}

// asking is what a client of a replica sends for a token of the vaults.
func (s *stage) asking(r *host.Replica, address string) string {
	return "GET " + path(r) + " HTTP/1.1\r\nHost: " + address + "\r\nUser-Agent: load\r\nAccept: */*\r\n" +
		"X-IDENTITY-HEADER: " + r.Header.Open() + "\r\n\r\n"
}

// attested makes a replica whose process is this one, so that its callers are attested.
func (s *stage) attested(b *testing.B) *host.Replica {
	b.Helper()
	conn, err := net.Dial("tcp", s.Address())
	if err != nil {
		b.Fatal(err)
	}
	defer conn.Close()
	r, err := s.host.Attach(b.Context(), s.app, host.Attachment{Connection: &httpkit.Connection{
		Remote: conn.LocalAddr().(*net.TCPAddr).AddrPort(), Local: conn.RemoteAddr().(*net.TCPAddr).AddrPort()}})
	if err != nil {
		b.Fatal(err)
	}
	if !r.Attested() {
		b.Skipf("callers are not attested here: %s", r.Unattested())
	}
	return r
}

func median[T cmp.Ordered](all []T) T {
	slices.Sort(all)
	return all[len(all)/2]
}

// inTurns runs loads one after the other, again and again, so that none always comes first, and gives the
// medians of their rates and, to the first, of their ratios in each turn.
func inTurns(b *testing.B, loads ...load) (rates, ratios []float64) {
	all, to := make([][]float64, len(loads)), make([][]float64, len(loads))
	for n := range b.N {
		turn := make([]float64, len(loads))
		for k := range loads {
			i := (n + k) % len(loads)
			turn[i] = loads[i].rate(b, 300*time.Millisecond)
		}
		for i, rate := range turn {
			all[i], to[i] = append(all[i], rate), append(to[i], rate/turn[0])
		}
	}
	b.ReportMetric(0, "ns/op")
	for i := range loads {
		rates, ratios = append(rates, median(all[i])), append(ratios, median(to[i]))
	}
	return rates, ratios
}

// BenchmarkCachedToken sets a cached token, through the one port with every check on, with the calling
// process attested and without, beside a bare handler that writes the same bytes: 16 callers that keep
// their connections, in turns of 0.3 s. It reports medians.
//
//	go test -run '^$' -bench CachedToken -benchtime 20x ./internal/platform
func BenchmarkCachedToken(b *testing.B) {
	s := newStage(b)
	off, on := s.replica(b, s.app), s.attested(b)
	_, body := s.fetch(b, off)
	at := bare(b, body)
	rates, ratios := inTurns(b, load{at, s.asking(off, at), 16}, load{s.Address(), s.asking(off, s.Address()), 16}, load{s.Address(), s.asking(on, s.Address()), 16})
	b.ReportMetric(rates[0], "bare/s")
	b.ReportMetric(rates[1], "door/s")
	b.ReportMetric(ratios[1], "ratio")
	b.ReportMetric(rates[2], "attested/s")
	b.ReportMetric(ratios[2], "attested-ratio")
}

// BenchmarkOneCaller is how long one caller waits for a cached token, who keeps the connection.
func BenchmarkOneCaller(b *testing.B) {
	s := newStage(b)
	off, on := s.replica(b, s.app), s.attested(b)
	_, body := s.fetch(b, off)
	at := bare(b, body)
	for _, c := range []struct {
		name string
		load load
	}{{"bare", load{at, s.asking(off, at), 1}}, {"unattested", load{s.Address(), s.asking(off, s.Address()), 1}}, {"attested", load{s.Address(), s.asking(on, s.Address()), 1}}} {
		b.Run(c.name, func(b *testing.B) {
			conn, err := net.Dial("tcp", c.load.address)
			if err != nil {
				b.Fatal(err)
			}
			defer conn.Close()
			from, took := bufio.NewReaderSize(conn, 8<<10), make([]time.Duration, 0, b.N)
			for b.Loop() {
				began := time.Now()
				if err := c.load.once(conn, from); err != nil {
					b.Fatal(err)
				}
				took = append(took, time.Since(began))
			}
			b.ReportMetric(float64(median(took).Microseconds()), "p50-us")
			b.ReportMetric(float64(took[len(took)*99/100].Microseconds()), "p99-us")
		})
	}
}
