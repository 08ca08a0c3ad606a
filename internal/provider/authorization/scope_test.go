package authorization_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"lanyard/internal/arm"
	"lanyard/internal/cloud"
	"lanyard/internal/fault"
	"lanyard/internal/provider/authorization"
	"lanyard/internal/provider/providertest"
	"lanyard/internal/rbac"
)

// naive is the slow model of a scope: its segments in lower case; nothing when it can be read in
// two ways.
func naive(text string) ([]string, bool) {
	if text == "/" {
		return nil, true
	}
	text = strings.TrimSuffix(text, "/")
	if !strings.HasPrefix(text, "/") {
		return nil, false
	}
	segments := strings.Split(text[1:], "/")
	for i, s := range segments {
		if s == "" || s == "." || s == ".." || strings.ContainsAny(s, `%\?#`) || strings.TrimSpace(s) != s {
			return nil, false
		}
		for _, r := range s {
			if r < ' ' || r > '~' {
				return nil, false
			}
		}
		segments[i] = strings.ToLower(s)
	}
	return segments, true
}

// within is the model of containment: one list of segments begins with the other.
func within(scope, at []string) bool {
	if len(scope) > len(at) {
		return false
	}
	for i := range scope {
		if scope[i] != at[i] {
			return false
		}
	}
	return true
}

var oddScopes = [][2]string{
	{"/subscriptions/s/resourceGroups/rg", "/subscriptions/s/resourceGroups/rg-prod"},
	{"/subscriptions/s/resourceGroups/rg-prod", "/subscriptions/s/resourceGroups/rg"},
	{"/subscriptions/s/resourceGroups/rg/", "/subscriptions/s/resourceGroups/rg"},
	{"/subscriptions/s/resourceGroups/RG", "/subscriptions/S/resourcegroups/rg/providers/Toy.Shop/carts/c"},
	{"/subscriptions/s/resourceGroups/rg", "/subscriptions/s/resourceGroups/rg%2f..%2frg-prod"},
	{"/subscriptions/s/resourceGroups/rg", "/subscriptions/s/resourceGroups/rg/../rg-prod"},
	{"/subscriptions/s/resourceGroups/rg", "/subscriptions/s/resourceGroups//rg"},
	{"/subscriptions/s/resourceGroups/rg", "/subscriptions/s/resourceGroups/rg%00"},
	{"/subscriptions/s/resourceGroups/k", "/subscriptions/s/resourceGroups/\u212a"}, // the Kelvin sign folds to k
	{"/subscriptions/s/resourceGroups/ss", "/subscriptions/s/resourceGroups/ß"},
	{"/subscriptions/s", "/subscriptions/s2"},
	{"/", "/subscriptions/s"},
	{"/subscriptions/s/providers/Toy.Shop/carts/c", "/subscriptions/s/providers/Toy.Shop/carts/cc"},
	{"/subscriptions/s/resourceGroups/rg\\", "/subscriptions/s/resourceGroups/rg"},
	{"/subscriptions/s/resourceGroups/rg ", "/subscriptions/s/resourceGroups/rg"},
}

// FuzzAScopeHoldsWhatBeginsWithItsSegments holds rights against the model, T18: a grant at /rg never
// reaches /rg-prod, however the two are spelt.
func FuzzAScopeHoldsWhatBeginsWithItsSegments(f *testing.F) {
	for _, pair := range oddScopes {
		f.Add(pair[0], pair[1])
	}
	f.Fuzz(func(t *testing.T, scope, at string) { compare(t, scope, at) })
}

// compare holds a decision about a grant at scope, asked at another, against the model.
func compare(t interface{ Fatalf(string, ...any) }, scope, at string) (reached bool) {
	granted, err := cloud.ParseID(scope)
	here, err2 := cloud.ParseID(at)
	model, ok := naive(scope)
	place, ok2 := naive(at)
	if err == nil && !ok || err2 == nil && !ok2 {
		t.Fatalf("%q and %q are read although they can be read in two ways", scope, at)
	}
	if err != nil || err2 != nil {
		return false
	}
	grant := rbac.Bind(cloud.Assignment{Principal: "p", Scope: granted}, everything)
	got := rbac.Decide(rbac.Request{Principal: "p", Action: "Toy.Shop/carts/read", At: here}, []rbac.Grant{grant}, nil).Allowed
	if want := within(model, place); got != want {
		t.Fatalf("a grant at %q reaches %q: %v, want %v", scope, at, got, want)
	}
	return got
}

var everything = cloud.Role{Permissions: []cloud.Permission{{Actions: []string{"*"}}}}

// TestAScopeHoldsWhatBeginsWithItsSegments draws scopes that are nearly alike, T18.
func TestAScopeHoldsWhatBeginsWithItsSegments(t *testing.T) {
	group := rapid.SampledFrom([]string{"rg", "RG", "rg-prod", "rg-", "r", "rgg", "rg.", "rg%2f", "rg\u212a", "..", "rg ", ""})
	draw := rapid.Custom(func(t *rapid.T) string {
		scope := rapid.SampledFrom([]string{"", "/subscriptions/s", "/Subscriptions/S", "/subscriptions/s2", "//subscriptions/s"}).Draw(t, "subscription")
		if rapid.Bool().Draw(t, "in a group") {
			scope += rapid.SampledFrom([]string{"/resourceGroups/", "/resourcegroups/"}).Draw(t, "word") + group.Draw(t, "group")
		}
		for range rapid.IntRange(0, 2).Draw(t, "resources") {
			scope += "/providers/Toy.Shop/carts/" + group.Draw(t, "cart")
		}
		return scope + rapid.SampledFrom([]string{"", "", "/"}).Draw(t, "end")
	})
	reached := 0
	rapid.Check(t, func(t *rapid.T) {
		scope := draw.Draw(t, "scope")
		at := draw.Draw(t, "place")
		if rapid.Bool().Draw(t, "below") {
			at = strings.TrimSuffix(scope, "/") + at
		}
		if compare(t, scope, at) {
			reached++
		}
	})
	if reached == 0 {
		t.Error("no grant reached anything: the draw is of no use")
	}
}

// FuzzRightsAreAskedForWhereThePathSays sends odd paths through the whole protocol: either nothing
// is asked of the caller's rights, or it is asked at the one scope that the path means.
func FuzzRightsAreAskedForWhereThePathSays(f *testing.F) {
	for _, pair := range oddScopes {
		f.Add(pair[1] + "/providers/Microsoft.Authorization/locks/l")
		f.Add(pair[1] + "/providers/Toy.Shop/carts/c")
	}
	f.Add("/subscriptions/s/resourceGroups/rg/providers/Toy.Shop//carts/c")
	f.Add("/subscriptions/s/resourceGroups/rg/providers/Toy.Shop/%63arts/c%2Fd")
	f.Add("/%2Fsubscriptions%2Fs%2FresourceGroups%2Frg%2Fproviders%2FToy.Shop%2Fcarts%2Fc/providers/Microsoft.Authorization/locks/l")
	f.Fuzz(func(t *testing.T, path string) {
		target, err := url.ParseRequestURI("https://" + cloud.Azure.Management + path)
		if err != nil || target.Host != cloud.Azure.Management || target.RawQuery != "" {
			return
		}
		target.RawQuery = "api-version=2020-05-01"
		var asked []cloud.ID
		e := &arm.Engine{Rows: append(authorization.Rows(authorization.Deps{}), arm.Row{Type: "Toy.Shop/carts", Versions: []string{"2020-05-01"}}),
			Admit: func(*http.Request) (cloud.Caller, error) { return providertest.Caller, nil },
			Permit: func(_ context.Context, _ cloud.Caller, _ string, at cloud.ID) error {
				asked = append(asked, at)
				return fault.New(fault.Forbidden, "Forbidden", "No.")
			}}
		rec := httptest.NewRecorder()
		e.ServeHTTP(rec, &http.Request{Method: http.MethodDelete, URL: target, Host: target.Host, Header: http.Header{}, Body: http.NoBody})
		if len(asked) == 0 {
			if rec.Code < 400 {
				t.Errorf("%q is answered %d without a right", path, rec.Code)
			}
			return
		}
		model, ok := naive(oneWay(target))
		is, _ := naive(asked[0].String())
		if !ok || len(model) != len(is) || !within(model, is) {
			t.Errorf("%q is taken for %s", path, asked[0])
		}
	})
}

// oneWay takes out the one empty segment that clients write, after a namespace, and the slash of a
// scope that was escaped as a whole.
func oneWay(target *url.URL) string {
	path := target.Path
	if strings.HasPrefix(strings.ToLower(target.EscapedPath()), "/%2f") {
		path = path[1:]
	}
	s := strings.Split(path, "/")
	for i := 3; i < len(s); i++ {
		if s[i] == "" && i+1 < len(s) && strings.EqualFold(s[i-2], "providers") {
			return strings.Join(append(append([]string{}, s[:i]...), s[i+1:]...), "/")
		}
	}
	return path
}
