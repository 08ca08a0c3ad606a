package edge

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptrace"
	"testing"

	"lanyard/internal/httpkit"
)

// Whichever way a request came, its door learns the two ends of the caller's own connection to the port.
func TestADoorLearnsTheCallersConnection(t *testing.T) {
	e := newEdge(t)
	tell := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c := httpkit.ConnectionOf(r.Context())
		fmt.Fprintf(w, "%s to %s", c.Remote, c.Local)
	})
	e.Services, e.Plain = tell, tell
	p := open(t, e)
	direct := p.client(t, nil)
	direct.Transport.(*http.Transport).Proxy = nil
	through := p.client(t, good())
	for name, c := range map[string]struct {
		client *http.Client
		url    string
	}{
		"plain":        {direct, "http://" + p.address + "/"},
		"by the proxy": {through, "https://" + vaultHost + "/"},
	} {
		var near net.Conn
		traced := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{GotConn: func(i httptrace.GotConnInfo) { near = i.Conn }})
		r, err := http.NewRequestWithContext(traced, "GET", c.url, nil)
		if err != nil {
			t.Fatal(err)
		}
		answer, err := c.client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		if got, want := read(t, answer), fmt.Sprintf("%s to %s", near.LocalAddr(), near.RemoteAddr()); got != want {
			t.Errorf("%s: the door learns of %s, want %s", name, got, want)
		}
	}
}
