package token_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"maps"
	"math/big"
	"strings"
	"sync"
	"testing"
	"time"

	"lanyard/internal/token"
)

// signer is a key with its certificate.
type signer struct {
	key         crypto.Signer
	certificate *x509.Certificate
}

func withCertificate(key crypto.Signer) signer {
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: noon.Add(-time.Hour), NotAfter: noon.Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		panic(err)
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		panic(err)
	}
	return signer{key, certificate}
}

var (
	oursCertified   = sync.OnceValue(func() signer { return withCertificate(ours()) })
	theirsCertified = sync.OnceValue(func() signer { return withCertificate(theirs()) })
	curveCertified  = sync.OnceValue(func() signer {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			panic(err)
		}
		return withCertificate(key)
	})
)

func (s signer) sha1() []byte   { sum := sha1.Sum(s.certificate.Raw); return sum[:] }
func (s signer) sha256() []byte { sum := sha256.Sum256(s.certificate.Raw); return sum[:] }

// assert signs a header and claims as the header's alg says, or as another one does.
func (s signer) assert(header, claims any, as string) string {
	input := encode(header) + "." + encode(claims)
	sum := sha256.Sum256([]byte(input))
	var signature []byte
	var err error
	switch as {
	case "PS256":
		signature, err = s.key.Sign(rand.Reader, sum[:], &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash, Hash: crypto.SHA256})
	case "RS256", "DER":
		signature, err = s.key.Sign(rand.Reader, sum[:], crypto.SHA256)
	case "ES256":
		var r, two *big.Int
		if r, two, err = ecdsa.Sign(rand.Reader, s.key.(*ecdsa.PrivateKey), sum[:]); err == nil {
			signature = append(r.FillBytes(make([]byte, 32)), two.FillBytes(make([]byte, 32))...)
		}
	}
	if err != nil {
		panic(err)
	}
	return input + "." + base64.RawURLEncoding.EncodeToString(signature)
}

// said are the claims of a good assertion with changes; nil takes one away.
func said(changes map[string]any) map[string]any {
	all := map[string]any{
		"iss": "client", "sub": "client", "aud": "https://login.microsoftonline.com/t/oauth2/v2.0/token",
		"jti": "1", "nbf": noon.Unix(), "exp": noon.Unix() + 600,
	}
	maps.Copy(all, changes)
	for name, value := range changes {
		if value == nil {
			delete(all, name)
		}
	}
	return all
}

// heading gives a header with further members, name by name.
func heading(alg string, members ...any) map[string]any {
	h := map[string]any{"typ": "JWT", "alg": alg}
	for n := 0; n+1 < len(members); n += 2 {
		h[members[n].(string)] = members[n+1]
	}
	return h
}

func TestEveryClientsFormOfAssertionIsRead(t *testing.T) { // wire-facts 2.4
	o, c := oursCertified(), curveCertified()
	plain, padded, standard := base64.RawURLEncoding.EncodeToString, base64.URLEncoding.EncodeToString, base64.StdEncoding.EncodeToString
	for sentence, raw := range map[string]string{
		"MSAL for Go: PS256, x5t#S256 in standard base64":       o.assert(heading("PS256", "x5t#S256", standard(o.sha256())), said(nil), "PS256"),
		"MSAL for Go with its chain":                            o.assert(heading("PS256", "x5t#S256", standard(o.sha256()), "x5c", []string{standard(o.certificate.Raw)}), said(nil), "PS256"),
		"MSAL for Node: PS256, x5t#S256 in base64url":           o.assert(heading("PS256", "x5t#S256", plain(o.sha256())), said(nil), "PS256"),
		"MSAL for Node, older: RS256, x5t":                      o.assert(heading("RS256", "x5t", plain(o.sha1())), said(nil), "RS256"),
		"MSAL for Python: x5t with padding, times in fractions": o.assert(heading("RS256", "x5t", padded(o.sha1())), said(map[string]any{"exp": 1772367000.25, "iat": 1772366400.75, "nbf": nil}), "RS256"),
		"MSAL for .NET: x5t and kid":                            o.assert(heading("RS256", "x5t", plain(o.sha1()), "kid", strings.ToUpper(hex.EncodeToString(o.sha1()))), said(nil), "RS256"),
		"Terraform: kid with padding":                           o.assert(heading("RS256", "kid", padded(o.sha1())), said(nil), "RS256"),
		"Terraform on a curve: an ASN.1 signature":              c.assert(heading("ES256", "kid", padded(c.sha1())), said(nil), "DER"),
		"a curve by the book":                                   c.assert(heading("ES256", "x5t", plain(c.sha1())), said(nil), "ES256"),
		"no thumbprint at all":                                  o.assert(heading("RS256"), said(nil), "RS256"),
		"no typ":                                                o.assert(map[string]any{"alg": "RS256"}, said(nil), "RS256"),
		"no jti and no nbf":                                     o.assert(heading("RS256"), said(map[string]any{"jti": nil, "nbf": nil}), "RS256"),
	} {
		t.Run(sentence, func(t *testing.T) {
			a, err := token.ReadAssertion(raw)
			if err != nil {
				t.Fatal(err)
			}
			if a.Issuer != "client" || a.Subject != "client" || a.Expires.Before(noon) {
				t.Errorf("it says %+v", a)
			}
			all := []*x509.Certificate{theirsCertified().certificate, curveCertified().certificate, oursCertified().certificate}
			n, err := a.SignedBy(all)
			if err != nil || n == 0 {
				t.Errorf("signed by %d, %v", n, err)
			}
		})
	}
}

func TestForgedAssertionsAreRefused(t *testing.T) { // T13, RFC 8725
	o, x, c := oursCertified(), theirsCertified(), curveCertified()
	print1 := base64.RawURLEncoding.EncodeToString(o.sha1())
	good := o.assert(heading("RS256", "x5t", print1), said(nil), "RS256")
	parts := strings.Split(good, ".")
	jwk := map[string]any{"kty": "RSA", "e": "AQAB", "n": base64.RawURLEncoding.EncodeToString(theirs().N.Bytes())}
	for sentence, test := range map[string]struct {
		raw  string
		want token.Reason
	}{
		"another's key under our thumbprint":       {x.assert(heading("RS256", "x5t", print1), said(nil), "RS256"), token.BadSignature},
		"another's key without a thumbprint":       {x.assert(heading("RS256"), said(nil), "RS256"), token.BadSignature},
		"a thumbprint that nobody has":             {o.assert(heading("RS256", "x5t", "AAAAAAAAAAAAAAAAAAAAAAAAAAA"), said(nil), "RS256"), token.UnknownKey},
		"thumbprints of two certificates":          {o.assert(heading("RS256", "x5t", print1, "x5t#S256", base64.RawURLEncoding.EncodeToString(x.sha256())), said(nil), "RS256"), token.UnknownKey},
		"a kid that nobody has":                    {o.assert(heading("RS256", "kid", "../../etc/passwd"), said(nil), "RS256"), token.UnknownKey},
		"another's key that it brings as jwk":      {x.assert(heading("RS256", "x5t", print1, "jwk", jwk), said(nil), "RS256"), token.BadSignature},
		"another's certificate that it brings":     {x.assert(heading("RS256", "x5c", []string{base64.StdEncoding.EncodeToString(x.certificate.Raw)}), said(nil), "RS256"), token.BadSignature},
		"another's key that it links":              {x.assert(heading("RS256", "x5t", print1, "jku", "https://evil.test/k", "x5u", "https://evil.test/c"), said(nil), "RS256"), token.BadSignature},
		"PS256 under the name of RS256":            {o.assert(heading("RS256"), said(nil), "PS256"), token.BadSignature},
		"RS256 under the name of PS256":            {o.assert(heading("PS256"), said(nil), "RS256"), token.BadSignature},
		"ES256 under the name of RS256":            {c.assert(heading("RS256"), said(nil), "ES256"), token.BadSignature},
		"alg none":                                 {encode(heading("none")) + "." + parts[1] + "." + parts[2], token.BadAlgorithm},
		"alg none and no signature":                {encode(heading("none")) + "." + parts[1] + ".", token.Malformed},
		"HS256 with the public key":                {hs256(publicPEM(t)), token.BadAlgorithm},
		"RS512":                                    {o.assert(heading("RS512"), said(nil), "RS256"), token.BadAlgorithm},
		"an unknown extension":                     {o.assert(heading("RS256", "crit", []string{"b64"}, "b64", false), said(nil), "RS256"), token.Malformed},
		"a nested assertion":                       {o.assert(heading("RS256", "cty", "JWT"), good, "RS256"), token.Malformed},
		"a typ of tokens":                          {o.assert(heading("RS256", "typ", "at+jwt"), said(nil), "RS256"), token.Malformed},
		"a thumbprint that is a number":            {o.assert(heading("RS256", "x5t", 7), said(nil), "RS256"), token.Malformed},
		"an empty thumbprint":                      {o.assert(heading("RS256", "x5t", ""), said(nil), "RS256"), token.Malformed},
		"an array of audiences":                    {o.assert(heading("RS256"), said(map[string]any{"aud": []string{"a"}}), "RS256"), token.Malformed},
		"no exp":                                   {o.assert(heading("RS256"), said(map[string]any{"exp": nil}), "RS256"), token.Malformed},
		"an exp in text":                           {o.assert(heading("RS256"), said(map[string]any{"exp": "1772367000"}), "RS256"), token.Malformed},
		"an exp beyond all calendars":              {o.assert(heading("RS256"), said(map[string]any{"exp": 1e30}), "RS256"), token.Malformed},
		"an exp below all calendars":               {o.assert(heading("RS256"), said(map[string]any{"exp": -1}), "RS256"), token.Malformed},
		"an iat beyond all calendars":              {o.assert(heading("RS256"), said(map[string]any{"iat": 1e300}), "RS256"), token.Malformed},
		"two issuers in one object":                {o.assert(heading("RS256"), `{"iss":"client","iss":"other","sub":"client","aud":"a","exp":1772367000}`, "RS256"), token.Malformed},
		"two algorithms in one header":             {o.assert(`{"alg":"RS256","alg":"none"}`, said(nil), "RS256"), token.Malformed},
		"claims that are an array":                 {o.assert(heading("RS256"), `[]`, "RS256"), token.Malformed},
		"claims deeper than anybody reads":         {o.assert(heading("RS256"), `{"exp":1,"a":`+strings.Repeat("[", 10000), "RS256"), token.Malformed},
		"changed claims":                           {parts[0] + "." + encode(said(map[string]any{"iss": "other"})) + "." + parts[2], token.BadSignature},
		"no signature":                             {parts[0] + "." + parts[1] + ".", token.Malformed},
		"two parts":                                {parts[0] + "." + parts[1], token.Malformed},
		"padding":                                  {good + "=", token.Malformed},
		"a line break":                             {good[:9] + "\n" + good[9:], token.Malformed},
		"more than the bound":                      {good + strings.Repeat("A", token.MaxAssertion), token.Malformed},
		"a curve's signature with a bit too much ": {c.assert(heading("ES256"), said(nil), "ES256") + "AAAA", token.BadSignature},
	} {
		t.Run(sentence, func(t *testing.T) {
			a, err := token.ReadAssertion(test.raw)
			if err == nil {
				_, err = a.SignedBy([]*x509.Certificate{o.certificate, c.certificate})
			}
			if got := reasonOf(t, err); got != test.want {
				t.Errorf("%q (%v), want %q", got, err, test.want)
			}
		})
	}
}

func TestAnAssertionWithoutCertificatesIsNobodys(t *testing.T) {
	o := oursCertified()
	a, err := token.ReadAssertion(o.assert(heading("RS256"), said(nil), "RS256"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := a.SignedBy(nil); reasonOf(t, err) != token.UnknownKey {
		t.Errorf("%v, want %q", err, token.UnknownKey)
	}
}

// FuzzReadAssertion holds that no text but what was signed is taken for an assertion of ours.
func FuzzReadAssertion(f *testing.F) {
	o := oursCertified()
	good := o.assert(heading("RS256", "x5t", base64.RawURLEncoding.EncodeToString(o.sha1())), said(nil), "RS256")
	f.Add(o.assert(heading("PS256", "x5t#S256", base64.StdEncoding.EncodeToString(o.sha256())), `{"exp":1e9,"iss":"\u0000"}`, "RS256"), 0, 0, "")
	f.Add("e30.e30.e30", 10, 1, "\n")
	f.Add(encode(`{"alg":"ES256","x5t":["a"],"x5c":["AA=="]}`)+".bnVsbA.AAAA", len(good)-1, 1, "B")
	f.Fuzz(func(t *testing.T, raw string, at, cut int, with string) {
		at = min(max(at, 0), len(good))
		cut = min(max(cut, 0), len(good)-at)
		for _, text := range []string{raw, good[:at] + with + good[at+cut:]} {
			a, err := token.ReadAssertion(text)
			if err == nil {
				_, err = a.SignedBy([]*x509.Certificate{o.certificate, curveCertified().certificate})
			}
			if accepted := reasonOf(t, err) == ""; accepted && text != good {
				t.Errorf("accepted %q", text)
			}
		}
	})
}
