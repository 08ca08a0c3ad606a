package msi

import (
	"net/http"
	"testing"

	"lanyard/internal/cloud"
	"lanyard/internal/host"
	"lanyard/internal/httpkit"
)

// sink takes an answer and keeps nothing of it.
type sink struct {
	header http.Header
	status int
}

func (s *sink) Header() http.Header         { return s.header }
func (s *sink) WriteHeader(status int)      { s.status = status }
func (s *sink) Write(b []byte) (int, error) { return len(b), nil }

// BenchmarkToken measures the door's own part of a delivery from memory, without the server around it:
// for each protocol, unattested and attested, with deliveries counted.
func BenchmarkToken(b *testing.B) {
	for _, d := range dialects[:4] {
		for name, root := range map[string]int{"": 0, " attested": 1} {
			b.Run(d.protocol.name+name, func(b *testing.B) {
				w := newWorld(b, worn(system)...)
				w.attach(b, host.Attachment{Source: d.source})
				if root > 0 {
					w.started(b, root, d.source)
				}
				w.door.Limits, w.door.Now = Limits{Rate: 1e12, AtOnce: 10}, nil
				w.door.Delivered = func(string, cloud.PrincipalID, int) {}
				own := w.process(b, 1)
				r := d.ask(b, w, "")
				if status, body := by(b, own, r); status != http.StatusOK {
					b.Fatal(status, body)
				}
				conn := &connected{local: w.server.Listener.Addr()}
				w.witness.says(conn.RemoteAddr(), 1)
				r = r.WithContext(httpkit.WithConnection(b.Context(), conn))
				r.RequestURI, r.URL.Scheme, r.URL.Host, r.Body = r.URL.RequestURI(), "", "", http.NoBody
				handler, answer := w.door.Handler(), &sink{header: http.Header{}}
				b.ReportAllocs()
				for b.Loop() {
					if handler.ServeHTTP(answer, r); answer.status > 200 {
						b.Fatal(answer.status)
					}
				}
			})
		}
	}
}
