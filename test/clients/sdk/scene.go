// Package sdk sets the scene that the SDK of every language plays in.
//
// It must not know any language: a program is a command line that prints JSON lines.
package sdk

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"lanyard/test/clients/stage"
)

// The apps of the scene.
const (
	Reader  = "reader"  // wears its own identity and [Worn]; both may read the vault's secrets
	Refused = "refused" // wears its own identity, which may nothing
	Bare    = "bare"    // wears none
	Manager = "manager" // its own identity owns the subscription and keeps the vault's secrets
)

// The user-assigned identities of the scene.
const (
	Worn     = "worn"
	Stranger = "stranger" // exists, and no app wears it
)

// What a reader finds at the vault.
const (
	Vault    = "https://sdk-kv.vault.azure.net"
	Secret   = "greeting"
	Greeting = "Hello from a vault"
)

// Group is the resource group of everything in the scene.
const Group = "sdk"

const world = `
group: ` + Group + `
identities: [{name: ` + Worn + `}, {name: ` + Stranger + `}]
vaults: [{name: sdk-kv, secrets: {` + Secret + `: ` + Greeting + `}}]
grants: [{to: ` + Worn + `, role: Key Vault Secrets User, at: sdk-kv}]
`

// Scene is a platform with vault, identities and apps.
type Scene struct {
	*stage.Stage
	t     *testing.T
	vault string // resource id
}

// Identity is a user-assigned identity as the management API shows it.
type Identity struct {
	ID        string `json:"id"`
	Client    string `json:"clientId"`
	Principal string `json:"principalId"`
}

// Open starts a platform and sets the scene.
func Open(t *testing.T) *Scene {
	t.Helper()
	s := &Scene{Stage: stage.Start(t, "--verbose"), t: t}
	s.Seed(world)
	s.vault = s.Lanyard("keyvault", "show", "-n", "sdk-kv", "-g", Group, "--query", "id", "-o", "tsv")
	s.app(Reader, "--system-assigned", "--user-assigned", Worn)
	s.grant(Reader, "Key Vault Secrets User", s.vault)
	s.app(Refused, "--system-assigned")
	s.app(Bare)
	s.app(Manager, "--system-assigned")
	s.grant(Manager, "Owner", "/subscriptions/"+s.Subscription())
	s.grant(Manager, "Key Vault Secrets Officer", s.vault)
	return s
}

// app makes an app with identities by running something short as it.
func (s *Scene) app(name string, identities ...string) {
	s.t.Helper()
	args := append([]string{"run", "--name", name, "--resource-group", Group}, identities...)
	s.Lanyard(append(args, "--", "lanyard", "--help")...)
}

func (s *Scene) grant(app, role, scope string) {
	s.t.Helper()
	s.Lanyard("role", "assignment", "create", "--assignee", app, "--role", role, "--scope", scope)
}

// Subscription gives the id of the world's one subscription.
func (s *Scene) Subscription() string { return strings.Split(s.vault, "/")[2] }

// Identity gives what a client may know of a user-assigned identity.
func (s *Scene) Identity(name string) Identity {
	s.t.Helper()
	var i Identity
	s.JSON(&i, "identity", "show", "-n", name, "-g", Group)
	return i
}

// Run runs a program as an app and decodes the lines that it prints, each into one T.
func Run[T any](s *Scene, app string, program []string, args ...string) []T {
	s.t.Helper()
	cmd := s.Command(append(append([]string{"run", "--name", app, "--resource-group", Group, "--"}, program...), args...)...)
	// DefaultAzureCredential must not find what else this machine's user is signed in with.
	cmd.Env = append(cmd.Env, "HOME="+s.Dir, "PATH="+filepath.Dir(cmd.Path), "VAULT="+Vault, "SECRET="+Secret,
		"SUBSCRIPTION="+s.Subscription(), "GROUP="+Group, "VAULT_ID="+s.vault, "PATIENCE="+stage.Patience.String())
	o := stage.Run(s.t, cmd)
	if o.Code != 0 {
		s.t.Fatalf("%v as %s: exit status %d\n%s\n%s", program, app, o.Code, o.Out, o.Err)
	}
	var answers []T
	for line := range strings.Lines(o.Out) {
		var a T
		if err := json.Unmarshal([]byte(line), &a); err != nil {
			s.t.Fatalf("%v printed the line %q: %v", program, line, err)
		}
		answers = append(answers, a)
	}
	return answers
}
