package guard

import (
	"crypto/rand"
	"strings"
	"testing"
	"time"

	"lanyard/internal/cloud"
	"lanyard/internal/fault"
	"lanyard/internal/token"
)

// mintedAt gives a sound token with an id that says when it was minted; iat is dated back by backdated.
const backdated = 5 * time.Minute

func mintedAt(t *testing.T, at time.Time) string {
	t.Helper()
	c := soundClaims()
	var err error
	if c.ID, err = token.NewID(at, rand.Reader); err != nil {
		t.Fatal(err)
	}
	c.IssuedAt, c.NotBefore = at.Add(-backdated).Unix(), at.Add(-backdated).Unix()
	return "Bearer " + sign(t, signingKey(tenant, 0), c)
}

func TestARevocationTellsTheMomentBeforeFromTheMomentAfter(t *testing.T) {
	g := newGuard()
	g.Backdated = backdated
	entry, _ := g.Principal(hello)
	revoked := now.Add(200 * time.Millisecond)
	entry.Revoke(revoked)
	g.Principal = func(cloud.PrincipalID) (cloud.Principal, bool) { return entry, true }
	g.Now = func() time.Time { return now.Add(time.Second) }

	_, err := identify(g, mintedAt(t, revoked.Add(-time.Microsecond)))
	assertRejected(t, err, Revoked, true)
	_, err = identify(g, mintedAt(t, revoked))
	assertRejected(t, err, Revoked, true)
	if _, err := identify(g, mintedAt(t, revoked.Add(time.Microsecond))); err != nil {
		t.Errorf("a token minted right after the revocation: %v", err)
	}
	c := soundClaims() // an id of somebody else says nothing: the whole second counts
	c.IssuedAt = revoked.Add(-backdated).Unix()
	_, err = identify(g, "Bearer "+sign(t, signingKey(tenant, 0), c))
	assertRejected(t, err, Revoked, true)
}

func TestWhatWasTakenBackIsRefusedWithTheChallenge(t *testing.T) {
	g := newGuard()
	g.Backdated = backdated
	var got struct {
		token  string
		of     cloud.PrincipalID
		app    cloud.ID
		minted time.Time
	}
	back := true
	g.Revoked = func(token string, of cloud.PrincipalID, app cloud.ID, minted time.Time) bool {
		got.token, got.of, got.app, got.minted = token, of, app, minted
		return back
	}
	c := soundClaims()
	c.IssuedAt -= int64(backdated / time.Second)
	c.Host = "/subscriptions/s/resourcegroups/rg/providers/Microsoft.App/containerApps/wearer"
	raw := "Bearer " + sign(t, signingKey(tenant, 0), c)
	_, err := identify(g, raw)
	assertRejected(t, err, Revoked, true)
	if challenge := fault.Of(err).Header["WWW-Authenticate"]; !strings.Contains(challenge, "insufficient_claims") {
		t.Errorf("the challenge is %s", challenge)
	}
	if got.token != c.ID || got.of != hello || got.app.Name() != "wearer" || !got.minted.Equal(now) {
		t.Errorf("asked was %+v", got)
	}
	back = false
	if _, err := identify(g, raw); err != nil {
		t.Error(err)
	}
	c.Host = "" // of a system-assigned identity the app is what it belongs to
	if _, err := identify(g, "Bearer "+sign(t, signingKey(tenant, 0), c)); err != nil || got.app.Name() != "hello" {
		t.Errorf("asked was for %s: %v", got.app, err)
	}
}

func TestATokenAgesOutByTheWorldsClock(t *testing.T) {
	g := newGuard()
	g.Backdated = backdated
	var clock cloud.Clock
	at := now
	g.Now = func() time.Time { return at }
	g.Age = func(born time.Time) time.Duration { return clock.Age(born, at) }
	raw := mintedAt(t, now) // it lives an hour

	at = now.Add(time.Minute)
	clock = cloud.Clock{{At: at, By: 59*time.Minute - time.Second}}
	if _, err := identify(g, raw); err != nil {
		t.Errorf("a second before it ages out: %v", err)
	}
	at = at.Add(time.Second)
	_, err := identify(g, raw)
	assertRejected(t, err, AgedOut, true)
	if f := fault.Of(err); f.Code != "ExpiredAuthenticationToken" {
		t.Errorf("the code is %s", f.Code)
	}
	if _, err := identify(g, mintedAt(t, at)); err != nil {
		t.Errorf("a token minted after the clock was moved: %v", err)
	}
	clock = nil
	if _, err := identify(g, raw); err != nil {
		t.Errorf("after a reset: %v", err)
	}
	at = now.Add(time.Hour + 4*time.Minute) // what has ended really is let live as long as clocks differ
	if _, err := identify(g, raw); err != nil {
		t.Errorf("within the skew: %v", err)
	}
}
