// Package federation shows that tokens of issuers that nobody here wrote are exchanged, and when not.
//
// It must not know how tokens are verified.
package federation

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"lanyard/test/clients/stage"
)

func TestMain(m *testing.M) { os.Exit(stage.Main(m)) }

const (
	world = `
group: fed
identities: [{name: pipeline}]
vaults: [{name: fed-kv, secrets: {greeting: Hello from a vault}}]
grants: [{to: pipeline, role: Key Vault Secrets User, at: fed-kv}]
`
	exchange = "api://AzureADTokenExchange"
)

// scene is a world whose identity trusts the tokens of a provider abroad for the subject pipeline:Shop.
type scene struct {
	*stage.Stage
	t       *testing.T
	abroad  *abroad
	program string
	client  string // id of the identity
	as      string // client id of who asks: the identity's, unless a test says otherwise
}

// open starts a world; up are more flags of its command.
func open(t *testing.T, up ...string) *scene {
	t.Helper()
	s := &scene{t: t, abroad: openAbroad(t)}
	t.Setenv("SSL_CERT_FILE", s.abroad.certificate) // the platform trusts the certificate, and no other
	s.Stage = stage.Start(t, append([]string{"--verbose", "--allow", "127.0.0.1/32"}, up...)...)
	s.Seed(world)
	s.client = s.Lanyard("identity", "show", "-n", "pipeline", "-g", "fed", "--query", "clientId", "-o", "tsv")
	s.as = s.client
	s.trust("abroad", s.abroad.issuer, "pipeline:Shop")
	s.program = filepath.Join(t.TempDir(), "read")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", s.program, "./read").CombinedOutput(); err != nil {
		t.Fatalf("build read: %v\n%s", err, out)
	}
	return s
}

// trust has the identity trust an issuer for a subject.
func (s *scene) trust(name, issuer, subject string) {
	s.t.Helper()
	s.Lanyard("identity", "federated-credential", "create", "-n", name, "--identity-name", "pipeline", "-g", "fed", "--issuer", issuer, "--subject", subject)
}

// read reads the vault's secret with each token, and gives the secrets or what the SDK says instead.
func (s *scene) read(tokens map[string]string) map[string]string {
	s.t.Helper()
	dir := s.t.TempDir()
	var files []string
	for name, token := range tokens {
		file := filepath.Join(dir, strings.ReplaceAll(name, "/", "-"))
		if err := os.WriteFile(file, []byte(token), 0o600); err != nil {
			s.t.Fatal(err)
		}
		files = append(files, file)
	}
	cmd := s.Client([]string{"AZURE_CLIENT_ID=" + s.as, "AZURE_TENANT_ID=" + s.Owner().Tenant, "AZURE_AUTHORITY_HOST=https://login.microsoftonline.com/",
		"VAULT=https://fed-kv.vault.azure.net", "SECRET=greeting"}, s.program, files...)
	o := stage.Run(s.t, cmd)
	answers := map[string]string{}
	for line := range strings.Lines(o.Out) {
		var a struct{ File, Value, Error string }
		if err := json.Unmarshal([]byte(line), &a); err != nil {
			s.t.Fatalf("the program printed %q: %v", line, err)
		}
		answers[filepath.Base(a.File)] = a.Value + a.Error
	}
	if len(answers) != len(tokens) {
		s.t.Fatalf("%d tokens gave %d answers\n%s", len(tokens), len(answers), o.Err)
	}
	return answers
}

const greeting = "Hello from a vault"

// abroad is a provider that nobody here wrote.
type abroad struct {
	issuer      string
	certificate string // files in PEM
	private     string
	secret      string
}

// openAbroad makes a certificate for the loopback and starts the provider.
func openAbroad(t *testing.T) *abroad {
	t.Helper()
	dir := t.TempDir()
	a := &abroad{certificate: filepath.Join(dir, "cert.pem"), private: filepath.Join(dir, "key.pem"), secret: rand.Text()}
	key := drawKey(t, a.private)
	now := time.Now()
	draft := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "abroad"}, NotBefore: now.Add(-time.Hour), NotAfter: now.Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature}
	der, err := x509.CreateCertificate(rand.Reader, draft, draft, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	writePEM(t, a.certificate, "CERTIFICATE", der)
	port := freePort(t)
	a.issuer = fmt.Sprintf("https://127.0.0.1:%d", port)
	a.run(t, 0, provider{port, a.issuer, a.private, "k1"})
	return a
}

// provider is one instance: those that share an issuer call themselves the same.
type provider struct {
	Port   int    `json:"port"`
	Issuer string `json:"issuer"`
	Key    string `json:"key"` // file in PEM
	KeyID  string `json:"kid"`
}

// run starts providers whose clock goes wrong by shift, and ends them with the test.
func (a *abroad) run(t *testing.T, shift time.Duration, providers ...provider) {
	t.Helper()
	stage.Tool(t, "federation")
	list, err := json.Marshal(providers)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(stage.Tool(t, "nodejs"), "issuer.js")
	cmd.Env = append(os.Environ(), "PROVIDERS="+string(list), fmt.Sprintf("SHIFT=%d", int(shift.Seconds())), "CERT="+a.certificate, "CERT_KEY="+a.private,
		"SECRET="+a.secret, "CLIENTS=pipeline:Shop pipeline:shop pipeline:Till curve:Shop")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var said strings.Builder
	cmd.Stderr = &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	ready := make([]byte, len("ready"))
	if _, err := out.Read(ready); err != nil || string(ready) != "ready" {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		t.Fatalf("the provider did not come up: %v\n%s", err, said.String())
	}
}

func drawKey(t *testing.T, file string) *rsa.PrivateKey {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	writePEM(t, file, "PRIVATE KEY", der)
	return key
}

func writePEM(t *testing.T, file, kind string, der []byte) {
	t.Helper()
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
}

func freePort(t *testing.T) int {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	return ln.Addr().(*net.TCPAddr).Port
}
