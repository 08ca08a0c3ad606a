package entra

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"errors"

	"lanyard/internal/cloud"
	"lanyard/internal/fault"
	"lanyard/internal/store"
)

// redeem answers an authorization code (RFC 6749 section 4.1.3, RFC 7636 section 4.5).
func (d *Door) redeem(ctx context.Context, c call) (outcome, error) {
	if c.code.IsZero() {
		return outcome{}, missing("code")
	}
	client, err := d.identified(c)
	if err != nil {
		return outcome{}, err
	}
	key := keysCode + hash(c.code.Open())
	code, revision, err := fetch[authorizationCode](ctx, d.Store, key)
	switch {
	case err != nil:
		return outcome{}, err
	case revision == 0 || code.Client != client.ID:
		return outcome{}, refuse(70000, "The provided value for the 'code' parameter is not valid.")
	case code.Spent:
		return outcome{}, d.spent(ctx, key)
	case d.ended(code.expiring):
		return outcome{}, refuse(70008, "The provided authorization code or refresh token has expired due to inactivity. Send a new interactive authorization request for this user and resource.")
	case c.redirect != code.Redirect:
		return outcome{}, refuse(500112, "The reply address '%s' does not match the reply address '%s' provided when requesting Authorization code.", fault.Clip(c.redirect), fault.Clip(code.Redirect))
	case !matches(c.verifier.Open(), code.Challenge):
		return outcome{}, refuse(501481, "The Code_Verifier does not match the code_challenge supplied in the authorization request.")
	}
	asked, err := c.requested(code.Asked)
	if err != nil {
		return outcome{}, err
	}
	if err := asked.within(code.Asked); err != nil {
		return outcome{}, err
	}
	// What the code is about to lead to is written down before it exists: whoever comes with the same
	// code finds it, however close behind.
	if code.Session, err = cloud.NewID(d.random()); err != nil {
		return outcome{}, err
	}
	code.Spent = true
	if revision, err = d.rewrite(ctx, key, revision, code); errors.Is(err, store.ErrConflict) {
		return outcome{}, d.spent(ctx, key)
	} else if err != nil {
		return outcome{}, err
	}
	o, err := d.grantPerson(ctx, c, signIn{
		client: client, person: code.Person, begun: code.Begun, asked: asked, nonce: code.Nonce, session: code.Session,
	})
	if err != nil {
		return outcome{}, err
	}
	if _, last, err := fetch[authorizationCode](ctx, d.Store, key); err != nil {
		return outcome{}, err
	} else if last != revision { // the code came again meanwhile
		return outcome{}, d.spent(ctx, key)
	}
	return o, nil
}

// spent ends the session that a code led to, since one of the two who had it has stolen it (RFC
// 6749 section 4.1.2). It marks the code as well, so that whoever redeemed it first and is not
// through yet sees that there was a second, and gives out nothing.
func (d *Door) spent(ctx context.Context, key string) error {
	code, revision, err := fetch[authorizationCode](ctx, d.Store, key)
	if err != nil {
		return err
	}
	if revision != 0 {
		code.Twice = true
		value, err := json.Marshal(code)
		if err != nil {
			return err
		}
		if _, err := d.Store.Commit(ctx,
			store.Change{Key: key, Value: value, If: store.Any}, // nothing else changes a code that is spent
			store.Change{Key: keysSession + code.Session, If: store.Any},
		); err != nil {
			return err
		}
	}
	return refuse(54005, "OAuth2 Authorization code was already redeemed, please retry with a new valid code or use an existing refresh token.")
}

// matches holds a verifier of RFC 7636 section 4.1 against the challenge.
func matches(verifier, challenge string) bool {
	if len(verifier) < 43 || len(verifier) > 128 {
		return false
	}
	sum := sha256.Sum256([]byte(verifier))
	return subtle.ConstantTimeCompare([]byte(base64.RawURLEncoding.EncodeToString(sum[:])), []byte(challenge)) == 1
}
