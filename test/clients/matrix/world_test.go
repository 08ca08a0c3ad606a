package matrix

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"lanyard/test/clients/stage"
)

func TestMain(m *testing.M) { os.Exit(work(m)) }

// workshop is where the programs are built, by the process that can still reach what they are made of.
var workshop = os.Getenv("LANYARD_WORKSHOP")

func work(m *testing.M) int {
	if workshop == "" {
		var err error
		if workshop, err = os.MkdirTemp("", "lanyard-matrix-"); err == nil {
			defer os.RemoveAll(workshop)
			err = errors.Join(os.Chmod(workshop, 0o755), furnish())
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
	}
	return stage.MainAlone(m, "LANYARD_WORKSHOP="+workshop)
}

// furnish puts into the workshop what every program needs.
func furnish() error {
	env, err := exec.LookPath("env")
	if err != nil {
		return err
	}
	if out, err := exec.Command("go", "build", "-o", filepath.Join(workshop, "ask"), "./ask").CombinedOutput(); err != nil {
		return fmt.Errorf("build the program for Go: %w\n%s", err, out)
	}
	return os.Symlink(env, filepath.Join(workshop, "env"))
}

const (
	group   = "matrix"
	nobodys = "11111111-2222-4333-8444-555555555555"
	store   = "https://matrix-kv.vault.azure.net"
	secret  = "greeting"
	hello   = "Hello from a vault"
)

const description = `
group: ` + group + `
identities: [{name: ` + worn + `}, {name: ` + stranger + `}]
vaults: [{name: matrix-kv, secrets: {` + secret + `: ` + hello + `}}]
grants: [{to: ` + worn + `, role: Key Vault Secrets User, at: matrix-kv}]
`

// identity is one that a token can be for.
type identity struct {
	ID        string `json:"id"`
	Client    string `json:"clientId"`
	Principal string `json:"principalId"`
}

// world is a platform with the apps of the matrix.
type world struct {
	*stage.Stage
	t            testing.TB
	subscription string
	who          map[string]identity // by name: apps and user-assigned ones
	homes        string
}

func open(t testing.TB, flags ...string) *world {
	t.Helper()
	w := &world{Stage: stage.Start(t, flags...), t: t, homes: t.TempDir(), who: map[string]identity{
		nobody: {ID: "/subscriptions/" + nobodys + "/resourcegroups/none/providers/Microsoft.ManagedIdentity/userAssignedIdentities/nobody", Client: nobodys, Principal: nobodys},
	}}
	w.Seed(description)
	w.subscription = w.Owner().Subscription
	for _, name := range []string{worn, stranger} {
		var i identity
		w.JSON(&i, "identity", "show", "-n", name, "-g", group)
		w.who[name] = i
	}
	w.app(both, "--system-assigned", "--user-assigned", worn)
	w.app(sole, "--user-assigned", worn)
	w.app(bare)
	var shown struct{ PrincipalID string }
	w.JSON(&shown, "containerapp", "identity", "show", "-n", both, "-g", group)
	w.who[both] = identity{Principal: shown.PrincipalID,
		ID: "/subscriptions/" + w.subscription + "/resourcegroups/" + group + "/providers/Microsoft.App/containerApps/" + both}
	for _, who := range []string{both, worn} { // az shows only subscriptions in which it may read
		w.Lanyard("role", "assignment", "create", "--assignee", who, "--role", "Reader", "--scope", "/subscriptions/"+w.subscription)
	}
	w.Lanyard("identity", "federated-credential", "create", "--name", both, "--identity-name", worn, "--resource-group", group,
		"--issuer", "https://oidc.lanyard.localhost/"+w.Owner().Tenant+"/", "--subject", "system:serviceaccount:"+group+":"+both)
	w.Lanyard("role", "assignment", "create", "--assignee", both, "--role", "Key Vault Secrets User", "--scope", "/subscriptions/"+w.subscription)
	return w
}

// identity gives who a column is about.
func (w *world) identity(name string) identity { return w.who[name] }

// app makes an app with identities by running something short as it.
func (w *world) app(name string, identities ...string) {
	w.t.Helper()
	args := append([]string{"run", "--name", name, "--resource-group", group}, identities...)
	w.Lanyard(append(args, "--", "lanyard", "--help")...)
}

// as starts a program as an app behind a source, with more variables if given.
func (w *world) as(t testing.TB, c column, s source, program []string, variables ...string) *running {
	t.Helper()
	args := []string{"run", "--name", c.app, "--resource-group", group}
	if s.flag != "app-service" {
		args = append(args, "--source", s.flag)
	}
	args = append(args, "--", "env")
	// These are set behind `lanyard run`, which takes away what would lead past the app's identity.
	for _, v := range variables {
		if strings.Contains(v, "=") {
			args = append(args, v)
		} else {
			args = append(args, "-u", v)
		}
	}
	cmd := w.Command(append(args, program...)...)
	home, err := os.MkdirTemp(w.homes, "")
	if err != nil {
		t.Fatal(err)
	}
	// DefaultAzureCredential must not find what else this machine's user is signed in with.
	cmd.Env = append(cmd.Env, "HOME="+home, "AZURE_CONFIG_DIR="+filepath.Join(home, "az"), "PATH="+filepath.Dir(cmd.Path)+":"+workshop,
		"VAULT="+store, "SECRET="+secret, "AZURE_CORE_COLLECT_TELEMETRY=false", "AZURE_CORE_SURVEY_MESSAGE=false")
	if c.msiDisabled {
		cmd.Env = append(cmd.Env, "WEBSITE_DISABLE_MSI=true")
	}
	return begin(t, cmd)
}

// namedBy spells a selector for an identity.
func namedBy(selector string, i identity) string {
	switch selector {
	case "client_id":
		return "client_id=" + i.Client
	case "object_id":
		return "object_id=" + i.Principal
	case "resource_id":
		return "resource_id=" + i.ID
	}
	return "none"
}
