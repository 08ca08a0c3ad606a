package cloud

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/arm"
)

const (
	aSub   = "/subscriptions/33333333-3333-3333-3333-333333333333"
	aGroup = aSub + "/resourceGroups/rg"
	aVault = aGroup + "/providers/Microsoft.KeyVault/vaults/ledger"
)

func TestIDsAreTakenApart(t *testing.T) {
	cases := map[string]struct{ kind, name, sub, group, parent, scope string }{
		"/":                     {"", "", "", "", "", "/"},
		aSub:                    {"Microsoft.Resources/subscriptions", aSub[15:], aSub[15:], "", "/", aSub},
		aGroup:                  {"Microsoft.Resources/resourceGroups", "rg", aSub[15:], "rg", aSub, aGroup},
		aVault:                  {"Microsoft.KeyVault/vaults", "ledger", aSub[15:], "rg", aGroup, aGroup},
		aVault + "/":            {"Microsoft.KeyVault/vaults", "ledger", aSub[15:], "rg", aGroup, aGroup},
		aVault + "/secrets/db":  {"Microsoft.KeyVault/vaults/secrets", "db", aSub[15:], "rg", aVault, aGroup},
		strings.ToUpper(aGroup): {"Microsoft.Resources/resourceGroups", "RG", aSub[15:], "RG", strings.ToUpper(aSub), strings.ToUpper(aGroup)},
		aVault + "/providers/Microsoft.Authorization/roleAssignments/a": {"Microsoft.Authorization/roleAssignments", "a", aSub[15:], "rg", aVault, aVault},
		"/providers/Microsoft.Authorization/roleDefinitions/r":          {"Microsoft.Authorization/roleDefinitions", "r", "", "", "/", "/"},
		aSub + "/providers/Microsoft.Resources/deployments/d":           {"Microsoft.Resources/deployments", "d", aSub[15:], "", aSub, aSub},
		aGroup + "/providers/N.a/t/providers/u/x":                       {"N.a/t/u", "x", aSub[15:], "rg", aGroup + "/providers/N.a/t/providers", aGroup},
	}
	for text, want := range cases {
		id, err := ParseID(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if id.Type() != want.kind || id.Name() != want.name || id.Subscription() != want.sub || id.Group() != want.group ||
			id.Parent().String() != want.parent || id.Scope().String() != want.scope {
			t.Errorf("%s: type %q name %q subscription %q group %q parent %q scope %q, want %+v",
				text, id.Type(), id.Name(), id.Subscription(), id.Group(), id.Parent(), id.Scope(), want)
		}
	}
}

// TestAmbiguousIDsAreRefused is T18.
func TestAmbiguousIDsAreRefused(t *testing.T) {
	for sentence, text := range map[string]string{
		"nothing":                          "",
		"no slash before it":               aSub[1:],
		"two slashes before it":            "/" + aSub,
		"only slashes":                     "//",
		"two slashes within":               aSub + "//resourceGroups/rg",
		"two slashes after it":             aGroup + "//",
		"a dot segment":                    aSub + "/resourceGroups/.",
		"a double dot segment":             aGroup + "/../rg-prod",
		"an encoded slash":                 aSub + "/resourceGroups/rg%2fproviders",
		"an encoded dot":                   aSub + "/resourceGroups/%2e%2e",
		"a backslash":                      aSub + `\resourceGroups\rg`,
		"a query":                          aGroup + "?x=1",
		"a fragment":                       aGroup + "#x",
		"a blank for a name":               "/subscriptions/ ",
		"a blank before a name":            aSub + "/resourceGroups/ rg",
		"a blank after a name":             aGroup + " ",
		"a control character":              aGroup + "\n",
		"a zero byte":                      aGroup + "\x00",
		"a letter that Unicode folds":      aSub + "/resourceGroups/\u212Ag",
		"a letter that only looks like it": aSub + "/resourceGroups/\u0440g",
		"more than there is room for":      aSub + "/resourceGroups/" + strings.Repeat("a", maxID),
		"subscriptions without one":        "/subscriptions",
		"a group without a name":           aSub + "/resourceGroups",
		"a namespace without a type":       aGroup + "/providers/Microsoft.KeyVault",
		"a type without a name":            aGroup + "/providers/Microsoft.KeyVault/vaults",
		"a child type without a name":      aVault + "/secrets",
		"a stranger among the segments":    aSub + "/rg/rg",
		"providers with nothing behind":    aVault + "/providers",
	} {
		if id, err := ParseID(text); err == nil {
			t.Errorf("%s: %q is taken for %q", sentence, text, id)
		} else if !id.IsZero() {
			t.Errorf("%s: an error and an id %q", sentence, id)
		}
	}
}

// TestContains is AC-2 and T18: down, never up or sideways.
func TestContains(t *testing.T) {
	for _, c := range []struct {
		outer, inner string
		want         bool
	}{
		{"/", aVault, true},
		{"/", "/", true},
		{aVault, "/", false},
		{aGroup, aGroup, true},
		{aGroup, strings.ToUpper(aVault), true},
		{strings.ToUpper(aGroup), aVault, true},
		{aGroup, aSub, false},
		{aGroup, aGroup + "-prod", false},
		{aGroup + "-prod", aGroup, false},
		{aGroup, aGroup + "-prod/providers/Microsoft.KeyVault/vaults/ledger", false},
		{aVault, aVault + "/secrets/db", true},
		{aVault, aVault + "2/secrets/db", false},
	} {
		if got := MustID(c.outer).Contains(MustID(c.inner)); got != c.want {
			t.Errorf("%s contains %s: %v", c.outer, c.inner, got)
		}
	}
	var none ID
	if none.Contains(Root) || Root.Contains(none) || none.Contains(none) {
		t.Error("the zero id contains or is contained")
	}
}

func TestIDsAreMadeAndMarshalled(t *testing.T) {
	vault, err := MustID(aGroup).In("Microsoft.KeyVault/vaults", "ledger")
	if err != nil || vault.String() != aVault {
		t.Errorf("In: %q %v", vault, err)
	}
	child, err := vault.Child("secrets", "db")
	if err != nil || child.String() != aVault+"/secrets/db" {
		t.Errorf("Child: %q %v", child, err)
	}
	if role, err := Root.In("Microsoft.Authorization/roleDefinitions", "r"); err != nil || role.String() != "/providers/Microsoft.Authorization/roleDefinitions/r" {
		t.Errorf("In at the root: %q %v", role, err)
	}
	for _, hostile := range []string{"", "..", "a/b", "a/../b", "x%2fy"} {
		if id, err := vault.Child("secrets", hostile); err == nil {
			t.Errorf("a child named %q is %q", hostile, id)
		}
	}
	for _, id := range []ID{{}, Root, vault} {
		text, err := json.Marshal(id)
		var back ID
		if err != nil || json.Unmarshal(text, &back) != nil || back != id {
			t.Errorf("%q goes to %s and comes back %q (%v)", id, text, back, err)
		}
	}
}

// FuzzParseID holds every id that is accepted to what the rest of the system takes for granted of
// it, above all that a scope never contains another whose name merely begins like its own (T18).
func FuzzParseID(f *testing.F) {
	for _, seed := range []string{"/", aSub, aGroup, aVault, aVault + "/secrets/db", aGroup + "/", aSub + "/resourcegroups/rg%2f", "/providers/N.m/g/x"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		id, err := ParseID(text)
		if err != nil {
			return
		}
		if again, err := ParseID(id.String()); err != nil || again != id {
			t.Errorf("%q reads back as %q (%v)", id, again, err)
		}
		if upper, err := ParseID(strings.ToUpper(text)); err != nil || !upper.Equal(id) {
			t.Errorf("%q in capitals is %q (%v)", id, upper, err)
		}
		if !Root.Contains(id) || !id.Contains(id) {
			t.Errorf("%q is not in the root or not in itself", id)
		}
		if id == Root {
			return
		}
		for _, tail := range []string{"-prod", "2", ".", " "} {
			if other, err := ParseID(id.String() + tail); err == nil && (id.Contains(other) || other.Contains(id)) {
				t.Errorf("%q is confused with %q", id, other)
			}
		}
		parent := id.Parent()
		if !parent.Contains(id) || id.Contains(parent) {
			t.Errorf("%q does not lie in its parent %q", id, parent)
		}
		if _, err := ParseID(parent.String()); err != nil {
			t.Errorf("%q has the parent %q: %v", id, parent, err)
		}
	})
}

// FuzzParseIDAgainstAzure asks Azure's own parser as an outside witness: what both accept, both
// understand alike.
func FuzzParseIDAgainstAzure(f *testing.F) {
	for _, seed := range []string{
		aSub, aGroup, aVault, aVault + "/secrets/db", strings.ToUpper(aVault), "/providers/Microsoft.Authorization/roleDefinitions/r",
		aVault + "/providers/Microsoft.Authorization/roleAssignments/a", aSub + "/providers/Microsoft.Resources/deployments/d",
		aVault + "/secrets/db/providers/N.x/a/b/c/d", "/providers/Microsoft.Management/managementGroups/g/providers/Microsoft.Authorization/roleAssignments/a",
		aSub + "/resourcegroups/rg", aGroup + "/providers/N.a/t/x/providers/N.b/u/y/providers/N.c/v/z",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		id, err := ParseID(text)
		if err != nil || id == Root { // which Azure spells as no text at all
			return
		}
		witness, err := arm.ParseResourceID(id.String())
		if err != nil {
			t.Fatalf("%q: Azure's parser refuses: %v", id, err)
		}
		if !strings.EqualFold(witness.ResourceType.String(), id.Type()) {
			t.Errorf("%q: type %q, Azure's parser says %q", id, id.Type(), witness.ResourceType)
		}
		if witness.Name != id.Name() || witness.SubscriptionID != id.Subscription() || witness.ResourceGroupName != id.Group() {
			t.Errorf("%q: name %q subscription %q group %q, Azure's parser says %q %q %q", id,
				id.Name(), id.Subscription(), id.Group(), witness.Name, witness.SubscriptionID, witness.ResourceGroupName)
		}
		parent := witness.Parent.String() // "" for the root
		if parent == "" {
			parent = "/"
		}
		if !strings.EqualFold(parent, id.Parent().String()) {
			t.Errorf("%q: parent %q, Azure's parser says %q", id, id.Parent(), parent)
		}
	})
}
