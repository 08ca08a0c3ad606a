package guard

import (
	"context"
	"errors"
	"strings"
	"testing"

	"lanyard/internal/cloud"
	"lanyard/internal/fault"
	"lanyard/internal/rbac"
	"lanyard/internal/rbac/builtin"
)

var (
	group  = cloud.MustID("/subscriptions/s/resourceGroups/rg")
	vault  = cloud.MustID("/subscriptions/s/resourceGroups/rg/providers/Microsoft.KeyVault/vaults/hello-kv")
	secret = cloud.MustID(vault.String() + "/secrets/db")
	caller = cloud.Caller{Principal: hello, Client: client, Tenant: tenant}
)

func grant(t *testing.T, role string, at cloud.ID) rbac.Grant {
	t.Helper()
	r, ok := builtin.ByName(role)
	if !ok {
		t.Fatalf("no built-in role is named %s", role)
	}
	return rbac.Bind(cloud.Assignment{Principal: hello, Role: r.ID.Name(), Scope: at}, r)
}

func deciding(grants []rbac.Grant, denials ...rbac.Denial) *Guard {
	g := newGuard()
	g.Decide = func(r rbac.Request) rbac.Decision { return rbac.Decide(r, grants, denials) }
	return g
}

func TestPermitReachesDownAndNeverSideways(t *testing.T) {
	for name, given := range map[string]struct {
		role    string
		at      string
		allowed bool
	}{
		"a grant at the secret":                         {"Key Vault Secrets User", secret.String(), true},
		"a grant at the vault":                          {"Key Vault Secrets User", vault.String(), true},
		"a grant at the vault in other letters (T18)":   {"Key Vault Secrets User", strings.ToUpper(vault.String()), true},
		"a grant at the group":                          {"Key Vault Secrets User", group.String(), true},
		"a grant at another secret":                     {"Key Vault Secrets User", vault.String() + "/secrets/d", false},
		"a grant at a vault whose name begins so (T18)": {"Key Vault Secrets User", strings.TrimSuffix(vault.String(), "v"), false},
		"a grant at a group whose name begins so (T18)": {"Key Vault Secrets User", "/subscriptions/s/resourceGroups/r", false},
		"a control role (AC-3)":                         {"Owner", vault.String(), false},
		"a role that reads metadata alone":              {"Key Vault Reader", vault.String(), false},
	} {
		t.Run(name, func(t *testing.T) {
			err := deciding([]rbac.Grant{grant(t, given.role, cloud.MustID(given.at))}).Permit(t.Context(), caller, getting, true, secret)
			if given.allowed && err != nil || !given.allowed && !fault.Is(err, fault.Forbidden) {
				t.Errorf("got %v, want allowed %v", err, given.allowed)
			}
		})
	}
}

func TestARefusalNamesWhatIsMissingAndTheCure(t *testing.T) {
	g := deciding([]rbac.Grant{grant(t, "Owner", group), grant(t, "Key Vault Secrets User", cloud.MustID(vault.String()+"/secrets/other"))})
	err := g.Permit(t.Context(), caller, getting, true, secret)
	var refusal *Refusal
	if !fault.Is(err, fault.Forbidden) || !errors.As(err, &refusal) {
		t.Fatalf("got %v, want a refusal", err)
	}
	f := fault.Of(err)
	for _, want := range []string{
		"hello-id (" + string(hello) + ")", string(client), getting, secret.String(),
		"has the role 'Owner' at " + group.String() + ", but its role is for the other plane",
		"has the role 'Key Vault Secrets User' at " + vault.String() + "/secrets/other, but its role allows the action, but at another scope",
	} {
		if !strings.Contains(f.Public, want) {
			t.Errorf("%q does not hold %q", f.Public, want)
		}
	}
	want := "lanyard role assignment create --assignee " + string(hello) + " --role 'Key Vault Secrets User' --scope " + secret.String()
	if f.Hint != want || refusal.Role.Name != "Key Vault Secrets User" {
		t.Errorf("hint is %q, want %q", f.Hint, want)
	}
}

func TestARefusalWithoutAnythingNearSaysSo(t *testing.T) {
	f := fault.Of(deciding(nil).Permit(t.Context(), caller, getting, true, secret))
	if want := "hello-id (" + string(hello) + ") has no role that comes near."; !strings.HasSuffix(f.Public, want) {
		t.Errorf("%q does not end in %q", f.Public, want)
	}
}

func TestADenialIsNamedAndNoGrantIsSuggestedAgainstIt(t *testing.T) {
	denial := rbac.BindDenial(cloud.Denial{
		Name: "freeze", Scope: vault, Principals: []cloud.PrincipalID{cloud.AllPrincipals},
		Permissions: []cloud.Permission{{DataActions: []string{"*"}}},
	})
	g := deciding([]rbac.Grant{grant(t, "Key Vault Secrets User", vault)}, denial)
	f := fault.Of(g.Permit(t.Context(), caller, getting, true, secret))
	if f.Kind != fault.Forbidden || !strings.Contains(f.Public, "The deny assignment 'freeze' at "+vault.String()) {
		t.Errorf("got %v, want the denial named", f)
	}
	if !strings.HasPrefix(f.Hint, "lanyard explain --assignee "+string(hello)) {
		t.Errorf("hint %q is no explanation", f.Hint)
	}
}

func TestPermitIsTotal(t *testing.T) {
	everything := rbac.Bind(cloud.Assignment{Principal: hello, Scope: cloud.Root},
		cloud.Role{Name: "all", Permissions: []cloud.Permission{{Actions: []string{"*"}, DataActions: []string{"*"}}}})
	g := deciding([]rbac.Grant{everything})
	ended, end := context.WithCancel(t.Context())
	end()
	for name, given := range map[string]struct {
		ctx    context.Context
		caller cloud.Caller
		action string
		at     cloud.ID
		want   fault.Kind
	}{
		"no action (T28)":             {t.Context(), caller, "", secret, fault.Forbidden},
		"no scope (T28)":              {t.Context(), caller, getting, cloud.ID{}, fault.Forbidden},
		"no caller (T28)":             {t.Context(), cloud.Caller{}, getting, secret, fault.Unauthenticated},
		"a caller gone since":         {t.Context(), cloud.Caller{Principal: "gone"}, getting, secret, fault.Unauthenticated},
		"a request that ended (T28)":  {ended, caller, getting, secret, fault.Unavailable},
		"an action with odd letters":  {t.Context(), caller, "é\x00", secret, fault.Forbidden},
		"a conditional grant is none": {t.Context(), caller, getting, secret, fault.Forbidden},
	} {
		t.Run(name, func(t *testing.T) {
			guard := g
			if strings.HasPrefix(name, "a conditional") {
				role, _ := builtin.ByName("Key Vault Secrets User")
				guard = deciding([]rbac.Grant{rbac.Bind(cloud.Assignment{Principal: hello, Scope: vault, Condition: "@Resource exists"}, role)})
			}
			if err := guard.Permit(given.ctx, given.caller, given.action, true, given.at); !fault.Is(err, given.want) {
				t.Errorf("got %v, want %v", err, given.want)
			}
		})
	}
}

func TestACureCanBePasted(t *testing.T) {
	r := Refusal{Caller: cloud.Caller{Principal: "p"}, Action: "a", Scope: cloud.MustID("/subscriptions/s/resourceGroups/it's a $(group)")}
	r.Role.Name = "the reader's"
	want := `lanyard role assignment create --assignee p --role 'the reader'\''s' --scope '/subscriptions/s/resourceGroups/it'\''s a $(group)'`
	if got := r.Cure(); got != want {
		t.Errorf("cure is %s, want %s", got, want)
	}
}

// TestARefusalNamesTheGroupThatANearGrantCameBy: nobody finds it among the principal's own otherwise.
func TestARefusalNamesTheGroupThatANearGrantCameBy(t *testing.T) {
	const crew cloud.PrincipalID = "aaaaaaaa-0000-0000-0000-00000000000c"
	near := []rbac.Miss{{Assignment: cloud.Assignment{Principal: crew, Scope: vault}, Role: "Reader", Why: rbac.WrongPlane}}
	r := &Refusal{Caller: cloud.Caller{Principal: hello}, Name: "hello-id", Decision: rbac.Decision{Near: near}}
	if said := strings.Join(r.Evidence(), " "); !strings.Contains(said, "at "+vault.String()+" by the group "+string(crew)+", but") {
		t.Error(said)
	}
}
