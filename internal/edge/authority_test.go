package edge

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/x509"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"lanyard/internal/cloud"
	"lanyard/internal/secret"
)

func newBox(t *testing.T) *secret.Box {
	t.Helper()
	box, err := secret.NewBox(nil)
	if err != nil {
		t.Fatal(err)
	}
	return box
}

func mustOpen(t *testing.T, dir string, box *secret.Box, now time.Time) *Authority {
	t.Helper()
	a, err := OpenAuthority(dir, box, cloud.Azure, func() time.Time { return now })
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// forge signs a certificate for any name with the authority's key, as a thief of it would.
func forge(t *testing.T, a *Authority, names []string, addresses []net.IP) *x509.Certificate {
	t.Helper()
	der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		DNSNames: names, IPAddresses: addresses, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}, a.cert, a.leafKey.Public(), a.key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return cert
}

func verify(a *Authority, cert *x509.Certificate, host string) error {
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(a.PEM())
	_, err := cert.Verify(x509.VerifyOptions{Roots: roots, DNSName: host})
	return err
}

func TestTheAuthoritySpeaksForItsOwnNamesOnly(t *testing.T) {
	a := newAuthority(t, t.TempDir())
	for host, valid := range map[string]bool{
		vaultHost: true, "login.microsoftonline.com": true, "management.azure.com": true, "graph.microsoft.com": true,
		"x.blob.core.windows.net": true, "shop.azurecr.io": true, "localhost": true, NameFor("x.example.org"): true,
		"example.org": false, "www.microsoft.com": false, "microsoft.com": false, "azure.com.example.org": false,
		"notazure.com": false, "github.com": false,
	} {
		if err := verify(a, forge(t, a, []string{host}, nil), host); (err == nil) != valid {
			t.Errorf("a certificate for %s: %v, want valid %t", host, err, valid)
		}
	}
	for address, valid := range map[string]bool{"127.0.0.1": true, "::1": true, "127.0.0.2": false, "10.0.0.1": false, "8.8.8.8": false, "2606:4700::1111": false} {
		if err := verify(a, forge(t, a, nil, []net.IP{net.ParseIP(address)}), address); (err == nil) != valid {
			t.Errorf("a certificate for %s: %v, want valid %t", address, err, valid)
		}
	}
	if !a.cert.PermittedDNSDomainsCritical || !a.cert.MaxPathLenZero || a.cert.KeyUsage&x509.KeyUsageDigitalSignature != 0 {
		t.Error("the constraints are not critical, or the authority may do more than sign leaves")
	}
}

// What OpenSSL thinks of it counts: curl, Python, Ruby, PHP and git ask it.
func TestOpenSSLAgreesWithTheConstraints(t *testing.T) {
	openssl := tool(t, "openssl")
	a, dir := newAuthority(t, t.TempDir()), t.TempDir()
	write := func(name string, content []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	ca := write("ca.pem", a.PEM())
	ours, err := a.Certificate(vaultHost)
	if err != nil {
		t.Fatal(err)
	}
	for host, leaf := range map[string][]byte{vaultHost: ours.Certificate[0], "example.org": forge(t, a, []string{"example.org"}, nil).Raw} {
		path := write(host+".pem", encodeCertificate(leaf))
		out, err := exec.CommandContext(t.Context(), openssl, "verify", "-x509_strict", "-purpose", "sslserver", "-verify_hostname", host, "-CAfile", ca, path).CombinedOutput()
		if valid := host == vaultHost; (err == nil) != valid || !valid && !strings.Contains(string(out), "permitted subtree violation") {
			t.Errorf("%s: %v: %s", host, err, out)
		}
	}
}

func TestTheAuthorityIsTheSameAfterARestart(t *testing.T) {
	dir, box, now := t.TempDir(), newBox(t), time.Now()
	first := mustOpen(t, dir, box, now)
	if again := mustOpen(t, dir, box, now); !bytes.Equal(first.PEM(), again.PEM()) || !first.key.Equal(again.key) {
		t.Error("a restart made another authority")
	}
	sealed, err := os.ReadFile(filepath.Join(dir, keyFile))
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(first.key)
	if err != nil {
		t.Fatal(err)
	}
	secretScalar, err := first.key.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(sealed, der) || bytes.Contains(sealed, secretScalar) {
		t.Error("the key is on disk in clear")
	}
	for name, mode := range map[string]os.FileMode{keyFile: 0o600, certificateFile: 0o644} {
		if f, err := os.Stat(filepath.Join(dir, name)); err != nil || f.Mode().Perm() != mode {
			t.Errorf("%s has mode %v, %v, want %v", name, f.Mode(), err, mode)
		}
	}
	if _, err := OpenAuthority(dir, newBox(t), cloud.Azure, nil); err == nil || !strings.Contains(err.Error(), keyFile) {
		t.Errorf("under another master key: %v, want an error that names the file", err)
	}
}

func TestAHalfWrittenAuthorityIsMadeWhole(t *testing.T) {
	for name, c := range map[string]struct {
		spoil   func(dir string) error
		keepKey bool
	}{
		"the certificate is missing": {func(d string) error { return os.Remove(filepath.Join(d, certificateFile)) }, true},
		"the certificate is empty":   {func(d string) error { return os.Truncate(filepath.Join(d, certificateFile), 0) }, true},
		"the certificate is cut off": {func(d string) error { return os.Truncate(filepath.Join(d, certificateFile), 200) }, true},
		"the certificate is nonsense": {func(d string) error {
			return os.WriteFile(filepath.Join(d, certificateFile), encodeCertificate([]byte("x")), 0o600)
		}, true},
		"the key is missing": {func(d string) error { return os.Remove(filepath.Join(d, keyFile)) }, false},
		"the key is empty":   {func(d string) error { return os.Truncate(filepath.Join(d, keyFile), 0) }, false},
		"a write was cut off": {func(d string) error {
			return os.WriteFile(filepath.Join(d, "."+certificateFile+"-123"), []byte("-----BEG"), 0o600)
		}, true},
		"both are missing": {func(d string) error { return os.RemoveAll(d) }, false},
	} {
		t.Run(name, func(t *testing.T) {
			dir, box := filepath.Join(t.TempDir(), "ca"), newBox(t)
			before := mustOpen(t, dir, box, time.Now())
			if err := c.spoil(dir); err != nil {
				t.Fatal(err)
			}
			after := mustOpen(t, dir, box, time.Now())
			if after.key.Equal(before.key) != c.keepKey {
				t.Errorf("the key was kept: %t, want %t", !c.keepKey, c.keepKey)
			}
			leaf, err := after.Certificate(vaultHost)
			if err != nil {
				t.Fatal(err)
			}
			if err := verify(after, leaf.Leaf, vaultHost); err != nil {
				t.Error(err)
			}
			if again := mustOpen(t, dir, box, time.Now()); !bytes.Equal(again.PEM(), after.PEM()) {
				t.Error("what was recovered was not written")
			}
		})
	}
}

// Renewal keeps key and name, so that those who trust the old certificate trust the new leaves.
func TestRenewalBreaksNobodysTrust(t *testing.T) {
	now := time.Now()
	clock := now
	a, err := OpenAuthority(t.TempDir(), newBox(t), cloud.Azure, func() time.Time { return clock })
	if err != nil {
		t.Fatal(err)
	}
	old := x509.NewCertPool()
	old.AppendCertsFromPEM(a.PEM())
	before := a.PEM()
	clock = now.Add(authorityLife - authorityRenew + time.Hour)
	leaf, err := a.Certificate(vaultHost)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Equal(a.PEM(), before) {
		t.Error("the authority was not renewed")
	}
	if _, err := leaf.Leaf.Verify(x509.VerifyOptions{Roots: old, DNSName: vaultHost, CurrentTime: clock}); err != nil {
		t.Errorf("those who trust the old certificate: %v", err)
	}
	if clock = now.Add(-48 * time.Hour); !a.due(a.cert) {
		t.Error("a certificate from the future is not due")
	}
}

func TestAnotherProfileGetsACertificateOfItsOwn(t *testing.T) {
	dir, box := t.TempDir(), newBox(t)
	azure := mustOpen(t, dir, box, time.Now())
	own := cloud.Profile{Name: "own", Authority: "login.id.example.org", Management: "arm.id.example.org", Graph: "graph.id.example.org", VaultSuffix: "vault.id.example.org"}
	a, err := OpenAuthority(dir, box, own, nil)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Equal(a.PEM(), azure.PEM()) {
		t.Error("the certificate for Azure's names was kept")
	}
	for host, valid := range map[string]bool{"shop.vault.id.example.org": true, "localhost": true, vaultHost: false, "other.example.org": false} {
		if err := verify(a, forge(t, a, []string{host}, nil), host); (err == nil) != valid {
			t.Errorf("a certificate for %s: %v, want valid %t", host, err, valid)
		}
	}
}

func TestLeavesAreKeptBoundedAndRenewed(t *testing.T) {
	clock := time.Now()
	a, err := OpenAuthority(t.TempDir(), newBox(t), cloud.Azure, func() time.Time { return clock })
	if err != nil {
		t.Fatal(err)
	}
	first, err := a.Certificate(vaultHost)
	if err != nil {
		t.Fatal(err)
	}
	if again, _ := a.Certificate(strings.ToUpper(vaultHost) + "."); again != first {
		t.Error("a certificate was not kept")
	}
	if life := first.Leaf.NotAfter.Sub(clock); life > leafLife || life < leafLife-time.Minute {
		t.Errorf("a leaf lives %v", life)
	}
	for i := range 3 * maxLeaves {
		if _, err := a.Certificate(NameFor("n" + strings.Repeat("x", i%40) + string(rune('a'+i%26)))); err != nil {
			t.Fatal(err)
		}
		if _, err := a.Certificate(vaultHost); err != nil {
			t.Fatal(err)
		}
	}
	if n := a.leaves.recent.Len(); n > maxLeaves || n != len(a.leaves.byHost) {
		t.Errorf("%d and %d leaves are kept", n, len(a.leaves.byHost))
	}
	if again, _ := a.Certificate(vaultHost); again != first {
		t.Error("a name in use lost its certificate to names nobody uses")
	}
	clock = clock.Add(leafLife - leafRenew + time.Minute)
	if later, _ := a.Certificate(vaultHost); later == first || later.Leaf.NotAfter.Before(clock.Add(leafRenew)) {
		t.Error("a leaf close to its end was not renewed")
	}
	if _, ok := first.PrivateKey.(*ecdsa.PrivateKey); !ok {
		t.Errorf("a leaf's key is a %T", first.PrivateKey)
	}
	if _, err := a.Certificate("example.org"); err == nil {
		t.Error("a foreign name got a certificate")
	}
}
