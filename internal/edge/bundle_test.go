package edge

import (
	"bytes"
	"crypto/x509"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"software.sslmate.com/src/go-pkcs12"
)

func bundle(t *testing.T, dir string, ca []byte) (pem, store string) {
	t.Helper()
	pem, store, err := WriteBundle(dir, ca)
	if err != nil {
		t.Fatal(err)
	}
	return pem, store
}

func TestABundleHoldsTheUsersRootsAndTheLocalAuthority(t *testing.T) {
	user, ours := newAuthority(t, t.TempDir()), newAuthority(t, t.TempDir())
	foreign := forge(t, user, []string{"corporate.example.org"}, nil)
	roots := filepath.Join(t.TempDir(), "roots.pem")
	text := append([]byte("# Corporate root\n"), encodeCertificate(foreign.Raw)...)
	if err := os.WriteFile(roots, append(text, encodeCertificate(foreign.Raw)...), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv(rootsVariable, roots)
	path, store := bundle(t, filepath.Join(t.TempDir(), "new", "folder"), ours.PEM())
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got := parsePEM(content); len(got) != 2 || !bytes.Equal(got[0], foreign.Raw) || !bytes.Equal(got[1], ours.cert.Raw) {
		t.Errorf("the bundle holds %d certificates", len(got))
	}
	for _, file := range []string{path, store} {
		if f, err := os.Stat(file); err != nil || f.Mode().Perm() != 0o644 {
			t.Errorf("%s: %v, %v", file, f.Mode(), err)
		}
	}
	raw, err := os.ReadFile(store)
	if err != nil {
		t.Fatal(err)
	}
	certs, err := pkcs12.DecodeTrustStore(raw, trustStorePassword)
	if err != nil || len(certs) != 2 || !certs[1].Equal(ours.cert) {
		t.Errorf("the trust store holds %d certificates, %v", len(certs), err)
	}
}

// lanyard run inside lanyard env: the user's roots are then a bundle of ours, perhaps of old.
func TestABundleInsideABundleHoldsOneLocalAuthority(t *testing.T) {
	old, now := newAuthority(t, t.TempDir()), newAuthority(t, t.TempDir())
	t.Setenv(rootsVariable, "")
	dir := t.TempDir()
	first, _ := bundle(t, dir, old.PEM())
	before, err := os.ReadFile(first)
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv(rootsVariable, first)
	second, _ := bundle(t, dir, now.PEM())
	after, err := os.ReadFile(second)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(after, old.PEM()) || !bytes.Contains(after, now.PEM()) || len(parsePEM(before)) != len(parsePEM(after)) {
		t.Error("the old authority is still in the bundle, or roots were lost")
	}
}

func TestARootsVariableThatLeadsNowhereIsNamed(t *testing.T) {
	ca := newAuthority(t, t.TempDir()).PEM()
	empty := filepath.Join(t.TempDir(), "empty.pem")
	if err := os.WriteFile(empty, []byte("nothing"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{empty, empty + ".missing"} {
		t.Setenv(rootsVariable, path)
		if _, _, err := WriteBundle(t.TempDir(), ca); err == nil || !strings.Contains(err.Error(), rootsVariable) {
			t.Errorf("%s: %v", path, err)
		}
	}
	t.Setenv(rootsVariable, "")
	if _, _, err := WriteBundle(t.TempDir(), []byte("no certificate")); err == nil {
		t.Error("an authority that is none was taken")
	}
}

func TestJavaReadsTheTrustStore(t *testing.T) {
	keytool := tool(t, "keytool")
	t.Setenv(rootsVariable, "")
	a := newAuthority(t, t.TempDir())
	pem, store := bundle(t, t.TempDir(), a.PEM())
	out, err := exec.CommandContext(t.Context(), keytool, "-list", "-storetype", "PKCS12", "-keystore", store, "-storepass", trustStorePassword).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	text, err := os.ReadFile(pem)
	if err != nil {
		t.Fatal(err)
	}
	want := 0
	for _, der := range parsePEM(text) {
		if _, err := x509.ParseCertificate(der); err == nil {
			want++
		}
	}
	if got := strings.Count(string(out), "trustedCertEntry"); got != want {
		t.Errorf("Java sees %d of %d roots", got, want)
	}
}

func FuzzParsePEM(f *testing.F) {
	f.Add([]byte("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		for _, der := range parsePEM(text) {
			if len(der) > len(text) {
				t.Fatal("more came out than went in")
			}
		}
	})
}
