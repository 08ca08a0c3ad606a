package token_test

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"sync"
	"testing"
	"time"

	"lanyard/internal/token"
)

const (
	issuer   = "https://sts.windows.net/1b7a4c1e-0000-4000-8000-000000000001/"
	audience = "https://vault.azure.net"
)

// noon is the time of every test.
var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

var (
	ours   = sync.OnceValue(draw)
	theirs = sync.OnceValue(draw)
)

func draw() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
}

// signingKey is valid for a day on either side of noon.
func signingKey() token.Key {
	return token.Key{
		ID: "current", Issuer: issuer, Private: ours(), Public: &ours().PublicKey,
		NotBefore: noon.Add(-24 * time.Hour), NotAfter: noon.Add(24 * time.Hour),
	}
}

func claims() token.Claims {
	return token.Claims{
		Audience: audience, Issuer: issuer, IdentityProvider: issuer,
		IssuedAt: noon.Unix() - 300, NotBefore: noon.Unix() - 300, Expires: noon.Unix() + 3600,
		Client: "11111111-0000-4000-8000-000000000001", ClientAuth: "2", Type: "app",
		Principal: "22222222-0000-4000-8000-000000000001", Subject: "22222222-0000-4000-8000-000000000001",
		Tenant: "1b7a4c1e-0000-4000-8000-000000000001", ID: "uti", Version: "1.0", XMSCC: []string{"CP1"},
		Resource: "/subscriptions/s/resourcegroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/billing",
	}
}

func verifier(keys ...token.Key) token.Verifier {
	return token.Verifier{
		Issuers: []string{issuer}, Audiences: []string{audience},
		Keys: func(kid string) (token.Key, bool) {
			for _, k := range keys {
				if k.ID == kid {
					return k, true
				}
			}
			return token.Key{}, false
		},
	}
}

func sign(t testing.TB, k token.Key, c token.Claims) string {
	t.Helper()
	raw, err := token.Sign(k, c)
	if err != nil {
		t.Fatalf("Sign: %v", err)
	}
	return raw
}

func encode(v any) string {
	text, ok := v.(string)
	if !ok {
		b, err := json.Marshal(v)
		if err != nil {
			panic(err)
		}
		text = string(b)
	}
	return base64.RawURLEncoding.EncodeToString([]byte(text))
}

// craft signs any header and payload RS256 with the key, as no library would.
func craft(key *rsa.PrivateKey, header, payload any) string {
	input := encode(header) + "." + encode(payload)
	sum := sha256.Sum256([]byte(input))
	signature, err := rsa.SignPKCS1v15(nil, key, crypto.SHA256, sum[:])
	if err != nil {
		panic(err)
	}
	return input + "." + base64.RawURLEncoding.EncodeToString(signature)
}

// reasonOf gives why a token was refused, "" when it was not.
func reasonOf(t testing.TB, err error) token.Reason {
	t.Helper()
	if err == nil {
		return ""
	}
	var refused *token.Error
	if !errors.As(err, &refused) {
		t.Fatalf("Verify failed with %T %v, want a *token.Error", err, err)
	}
	return refused.Reason
}
