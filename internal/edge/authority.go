package edge

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"lanyard/internal/cloud"
	"lanyard/internal/secret"
)

const (
	certificateFile = "ca.pem"
	keyFile         = "ca.key.sealed"
	keyContext      = "edge/" + keyFile // what the key is sealed for

	authorityLife  = 2 * 365 * 24 * time.Hour
	authorityRenew = 90 * 24 * time.Hour // before its end
	skew           = time.Hour           // how far a client's clock may lag
	authorityName  = "Lanyard local authority"
)

// Authority is the certificate authority of one machine. Name constraints (RFC 5280 section
// 4.2.1.10) hold it to the names that Lanyard serves: whoever got hold of its key could still not
// pose as anything else. Its key never changes and lies sealed; its certificate is renewed
// with the same key and name, so that a bundle written before goes on working until it ends.
type Authority struct {
	dir     string
	profile cloud.Profile
	now     func() time.Time
	key     *ecdsa.PrivateKey
	leafKey *ecdsa.PrivateKey // of every certificate of this run; never written

	mu     sync.Mutex
	cert   *x509.Certificate
	leaves leafCache
}

// OpenAuthority opens the authority in dir, and makes it on first use. What a crash or an older
// release left half-done is made whole: a certificate that is missing, damaged, close to its
// end or made for other names is issued anew with the same key. A key that is there and does not
// open is an error, since only the right master key can tell it from a forged one.
func OpenAuthority(dir string, box *secret.Box, profile cloud.Profile, now func() time.Time) (*Authority, error) {
	if now == nil {
		now = time.Now
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make authority folder: %w", err)
	}
	a := &Authority{dir: dir, profile: profile, now: now, leaves: newLeafCache()}
	var err error
	if a.key, err = openKey(filepath.Join(dir, keyFile), box); err != nil {
		return nil, err
	}
	if a.leafKey, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		return nil, fmt.Errorf("make leaf key: %w", err)
	}
	if a.cert = a.read(); a.cert == nil {
		if err := a.renew(); err != nil {
			return nil, err
		}
	}
	return a, nil
}

// PEM gives the authority's certificate, for bundles.
func (a *Authority) PEM() []byte {
	a.mu.Lock()
	defer a.mu.Unlock()
	return encodeCertificate(a.cert.Raw)
}

func encodeCertificate(der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

// openKey opens the sealed key, or makes one where there is none. An empty file is none: it is
// what some file systems leave of a write that power cut off.
func openKey(path string, box *secret.Box) (*ecdsa.PrivateKey, error) {
	sealed, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) || err == nil && len(sealed) == 0 {
		return makeKey(path, box)
	}
	if err != nil {
		return nil, fmt.Errorf("read authority key: %w", err)
	}
	der, err := box.Open(sealed, keyContext)
	if err != nil {
		return nil, fmt.Errorf("open authority key %s (remove it to start over with a new authority): %w", path, err)
	}
	parsed, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		return nil, fmt.Errorf("parse authority key: %w", err)
	}
	key, ok := parsed.(*ecdsa.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("parse authority key: it is a %T", parsed)
	}
	return key, nil
}

func makeKey(path string, box *secret.Box) (*ecdsa.PrivateKey, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make authority key: %w", err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, fmt.Errorf("encode authority key: %w", err)
	}
	sealed, err := box.Seal(der, keyContext)
	if err != nil {
		return nil, fmt.Errorf("seal authority key: %w", err)
	}
	return key, writeFile(path, sealed, 0o600)
}

// read gives the certificate that is written, if it can go on being used.
func (a *Authority) read() *x509.Certificate {
	text, err := os.ReadFile(filepath.Join(a.dir, certificateFile))
	if err != nil {
		return nil
	}
	block, _ := pem.Decode(text)
	if block == nil {
		return nil
	}
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil || cert.CheckSignatureFrom(cert) != nil || a.due(cert) {
		return nil
	}
	mine, ok := cert.PublicKey.(*ecdsa.PublicKey)
	if !ok || !mine.Equal(a.key.Public()) || !slices.Equal(cert.PermittedDNSDomains, constraints(a.profile)) {
		return nil
	}
	return cert
}

// due reports whether a certificate of the authority is to be renewed; also when the clock has
// gone back to before it began (T24).
func (a *Authority) due(cert *x509.Certificate) bool {
	now := a.now()
	return now.Before(cert.NotBefore) || now.After(cert.NotAfter.Add(-authorityRenew))
}

// renew issues the authority's own certificate anew and writes it.
func (a *Authority) renew() error {
	now := a.now()
	der, err := x509.CreateCertificate(rand.Reader, a.template(now), a.template(now), a.key.Public(), crypto.Signer(a.key))
	if err != nil {
		return fmt.Errorf("issue authority certificate: %w", err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return fmt.Errorf("parse authority certificate: %w", err)
	}
	if err := writeFile(filepath.Join(a.dir, certificateFile), encodeCertificate(der), 0o644); err != nil {
		return err
	}
	a.cert = cert
	return nil
}

func (a *Authority) template(now time.Time) *x509.Certificate {
	return &x509.Certificate{
		Subject:               pkix.Name{Organization: []string{"Lanyard"}, CommonName: authorityName},
		NotBefore:             now.Add(-24 * time.Hour),
		NotAfter:              now.Add(authorityLife),
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		BasicConstraintsValid: true,
		IsCA:                  true,
		MaxPathLenZero:        true,

		PermittedDNSDomainsCritical: true,
		PermittedDNSDomains:         constraints(a.profile),
		PermittedIPRanges: []*net.IPNet{
			{IP: net.IPv4(127, 0, 0, 1).To4(), Mask: net.CIDRMask(32, 32)},
			{IP: net.IPv6loopback, Mask: net.CIDRMask(128, 128)},
		},
	}
}

// azureDomains hold the names of Azure's public cloud that apps call. Of microsoft.com it is the
// directory API alone.
var azureDomains = []string{"microsoftonline.com", "azure.com", "azure.net", "windows.net", "azurecr.io", "graph.microsoft.com"}

// constraints lists the domains that the authority may speak for: the cloud's, and localhost
// with all that is under it.
func constraints(p cloud.Profile) []string {
	all := []string{"localhost"}
	if p == cloud.Azure {
		all = append(all, azureDomains...)
	}
	for _, own := range []string{p.Authority, p.Management, p.Graph, p.VaultSuffix, p.ConsoleSuffix} {
		within := func(domain string) bool { return own == domain || hasDomain(own, domain) }
		if own != "" && !slices.ContainsFunc(all, within) {
			all = append(all, own)
		}
	}
	slices.Sort(all)
	return all
}
