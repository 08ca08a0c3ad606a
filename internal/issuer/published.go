package issuer

import (
	"time"

	"lanyard/internal/token"
)

// Key gives the public half of a key that is kept: those that are published, and those that only the
// world's clock has aged out of publication.
func (i *Issuer) Key(kid string) (token.Key, bool) {
	i.prepare()
	k, there := i.ring.Load().byID[kid]
	return k, there
}

// KeySet gives the published keys as a JWK set document (RFC 7517 section 5).
func (i *Issuer) KeySet() []byte {
	i.prepare()
	keys, _ := i.published()
	public := make([]token.Key, len(keys))
	for n, k := range keys {
		public[n] = k.key
		public[n].Private = nil
	}
	return token.KeySet(public)
}

// KeySetOf is KeySet for those who verify id tokens of another issuer, which each key then shows.
func (i *Issuer) KeySetOf(issuer string) []byte {
	i.prepare()
	keys, _ := i.published()
	public := make([]token.Key, len(keys))
	for n, k := range keys {
		public[n] = k.key
		public[n].Private, public[n].Issuer = nil, issuer
	}
	return token.KeySet(public)
}

// Standing is one published key and where it stands.
type Standing struct {
	ID    string
	State State
	Made  time.Time
	Signs time.Time // when it begins, or began, to sign
	Ends  time.Time // when its certificate ends
}

// Keys lists the published keys, oldest first.
func (i *Issuer) Keys() []Standing {
	i.prepare()
	keys, states := i.published()
	standings := make([]Standing, len(keys))
	for n, k := range keys {
		standings[n] = Standing{ID: k.key.ID, State: states[n], Made: k.made, Signs: k.signs, Ends: k.ends}
	}
	return standings
}
