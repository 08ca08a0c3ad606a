package edge

import (
	"fmt"
	"syscall"
	"unsafe"
)

// storedRoots reads the ROOT store of the user, which holds the machine's as well.
func storedRoots() ([][]byte, error) {
	name, err := syscall.UTF16PtrFromString("ROOT")
	if err != nil {
		return nil, fmt.Errorf("name root store: %w", err)
	}
	store, err := syscall.CertOpenSystemStore(0, name)
	if err != nil {
		return nil, fmt.Errorf("open root store: %w", err)
	}
	defer func() { _ = syscall.CertCloseStore(store, 0) }()
	var roots [][]byte
	var cert *syscall.CertContext
	for {
		// The end of the store is reported as an error too.
		if cert, err = syscall.CertEnumCertificatesInStore(store, cert); err != nil || cert == nil {
			return roots, nil
		}
		roots = append(roots, append([]byte(nil), unsafe.Slice(cert.EncodedCert, cert.Length)...))
	}
}
