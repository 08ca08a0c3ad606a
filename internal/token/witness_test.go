package token_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"lanyard/internal/token"
)

// published is what an outside verifier reads of a key set.
type published struct {
	Keys []struct {
		Kty, Use, Kid, X5t, N, E string
		X5c                      []string
	}
}

func certified(t *testing.T) token.Key {
	k := signingKey()
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: k.NotBefore, NotAfter: k.NotAfter}
	der, err := x509.CreateCertificate(rand.Reader, template, template, k.Public, k.Private)
	if err != nil {
		t.Fatal(err)
	}
	k.Certificate = der
	return k
}

// golang-jwt stands for every service that was not written here: it is given the token and the
// key set, and nothing of ours.
func TestAnotherLibraryAcceptsOurTokens(t *testing.T) { // TK-12
	k := certified(t)
	raw := sign(t, k, claims())
	var set published
	if err := json.Unmarshal(token.KeySet([]token.Key{k}), &set); err != nil {
		t.Fatal(err)
	}
	keyOf := func(given *jwt.Token) (any, error) {
		for _, one := range set.Keys {
			if one.Kid == given.Header["kid"] && one.Kid == given.Header["x5t"] {
				n, _ := base64.RawURLEncoding.DecodeString(one.N)
				e, _ := base64.RawURLEncoding.DecodeString(one.E)
				return &rsa.PublicKey{N: new(big.Int).SetBytes(n), E: int(new(big.Int).SetBytes(e).Int64())}, nil
			}
		}
		return nil, jwt.ErrTokenUnverifiable
	}
	got, err := jwt.Parse(raw, keyOf, jwt.WithValidMethods([]string{"RS256"}), jwt.WithIssuer(issuer), jwt.WithAudience(audience),
		jwt.WithExpirationRequired(), jwt.WithTimeFunc(func() time.Time { return noon }))
	if err != nil {
		t.Fatal(err)
	}
	if got.Header["typ"] != "JWT" {
		t.Errorf("typ is %v, want JWT", got.Header["typ"])
	}
	for name, want := range map[string]any{
		"appidacr": "2", "idtyp": "app", "ver": "1.0", "idp": issuer, "uti": "uti",
		"xms_mirid": claims().Resource, "exp": float64(claims().Expires),
	} {
		if said := got.Claims.(jwt.MapClaims)[name]; said != want {
			t.Errorf("%s is %v, want %v", name, said, want)
		}
	}
}

func TestAKeySetHoldsPublicHalvesWithTheirCertificates(t *testing.T) {
	k := certified(t)
	document := token.KeySet([]token.Key{k})
	var set published
	if err := json.Unmarshal(document, &set); err != nil {
		t.Fatal(err)
	}
	if len(set.Keys) != 1 {
		t.Fatalf("%d keys, want 1", len(set.Keys))
	}
	one := set.Keys[0]
	if one.Kty != "RSA" || one.Use != "sig" || one.Kid != k.ID || one.X5t != k.ID || one.E != "AQAB" {
		t.Errorf("the entry is %+v", one)
	}
	der, err := base64.StdEncoding.DecodeString(strings.Join(one.X5c, ""))
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	if !k.Public.Equal(certificate.PublicKey) {
		t.Error("the certificate is not the key's own")
	}
	for _, member := range []string{`"d"`, `"p"`, `"q"`, `"dp"`, `"dq"`, `"qi"`} {
		if strings.Contains(string(document), member) {
			t.Errorf("the key set has the private member %s", member)
		}
	}
	if got := string(token.KeySet(nil)); got != `{"keys":[]}` {
		t.Errorf("no keys give %s", got)
	}
}

func TestWhatCannotBeSignedIsAnError(t *testing.T) {
	for sentence, change := range map[string]func(k *token.Key, c *token.Claims){
		"a key without its private half": func(k *token.Key, _ *token.Claims) { k.Private = nil },
		"a key without an id":            func(k *token.Key, _ *token.Claims) { k.ID = "" },
		"claims over the bound":          func(_ *token.Key, c *token.Claims) { c.Roles = []string{strings.Repeat("r", token.MaxSize)} },
	} {
		t.Run(sentence, func(t *testing.T) {
			k, c := signingKey(), claims()
			change(&k, &c)
			if raw, err := token.Sign(k, c); err == nil {
				t.Errorf("signed %d bytes", len(raw))
			}
		})
	}
}
