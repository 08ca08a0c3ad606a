package platform

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"lanyard/internal/cloud"
)

// pages is what a page of an attacker's can have a browser ask of every name that leads to the port.
func (s *stage) pages() map[string]string {
	tenant := string(s.deed.Tenant)
	return map[string]string{
		"the identity endpoint":        "http://" + s.Address() + path(s.host.Replicas(s.app)[0]),
		"the port itself":              "http://" + s.Address() + "/",
		"the keys":                     "https://" + cloud.Azure.Authority + "/" + tenant + "/discovery/v2.0/keys",
		"the sign-in":                  "https://" + cloud.Azure.Authority + "/" + tenant + "/oauth2/v2.0/token",
		"the sign-in page":             "https://" + cloud.Azure.Authority + "/devicelogin",
		"the metadata":                 "https://management.azure.com/metadata/endpoints?api-version=2022-09-01",
		"the management API":           "https://management.azure.com/subscriptions?api-version=2022-12-01",
		"the directory":                "https://graph.microsoft.com/v1.0/me",
		"a vault":                      "https://stage-kv.vault.azure.net/secrets?api-version=7.4",
		"no vault":                     "https://no-such-vault.vault.azure.net/secrets?api-version=7.4",
		"the control host":             "https://" + ControlHost + "/status",
		"the control host, to stop it": "https://" + ControlHost + "/stop",
		"what is not offered":          "https://management.core.windows.net/",
	}
}

// TestNoDoorOpensToBrowsers is T3: whatever an attacker's page asks of whichever door, no answer lets
// the page read it, preflights included; and what needs a credential is refused without one.
func TestNoDoorOpensToBrowsers(t *testing.T) {
	s := newStage(t)
	s.replica(t, s.app)
	s.newVault(t, "stage-kv")
	for name, url := range s.pages() {
		for _, method := range []string{"GET", "POST", "OPTIONS", "PUT"} {
			headers := []string{"Origin", "https://attacker.test", "Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "cors"}
			if method == "OPTIONS" {
				headers = append(headers, "Access-Control-Request-Method", "GET",
					"Access-Control-Request-Headers", "authorization,x-identity-header", "Access-Control-Request-Private-Network", "true")
			}
			answer, body := s.visit(t, method, url, headers...)
			for header := range answer.Header {
				if strings.HasPrefix(header, "Access-Control-") || header == "Timing-Allow-Origin" {
					t.Errorf("%s %s answers with %s: %s", method, name, header, answer.Header.Get(header))
				}
			}
			if method != "GET" && answer.StatusCode < 400 {
				t.Errorf("%s %s is answered %d %s", method, name, answer.StatusCode, body)
			}
			if strings.Contains(body, "eyJ") {
				t.Errorf("%s %s gives a token to a page", method, name)
			}
		}
	}
	select {
	case <-s.ending:
		t.Fatal("a page ended the platform")
	default:
	}
}

// TestANameThatIsRebound is T3: an attacker's name that has come to lead to loopback gets no certificate,
// and behind one that it has no right to, no service; whatever credential is sent along.
func TestANameThatIsRebound(t *testing.T) {
	s := newStage(t)
	r := s.replica(t, s.app)
	bearer := "Bearer " + s.token(t, "https://management.azure.com")
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	for _, name := range []string{"attacker.test", "control.lanyard.localhost.attacker.test", "xlanyard.localhost", "vault.azure.net.attacker.test"} {
		conn, err := new(net.Dialer).DialContext(ctx, "tcp", s.Address())
		if err != nil {
			t.Fatal(err)
		}
		secure := tls.Client(conn, &tls.Config{ServerName: name, InsecureSkipVerify: true})
		if err := secure.HandshakeContext(ctx); err == nil {
			t.Errorf("%s gets a certificate", name)
		}
		conn.Close()
	}
	for _, host := range []string{"attacker.test", "attacker.test:4140", "control.lanyard.localhost.attacker.test"} {
		for _, url := range []string{"https://" + ControlHost + "/status", "https://management.azure.com/subscriptions?api-version=2022-12-01"} {
			answer, body := s.visit(t, "GET", url, "Host", host, "Authorization", bearer)
			if answer.StatusCode != http.StatusBadRequest && answer.StatusCode != http.StatusMisdirectedRequest {
				t.Errorf("%s under the name %s is answered %d %s", url, host, answer.StatusCode, body)
			}
		}
		answer, body := s.visit(t, "GET", "http://"+s.Address()+path(r), "Host", host, "X-IDENTITY-HEADER", r.Header.Open())
		if answer.StatusCode != http.StatusBadRequest {
			t.Errorf("the identity endpoint under the name %s is answered %d %s", host, answer.StatusCode, body)
		}
	}
	// The same without the strange name is answered.
	if answer, body := s.visit(t, "GET", "https://"+ControlHost+"/status", "Authorization", bearer); answer.StatusCode != http.StatusOK {
		t.Errorf("the owner's own request is answered %d %s", answer.StatusCode, body)
	}
}
