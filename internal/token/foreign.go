package token

import (
	"crypto/rsa"
	"encoding/base64"
	"maps"
	"math/big"
	"slices"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/json" // exact member names; refuses duplicates
)

// What a foreign issuer signs may be an access token by its type (RFC 9068 section 2.1), and may have
// its audience in an array (RFC 7519 section 4.1.3), as Kubernetes writes it.

// audience is an aud claim: a string or an array of strings.
type audience struct {
	one string
	all []string
}

// UnmarshalJSON reads either form.
func (a *audience) UnmarshalJSON(raw []byte) error {
	if err := json.Unmarshal(raw, &a.one); err == nil {
		if a.one != "" {
			a.all = []string{a.one}
		}
		return nil
	}
	return json.Unmarshal(raw, &a.all)
}

// plain leaves out of a header that it is an access token's.
func plain(h jose.Header) jose.Header {
	if typ := h.ExtraHeaders[jose.HeaderType]; typ == "at+jwt" || typ == "application/at+jwt" {
		h.ExtraHeaders = maps.Clone(h.ExtraHeaders)
		delete(h.ExtraHeaders, jose.HeaderType)
	}
	return h
}

// KeyID gives the id by which an assertion names its key; empty when it does not.
func (a *Assertion) KeyID() string { return a.kid }

// Algorithm gives how an assertion says that it is signed.
func (a *Assertion) Algorithm() string { return a.signed.Signatures[0].Protected.Algorithm }

// SignedWith sees that an issuer's key signed an assertion, with RS256: the only algorithm of foreign
// issuers (wire-facts: "Federated identity credential rules"). Otherwise the *Error's reason is
// BadAlgorithm or BadSignature.
func (a *Assertion) SignedWith(key *rsa.PublicKey) error {
	if a.Algorithm() != string(jose.RS256) {
		return refuse(BadAlgorithm, "it is signed %.20q, not RS256", a.Algorithm())
	}
	if _, err := a.signed.Verify(key); err != nil {
		return refuse(BadSignature, "its signature is not by the key %.64q", a.kid)
	}
	return nil
}

// What a foreign key must be: long enough to be trusted (RFC 7518 section 3.3), and short enough that
// holding a signature against it costs little.
const (
	minKeyBits  = 2048
	maxKeyBits  = 8192
	maxKeyID    = 256 // bytes
	maxExponent = 1<<31 - 1
)

// ReadKeySet gives the keys of a JWK set (RFC 7517 section 5) that assertions may be signed with, by
// their ids: RSA keys of 2048 to 8192 bits for RS256 signatures. Others are left out, as are two that
// share an id. What is no key set is refused with an *Error whose reason is Malformed.
func ReadKeySet(document []byte) (map[string]*rsa.PublicKey, error) {
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := json.Unmarshal(document, &set); err != nil || set.Keys == nil {
		return nil, refuse(Malformed, "it is not a key set")
	}
	keys, ambiguous := map[string]*rsa.PublicKey{}, []string{}
	for _, raw := range set.Keys {
		var k struct {
			Type       string   `json:"kty"`
			Use        string   `json:"use"`
			Operations []string `json:"key_ops"`
			Algorithm  string   `json:"alg"`
			ID         string   `json:"kid"`
			Modulus    string   `json:"n"`
			Exponent   string   `json:"e"`
		}
		if json.Unmarshal(raw, &k) != nil || k.Type != "RSA" || k.ID == "" || len(k.ID) > maxKeyID ||
			k.Use != "" && k.Use != "sig" || k.Algorithm != "" && k.Algorithm != string(jose.RS256) ||
			k.Operations != nil && !slices.Contains(k.Operations, "verify") {
			continue
		}
		public, ok := rsaKey(k.Modulus, k.Exponent)
		if !ok {
			continue
		}
		if _, twice := keys[k.ID]; twice {
			ambiguous = append(ambiguous, k.ID)
		}
		keys[k.ID] = public
	}
	for _, id := range ambiguous {
		delete(keys, id)
	}
	return keys, nil
}

// rsaKey reads a public key (RFC 7518 section 6.3.1) and says whether it is one to be trusted.
func rsaKey(modulus, exponent string) (*rsa.PublicKey, bool) {
	n, err1 := base64.RawURLEncoding.DecodeString(modulus)
	e, err2 := base64.RawURLEncoding.DecodeString(exponent)
	if err1 != nil || err2 != nil || len(n) > maxKeyBits/8+1 || len(e) > 4 {
		return nil, false
	}
	key := &rsa.PublicKey{N: new(big.Int).SetBytes(n), E: int(new(big.Int).SetBytes(e).Int64())}
	bits := key.N.BitLen()
	return key, bits >= minKeyBits && bits <= maxKeyBits && key.N.Bit(0) == 1 && key.E >= 3 && key.E%2 == 1 && key.E <= maxExponent
}
