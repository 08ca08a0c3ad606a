package graph

import (
	"strings"
	"testing"

	"lanyard/internal/fault"
)

var sample = map[string][]string{
	"appId": {"aaaa-1"}, "displayName": {"O'Neil's Shop"}, "accountEnabled": {"true"}, "servicePrincipalType": {"Application"},
	"servicePrincipalNames": {"aaaa-1", "api://shop"},
}

func valuesOf(property string) []string { return sample[property] }

func TestFiltersJudge(t *testing.T) {
	for filter, want := range map[string]bool{
		"appId eq 'aaaa-1'":                                           true,
		"appId eq 'AAAA-1'":                                           true,
		"appId eq 'aaaa-2'":                                           false,
		"appId ne 'aaaa-2'":                                           true,
		"displayName eq 'o''neil''s shop'":                            true,
		"startswith(displayName,'o''Neil')":                           true,
		"startsWith( displayName , 'Shop' )":                          false,
		"servicePrincipalNames/any(c:c eq 'api://shop')":              true,
		"servicePrincipalNames/any(x: x eq 'api://other')":            false,
		"accountEnabled eq true":                                      true,
		"accountEnabled eq false":                                     false,
		"appId in ('x', 'aaaa-1')":                                    true,
		"appId in ('x')":                                              false,
		"not (appId eq 'x')":                                          true,
		"not startswith(displayName,'O')":                             false,
		"appId eq 'x' or appId eq 'aaaa-1'":                           true,
		"appId eq 'aaaa-1' or appId eq 'x' and appId eq 'y'":          true,
		"(appId eq 'aaaa-1' or appId eq 'x') and appId eq 'y'":        false,
		"appId eq 'aaaa-1' and accountEnabled eq true":                true,
		"appId eq ' or true eq true'":                                 false,
		"servicePrincipalType eq 'Application' AND appId EQ 'aaaa-1'": true,
	} {
		c, _, err := parseFilter(filter, "servicePrincipal", principals.forms)
		if err != nil {
			t.Errorf("%s: %v", filter, err)
			continue
		}
		if got := c(valuesOf); got != want {
			t.Errorf("%s: %v", filter, got)
		}
	}
}

// TestFiltersAreRefused holds what is not understood to an error: a clause passed over would find too much.
func TestFiltersAreRefused(t *testing.T) {
	for filter, code := range map[string]string{
		"":                                      "BadRequest",
		"appId":                                 "Request_UnsupportedQuery",
		"appId eq":                              "BadRequest",
		"appId eq 'x":                           "BadRequest",
		"appId eq x":                            "BadRequest",
		"appId eq \"x\"":                        "BadRequest",
		"appId eq 'x' appId eq 'y'":             "BadRequest",
		"appId eq 'x' and":                      "BadRequest",
		"appId eq 'x')":                         "BadRequest",
		"(appId eq 'x'":                         "BadRequest",
		"appId gt 'x'":                          "Request_UnsupportedQuery",
		"appId eq null":                         "Request_UnsupportedQuery",
		"appid eq 'x'":                          "Request_UnsupportedQuery",
		"secret eq 'x'":                         "Request_UnsupportedQuery",
		"endswith(displayName,'x')":             "Request_UnsupportedQuery",
		"startswith(accountEnabled,'t')":        "Request_UnsupportedQuery",
		"startswith(displayName)":               "BadRequest",
		"accountEnabled eq 'true'":              "BadRequest",
		"servicePrincipalNames eq 'x'":          "Request_UnsupportedQuery",
		"servicePrincipalNames/all(c:c eq 'x')": "Request_UnsupportedQuery",
		"servicePrincipalNames/any(c:d eq 'x')": "Request_UnsupportedQuery",
		"servicePrincipalNames/any(c:startswith(c,'x'))":    "Request_UnsupportedQuery",
		"displayName/any(c:c eq 'x')":                       "Request_UnsupportedQuery",
		"displayName in ('x'":                               "BadRequest",
		"displayName eq 'x'; drop":                          "BadRequest",
		strings.Repeat("(", 40) + "appId eq 'x'":            "Request_UnsupportedQuery",
		"appId eq '" + strings.Repeat("x", maxFilter) + "'": "Request_UnsupportedQuery",
		strings.Repeat("not ", 40) + "appId eq 'x'":         "Request_UnsupportedQuery",
	} {
		if _, _, err := parseFilter(filter, "servicePrincipal", principals.forms); err == nil || fault.Of(err).Code != code {
			t.Errorf("%.60q: %v, want %s", filter, err, code)
		}
	}
}

// FuzzFilter: whatever is accepted judges without fault, and its negation judges the opposite.
func FuzzFilter(f *testing.F) {
	for _, seed := range []string{
		"appId eq 'a'", "startswith(displayName,'a''b')", "servicePrincipalNames/any(c:c eq 'x')", "not (appId in ('a','b') or accountEnabled eq true)", "((", "'",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, filter string) {
		c, _, err := parseFilter(filter, "servicePrincipal", principals.forms)
		if err != nil {
			if fault.Of(err).Kind != fault.Invalid {
				t.Errorf("%q: %v", filter, err)
			}
			return
		}
		opposite, advanced, err := parseFilter("not ("+filter+")", "servicePrincipal", principals.forms)
		if err != nil {
			if len(filter) < maxFilter-10 && !strings.Contains(err.Error(), "deeper") {
				t.Errorf("%q is taken, its negation is not: %v", filter, err)
			}
			return
		}
		if c(valuesOf) == opposite(valuesOf) || !advanced {
			t.Errorf("%q and its negation judge alike", filter)
		}
	})
}
