package token

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/go-jose/go-jose/v4"
)

// Sign gives the claims as a compact JWS (RFC 7515 section 7.1), signed RS256, with the header
// that Entra's v1.0 tokens have: typ, alg, and the key's id as both x5t and kid; v2.0 ones have no x5t.
func Sign(k Key, c Claims) (string, error) {
	if c.Version == "2.0" {
		return sign(k, c, (&jose.SignerOptions{}).WithType("JWT"))
	}
	return sign(k, c, (&jose.SignerOptions{}).WithType("JWT").WithHeader("x5t", k.ID))
}

// SignID is Sign for id tokens, which name their key by kid alone.
func SignID(k Key, c IDClaims) (string, error) {
	return sign(k, c, (&jose.SignerOptions{}).WithType("JWT"))
}

func sign(k Key, claims any, options *jose.SignerOptions) (string, error) {
	if k.Private == nil || k.ID == "" {
		return "", errors.New("sign token: the key has no private half or no id")
	}
	with := jose.SigningKey{Algorithm: jose.RS256, Key: jose.JSONWebKey{Key: k.Private, KeyID: k.ID}}
	signer, err := jose.NewSigner(with, options)
	if err != nil {
		return "", fmt.Errorf("prepare signer: %w", err)
	}
	payload, err := json.Marshal(claims)
	if err != nil {
		return "", fmt.Errorf("encode claims: %w", err)
	}
	signed, err := signer.Sign(payload)
	if err != nil {
		return "", fmt.Errorf("sign token: %w", err)
	}
	raw, err := signed.CompactSerialize()
	if err != nil {
		return "", fmt.Errorf("serialise token: %w", err)
	}
	if len(raw) > MaxSize {
		return "", fmt.Errorf("sign token: its %d bytes are over the bound of %d", len(raw), MaxSize)
	}
	return raw, nil
}
