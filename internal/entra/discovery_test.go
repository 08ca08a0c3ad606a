package entra_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"lanyard/internal/cloud"
)

func newRequest() *http.Request { return httptest.NewRequest("POST", "/", nil) }

type document struct {
	Issuer        string `json:"issuer"`
	Authorization string `json:"authorization_endpoint"`
	Token         string `json:"token_endpoint"`
	Keys          string `json:"jwks_uri"`
}

func TestDiscoveryKeepsToTheNameItWasAskedBy(t *testing.T) { // wire-facts 2.1
	w := start(t)
	const local = "https://login.microsoftonline.com.lanyard.localhost:4140"
	sts := "https://sts.windows.net/" + string(tenant) + "/"
	for sentence, test := range map[string]struct{ at, issuer, token, keys string }{
		"the tenant's, with MSAL Go's bare question mark": {login + "/" + string(tenant) + "/v2.0/.well-known/openid-configuration?",
			login + "/" + string(tenant) + "/v2.0", login + tokenPath, login + "/" + string(tenant) + "/discovery/v2.0/keys"},
		"by the local name, port and all": {local + "/" + string(tenant) + "/v2.0/.well-known/openid-configuration",
			local + "/" + string(tenant) + "/v2.0", local + tokenPath, local + "/" + string(tenant) + "/discovery/v2.0/keys"},
		"by another name of the authority": {"https://login.windows.net/" + string(tenant) + "/v2.0/.well-known/openid-configuration",
			login + "/" + string(tenant) + "/v2.0", login + tokenPath, login + "/" + string(tenant) + "/discovery/v2.0/keys"},
		"by a name that is nobody's": {"https://evil.test/" + string(tenant) + "/v2.0/.well-known/openid-configuration",
			login + "/" + string(tenant) + "/v2.0", login + tokenPath, login + "/" + string(tenant) + "/discovery/v2.0/keys"},
		"for any tenant": {login + "/organizations/v2.0/.well-known/openid-configuration",
			login + "/{tenantid}/v2.0", login + "/organizations/oauth2/v2.0/token", login + "/organizations/discovery/v2.0/keys"},
		"version 1 names the issuer of tokens": {login + "/" + string(tenant) + "/.well-known/openid-configuration",
			sts, login + "/" + string(tenant) + "/oauth2/token", login + "/common/discovery/keys"},
		"version 1 for any tenant": {login + "/common/.well-known/openid-configuration",
			"https://sts.windows.net/{tenantid}/", login + "/common/oauth2/token", login + "/common/discovery/keys"},
	} {
		t.Run(sentence, func(t *testing.T) {
			var got document
			a := w.get(t, test.at)
			a.decode(t, &got)
			if a.status != 200 || got.Issuer != test.issuer || got.Token != test.token || got.Keys != test.keys {
				t.Errorf("%d %s", a.status, a.body)
			}
			// MSAL Go makes the device code endpoint by replacing "token" in the token endpoint.
			if strings.Count(got.Token, "token") != 1 || got.Authorization == "" {
				t.Errorf("MSAL cannot use %+v", got)
			}
		})
	}
	w.refused(t, w.get(t, login+"/99999999-0000-4000-8000-000000000009/v2.0/.well-known/openid-configuration"), 400, "invalid_request", 90002)
}

func TestKeysAreTheSameAtEveryAddress(t *testing.T) {
	w := start(t)
	for _, path := range []string{
		"/" + string(tenant) + "/discovery/v2.0/keys", "/" + string(tenant) + "/discovery/keys",
		"/common/discovery/v2.0/keys", "/common/discovery/keys", "/organizations/discovery/v2.0/keys",
	} {
		a := w.get(t, login+path)
		want := string(w.issuer.KeySet())
		if strings.Contains(path, "/v2.0/") { // there each key shows the issuer of id tokens
			want = strings.ReplaceAll(want, cloud.Azure.Issuer(tenant), login+"/"+string(tenant)+"/v2.0")
		}
		if a.status != 200 || a.body != want || a.header.Get("Cache-Control") != "no-cache" {
			t.Errorf("%s: %d, Cache-Control %q: %s", path, a.status, a.header.Get("Cache-Control"), a.body)
		}
	}
	w.refused(t, w.get(t, login+"/99999999-0000-4000-8000-000000000009/discovery/v2.0/keys"), 400, "invalid_request", 90002)
}

func TestInstanceDiscoveryKnowsItsOwnNames(t *testing.T) {
	w := start(t)
	ask := func(authority string) answer {
		return w.get(t, login+"/common/discovery/instance?api-version=1.1&authorization_endpoint="+url.QueryEscape(authority))
	}
	type network struct {
		Network string   `json:"preferred_network"`
		Aliases []string `json:"aliases"`
	}
	for sentence, host := range map[string]string{
		"the public name":               "login.microsoftonline.com",
		"an older one":                  "login.windows.net",
		"the local one with a port":     "login.microsoftonline.com.lanyard.localhost:4140",
		"the local one as Python names": "login.microsoftonline.com.lanyard.localhost",
	} {
		t.Run(sentence, func(t *testing.T) {
			var got struct {
				Discovery string    `json:"tenant_discovery_endpoint"`
				Metadata  []network `json:"metadata"`
			}
			a := ask("https://" + host + "/" + string(tenant) + "/oauth2/v2.0/authorize")
			a.decode(t, &got)
			if a.status != 200 || !strings.HasSuffix(got.Discovery, "/"+string(tenant)+"/v2.0/.well-known/openid-configuration") {
				t.Errorf("%d %s", a.status, a.body)
			}
			if !slices.ContainsFunc(got.Metadata, func(n network) bool { return slices.Contains(n.Aliases, host) }) {
				t.Errorf("%s is no alias in %s", host, a.body)
			}
		})
	}
	for _, authority := range []string{
		"https://evil.test/common/oauth2/v2.0/authorize", "http://login.microsoftonline.com/common/oauth2/v2.0/authorize",
		"https://login.microsoftonline.com.evil.test/common/", "::",
	} {
		w.refused(t, ask(authority), 400, "invalid_instance", 50049)
	}
	w.refused(t, w.get(t, login+"/common/discovery/instance"), 400, "invalid_request", 900144)
}
