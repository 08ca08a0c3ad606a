package script

import (
	"encoding/json"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// A command run as an app gets a token of the app's identity from its endpoint, and a stranger
// verifies it from discovery and key set alone.
func TestAStrangerVerifiesWhatARunCommandGot(t *testing.T) {
	if _, err := exec.LookPath("curl"); err != nil {
		if os.Getenv("LANYARD_CI") != "" {
			t.Fatal("curl is not installed")
		}
		t.Skip("curl is not installed")
	}
	m := newMachine(t)
	m.start()
	m.wait("Lanyard is ready")
	answer := m.must("run", "--name", "t", "--system-assigned", "--", "sh", "-c",
		`curl -sf -H "X-IDENTITY-HEADER: $IDENTITY_HEADER" "$IDENTITY_ENDPOINT?api-version=2019-08-01&resource=https://vault.azure.net"`)
	var got struct {
		Token    string `json:"access_token"`
		Expires  string `json:"expires_on"`
		Resource string `json:"resource"`
		Type     string `json:"token_type"`
		Client   string `json:"client_id"`
	}
	if err := json.Unmarshal([]byte(answer), &got); err != nil {
		t.Fatalf("the endpoint answered %q: %v", answer, err)
	}
	if got.Resource != "https://vault.azure.net" || got.Type != "Bearer" || got.Client == "" || got.Expires == "" {
		t.Errorf("the endpoint answered resource %q, token_type %q, client_id %q, expires_on %q", got.Resource, got.Type, got.Client, got.Expires)
	}
	if err := verifyByDiscovery(m, got.Token); err != nil {
		t.Errorf("a stranger does not verify the token: %v", err)
	}
	if err := verifyByDiscovery(m, got.Token[:len(got.Token)-8]+"AAAAAAAA"); err == nil {
		t.Error("a stranger verifies a token with a foreign signature")
	}
	if out := m.must("run", "--name", "t", "--", "sh", "-c", "exit 0"); out != "" {
		t.Errorf("a silent command printed %q", out)
	}
	if _, err := m.lanyard("run", "--name", "t", "--", "sh", "-c", "exit 7"); err == nil || !strings.Contains(err.Error(), "exit status 7") {
		t.Errorf("a command that fails with 7 gave %v", err)
	}
}

// What is secret lies in the state folder sealed, or not at all; and the folder is closed.
func TestNoSecretLiesInTheStateFolder(t *testing.T) {
	const secret = "a-value-that-stands-nowhere-else"
	m := newMachine(t)
	m.start("--world", "world.yaml")
	m.wait(`read the secret "greeting"`)
	vault := m.must("keyvault", "show", "-n", "hello-kv", "-g", "hello", "--query", "id", "-o", "tsv")
	m.must("role", "assignment", "create", "--assignee", "owner", "--role", "Key Vault Secrets Officer", "--scope", vault)
	m.must("keyvault", "secret", "set", "--vault-name", "hello-kv", "-n", "db", "--value", secret)
	if got := m.must("keyvault", "secret", "show", "--vault-name", "hello-kv", "-n", "db", "--query", "value", "-o", "tsv"); got != secret {
		t.Fatalf("the secret reads %q", got)
	}
	files := 0
	err := filepath.WalkDir(filepath.Join(m.dir, "state"), func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		if d.IsDir() {
			return nil
		}
		files++
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for _, marker := range []string{secret, "PRIVATE KEY"} {
			if strings.Contains(string(b), marker) {
				t.Errorf("%s holds %q", path, marker)
			}
		}
		if mode := info.Mode().Perm(); mode&0o077 != 0 && filepath.Base(path) != "ca.pem" {
			t.Errorf("%s has mode %04o", path, mode)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if files < 5 {
		t.Errorf("only %d files were searched", files)
	}
	if s, err := os.Stat(filepath.Join(m.dir, "state")); err != nil || s.Mode().Perm() != 0o700 {
		t.Errorf("the state folder has mode %v, %v", s.Mode(), err)
	}
}

// The program prints no secret of its own: not in its own log at its most talkative either.
func TestTheLogHoldsNoSecret(t *testing.T) {
	m := newMachine(t)
	m.start("--world", "world.yaml", "--verbose")
	m.wait(`read the secret "greeting"`)
	b, err := os.ReadFile(filepath.Join(m.dir, "state", "owner.json"))
	if err != nil {
		t.Fatal(err)
	}
	var owner struct{ Secret string }
	if err := json.Unmarshal(b, &owner); err != nil {
		t.Fatal(err)
	}
	header := m.must("run", "--name", "t", "--system-assigned", "--", "sh", "-c", "echo $IDENTITY_HEADER; echo $HTTPS_PROXY")
	fields := strings.Fields(header)
	if len(fields) != 2 {
		t.Fatalf("a replica's environment has %q", header)
	}
	log := m.up.seen()
	if !strings.Contains(log, "msg=request") {
		t.Fatal("the log has no request: the search would find nothing")
	}
	_, password, _ := strings.Cut(strings.TrimPrefix(fields[1], "http://"), ":")
	password, _, _ = strings.Cut(password, "@")
	for name, secret := range map[string]string{"owner's secret": owner.Secret, "identity header": fields[0], "proxy password": password, "token": "eyJ"} {
		if secret == "" || strings.Contains(log, secret) {
			t.Errorf("the log holds the %s", name)
		}
	}
}
