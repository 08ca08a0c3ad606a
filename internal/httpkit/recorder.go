package httpkit

import (
	"bufio"
	"net"
	"net/http"
)

// recorder remembers how a request was answered.
type recorder struct {
	http.ResponseWriter
	method string
	status int // 0 until the header is written
	taken  bool
}

// WriteHeader remembers the first status that is an answer; those before it (RFC 9110 section
// 15.2) announce one.
func (r *recorder) WriteHeader(status int) {
	if r.status == 0 && (status >= 200 || status == http.StatusSwitchingProtocols) {
		r.status = status
	}
	r.ResponseWriter.WriteHeader(status)
}

func (r *recorder) Write(b []byte) (int, error) {
	if r.status == 0 {
		r.status = http.StatusOK
	}
	return r.ResponseWriter.Write(b)
}

// FlushError sends what was written, the header at least.
func (r *recorder) FlushError() error {
	if r.status == 0 {
		r.status = http.StatusOK
	}
	return http.NewResponseController(r.ResponseWriter).Flush()
}

// Flush is FlushError for those who only know http.Flusher.
func (r *recorder) Flush() { _ = r.FlushError() }

// Hijack hands the connection over. What is said on it from then on is the handler's own, and it
// can only be that the tunnel stands (RFC 9110 section 9.3.6) or that the protocol is switched.
func (r *recorder) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	c, buffered, err := http.NewResponseController(r.ResponseWriter).Hijack()
	if err == nil {
		r.taken = true
		if r.status = http.StatusSwitchingProtocols; r.method == http.MethodConnect {
			r.status = http.StatusOK
		}
	}
	return c, buffered, err
}

// Unwrap lets http.ResponseController reach the connection.
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }
