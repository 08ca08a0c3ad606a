package token

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha1" //nolint:gosec // x5t is a SHA-1 by definition (RFC 7515 section 4.1.7); it only finds a certificate
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/json"
)

// MaxAssertion bounds a client assertion in bytes: it may carry a chain of certificates (x5c), which
// a token never does.
const MaxAssertion = 32 << 10

// assertionAlgorithms are those that clients sign with (wire-facts: "Client assertions accepted from
// clients"). Which of them a signature may have is for the certificate's key to say (T13).
var assertionAlgorithms = []jose.SignatureAlgorithm{jose.RS256, jose.PS256, jose.ES256}

// Assertion is what an application says to prove who it is (RFC 7523 section 3). Nothing of it is
// to be believed before SignedBy has found a certificate.
type Assertion struct {
	Issuer    string
	Subject   string
	Audience  string    // the only one
	Audiences []string  // all of them; with one that stands in an array, or several, Audience is empty
	ID        string    // jti; empty when it has none
	IssuedAt  time.Time // zero when it has none
	NotBefore time.Time // zero when it has none
	Expires   time.Time

	// Token and Host are the uti and xms_az_rid of our own access tokens; empty in those of others.
	Token, Host string

	raw    string
	signed *jose.JSONWebSignature
	// The certificate that it names, as far as it does.
	sha1, sha256, kid string
}

// Signed gives the text that the signature is of (RFC 7515 section 5.1). No bit of it can be changed,
// while a signature can be spelled in several ways.
func (a *Assertion) Signed() string { return a.raw[:strings.LastIndexByte(a.raw, '.')] }

// assertionClaims are the claims as they come: az sends times with fractions.
type assertionClaims struct {
	Issuer    string   `json:"iss"`
	Subject   string   `json:"sub"`
	Audience  audience `json:"aud"`
	ID        string   `json:"jti"`
	Token     string   `json:"uti"`
	Host      string   `json:"xms_az_rid"`
	IssuedAt  *float64 `json:"iat"`
	NotBefore *float64 `json:"nbf"`
	Expires   *float64 `json:"exp"`
}

// ReadAssertion takes an assertion apart. What it cannot read it refuses with an *Error whose reason
// is Malformed or BadAlgorithm.
func ReadAssertion(raw string) (*Assertion, error) {
	if len(raw) > MaxAssertion {
		return nil, refuse(Malformed, "its %d bytes are over the bound of %d", len(raw), MaxAssertion)
	}
	if !isCanonical(raw) {
		return nil, refuse(Malformed, "it is not three parts in base64url")
	}
	signed, err := jose.ParseSignedCompact(raw, assertionAlgorithms)
	var algorithm *jose.ErrUnexpectedSignatureAlgorithm
	if errors.As(err, &algorithm) {
		return nil, refuse(BadAlgorithm, "it is signed %.20q, not RS256, PS256 or ES256", algorithm.Got)
	}
	if err != nil {
		return nil, refuse(Malformed, "its header cannot be read")
	}
	header := signed.Signatures[0].Protected
	var c assertionClaims
	if err := json.Unmarshal(signed.UnsafePayloadWithoutVerification(), &c); err != nil {
		return nil, refuse(Malformed, "its claims are not those of an assertion")
	}
	own := strings.EqualFold(c.Issuer, c.Subject)
	if own && c.Audience.one == "" && len(c.Audience.all) > 0 {
		return nil, refuse(Malformed, "its aud is an array")
	}
	if !own {
		header = plain(header)
	}
	if err := checkHeader(header); err != nil {
		return nil, err
	}
	a := &Assertion{Issuer: c.Issuer, Subject: c.Subject, Audience: c.Audience.one, Audiences: c.Audience.all, ID: c.ID, Token: c.Token, Host: c.Host, raw: raw, signed: signed, kid: header.KeyID}
	if a.sha1, err = named(header, "x5t"); err != nil {
		return nil, err
	}
	if a.sha256, err = named(header, "x5t#S256"); err != nil {
		return nil, err
	}
	return a, a.readTimes(c)
}

// named gives a thumbprint of the header, empty when it has none.
func named(h jose.Header, member jose.HeaderKey) (string, error) {
	value, there := h.ExtraHeaders[member]
	if !there {
		return "", nil
	}
	text, isText := value.(string)
	if !isText || text == "" {
		return "", refuse(Malformed, "its %s is not a thumbprint", member)
	}
	return text, nil
}

// readTimes takes over exp, which every assertion has, and nbf. An iat must be a time as well.
func (a *Assertion) readTimes(c assertionClaims) error {
	for _, seconds := range []*float64{c.Expires, c.NotBefore, c.IssuedAt} {
		if seconds != nil && (math.IsNaN(*seconds) || *seconds <= 0 || *seconds > maxTime) {
			return refuse(Malformed, "one of its times is out of range")
		}
	}
	if c.Expires == nil {
		return refuse(Malformed, "it has no exp")
	}
	a.Expires = instant(*c.Expires)
	if c.NotBefore != nil {
		a.NotBefore = instant(*c.NotBefore)
	}
	if c.IssuedAt != nil {
		a.IssuedAt = instant(*c.IssuedAt)
	}
	return nil
}

func instant(seconds float64) time.Time {
	whole, part := math.Modf(seconds)
	return time.Unix(int64(whole), int64(part*1e9)).UTC()
}

// SignedBy gives the index of the certificate whose key signed the assertion, among those that its
// thumbprints name; with none, all are tried. Otherwise the *Error's reason is UnknownKey, when no
// certificate has that thumbprint, or BadSignature. Times of certificates are its caller's to check.
func (a *Assertion) SignedBy(certificates []*x509.Certificate) (int, error) {
	tried := false
	for n, c := range certificates {
		if !a.names(c) {
			continue
		}
		tried = true
		if a.verifies(c) {
			return n, nil
		}
	}
	if tried {
		return -1, refuse(BadSignature, "its signature is not by the certificate that it names")
	}
	return -1, refuse(UnknownKey, "no certificate has its thumbprint")
}

// Thumbprint gives what the assertion names its certificate by; empty when it does not.
func (a *Assertion) Thumbprint() string {
	for _, name := range []string{a.sha1, a.sha256, a.kid} {
		if name != "" {
			return name
		}
	}
	return ""
}

// names reports whether a certificate is one that the assertion may mean. Every thumbprint that is
// there must be the certificate's; a kid counts where there is no thumbprint, as Terraform has it.
// An x5c counts for nothing: whose key is trusted is for the directory alone to say.
func (a *Assertion) names(c *x509.Certificate) bool {
	short, long := sha1.Sum(c.Raw), sha256.Sum256(c.Raw) //nolint:gosec // see the import
	if a.sha1 == "" && a.sha256 == "" {
		return a.kid == "" || isPrint(a.kid, short[:])
	}
	return (a.sha1 == "" || isPrint(a.sha1, short[:])) && (a.sha256 == "" || isPrint(a.sha256, long[:]))
}

// isPrint compares a thumbprint in any spelling that clients have: base64 of either alphabet, with
// padding or without, or hexadecimal.
func isPrint(text string, sum []byte) bool {
	bare := strings.NewReplacer("+", "-", "/", "_").Replace(strings.TrimRight(text, "="))
	return bare == base64.RawURLEncoding.EncodeToString(sum) || strings.EqualFold(text, hex.EncodeToString(sum))
}

// verifies reports whether a certificate's key made the signature. The key's kind decides what
// algorithms there are, never the assertion alone (RFC 8725 section 3.1).
func (a *Assertion) verifies(c *x509.Certificate) bool {
	signature := a.signed.Signatures[0]
	algorithm := jose.SignatureAlgorithm(signature.Protected.Algorithm)
	switch key := c.PublicKey.(type) {
	case *rsa.PublicKey:
		if !slices.Contains([]jose.SignatureAlgorithm{jose.RS256, jose.PS256}, algorithm) {
			return false
		}
		_, err := a.signed.Verify(key)
		return err == nil
	case *ecdsa.PublicKey:
		if algorithm != jose.ES256 || key.Curve != elliptic.P256() {
			return false
		}
		if _, err := a.signed.Verify(key); err == nil {
			return true
		}
		// Terraform signs in ASN.1 where RFC 7518 section 3.4 has the two numbers side by side.
		sum := sha256.Sum256([]byte(a.raw[:strings.LastIndexByte(a.raw, '.')]))
		return ecdsa.VerifyASN1(key, sum[:], signature.Signature)
	}
	return false
}
