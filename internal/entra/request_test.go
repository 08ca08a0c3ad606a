package entra

import (
	"strings"
	"testing"

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
		resource, err := target(scope)
		switch {
		case err != nil && !strings.HasPrefix(fault.Of(err).Code, prefix):
			t.Errorf("target gives %v", err)
		case err == nil && (resource == "" || !strings.Contains(scope, resource+"/.default")):
			t.Errorf("target found %q in %q", resource, scope)
		}
	})
}
