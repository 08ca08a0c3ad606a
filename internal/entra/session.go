package entra

import (
	"context"
	"crypto/subtle"
	"errors"
	"strings"
	"time"

	"lanyard/internal/cloud"
	"lanyard/internal/httpkit"
	"lanyard/internal/issuer"
	"lanyard/internal/store"
)

const (
	// sessionLife is for how long a refresh token that nobody uses is good (wire-facts: "Errors",
	// 700082); every use begins it anew.
	sessionLife = 90 * 24 * time.Hour
	// sessionTouch is how much of it has gone by before a use is written down.
	sessionTouch = 24 * time.Hour
)

// session is what stands behind a refresh token: one person's sign-in to one app. The token stays
// the same as long as the session lasts: Azure gives a new one with every use and goes on accepting
// the old ones, since tools that run side by side share them.
type session struct {
	expiring
	Hash   string            `json:"hash"`
	Client cloud.ClientID    `json:"client"`
	Family string            `json:"family,omitempty"`
	Person cloud.PrincipalID `json:"person"`
	Asked  requestedScopes   `json:"asked"`
	Begun  time.Time         `json:"begun"` // when the person gave their password
}

// signIn is a person who has signed in to an app, whichever way.
type signIn struct {
	client publicClient
	person cloud.PrincipalID
	begun  time.Time
	asked  requestedScopes
	nonce  string
	// refresh is the token of the session that this goes on with; zero begins one if the app wants it.
	refresh cloud.Sealed
	// session is the id of the one that this begins; empty draws it.
	session string
}

// grantPerson gives an app what it acts with in a person's name.
func (d *Door) grantPerson(ctx context.Context, c call, s signIn) (outcome, error) {
	who, err := d.person(s.person, s.begun)
	if err != nil {
		return outcome{}, err
	}
	httpkit.Note(ctx, httpkit.KeyCaller, string(who.ID))
	o := outcome{resource: s.asked.Resource, scopes: s.asked.granted(), refresh: s.refresh, family: s.client.Family}
	if c.version == v1 {
		o.scopes = s.asked.rights()
	}
	order := issuer.Order{
		Principal: who, Capabilities: c.capabilities,
		Through: issuer.Delegate{Client: s.client.ID, Scopes: s.asked.rights()},
	}
	if o.access, err = d.mint(ctx, c, order, s.asked.Resource); err != nil {
		return outcome{}, err
	}
	if c.version == v1 || s.asked.has(scopeOpenID) {
		id, err := d.Issuer.Introduce(ctx, issuer.Introduction{
			Person: who, Client: s.client.ID, Issuer: c.issuer, Nonce: s.nonce, Version: string(c.version),
		})
		if err != nil {
			return outcome{}, err
		}
		order.Audience = string(s.client.ID)
		if err := d.record(ctx, c, order, id); err != nil {
			return outcome{}, err
		}
		o.id = id.Token
	}
	if c.who {
		o.who = &who
	}
	if o.refresh.IsZero() && (c.version == v1 || s.asked.has(scopeOffline)) {
		if o.refresh, err = d.begin(ctx, s); err != nil {
			return outcome{}, err
		}
	}
	return o, nil
}

// person gives someone who signed in at a time, if they still may be spoken for.
func (d *Door) person(id cloud.PrincipalID, since time.Time) (cloud.Principal, error) {
	who, there := d.Directory.Principal(id)
	if !there || who.Kind != cloud.User {
		return cloud.Principal{}, refuse(50034, "The user account does not exist in the %s directory. To sign into this application, the account must be added to the directory.", d.Tenant)
	}
	if since.Before(who.ValidFrom) {
		return cloud.Principal{}, refuse(50173, "The provided grant has expired due to it being revoked, a fresh auth token is needed. The user might have changed or reset their password. The grant was issued on '%s' and the TokensValidFrom date for this user is '%s'.",
			since.UTC().Format(time.RFC3339), who.ValidFrom.UTC().Format(time.RFC3339))
	}
	return who, nil
}

// begin makes a session and gives its refresh token: the session's id and a secret.
func (d *Door) begin(ctx context.Context, s signIn) (cloud.Sealed, error) {
	id := s.session
	if id == "" {
		var err error
		if id, err = cloud.NewID(d.random()); err != nil {
			return cloud.Sealed{}, err
		}
	}
	secret, err := d.draw(32)
	if err != nil {
		return cloud.Sealed{}, err
	}
	err = d.create(ctx, keysSession+id, session{
		expiring: d.lasting(sessionLife), Hash: hash(secret), Client: s.client.ID, Family: s.client.Family,
		Person: s.person, Asked: s.asked, Begun: s.begun.UTC(),
	})
	return cloud.Seal("1." + id + "." + secret), err
}

// renew answers a refresh token with new tokens, for any resource (RFC 6749 section 6).
func (d *Door) renew(ctx context.Context, c call) (outcome, error) {
	if c.refresh.IsZero() {
		return outcome{}, missing("refresh_token")
	}
	client, err := d.identified(c)
	if err != nil {
		return outcome{}, err
	}
	key, s, err := d.resume(ctx, c.refresh.Open())
	if err != nil {
		return outcome{}, err
	}
	if s.Client != client.ID && (s.Family == "" || s.Family != client.Family) {
		return outcome{}, refuse(700007, "The provided refresh token was issued to another application than '%s'.", client.ID)
	}
	asked, err := c.requested(s.Asked)
	if err != nil {
		return outcome{}, err
	}
	o, err := d.grantPerson(ctx, c, signIn{client: client, person: s.Person, begun: s.Begun, asked: asked, refresh: c.refresh})
	if err != nil {
		return outcome{}, err
	}
	return o, d.touch(ctx, key, s)
}

// resume finds the session of a refresh token. What is wrong with one that is not ours is not told.
func (d *Door) resume(ctx context.Context, token string) (string, session, error) {
	invalid := refuse(70000, "The provided value for the 'refresh_token' is not valid.")
	parts := strings.Split(token, ".")
	if len(parts) != 3 || parts[0] != "1" || !cloud.IsGUID(parts[1]) {
		return "", session{}, invalid
	}
	key := keysSession + strings.ToLower(parts[1])
	s, revision, err := fetch[session](ctx, d.Store, key)
	switch {
	case err != nil:
		return "", session{}, err
	case revision == 0 || subtle.ConstantTimeCompare([]byte(hash(parts[2])), []byte(s.Hash)) != 1:
		return "", session{}, invalid
	case d.ended(s.expiring):
		return "", session{}, refuse(700082, "The refresh token has expired due to inactivity. The token was issued on %s and was inactive for 90.00:00:00.", s.Begun.Format(time.RFC3339))
	}
	return key, s, nil
}

// touch lets a session that is in use last longer. One that was removed meanwhile stays removed.
func (d *Door) touch(ctx context.Context, key string, s session) error {
	if !d.used(s.expiring) {
		return nil
	}
	errGone := errors.New("the session has ended")
	_, err := store.Update(ctx, d.Store, key, func(kept *session) error {
		if kept.Hash != s.Hash {
			return errGone
		}
		kept.expiring = d.lasting(sessionLife)
		return nil
	})
	if errors.Is(err, errGone) {
		return nil
	}
	return err
}

// used reports whether so much of a session's life has gone by that a use is written down.
func (d *Door) used(e expiring) bool {
	if d.Age == nil || e.Since.IsZero() {
		return e.Ends.Sub(d.now()) <= sessionLife-sessionTouch
	}
	return d.Age(e.Since) >= sessionTouch
}

// identified gives the public client of a request; one that shows a credential is none.
func (d *Door) identified(c call) (publicClient, error) {
	client, err := d.public(c.client)
	if err != nil {
		return publicClient{}, err
	}
	if !c.secret.IsZero() || !c.assertion.IsZero() {
		return publicClient{}, refuse(700025, "Client is public so neither 'client_assertion' nor 'client_secret' should be presented.")
	}
	return client, nil
}

// requested gives what a request asks for, or what the sign-in was for where it does not say.
func (c call) requested(before requestedScopes) (requestedScopes, error) {
	switch {
	case c.version == v1 && c.resource != "":
		return requestedScopes{Resource: c.resource}, nil
	case c.version == v2 && c.scope != "":
		return delegated(c.scope)
	}
	return before, nil
}
