package entra

import (
	"regexp"
	"strings"
	"testing"

	"lanyard/internal/cloud"
	"lanyard/internal/fault"
)

// FuzzParse holds that a form gives a request or an AADSTS fault, never anything else.
func FuzzParse(f *testing.F) {
	f.Add("grant_type=client_credentials&client_id=c&client_secret=s&scope=https://vault.azure.net/.default", "")
	f.Add("claims=%7B%22access_token%22%3A%7B%22xms_cc%22%3A%7B%22values%22%3A%5B%22cp1%22%5D%7D%7D%7D", "openid /.default")
	f.Add("scope=a&scope=b;c=%zz", "https://management.core.windows.net//.default profile")
	f.Fuzz(func(t *testing.T, body, scope string) {
		if _, err := parse(body); err != nil && !strings.HasPrefix(fault.Of(err).Code, prefix) {
			t.Errorf("parse gives %v", err)
		}
		if w, err := delegated(scope); err != nil && !strings.HasPrefix(fault.Of(err).Code, prefix) || err == nil && w.Resource == "" {
			t.Errorf("delegated found %q in %q, %v", w.Resource, scope, err)
		}
		resource, err := target(scope)
		switch {
		case err != nil && !strings.HasPrefix(fault.Of(err).Code, prefix):
			t.Errorf("target gives %v", err)
		case err == nil && (resource == "" || !strings.Contains(scope, resource+"/.default")):
			t.Errorf("target found %q in %q", resource, scope)
		}
	})
}

// FuzzWhere holds that a redirect URI which is let through leads to this machine, whoever reads it,
// and that an assertion's audience names this authority.
func FuzzWhere(f *testing.F) {
	for _, text := range []string{
		"http://localhost:1", "http://127.0.0.1/", "http://localhost@evil.test", "http://localhost:1\\@evil.test", "http://LOCALHOST", "http://localhost:1/..//evil.test",
		"https://login.microsoftonline.com/lanyard.localhost/oauth2/token/", "https://sts.windows.net/lanyard.localhost/v2.0",
	} {
		f.Add(text)
	}
	d := &Door{Profile: cloud.Azure, Tenant: "1b7a4c1e-0000-4000-8000-000000000001"}
	local := regexp.MustCompile(`^http://(localhost|127\.0\.0\.1)(:[0-9]*)?/?$`)
	ours := regexp.MustCompile(`^https://(login\.(microsoftonline\.com|windows\.net|microsoft\.com)|sts\.windows\.net)(\.lanyard\.localhost(:[0-9]*)?)?/[0-9A-Za-z.-]+(/[a-z0-9./]*)?$`)
	f.Fuzz(func(t *testing.T, text string) {
		if isLoopback(text) && !local.MatchString(text) {
			t.Errorf("%q was let through", text)
		}
		if d.isFor(text) && !ours.MatchString(text) {
			t.Errorf("%q was taken for ours", text)
		}
	})
}
