package edge

import (
	"bytes"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"os"
	"path/filepath"

	"software.sslmate.com/src/go-pkcs12"
)

const (
	bundleFile     = "bundle.pem"
	trustStoreFile = "truststore.p12"
	// trustStorePassword is Java's customary one. A trust store holds nothing secret: the
	// password only lets Java read it.
	trustStorePassword = pkcs12.DefaultPassword
)

// WriteBundle writes what prepared environments trust into dir, readable by all: the system's
// roots and the local authority, as one PEM file and as a Java trust store (PKCS #12). The
// system's roots are those in SSL_CERT_FILE if the user has one. It gives the two paths.
func WriteBundle(dir string, ca []byte) (bundle, trustStore string, err error) {
	own, err := parseOne(ca)
	if err != nil {
		return "", "", err
	}
	roots, err := systemRoots()
	if err != nil {
		return "", "", err
	}
	roots = append(distinct(roots, own), own.Raw)
	store, err := encodeTrustStore(roots)
	if err != nil {
		return "", "", err
	}
	var text bytes.Buffer
	for _, der := range roots {
		text.Write(encodeCertificate(der))
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", "", fmt.Errorf("make bundle folder: %w", err)
	}
	bundle, trustStore = filepath.Join(dir, bundleFile), filepath.Join(dir, trustStoreFile)
	if err := writeFile(bundle, text.Bytes(), 0o644); err != nil {
		return "", "", err
	}
	return bundle, trustStore, writeFile(trustStore, store, 0o644)
}

func parseOne(text []byte) (*x509.Certificate, error) {
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, fmt.Errorf("read local authority: no PEM certificate")
	}
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("read local authority: %w", err)
	}
	return cert, nil
}

// distinct drops what is there twice, and authorities of ours from a bundle inside a bundle.
func distinct(roots [][]byte, own *x509.Certificate) [][]byte {
	seen := map[string]bool{}
	var kept [][]byte
	for _, der := range roots {
		cert, err := x509.ParseCertificate(der)
		if seen[string(der)] || err == nil && bytes.Equal(cert.RawSubject, own.RawSubject) {
			continue
		}
		seen[string(der)] = true
		kept = append(kept, der)
	}
	return kept
}

// parsePEM gives the certificates in a PEM file, in DER.
func parsePEM(text []byte) [][]byte {
	var all [][]byte
	for {
		var block *pem.Block
		if block, text = pem.Decode(text); block == nil {
			return all
		}
		if block.Type == "CERTIFICATE" || block.Type == "X509 CERTIFICATE" {
			all = append(all, block.Bytes)
		}
	}
}

// encodeTrustStore makes a store in which every certificate has a name of its own: Java keeps one
// entry a name. Old roots that crypto/x509 cannot read are left out.
func encodeTrustStore(roots [][]byte) ([]byte, error) {
	var entries []pkcs12.TrustStoreEntry
	for i, der := range roots {
		if cert, err := x509.ParseCertificate(der); err == nil {
			entries = append(entries, pkcs12.TrustStoreEntry{Cert: cert, FriendlyName: fmt.Sprintf("root-%d", i)})
		}
	}
	store, err := pkcs12.Modern2023.WithRand(rand.Reader).EncodeTrustStoreEntries(entries, trustStorePassword)
	if err != nil {
		return nil, fmt.Errorf("encode trust store: %w", err)
	}
	return store, nil
}
