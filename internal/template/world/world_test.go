package world

import (
	"strings"
	"testing"

	"lanyard/internal/cloud"
)

const shop = `
group: shop
identities: [{name: billing}]
vaults: [{name: ledger, secrets: {db: s3cret}}]
apps:
  - name: invoices
    identities: [system, billing]
    command: [bin/invoices]
    env: {LEVEL: debug}
grants:
  - {to: billing, role: Key Vault Secrets User, at: ledger}
  - {to: invoices, role: Reader, at: group}
`

func TestPlan(t *testing.T) {
	w, err := Parse([]byte(shop))
	if err != nil {
		t.Fatal(err)
	}
	plan, err := w.Plan(cloud.MustID("/subscriptions/s"), "tenant")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, r := range plan.Resources {
		if _, err := cloud.ParseID(r.ID); err != nil {
			t.Errorf("resource %s: %v", r.ID, err)
		}
		got = append(got, strings.TrimPrefix(r.ID, "/subscriptions/s/resourceGroups/shop"))
	}
	want := []string{
		"",
		"/providers/Microsoft.ManagedIdentity/userAssignedIdentities/billing",
		"/providers/Microsoft.KeyVault/vaults/ledger",
		"/providers/Microsoft.KeyVault/vaults/ledger/secrets/db",
		"/providers/Microsoft.App/managedEnvironments/local",
		"/providers/Microsoft.App/containerApps/invoices",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("resources in order:\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if g := plan.Grants; len(g) != 2 || g[0].To != plan.Resources[1].ID || g[0].Scope != plan.Resources[2].ID || g[1].Scope != plan.Resources[0].ID {
		t.Errorf("grants: %+v", plan.Grants)
	}
	if body := string(plan.Resources[5].Body); !strings.Contains(body, `"type":"SystemAssigned, UserAssigned"`) {
		t.Errorf("the app's body has not both kinds of identity: %s", body)
	}
}

func TestRefusals(t *testing.T) {
	for name, c := range map[string]struct{ text, says string }{
		"a timing that there is not":                  {"timing: slow\n", "world file: timing:"},
		"an unknown field names its line":             {"group: a\nvault: []\n", "line 2: field vault not found"},
		"an unknown field deep down names its line":   {"apps:\n  - name: a\n    cmd: [x]\n", "line 3: field cmd not found"},
		"two entries of one name":                     {"vaults: [{name: a}]\napps: [{name: a, command: [x]}]", `"a" names an entry`},
		"an app without a command":                    {"apps: [{name: a}]", "has no command"},
		"an app with an identity that is not there":   {"apps: [{name: a, command: [x], identities: [b]}]", "not under identities"},
		"a grant to nobody":                           {"grants: [{to: a, role: Reader, at: group}]", "neither an app nor an identity"},
		"a grant at a place that is not in the world": {"identities: [{name: a}]\ngrants: [{to: a, role: Reader, at: b}]", "no entry of this file"},
		"a grant without a role":                      {"identities: [{name: a}]\ngrants: [{to: a, at: group}]", "names no role"},
		"a second document":                           {"group: a\n---\ngroup: b\n", "more than one document"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := Parse([]byte(c.text)); err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("got error %v, want one that says %q", err, c.says)
			}
		})
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(shop))
	f.Add([]byte("apps: [{name: a, command: [x], identities: [system]}]"))
	f.Fuzz(func(t *testing.T, text []byte) {
		w, err := Parse(text)
		if err != nil {
			return
		}
		if _, err := w.Plan(cloud.MustID("/subscriptions/s"), "t"); err != nil {
			t.Errorf("a world that parses does not plan: %v", err)
		}
	})
}
