package token

import (
	"encoding/base64"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/json" // exact member names; refuses duplicates, which encoding/json does not
)

// Verifier holds tokens against keys, issuers and audiences. It trusts nothing that a token says
// about where its key is to be found: jku, x5u, x5c and jwk are ignored (T13).
type Verifier struct {
	// Keys gives the key of that id.
	Keys func(kid string) (Key, bool)
	// Issuers are the accepted iss values; each key accepts its own alone.
	Issuers []string
	// Audiences are the accepted aud values, compared byte for byte (T12).
	Audiences []string
}

// Verify gives the claims of a token that is sound at now; any other is refused with an *Error.
func (v Verifier) Verify(raw string, now time.Time) (Claims, error) {
	key, payload, err := v.open(raw, now)
	if err != nil {
		return Claims{}, err
	}
	var c Claims
	if err := json.Unmarshal(payload, &c); err != nil {
		return Claims{}, refuse(Malformed, "its claims are not those of an access token")
	}
	if err := v.check(c, key, now); err != nil {
		return Claims{}, err
	}
	return c, nil
}

// open checks everything that needs no claims, and gives the signed payload and who signed it.
func (v Verifier) open(raw string, now time.Time) (Key, []byte, error) {
	if len(raw) > MaxSize {
		return Key{}, nil, refuse(Malformed, "its %d bytes are over the bound of %d", len(raw), MaxSize)
	}
	if !isCanonical(raw) {
		return Key{}, nil, refuse(Malformed, "it is not three parts in base64url")
	}
	signed, err := jose.ParseSignedCompact(raw, []jose.SignatureAlgorithm{jose.RS256})
	var algorithm *jose.ErrUnexpectedSignatureAlgorithm
	if errors.As(err, &algorithm) {
		return Key{}, nil, refuse(BadAlgorithm, "it is signed %.20q, not RS256", algorithm.Got)
	}
	if err != nil {
		return Key{}, nil, refuse(Malformed, "its header cannot be read")
	}
	header := signed.Signatures[0].Protected
	if err := checkHeader(header); err != nil {
		return Key{}, nil, err
	}
	key, known := v.Keys(header.KeyID)
	if !known || header.KeyID == "" || key.Public == nil {
		return Key{}, nil, refuse(UnknownKey, "no key has the id %.64q", header.KeyID)
	}
	if !key.ValidAt(now, Skew) {
		return Key{}, nil, refuse(UnknownKey, "the key %.64q is outside its own validity", header.KeyID)
	}
	payload, err := signed.Verify(key.Public)
	if err != nil {
		return Key{}, nil, refuse(BadSignature, "its signature is not by the key %.64q", header.KeyID)
	}
	return key, payload, nil
}

// isCanonical reports whether raw is three base64url parts, each spelled in the one way there is:
// a decoder that forgives line breaks or loose trailing bits would take two texts for one token.
func isCanonical(raw string) bool {
	if strings.ContainsAny(raw, "\r\n") {
		return false
	}
	parts := 0
	for part := range strings.SplitSeq(raw, ".") {
		parts++
		if _, err := base64.RawURLEncoding.Strict().DecodeString(part); err != nil || part == "" || parts > 3 {
			return false
		}
	}
	return parts == 3
}

// checkHeader refuses extensions (RFC 7515 section 4.1.11: we understand none, so any crit is one
// too many), and what claims to be something other than a plain JWT.
func checkHeader(h jose.Header) error {
	if _, critical := h.ExtraHeaders["crit"]; critical {
		return refuse(Malformed, "its header demands extensions that are not understood")
	}
	if typ, there := h.ExtraHeaders[jose.HeaderType]; there && typ != "JWT" {
		return refuse(Malformed, "its typ is not JWT")
	}
	if _, nested := h.ExtraHeaders[jose.HeaderContentType]; nested {
		return refuse(Malformed, "its content is another token")
	}
	return nil
}

// check holds the claims against the key, the verifier and the time.
func (v Verifier) check(c Claims, key Key, now time.Time) error {
	for _, at := range []int64{c.NotBefore, c.Expires} {
		if at <= 0 || at > maxTime {
			return refuse(Malformed, "its nbf or exp is missing or out of range")
		}
	}
	switch {
	case c.Issuer != key.Issuer:
		return refuse(WrongIssuer, "its key does not speak for the issuer %.120q", c.Issuer)
	case !slices.Contains(v.Issuers, c.Issuer):
		return refuse(WrongIssuer, "the issuer %.120q is not accepted here", c.Issuer)
	case c.Audience == "" || !slices.Contains(v.Audiences, c.Audience):
		return refuse(WrongAudience, "it is for %.120q", c.Audience)
	case now.Before(time.Unix(c.NotBefore, 0).Add(-Skew)):
		return refuse(NotYetValid, "it begins at %s", spell(c.NotBefore))
	case !now.Before(time.Unix(c.Expires, 0).Add(Skew)):
		return refuse(Expired, "it ended at %s", spell(c.Expires))
	}
	return nil
}

func spell(seconds int64) string { return time.Unix(seconds, 0).UTC().Format(time.RFC3339) }
