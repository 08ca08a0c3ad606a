package httpkit_test

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"

	"lanyard/internal/httpkit"
)

func TestRequestsOfAConnectionShareItsMemo(t *testing.T) {
	var remote []netip.AddrPort
	var seen []any
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		c := httpkit.ConnectionOf(r.Context())
		remote, seen = append(remote, c.Remote), append(seen, c.Memo())
		c.Keep(len(seen))
		if want := r.Context().Value(http.LocalAddrContextKey).(*net.TCPAddr).AddrPort(); c.Local != want {
			t.Errorf("the near end is %v, want %v", c.Local, want)
		}
	}))
	s.Config.ConnContext = httpkit.WithConnection
	s.Start()
	defer s.Close()
	for range 3 {
		if len(seen) == 2 {
			s.Client().CloseIdleConnections()
		}
		answer, err := s.Client().Get(s.URL)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, answer.Body)
		answer.Body.Close()
	}
	if seen[0] != nil || seen[1] != 1 || seen[2] != nil || remote[0] != remote[1] || remote[1] == remote[2] {
		t.Errorf("kept was %v on connections from %v", seen, remote)
	}
}

func TestAConnectionWithoutAddressesIsNone(t *testing.T) {
	near, far := net.Pipe()
	defer near.Close()
	defer far.Close()
	if c := httpkit.ConnectionOf(httpkit.WithConnection(t.Context(), near)); c != nil {
		t.Errorf("it is %+v", c)
	}
}
