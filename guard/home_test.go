package guard

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"lanyard/internal/cloud"
	"lanyard/internal/fault"
	"lanyard/internal/token"
)

// TestATokenThatStrayedIsRefusedWithoutTheClaimsChallenge is T10: another token would be refused there too.
func TestATokenThatStrayedIsRefusedWithoutTheClaimsChallenge(t *testing.T) {
	const wearer = "/subscriptions/s/resourcegroups/rg/providers/Microsoft.App/containerApps/wearer"
	g := newGuard()
	var asked []string
	var answer error
	g.Home = func(_ context.Context, caller cloud.Caller, app cloud.ID) error {
		asked = append(asked, caller.TokenID+" "+app.Name())
		return answer
	}
	change := func(f func(*token.Claims)) string {
		c := soundClaims()
		f(&c)
		return "Bearer " + sign(t, signingKey(tenant, 0), c)
	}
	worn := change(func(c *token.Claims) { c.Host = wearer })
	own := change(func(*token.Claims) {})
	nobodys := change(func(c *token.Claims) { c.Resource = "" })
	for _, raw := range []string{worn, own, nobodys} {
		if _, err := identify(g, raw); err != nil {
			t.Error(err)
		}
	}
	if got := strings.Join(asked, ", "); got != "uti-1 wearer, uti-1 hello" {
		t.Errorf("asked was of %s", got)
	}

	answer = errors.New("it came by another way")
	_, err := identify(g, worn)
	assertRejected(t, err, Elsewhere, false)
	f := fault.Of(err)
	if challenge := f.Header["WWW-Authenticate"]; !strings.HasSuffix(challenge, `error="invalid_token", error_description="elsewhere"`) {
		t.Errorf("the challenge is %s", challenge)
	}
	if f.Code != "InvalidAuthenticationToken" || !strings.Contains(f.Public, "it came by another way") {
		t.Errorf("it is refused with %s: %s", f.Code, f.Public)
	}
	if _, err := identify(g, nobodys); err != nil {
		t.Errorf("a token that names no app: %v", err)
	}

	asked = nil // what is refused anyway is nobody's to ask about
	_, err = identify(g, change(func(c *token.Claims) { c.Audience = "https://storage.azure.com/" }))
	assertRejected(t, err, WrongAudience, false)
	g.Revoked = func(string, cloud.PrincipalID, cloud.ID, time.Time) bool { return true }
	_, err = identify(g, own)
	assertRejected(t, err, Revoked, true)
	if len(asked) != 0 {
		t.Errorf("asked was of %v", asked)
	}
}
