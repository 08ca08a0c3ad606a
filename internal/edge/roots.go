package edge

import (
	"fmt"
	"os"
)

// rootsVariable is where OpenSSL, and Go on Linux, look for roots first.
const rootsVariable = "SSL_CERT_FILE"

// rootFiles are where systems keep their roots in one PEM file.
var rootFiles = []string{
	"/etc/ssl/certs/ca-certificates.crt",                // Debian, Ubuntu, Gentoo, Arch
	"/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem", // Fedora, RHEL
	"/etc/pki/tls/certs/ca-bundle.crt",                  // older RHEL
	"/etc/ssl/ca-bundle.pem",                            // openSUSE
	"/etc/ssl/cert.pem",                                 // Alpine, macOS, BSDs
	"/usr/local/etc/ssl/cert.pem",                       // FreeBSD
}

// systemRoots gives the roots that programs on this system trust, in DER. A system without any,
// as in bare containers, gives none; a variable of the user's that leads nowhere is an error.
func systemRoots() ([][]byte, error) {
	if path := os.Getenv(rootsVariable); path != "" {
		text, err := os.ReadFile(path)
		if err != nil {
			return nil, fmt.Errorf("read roots that %s names: %w", rootsVariable, err)
		}
		roots := parsePEM(text)
		if len(roots) == 0 {
			return nil, fmt.Errorf("read roots that %s names: no certificate in %s", rootsVariable, path)
		}
		return roots, nil
	}
	for _, path := range rootFiles {
		if text, err := os.ReadFile(path); err == nil {
			if roots := parsePEM(text); len(roots) > 0 {
				return roots, nil
			}
		}
	}
	return storedRoots()
}
