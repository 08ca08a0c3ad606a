package platform

import (
	"bufio"
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

// call asks over one connection until end. It reads as little as HTTP/1.1 lets it, so that what is
// measured is the server.
func (l load) call(end time.Time) (n int64, err error) {
	conn, err := net.Dial("tcp", l.address)
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	from := bufio.NewReaderSize(conn, 8<<10)
	for time.Now().Before(end) {
		if _, err := io.WriteString(conn, l.request); err != nil {
			return n, err
		}
		length := -1
		for line := 0; ; line++ {
			text, err := from.ReadSlice('\n')
			if err != nil {
				return n, err
			}
			if line == 0 && !strings.Contains(string(text), " 200 ") {
				return n, fmt.Errorf("the answer is %s", text)
			}
			if name, value, _ := strings.Cut(string(text), ": "); name == "Content-Length" {
				if length, err = strconv.Atoi(strings.TrimSpace(value)); err != nil {
					return n, err
				}
			}
			if len(text) == 2 {
				break
			}
		}
		if _, err := from.Discard(length); err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}

// BenchmarkCachedToken sets a cached token, through the one port with every check on, beside a bare
// handler that writes the same bytes: 16 callers that keep their connections, in turns of 0.3 s.
// It reports the median of the turns' ratios.
//
//	go test -run '^$' -bench CachedToken -benchtime 20x ./internal/platform
func BenchmarkCachedToken(b *testing.B) {
	s := newStage(b)
	r := s.replica(b, s.app)
	_, body := s.fetch(b, r)
	bytes := []byte(body)
	bare := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		w.Write(bytes)
	})}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	go bare.Serve(ln)
	defer bare.Close()
	request := func(address string) string {
		return "GET " + path(r) + " HTTP/1.1\r\nHost: " + address + "\r\nUser-Agent: load\r\nAccept: */*\r\n" +
			"X-IDENTITY-HEADER: " + r.Header.Open() + "\r\n\r\n"
	}
	loads := []load{{ln.Addr().String(), request(ln.Addr().String()), 16}, {s.Address(), request(s.Address()), 16}}
	var rates [2][]float64
	var ratios []float64
	for n := range b.N {
		first := n % 2 // in turns, so that neither always comes second
		var rate [2]float64
		for _, i := range []int{first, 1 - first} {
			rate[i] = loads[i].rate(b, 300*time.Millisecond)
			rates[i] = append(rates[i], rate[i])
		}
		ratios = append(ratios, rate[1]/rate[0])
	}
	median := func(all []float64) float64 { slices.Sort(all); return all[len(all)/2] }
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(median(rates[0]), "bare/s")
	b.ReportMetric(median(rates[1]), "door/s")
	b.ReportMetric(median(ratios), "ratio")
}
