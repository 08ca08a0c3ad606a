package edge

import (
	"context"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// TestOnlyTheProxyCredentialSaysWhereARequestComesFrom is T10: what leads a connection here says it, and
// nothing that is sent on the connection does, whatever protocol it is in.
func TestOnlyTheProxyCredentialSaysWhereARequestComesFrom(t *testing.T) {
	e := newEdge(t)
	const thief = "thief--xyz"
	e.Admit = func(user, password string) bool {
		return (user == proxyUser || user == thief) && password == proxyPassword
	}
	p := open(t, e)
	direct := p.client(t, nil)
	direct.Transport.(*http.Transport).Proxy = nil
	direct.Transport.(*http.Transport).DialContext = func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, p.address)
	}
	for _, c := range []struct {
		name, want string
		client     *http.Client
		base       string
		h2         bool
	}{
		{"by one's own credential, HTTP/2", "proto=HTTP/2.0 user=" + proxyUser + " through=true", p.client(t, good()), "https://" + vaultHost, true},
		{"by another's, HTTP/2", "proto=HTTP/2.0 user=" + thief + " through=true", p.client(t, url.UserPassword(thief, proxyPassword)), "https://" + vaultHost, true},
		{"by another's, HTTP/1.1", "proto=HTTP/1.1 user=" + thief + " through=true", p.client(t, url.UserPassword(thief, proxyPassword)), "https://" + vaultHost, false},
		{"without the proxy", "user= through=false", direct, "https://hello-kv.vault.lanyard.localhost", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.client.Transport.(*http.Transport).ForceAttemptHTTP2 = c.h2
			for range 2 { // the second request comes on the same connection
				r, err := http.NewRequestWithContext(t.Context(), "GET", c.base+"/secrets/db", nil)
				if err != nil {
					t.Fatal(err)
				}
				for name, value := range map[string]string{
					"Proxy-Authorization": basic(proxyUser, proxyPassword), "Authorization": basic(proxyUser, proxyPassword),
					"X-Origin": proxyUser, "Origin": proxyUser, "Forwarded": "by=" + proxyUser, "X-Forwarded-User": proxyUser, "Via": proxyUser,
				} {
					r.Header.Set(name, value)
				}
				answer, err := c.client.Do(r)
				if err != nil {
					t.Fatal(err)
				}
				if body := read(t, answer); !strings.Contains(body, c.want) {
					t.Errorf("the door sees %s, want %s", body, c.want)
				}
			}
		})
	}
}
