package msi

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
)

// BenchmarkToken measures deliveries from memory over one connection, beside a bare handler that
// writes the same bytes.
func BenchmarkToken(b *testing.B) {
	w := newWorld(b, worn(system)...)
	_, body := w.send(b, w.ask(b, ""))
	bare := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
		rw.Header().Set("Content-Type", "application/json; charset=utf-8")
		io.WriteString(rw, body)
	}))
	defer bare.Close()
	door := httptest.NewServer(w.door.Handler())
	defer door.Close()
	w.door.Address = door.Listener.Addr().String()
	for _, c := range []struct {
		name string
		at   net.Addr
	}{{"bare", bare.Listener.Addr()}, {"door", door.Listener.Addr()}} {
		b.Run(c.name, func(b *testing.B) {
			client := &http.Client{Transport: &http.Transport{}}
			defer client.CloseIdleConnections()
			r := w.ask(b, "")
			r.URL.Host, r.Host = c.at.String(), c.at.String()
			b.ReportAllocs()
			for b.Loop() {
				answer, err := client.Do(r)
				if err != nil {
					b.Fatal(err)
				}
				io.Copy(io.Discard, answer.Body)
				answer.Body.Close()
				if answer.StatusCode != http.StatusOK {
					b.Fatal(answer.Status)
				}
			}
		})
	}
}
