package issuer

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1" //nolint:gosec // x5t is a SHA-1 by definition (RFC 7515 section 4.1.7); nothing trusts it
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"lanyard/internal/store"
	"lanyard/internal/token"
)

// record is a key as it lies in the store: sealed as a whole, in the context of its store key.
type record struct {
	Issuer      string    `json:"issuer"`
	Private     []byte    `json:"private"` // PKCS #8
	Certificate []byte    `json:"certificate"`
	Made        time.Time `json:"made"`
	Signs       time.Time `json:"signs"`
}

// forge draws a key with a self-signed certificate, and gives its sealed document and its id.
func (i *Issuer) forge(storeKey string, s span) (sealed []byte, kid string, err error) {
	private, err := i.draw()
	if err != nil {
		return nil, "", fmt.Errorf("draw signing key: %w", err)
	}
	certificate, err := certify(private, s)
	if err != nil {
		return nil, "", fmt.Errorf("certify signing key: %w", err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return nil, "", fmt.Errorf("encode signing key: %w", err)
	}
	plain, err := json.Marshal(record{Issuer: i.URL, Private: pkcs8, Certificate: certificate, Made: s.made, Signs: s.signs})
	if err != nil {
		return nil, "", fmt.Errorf("encode signing key: %w", err)
	}
	defer clear(plain)
	sealed, err = i.Box.Seal(plain, storeKey)
	if err != nil {
		return nil, "", fmt.Errorf("seal signing key: %w", err)
	}
	return sealed, thumbprint(certificate), nil
}

// certify makes the certificate that the key set shows as x5c. It begins a skew early, as tokens
// are dated back by as much.
func certify(private *rsa.PrivateKey, s span) ([]byte, error) {
	template := &x509.Certificate{
		Subject:   pkix.Name{CommonName: "Lanyard token signing"},
		NotBefore: s.made.Add(-token.Skew),
		NotAfter:  s.ends,
		KeyUsage:  x509.KeyUsageDigitalSignature,
	}
	return x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
}

// thumbprint gives a certificate's x5t, which is also the key's id, as Entra has it.
func thumbprint(certificate []byte) string {
	sum := sha1.Sum(certificate) //nolint:gosec // see the import
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// open reads a sealed document. What it gives is sound: the certificate is the key's own, and the
// issuer is this one.
func (i *Issuer) open(e store.Event) (*held, error) {
	plain, err := i.Box.Open(e.Value, e.Key)
	if err != nil {
		return nil, fmt.Errorf("unseal %s: %w", e.Key, err)
	}
	defer clear(plain)
	var r record
	if err := json.Unmarshal(plain, &r); err != nil {
		return nil, fmt.Errorf("decode %s: %w", e.Key, err)
	}
	parsed, err := x509.ParsePKCS8PrivateKey(r.Private)
	if err != nil {
		return nil, fmt.Errorf("parse %s: %w", e.Key, err)
	}
	certificate, err := x509.ParseCertificate(r.Certificate)
	if err != nil {
		return nil, fmt.Errorf("parse certificate of %s: %w", e.Key, err)
	}
	private, isRSA := parsed.(*rsa.PrivateKey)
	if !isRSA || !private.PublicKey.Equal(certificate.PublicKey) {
		return nil, fmt.Errorf("%s: %w", e.Key, errors.New("its certificate is not its own"))
	}
	if r.Issuer != i.URL {
		return nil, fmt.Errorf("%s speaks for the issuer %s, not %s", e.Key, r.Issuer, i.URL)
	}
	return &held{
		span:   span{made: r.Made, signs: r.Signs, ends: certificate.NotAfter},
		stored: e.Key, revision: e.Revision,
		key: token.Key{
			ID: thumbprint(r.Certificate), Issuer: r.Issuer, Private: private, Public: &private.PublicKey,
			NotBefore: certificate.NotBefore, NotAfter: certificate.NotAfter, Certificate: r.Certificate,
		},
	}, nil
}
