package issuer

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"lanyard/internal/cloud"
	"lanyard/internal/token"
)

// speakFor makes claims speak for the person of an order, by the app that they signed in to.
func speakFor(c *token.Claims, o Order) {
	who := o.Principal
	c.Type, c.Client, c.ClientAuth = token.TypeUser, o.Through.Client, "0"
	c.Scopes = strings.Join(o.Through.Scopes, " ")
	c.Methods = []string{"pwd"}
	c.Name, c.SignIn, c.UniqueName = who.Name, who.SignIn, who.SignIn
	c.IdentityProvider = "" // the person is of this directory
	c.Subject = pairwise(who, strings.TrimSuffix(o.Audience, "/"))
}

// pairwise gives the sub by which one party knows a person (OpenID Connect Core section 8.1).
func pairwise(who cloud.Principal, party string) string {
	sum := sha256.Sum256([]byte(strings.Join([]string{string(who.Tenant), string(who.ID), party}, "|")))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// Introduction is what an id token is wanted for: to tell an app who signed in.
type Introduction struct {
	Person cloud.Principal
	// Client is the app; it becomes aud.
	Client cloud.ClientID
	// Issuer becomes iss: that of the discovery document which the app knows. An app's v2.0 access
	// tokens have the same iss and aud, as in Entra; they alone have azp.
	Issuer string
	// Nonce is the app's own, repeated; empty leaves it out.
	Nonce string
	// Version is "2.0" or "1.0".
	Version string
}

// Introduce signs an id token (OpenID Connect Core section 2).
func (i *Issuer) Introduce(ctx context.Context, n Introduction) (Minted, error) {
	i.prepare()
	if err := ctx.Err(); err != nil {
		return Minted{}, err
	}
	now := i.Now()
	key, err := i.signing(now)
	if err != nil {
		return Minted{}, err
	}
	ids, err := i.opaque(now)
	if err != nil {
		return Minted{}, err
	}
	issued := now.Add(-Backdating).Unix()
	c := token.IDClaims{
		Audience: n.Client, Issuer: n.Issuer, IssuedAt: issued, NotBefore: issued, Expires: now.Add(applicationLife).Unix(),
		Name: n.Person.Name, Nonce: n.Nonce, Principal: n.Person.ID, SignIn: n.Person.SignIn, RH: ids.rh,
		Subject: pairwise(n.Person, string(n.Client)), Tenant: n.Person.Tenant, ID: ids.uti, Version: n.Version,
	}
	if err := i.lintID(c, n.Person, key, now); err != nil {
		return Minted{}, fmt.Errorf("mint id token: %w", err)
	}
	raw, err := token.SignID(key, c)
	if err != nil {
		return Minted{}, fmt.Errorf("mint id token: %w", err)
	}
	return Minted{
		Token: cloud.Seal(raw), ID: c.ID, KeyID: key.ID, Issued: time.Unix(c.IssuedAt, 0), Expires: time.Unix(c.Expires, 0),
	}, nil
}

// lintID is lint for id tokens: about people of this tenant alone, and nothing that could be taken
// for an access token.
func (i *Issuer) lintID(c token.IDClaims, who cloud.Principal, key token.Key, now time.Time) error {
	switch {
	case who.Kind != cloud.User || !cloud.IsGUID(string(c.Principal)) || c.SignIn == "":
		return errors.New("it is about nobody who can sign in")
	case c.Tenant != i.Tenant || !cloud.IsGUID(string(c.Tenant)):
		return fmt.Errorf("its tenant %q is not %q", c.Tenant, i.Tenant)
	case !cloud.IsGUID(string(c.Audience)):
		return errors.New("it is for no app")
	case c.Issuer == "" || !slices.Contains([]string{"1.0", "2.0"}, c.Version) || c.Version == "2.0" && c.Issuer == i.URL:
		return fmt.Errorf("an id token of version %q has not the issuer %q", c.Version, c.Issuer)
	case len(c.Nonce) > maxNonce:
		return errors.New("its nonce is too long")
	case key.ID == "" || key.Private == nil || !key.ValidAt(now, 0) || time.Unix(c.Expires, 0).After(key.NotAfter):
		return fmt.Errorf("the key %q is not valid", key.ID)
	}
	return nil
}

// maxNonce bounds a nonce in bytes.
const maxNonce = 1024
