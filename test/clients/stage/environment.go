package stage

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Environment gives what `lanyard env` prints, as NAME=value.
func (s *Stage) Environment() []string {
	s.t.Helper()
	var env []string
	for line := range strings.Lines(s.Lanyard("env")) {
		name, quoted, ok := strings.Cut(strings.TrimPrefix(strings.TrimSpace(line), "export "), "=")
		value, isQuoted := strings.CutPrefix(quoted, "'")
		if !ok || !isQuoted {
			s.t.Fatalf("lanyard env printed the line %q", line)
		}
		env = append(env, name+"="+strings.ReplaceAll(strings.TrimSuffix(value, "'"), `'\''`, "'"))
	}
	return env
}

// Owner is the credential that a world begins with, as the state folder holds it.
type Owner struct {
	Tenant       string `json:"tenant"`
	Subscription string `json:"subscription"`
	Client       string `json:"client"`    // of the application owner
	Principal    string `json:"principal"` // of the same
	Secret       string `json:"secret"`    // of the same
	SignIn       string `json:"signIn"`    // of the person owner
	Password     string `json:"password"`  // of the same
}

// Owner reads the owner's credential file.
func (s *Stage) Owner() Owner {
	s.t.Helper()
	text, err := os.ReadFile(filepath.Join(s.State, "owner.json"))
	if err != nil {
		s.t.Fatal(err)
	}
	var o Owner
	if err := json.Unmarshal(text, &o); err != nil {
		s.t.Fatal(err)
	}
	return o
}

// Program gives the path of a program built beside lanyard: hello, or lanyard itself.
func (s *Stage) Program(name string) string { return filepath.Join(binaries, name) }

// Client prepares a client's command in the prepared environment and in the stage's folder, with
// more variables if given. A client that should be an app with an identity is started by
// `lanyard run` instead: see [Stage.Command].
func (s *Stage) Client(variables []string, path string, args ...string) *exec.Cmd {
	s.t.Helper()
	cmd := exec.Command(path, args...)
	cmd.Dir = s.Dir
	cmd.Env = append(append(clean(os.Environ()), s.Environment()...), variables...)
	return cmd
}

// clean leaves out variables that would lead a client elsewhere, or past the identity under test.
func clean(env []string) []string {
	var out []string
	for _, v := range env {
		name, _, _ := strings.Cut(v, "=")
		switch upper := strings.ToUpper(name); {
		case strings.HasSuffix(upper, "_PROXY"), strings.HasPrefix(upper, "AZURE_"), strings.HasPrefix(upper, "ARM_"),
			strings.HasPrefix(upper, "IDENTITY_"), strings.HasPrefix(upper, "MSI_"), strings.HasPrefix(upper, "LANYARD_"):
		default:
			out = append(out, v)
		}
	}
	return out
}

// Tool gives the path of what test/clients/install put in place for name: a program (az, python,
// nodejs), a folder (node_modules) or a file; of a program that it found on this machine, that one. The test is skipped with the reason when it is not there, and
// fails when LANYARD_CI is set.
func Tool(t testing.TB, name string) string {
	t.Helper()
	top, err := root()
	if err != nil {
		t.Fatal(err)
	}
	for _, at := range places[name] {
		if !strings.Contains(at, "/") {
			if path, err := exec.LookPath(at); err == nil {
				return path
			}
			continue
		}
		path := filepath.FromSlash(at)
		if !strings.HasPrefix(at, "/") {
			path = filepath.Join(top, "test", "clients", path)
		}
		if _, err := os.Stat(path); err == nil {
			return path
		}
	}
	Missing(t, fmt.Sprintf("the client %q is not installed: run test/clients/install", name))
	return ""
}

// places tells where the script puts each client, seen from test/clients; a bare name is looked for in
// PATH.
var places = map[string][]string{
	"az":         {".tools/az/bin/az", ".tools/az/Scripts/az.cmd"},
	"az2.45":     {"/usr/bin/az"}, // the package azure-cli of Debian 12
	"python":     {".tools/python/bin/python", ".tools/python/Scripts/python.exe"},
	"python2024": {".tools/python2024/bin/python", ".tools/python2024/Scripts/python.exe"},
	"node":       {".tools/node/node_modules"},
	"nodejs":     {".tools/nodejs/bin/node", "node"},
	"java":       {".tools/java"},
	"federation": {".tools/federation/node_modules"},
}

// Missing skips a test for want of something outside the project, and fails it when LANYARD_CI is set.
func Missing(t testing.TB, reason string) {
	t.Helper()
	if os.Getenv("LANYARD_CI") != "" {
		t.Fatal(reason)
	}
	t.Skip(reason)
}

// root gives the repository's root: the folder of the module lanyard.
func root() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if text, err := os.ReadFile(filepath.Join(dir, "go.mod")); err == nil && strings.HasPrefix(string(text), "module lanyard\n") {
			return dir, nil
		}
		up := filepath.Dir(dir)
		if up == dir {
			return "", fmt.Errorf("no folder above the tests holds the module lanyard")
		}
		dir = up
	}
}
