package directory

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"math/big"
	"slices"
	"sync"
	"testing"
	"time"

	"lanyard/internal/cloud"
)

var rsaKey = sync.OnceValue(func() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
})

// selfSigned gives a certificate that holds for a year from start, signed by its own key.
func selfSigned(t *testing.T, key crypto.Signer, start time.Time) []byte {
	t.Helper()
	plan := &x509.Certificate{
		SerialNumber: big.NewInt(1000), Subject: pkix.Name{CommonName: "CLI-Login"},
		NotBefore: start, NotAfter: start.AddDate(1, 0, 0),
	}
	der, err := x509.CreateCertificate(rand.Reader, plan, plan, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

func TestApplicationsHaveCertificates(t *testing.T) {
	w := start(t)
	p := w.enroll(cloud.Application, "ci", "")
	der := selfSigned(t, rsaKey(), w.now)
	if err := w.AddCertificate(&p, der, "laptop"); err != nil {
		t.Fatal(err)
	}
	valid := w.Certificates(p)
	if len(valid) != 1 || valid[0].Name != "laptop" || !slices.Equal(valid[0].DER, der) || !cloud.IsGUID(valid[0].KeyID) {
		t.Fatalf("certificates %+v", valid)
	}
	if c := valid[0]; !c.Starts.Equal(w.now) || !c.Ends.Equal(w.now.AddDate(1, 0, 0)) {
		t.Errorf("it holds from %v to %v", c.Starts, c.Ends)
	}
	w.now = w.now.AddDate(0, 0, -1)
	if valid := w.Certificates(p); len(valid) != 0 {
		t.Error("a certificate counts before it holds")
	}
	w.now = w.now.AddDate(1, 0, 1)
	if valid := w.Certificates(p); len(valid) != 0 {
		t.Error("a certificate counts after its end")
	}
}

func TestCertificatesAreRefused(t *testing.T) {
	w := start(t)
	p := w.enroll(cloud.Application, "ci", "")
	short, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Skip("this build makes no short keys")
	}
	curve, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	good := selfSigned(t, rsaKey(), w.now)
	for sentence, der := range map[string][]byte{
		"nothing":                        nil,
		"no certificate":                 []byte("-----BEGIN CERTIFICATE-----"),
		"a certificate and more":         append(slices.Clone(good), 0),
		"half a certificate":             good[:len(good)/2],
		"more than there is room for":    make([]byte, maxCertificate+1),
		"a key of 1024 bits":             selfSigned(t, short, w.now),
		"a key that is not RSA":          selfSigned(t, curve, w.now),
		"a certificate of two years ago": selfSigned(t, rsaKey(), w.now.AddDate(-2, 0, 0)),
	} {
		if err := w.AddCertificate(&p, der, "x"); !errors.Is(err, ErrBadCertificate) || len(p.Certificates) != 0 {
			t.Errorf("%s: %v", sentence, err)
		}
	}
	if _, err := w.NewCertificate(good, Term{Starts: w.now.Add(-time.Hour)}); !errors.Is(err, ErrBadCertificate) {
		t.Errorf("a term that begins before the certificate: %v", err)
	}
	if _, err := w.NewCertificate(good, Term{Ends: w.now.AddDate(2, 0, 0)}); !errors.Is(err, ErrBadCertificate) {
		t.Errorf("a term that outlives the certificate: %v", err)
	}
	user := w.enroll(cloud.UserAssigned, "billing", identity)
	if err := w.AddCertificate(&user, good, "x"); !errors.Is(err, ErrManaged) {
		t.Errorf("a managed identity got a certificate: %v", err)
	}
	p.Certificates = []cloud.Certificate{{DER: good, Starts: w.now, Ends: w.now.Add(time.Hour)}}
	if user.Certificates = p.Certificates; len(w.Certificates(user)) != 0 {
		t.Error("a managed identity's certificates count")
	}
}
