package edge

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"strings"
	"testing"

	"lanyard/internal/cloud"
)

func TestEveryNameHasALocalOne(t *testing.T) {
	local := NameFor("Hello-KV.vault.azure.net")
	if local != "hello-kv.vault.azure.net.lanyard.localhost" || cloud.Azure.Public(local) != vaultHost {
		t.Errorf("NameFor gave %q, whose public name is %q", local, cloud.Azure.Public(local))
	}
}

func TestTheHelloDecidesTheCertificate(t *testing.T) {
	p := open(t, newEdge(t))
	for name, c := range map[string]struct{ sni, proves string }{
		"a vault":                       {vaultHost, vaultHost},
		"a vault in capitals":           {"HELLO-KV.Vault.Azure.Net", vaultHost},
		"the authority":                 {"login.microsoftonline.com", "login.microsoftonline.com"},
		"a local name":                  {NameFor(vaultHost), NameFor(vaultHost)},
		"the portal's name":             {"lanyard.localhost", "lanyard.localhost"},
		"localhost":                     {"localhost", "localhost"},
		"no name":                       {"", "127.0.0.1"},
		"no name, by the other address": {"", "::1"},
	} {
		t.Run(name, func(t *testing.T) {
			conn, err := tls.Dial("tcp", p.address, &tls.Config{RootCAs: p.roots, ServerName: c.sni, InsecureSkipVerify: c.sni == ""})
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			if err := conn.ConnectionState().PeerCertificates[0].VerifyHostname(c.proves); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestForeignNamesAreRefusedInTheHello(t *testing.T) {
	p := open(t, newEdge(t))
	for _, name := range []string{"example.org", "www.microsoft.com", "vault.azure.net", "storage.blob.core.windows.net",
		"lanyard.localhost.example.org", "xlanyard.localhost", "-.vault.azure.net", strings.Repeat("a", 64) + ".vault.azure.net"} {
		conn, err := tls.Dial("tcp", p.address, &tls.Config{ServerName: name, InsecureSkipVerify: true})
		if err == nil {
			_ = conn.Close()
		}
		if err == nil || !strings.Contains(err.Error(), "unrecognized name") {
			t.Errorf("a hello for %s: %v, want the alert unrecognized_name", name, err)
		}
	}
}

// A connection that was opened for one name is no way to another (RFC 9110 section 7.4).
func TestTheHostMustBeTheOneThatWasConnectedTo(t *testing.T) {
	p := open(t, newEdge(t))
	for name, c := range map[string]struct {
		sni, host string
		want      int
	}{
		"the same name":                  {vaultHost, vaultHost, 200},
		"the same name with port":        {vaultHost, vaultHost + ":443", 200},
		"the same name in capitals":      {vaultHost, strings.ToUpper(vaultHost), 200},
		"its local name":                 {vaultHost, NameFor(vaultHost), 200},
		"any service by localhost":       {"localhost", vaultHost, 200},
		"localhost itself":               {"localhost", "localhost:4140", 200},
		"another vault":                  {vaultHost, "other-kv.vault.azure.net", 421},
		"a foreign name (rebinding)":     {"localhost", "attacker.test", 421},
		"a foreign name on a vault":      {vaultHost, "attacker.test", 421},
		"a foreign name behind ours":     {"localhost", vaultHost + ".attacker.test", 421},
		"a vault's connection, no vault": {vaultHost, "localhost", 421},
	} {
		t.Run(name, func(t *testing.T) {
			tr := &http.Transport{
				TLSClientConfig: &tls.Config{RootCAs: p.roots, ServerName: c.sni},
				DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
					return (&net.Dialer{}).DialContext(ctx, network, p.address)
				},
			}
			defer tr.CloseIdleConnections()
			r, err := (&http.Client{Transport: tr}).Get("https://" + c.host + "/")
			if err != nil {
				t.Fatal(err)
			}
			if body := read(t, r); r.StatusCode != c.want {
				t.Errorf("answered %d %q, want %d", r.StatusCode, body, c.want)
			}
		})
	}
}
