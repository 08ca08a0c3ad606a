package token_test

import (
	"crypto/rand"
	"crypto/rsa"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"lanyard/internal/token"
)

// Whatever a stranger publishes, each key that is taken is one that another library would publish the
// same way, long enough and not too long.
func FuzzReadKeySet(f *testing.F) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		f.Fatal(err)
	}
	sound, err := (&jose.JSONWebKey{Key: key.Public(), KeyID: "k1", Use: "sig", Algorithm: "RS256"}).MarshalJSON()
	if err != nil {
		f.Fatal(err)
	}
	for _, seed := range []string{`{"keys":[` + string(sound) + `]}`, `{"keys":[` + string(sound) + `,` + string(sound) + `]}`,
		`{"keys":[{"kty":"RSA","kid":"a","n":"AQAB","e":"AQAB"}]}`, `{"keys":null}`, `{"keys":[1,null,{}]}`, `[]`, ``,
		strings.Replace(`{"keys":[`+string(sound)+`]}`, `"e":"AQAB"`, `"e":"AAAAAAAAAAE"`, 1)} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, document []byte) {
		keys, err := token.ReadKeySet(document)
		if err != nil && keys != nil {
			t.Fatalf("%v, and %d keys", err, len(keys))
		}
		for id, k := range keys {
			if bits := k.N.BitLen(); id == "" || bits < 2048 || bits > 8192 || k.E < 3 || k.E%2 == 0 {
				t.Errorf("%q: a key of %d bits with exponent %d", id, bits, k.E)
			}
			again := &jose.JSONWebKey{Key: k, KeyID: id}
			if !again.Valid() {
				t.Errorf("%q is no key to another library", id)
			}
		}
	})
}

// Whatever comes as an assertion, it is read to the end or refused, and what is read has its times.
func FuzzForeignAssertion(f *testing.F) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		f.Fatal(err)
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.RS256, Key: jose.JSONWebKey{Key: key, KeyID: "k1"}}, nil)
	if err != nil {
		f.Fatal(err)
	}
	for _, claims := range []string{`{"iss":"https://i","sub":"s","aud":["a"],"exp":4000000000}`, `{"iss":"https://i","sub":"s","aud":"a","exp":4000000000.5,"nbf":1}`,
		`{"iss":"c","sub":"c","aud":["a"],"exp":1}`, `{"aud":[1],"exp":1}`, `{"exp":1e400}`} {
		signed, err := signer.Sign([]byte(claims))
		if err != nil {
			f.Fatal(err)
		}
		raw, err := signed.CompactSerialize()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		a, err := token.ReadAssertion(raw)
		if err != nil {
			return
		}
		if a.Expires.IsZero() || a.Audience != "" && (len(a.Audiences) != 1 || a.Audiences[0] != a.Audience) {
			t.Errorf("%q is read as %+v", raw, a)
		}
		if strings.EqualFold(a.Issuer, a.Subject) && a.Audience == "" && len(a.Audiences) > 0 {
			t.Errorf("%q is a client's own, with an array of audiences", raw)
		}
		if a.SignedWith(&key.PublicKey) == nil && a.Algorithm() != "RS256" {
			t.Errorf("%q is signed %s and was taken", raw, a.Algorithm())
		}
	})
}
