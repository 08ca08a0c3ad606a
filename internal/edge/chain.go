package edge

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/base64"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"net/url"
	"time"

	"lanyard/internal/fault"
)

// chain opens a tunnel to d through the proxy that the user has, with the credential in its URL.
func (s *session) chain(ctx context.Context, next *url.URL, d destination) (net.Conn, error) {
	if next.Scheme != "http" && next.Scheme != "https" {
		return nil, fault.New(fault.NotOffered, codeUnreachable,
			"The proxy that leads out of here speaks %s; only http and https proxies are chained.", next.Scheme)
	}
	soon, cancel := context.WithTimeout(ctx, dialTime)
	defer cancel()
	c, err := s.dialAddress(soon, proxyAddress(next))
	if err != nil {
		return nil, fault.New(fault.Unavailable, codeUnreachable, "The proxy %s could not be reached.", next.Host).Because(err)
	}
	if next.Scheme == "https" {
		c = tls.Client(c, &tls.Config{ServerName: next.Hostname(), MinVersion: tls.VersionTLS12})
	}
	stop := context.AfterFunc(soon, func() { _ = c.SetDeadline(time.Unix(1, 0)) })
	tunnel, err := askTunnel(c, next, d)
	if !stop() && err == nil {
		err = soon.Err()
	}
	if err != nil {
		_ = c.Close()
		return nil, fault.New(fault.Unavailable, codeUnreachable, "The proxy %s did not lead to %s.", next.Host, d).Because(err)
	}
	return tunnel, nil
}

// askTunnel sends CONNECT and reads the answer, of at most maxHeader bytes.
func askTunnel(c net.Conn, next *url.URL, d destination) (net.Conn, error) {
	ask := &http.Request{Method: http.MethodConnect, URL: &url.URL{Opaque: d.String()}, Host: d.String(), Header: http.Header{}}
	if user := next.User; user != nil {
		password, _ := user.Password()
		credential := base64.StdEncoding.EncodeToString([]byte(user.Username() + ":" + password))
		ask.Header.Set("Proxy-Authorization", "Basic "+credential)
	}
	if err := ask.Write(c); err != nil {
		return nil, fmt.Errorf("ask proxy: %w", err)
	}
	bound := &io.LimitedReader{R: c, N: maxHeader}
	in := bufio.NewReader(bound)
	answer, err := http.ReadResponse(in, ask)
	if err != nil {
		return nil, fmt.Errorf("read proxy's answer: %w", err)
	}
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("proxy answered %s", answer.Status)
	}
	bound.N = math.MaxInt64
	return &chained{Conn: c, in: in}, nil
}

// chained is a tunnel whose first bytes may have come along with the proxy's answer.
type chained struct {
	net.Conn
	in *bufio.Reader
}

func (c *chained) Read(p []byte) (int, error) { return c.in.Read(p) }

// CloseWrite ends one direction.
func (c *chained) CloseWrite() error { return closeWrite(c.Conn) }
