package directory

import (
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"

	"lanyard/internal/cloud"
)

// ErrBadCertificate says that a certificate cannot stand for an application; what wraps it says why.
var ErrBadCertificate = errors.New("directory: unusable certificate")

const (
	maxCertificate = 16 << 10 // bytes of DER
	minModulus     = 2048     // bits; shorter RSA keys are within reach of breaking
)

// AddCertificate gives an application a certificate with whose key it may sign its assertions, for
// as long as the certificate itself holds. It is added to *p, which the caller has still to write.
func (d *Directory) AddCertificate(p *cloud.Principal, der []byte, name string) error {
	if p.Kind != cloud.Application {
		return ErrManaged
	}
	c, err := d.NewCertificate(der, Term{Name: name})
	if err != nil {
		return err
	}
	p.Certificates = append(slices.Clone(p.Certificates), c)
	return nil
}

// NewCertificate checks an X.509 certificate and gives it an id. The term may be shorter than the
// certificate's own and is never longer; its zero times stand for the certificate's. The key must be
// RSA, as RS256 and PS256 assertions need (wire-facts: "Client assertions accepted from clients").
func (d *Directory) NewCertificate(der []byte, t Term) (cloud.Certificate, error) {
	d.open()
	refuse := func(format string, args ...any) (cloud.Certificate, error) {
		return cloud.Certificate{}, fmt.Errorf("%w: "+format, append([]any{ErrBadCertificate}, args...)...)
	}
	if len(der) > maxCertificate {
		return refuse("it has more than %d bytes", maxCertificate)
	}
	x, err := x509.ParseCertificate(der)
	if err != nil {
		return refuse("it is not one X.509 certificate in DER")
	}
	switch key, ok := x.PublicKey.(*rsa.PublicKey); {
	case !ok:
		return refuse("its key is not RSA")
	case key.N.BitLen() < minModulus:
		return refuse("its key has %d bits, and %d are the least", key.N.BitLen(), minModulus)
	}
	if t.Starts.IsZero() {
		t.Starts = x.NotBefore
	}
	if t.Ends.IsZero() {
		t.Ends = x.NotAfter
	}
	switch {
	case t.Starts.Before(x.NotBefore):
		return refuse("it holds from %v only", x.NotBefore.UTC())
	case t.Ends.After(x.NotAfter):
		return refuse("it ends at %v already", x.NotAfter.UTC())
	case !t.Ends.After(d.Now()), !t.Ends.After(t.Starts):
		return refuse("it would end at %v, which is past", t.Ends.UTC())
	}
	id, err := cloud.NewID(d.Rand)
	if err != nil {
		return cloud.Certificate{}, fmt.Errorf("add certificate: %w", err)
	}
	return cloud.Certificate{KeyID: id, Name: t.Name, DER: slices.Clone(der), Starts: t.Starts.UTC(), Ends: t.Ends.UTC()}, nil
}

// Certificates gives those with whose keys a principal may sign assertions at this moment: its own
// and those of its application. They are in memory, so that no assertion waits for the store.
func (d *Directory) Certificates(p cloud.Principal) []cloud.Certificate {
	d.open()
	if p.Kind != cloud.Application {
		return nil
	}
	now := d.Now()
	var valid []cloud.Certificate
	a, _ := d.ApplicationOf(p.Client)
	for _, c := range slices.Concat(p.Certificates, a.Certificates) {
		if !now.Before(c.Starts) && now.Before(c.Ends) {
			valid = append(valid, c)
		}
	}
	return valid
}
