package guard

import (
	"errors"
	"reflect"
	"testing"

	"lanyard/internal/cloud"
	"lanyard/internal/fault"
	"lanyard/internal/rbac"
	"lanyard/internal/token"
)

const (
	owner  cloud.PrincipalID = "aaaaaaaa-0000-0000-0000-000000000009"
	signIn                   = "owner@lanyard.localhost"
	cli    cloud.ClientID    = "04b07795-8ddb-461a-bbee-02f9e1bf7b46"
)

// personal are the claims by which an app acts in a person's name.
func personal() token.Claims {
	c := soundClaims()
	c.Type, c.Principal, c.Subject, c.Client, c.ClientAuth = token.TypeUser, owner, "pairwise", cli, "0"
	c.SignIn, c.UniqueName, c.Scopes, c.Resource = signIn, signIn, "user_impersonation", ""
	return c
}

// withPerson is newGuard with a person in the directory as well.
func withPerson() *Guard {
	g := newGuard()
	apps := g.Principal
	person := cloud.Principal{ID: owner, Tenant: tenant, Kind: cloud.User, Name: "Owner", SignIn: signIn}
	g.Principal = func(id cloud.PrincipalID) (cloud.Principal, bool) {
		if id == owner {
			return person, true
		}
		return apps(id)
	}
	return g
}

func TestAPersonsTokenGivesThePersonAndTheAppInTheirHands(t *testing.T) {
	caller, err := identify(withPerson(), "Bearer "+sign(t, signingKey(tenant, 0), personal()))
	if err != nil {
		t.Fatal(err)
	}
	if caller.Principal != owner || caller.Client != cli || caller.SignIn != signIn ||
		!reflect.DeepEqual(caller.Scopes, []string{"user_impersonation"}) {
		t.Errorf("the caller is %+v", caller)
	}
}

func TestWhatAnAppMayDoInAPersonsNameIsThatPersonsRight(t *testing.T) {
	g := withPerson()
	g.Decide = func(r rbac.Request) rbac.Decision { return rbac.Decision{Allowed: r.Principal == owner} }
	caller, err := identify(g, "Bearer "+sign(t, signingKey(tenant, 0), personal()))
	if err != nil {
		t.Fatal(err)
	}
	if err := g.Permit(t.Context(), caller, getting, true, cloud.Root); err != nil {
		t.Errorf("the person's own right does not count: %v", err)
	}
	g.Decide = func(rbac.Request) rbac.Decision { return rbac.Decision{} }
	if err := g.Permit(t.Context(), caller, getting, true, cloud.Root); !fault.Is(err, fault.Forbidden) {
		t.Errorf("without a right: %v", err)
	}
}

func TestATokenMakesNoPersonOfAnAppNorAnAppOfAPerson(t *testing.T) { // T13, T19
	for sentence, change := range map[string]func(*token.Claims){
		"an app's token for a person":         func(c *token.Claims) { c.Type = token.TypeApp },
		"a person's token that says nothing":  func(c *token.Claims) { c.Type = "" },
		"another name to sign in by":          func(c *token.Claims) { c.SignIn = "other@lanyard.localhost" },
		"no name to sign in by":               func(c *token.Claims) { c.SignIn = "" },
		"nothing that the app may do":         func(c *token.Claims) { c.Scopes = "" },
		"scopes of blanks":                    func(c *token.Claims) { c.Scopes = "  " },
		"no app":                              func(c *token.Claims) { c.Client = "" },
		"an app's principal in their place":   func(c *token.Claims) { c.Principal = hello },
		"an app with a person's name":         func(c *token.Claims) { *c = soundClaims(); c.SignIn = signIn },
		"an app with scopes":                  func(c *token.Claims) { *c = soundClaims(); c.Scopes = "user_impersonation" },
		"an app that calls itself a person":   func(c *token.Claims) { *c = soundClaims(); c.Type = token.TypeUser },
		"an app of a kind that nobody is":     func(c *token.Claims) { *c = soundClaims(); c.Type = "device" },
		"a person of another tenant":          func(c *token.Claims) { c.Tenant = other },
		"a person by an app's pairwise claim": func(c *token.Claims) { *c = soundClaims(); c.Subject = "pairwise" },
	} {
		t.Run(sentence, func(t *testing.T) {
			c := personal()
			change(&c)
			_, err := identify(withPerson(), "Bearer "+sign(t, signingKey(tenant, 0), c))
			var r *Rejection
			if !errors.As(err, &r) || r.Reason != Mismatch {
				t.Errorf("%v, want %q", err, Mismatch)
			}
		})
	}
}
