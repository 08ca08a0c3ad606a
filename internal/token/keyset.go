package token

import (
	"encoding/base64"
	"encoding/json"
	"math/big"
)

// publicKey is one entry of a key set (RFC 7517 section 4), with the members that Entra publishes.
type publicKey struct {
	Type        string   `json:"kty"`
	Use         string   `json:"use"`
	Algorithm   string   `json:"alg"`
	ID          string   `json:"kid"`
	Thumbprint  string   `json:"x5t,omitempty"`
	Modulus     string   `json:"n"`
	Exponent    string   `json:"e"`
	Certificate []string `json:"x5c,omitempty"`
	Issuer      string   `json:"issuer,omitempty"`
}

// KeySet gives the public halves of keys as a JWK set (RFC 7517 section 5), in their order.
func KeySet(keys []Key) []byte {
	set := struct {
		Keys []publicKey `json:"keys"`
	}{Keys: make([]publicKey, 0, len(keys))}
	for _, k := range keys {
		p := publicKey{
			Type: "RSA", Use: "sig", Algorithm: "RS256", ID: k.ID, Issuer: k.Issuer,
			Modulus:  base64.RawURLEncoding.EncodeToString(k.Public.N.Bytes()),
			Exponent: base64.RawURLEncoding.EncodeToString(big.NewInt(int64(k.Public.E)).Bytes()),
		}
		if len(k.Certificate) > 0 {
			p.Thumbprint = k.ID
			p.Certificate = []string{base64.StdEncoding.EncodeToString(k.Certificate)}
		}
		set.Keys = append(set.Keys, p)
	}
	document, err := json.Marshal(set)
	if err != nil {
		panic(err) // strings always marshal
	}
	return document
}
