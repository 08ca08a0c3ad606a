package rbac

import (
	"slices"
	"testing"

	"lanyard/internal/cloud"
	"lanyard/internal/rbac/builtin"
)

const (
	billing  cloud.PrincipalID = "11111111-1111-1111-1111-111111111111"
	stranger cloud.PrincipalID = "22222222-2222-2222-2222-222222222222"

	sub       = "/subscriptions/33333333-3333-3333-3333-333333333333"
	rg        = sub + "/resourceGroups/rg"
	vault     = rg + "/providers/Microsoft.KeyVault/vaults/ledger"
	secret    = vault + "/secrets/db"
	group     = "/providers/Microsoft.Management/managementGroups/corp"
	getSecret = "Microsoft.KeyVault/vaults/secrets/getSecret/action"
	setSecret = "Microsoft.KeyVault/vaults/secrets/setSecret/action"
)

// role gives a built-in role by name.
func role(t testing.TB, name string) cloud.Role {
	t.Helper()
	r, ok := builtin.ByName(name)
	if !ok {
		t.Fatalf("no built-in role %q", name)
	}
	return r
}

// own makes a custom role of the permissions given.
func own(ps ...cloud.Permission) cloud.Role {
	return cloud.Role{Name: "own", Custom: true, Permissions: ps, Assignable: []cloud.ID{cloud.Root}}
}

func grant(role cloud.Role, at string) Grant {
	return Bind(cloud.Assignment{Principal: billing, Scope: cloud.MustID(at), Role: role.ID.Name()}, role)
}

func under(condition string, role cloud.Role, at string) Grant {
	return Bind(cloud.Assignment{Principal: billing, Scope: cloud.MustID(at), Condition: condition}, role)
}

// TestRolesReachDownNeverSideways is AC-1, AC-2 and T18.
func TestRolesReachDownNeverSideways(t *testing.T) {
	user := role(t, "Key Vault Secrets User")
	cases := map[string]struct {
		at    string // where the role is granted; empty for nowhere
		want  string // what is asked for
		above []string
		ok    bool
		why   Why
	}{
		"no role, no access":                                    {"", secret, nil, false, 0},
		"a grant at the secret reaches the secret":              {secret, secret, nil, true, 0},
		"a grant at the vault reaches its secrets":              {vault, secret, nil, true, 0},
		"a grant at the group reaches the vault":                {rg, vault, nil, true, 0},
		"a grant at the subscription reaches the vault":         {sub, vault, nil, true, 0},
		"a grant at the root reaches the vault":                 {"/", vault, nil, true, 0},
		"scopes compare without regard to case":                 {"/SUBSCRIPTIONS" + sub[14:] + "/resourcegroups/RG", vault, nil, true, 0},
		"a grant at one secret does not reach another":          {secret, vault + "/secrets/db2", nil, false, WrongScope},
		"a grant at a secret does not reach up to the vault":    {secret, vault, nil, false, WrongScope},
		"rg does not reach rg-prod":                             {rg, rg + "-prod", nil, false, WrongScope},
		"rg-prod does not reach rg":                             {rg + "-prod", rg, nil, false, WrongScope},
		"rg does not reach a vault in rg-prod":                  {rg, rg + "-prod/providers/Microsoft.KeyVault/vaults/ledger", nil, false, WrongScope},
		"one subscription does not reach another":               {sub, "/subscriptions/44444444-4444-4444-4444-444444444444", nil, false, WrongScope},
		"a management group reaches what lies below it":         {group, vault, []string{group}, true, 0},
		"a management group does not reach what lies elsewhere": {group, vault, []string{group + "2"}, false, WrongScope},
		"a management group is not reached from below":          {sub, group, nil, false, WrongScope},
	}
	for sentence, c := range cases {
		t.Run(sentence, func(t *testing.T) {
			var grants []Grant
			if c.at != "" {
				grants = append(grants, grant(user, c.at))
			}
			r := Request{Principal: billing, Action: getSecret, Data: true, At: cloud.MustID(c.want)}
			for _, a := range c.above {
				r.Above = append(r.Above, cloud.MustID(a))
			}
			expect(t, Decide(r, grants, nil), c.ok, c.why)
		})
	}
}

// expect holds a decision against the answer and, of a refusal, the nearest miss.
func expect(t *testing.T, d Decision, ok bool, why Why) {
	t.Helper()
	if d.Allowed != ok {
		t.Fatalf("allowed %v, want %v: %+v", d.Allowed, ok, d)
	}
	if ok && (len(d.By) != 1 || len(d.Near) != 0 || len(d.Denied) != 0) {
		t.Errorf("an allowed request has evidence %+v", d)
	}
	var nearest Why
	if len(d.Near) > 0 {
		nearest = d.Near[0].Why
	}
	if nearest != why {
		t.Errorf("nearest miss: %v, want %v", nearest, why)
	}
}

// TestPlanesAreKeptApart is AC-3.
func TestPlanesAreKeptApart(t *testing.T) {
	lists := func(s ...string) []string { return s }
	cases := map[string]struct {
		role   cloud.Role
		action string
		data   bool
		ok     bool
		why    Why
	}{
		"Owner does not read secrets":                        {role(t, "Owner"), getSecret, true, false, WrongPlane},
		"Contributor does not read secrets":                  {role(t, "Contributor"), getSecret, true, false, WrongPlane},
		"Key Vault Contributor does not read secrets":        {role(t, "Key Vault Contributor"), getSecret, true, false, WrongPlane},
		"Key Vault Reader does not read secret values":       {role(t, "Key Vault Reader"), getSecret, true, false, WrongAction},
		"Key Vault Secrets User reads secrets":               {role(t, "Key Vault Secrets User"), getSecret, true, true, 0},
		"Key Vault Secrets User does not set secrets":        {role(t, "Key Vault Secrets User"), setSecret, true, false, WrongAction},
		"Key Vault Secrets User does not delete a vault":     {role(t, "Key Vault Secrets User"), "Microsoft.KeyVault/vaults/delete", false, false, WrongPlane},
		"Key Vault Secrets Officer sets secrets":             {role(t, "Key Vault Secrets Officer"), setSecret, true, true, 0},
		"Owner deletes a vault":                              {role(t, "Owner"), "Microsoft.KeyVault/vaults/delete", false, true, 0},
		"Reader reads a vault":                               {role(t, "Reader"), "Microsoft.KeyVault/vaults/read", false, true, 0},
		"Reader does not delete a vault":                     {role(t, "Reader"), "Microsoft.KeyVault/vaults/delete", false, false, WrongAction},
		"Contributor does not grant roles: NotActions":       {role(t, "Contributor"), "Microsoft.Authorization/roleAssignments/write", false, false, Subtracted},
		"Managed Identity Operator assigns identities":       {role(t, "Managed Identity Operator"), "Microsoft.ManagedIdentity/userAssignedIdentities/assign/action", false, true, 0},
		"Managed Identity Operator does not delete them":     {role(t, "Managed Identity Operator"), "Microsoft.ManagedIdentity/userAssignedIdentities/delete", false, false, WrongAction},
		"Container Apps Contributor writes an app":           {role(t, "Container Apps Contributor"), "Microsoft.App/containerApps/write", false, true, 0},
		"actions compare without regard to case":             {role(t, "Key Vault Secrets User"), "MICROSOFT.KEYVAULT/VAULTS/SECRETS/GETSECRET/ACTION", true, true, 0},
		"NotDataActions subtract":                            {own(cloud.Permission{DataActions: lists("*"), NotDataActions: lists(getSecret)}), getSecret, true, false, Subtracted},
		"NotActions do not subtract from data actions":       {own(cloud.Permission{DataActions: lists("*"), NotActions: lists("*")}), getSecret, true, true, 0},
		"NotActions subtract from their own permission only": {own(cloud.Permission{Actions: lists("*"), NotActions: lists("a/b")}, cloud.Permission{Actions: lists("a/*")}), "a/b", false, true, 0},
	}
	for sentence, c := range cases {
		t.Run(sentence, func(t *testing.T) {
			r := Request{Principal: billing, Action: c.action, Data: c.data, At: cloud.MustID(vault)}
			expect(t, Decide(r, []Grant{grant(c.role, rg)}, nil), c.ok, c.why)
		})
	}
}

func TestNotActionsOfOneRoleDoNotSubtractFromAnother(t *testing.T) {
	grants := []Grant{grant(role(t, "Contributor"), rg), grant(role(t, "User Access Administrator"), rg)}
	r := Request{Principal: billing, Action: "Microsoft.Authorization/roleAssignments/write", At: cloud.MustID(rg)}
	expect(t, Decide(r, grants, nil), true, 0)
}

// TestDenyAssignments is of AC-4 and T28: deny wins, and in doubt it denies.
func TestDenyAssignments(t *testing.T) {
	one := []cloud.PrincipalID{billing}
	everyone := []cloud.PrincipalID{cloud.AllPrincipals}
	all := []cloud.Permission{{DataActions: []string{"*"}}}
	cases := map[string]struct {
		denial cloud.Denial
		at     string
		ok     bool
	}{
		"deny wins over allow":                      {cloud.Denial{Permissions: all, Principals: one, Scope: cloud.MustID(rg)}, vault, false},
		"a denial for all denies each":              {cloud.Denial{Permissions: all, Principals: everyone, Scope: cloud.Root}, vault, false},
		"a denial for all spares those it excludes": {cloud.Denial{Permissions: all, Principals: everyone, Excluded: one, Scope: cloud.Root}, vault, true},
		"a denial for another denies nothing":       {cloud.Denial{Permissions: all, Principals: []cloud.PrincipalID{stranger}, Scope: cloud.Root}, vault, true},
		"a denial for nobody denies nothing":        {cloud.Denial{Permissions: all, Scope: cloud.Root}, vault, true},
		"a denial elsewhere denies nothing here":    {cloud.Denial{Permissions: all, Principals: one, Scope: cloud.MustID(rg + "-prod")}, vault, true},
		"a denial reaches down":                     {cloud.Denial{Permissions: all, Principals: one, Scope: cloud.MustID(vault)}, secret, false},
		"unless it says it does not":                {cloud.Denial{Permissions: all, Principals: one, OnlyHere: true, Scope: cloud.MustID(vault)}, secret, true},
		"and then it still denies at its own place": {cloud.Denial{Permissions: all, Principals: one, OnlyHere: true, Scope: cloud.MustID(vault)}, vault, false},
		"a denial of actions leaves data actions":   {cloud.Denial{Permissions: []cloud.Permission{{Actions: []string{"*"}}}, Principals: one, Scope: cloud.Root}, vault, true},
		"a denial can subtract too":                 {cloud.Denial{Permissions: []cloud.Permission{{DataActions: []string{"*"}, NotDataActions: []string{getSecret}}}, Principals: one, Scope: cloud.Root}, vault, true},
		"a denial under a condition denies":         {cloud.Denial{Permissions: []cloud.Permission{{DataActions: []string{"*"}, Condition: "@Resource[x] = 1"}}, Principals: one, Scope: cloud.Root}, vault, false},
	}
	for sentence, c := range cases {
		t.Run(sentence, func(t *testing.T) {
			r := Request{Principal: billing, Action: getSecret, Data: true, At: cloud.MustID(c.at)}
			d := Decide(r, []Grant{grant(role(t, "Key Vault Secrets User"), "/")}, []Denial{BindDenial(c.denial)})
			if d.Allowed != c.ok || (len(d.Denied) == 0) != c.ok {
				t.Errorf("%+v", d)
			}
			if !c.ok && len(d.By) != 1 {
				t.Errorf("the grant that was overruled is not shown: %+v", d)
			}
		})
	}
}

// TestWhatCannotBeJudgedIsRefused is T28.
func TestWhatCannotBeJudgedIsRefused(t *testing.T) {
	everything := own(cloud.Permission{Actions: []string{"*"}, DataActions: []string{"*"}})
	conditional := own(cloud.Permission{DataActions: []string{"*"}, Condition: "((!(ActionMatches{'x'})))"})
	at := cloud.MustID(vault)
	cases := map[string]struct {
		grant   Grant
		request Request
		why     Why
	}{
		"a grant under a condition":       {under("true", everything, "/"), Request{billing, getSecret, true, at, nil, nil}, Conditioned},
		"a permission under a condition":  {grant(conditional, "/"), Request{billing, getSecret, true, at, nil, nil}, Conditioned},
		"a grant of somebody else":        {grant(everything, "/"), Request{stranger, getSecret, true, at, nil, nil}, 0},
		"no principal":                    {grant(everything, "/"), Request{"", getSecret, true, at, nil, nil}, 0},
		"no action":                       {grant(everything, "/"), Request{billing, "", true, at, nil, nil}, 0},
		"an action that is a wildcard":    {grant(everything, "/"), Request{billing, "*", true, at, nil, nil}, 0},
		"an action that holds a wildcard": {grant(everything, "/"), Request{billing, "a/*/read", true, at, nil, nil}, 0},
		"an action with a blank":          {grant(everything, "/"), Request{billing, "a/b read", true, at, nil, nil}, 0},
		"an action that Unicode folds":    {grant(everything, "/"), Request{billing, "Microsoft.\u212AeyVault/read", true, at, nil, nil}, 0},
		"an action without end":           {grant(everything, "/"), Request{billing, string(slices.Repeat([]byte("a"), maxAction+1)), true, at, nil, nil}, 0},
		"no place":                        {grant(everything, "/"), Request{billing, getSecret, true, cloud.ID{}, nil, nil}, 0},
		"a zero grant":                    {Grant{}, Request{billing, getSecret, true, at, nil, nil}, 0},
		"a grant without a scope":         {Bind(cloud.Assignment{Principal: billing}, everything), Request{billing, getSecret, true, at, nil, nil}, WrongScope},
		"a role without permissions":      {grant(own(), "/"), Request{billing, getSecret, true, at, nil, nil}, WrongPlane},
	}
	for sentence, c := range cases {
		t.Run(sentence, func(t *testing.T) {
			expect(t, Decide(c.request, []Grant{c.grant}, []Denial{{}}), false, c.why)
		})
	}
}

func TestExplainTellsEveryGrantAndTheNearestMissFirst(t *testing.T) {
	r := Request{Principal: billing, Action: getSecret, Data: true, At: cloud.MustID(vault)}
	user, owner := role(t, "Key Vault Secrets User"), role(t, "Owner")
	moved := own(cloud.Permission{DataActions: []string{"*"}})
	moved.Assignable = []cloud.ID{cloud.MustID(rg + "-prod")}
	all := []Grant{
		grant(moved, vault),
		grant(role(t, "Storage Blob Data Reader"), vault), grant(owner, sub), grant(user, rg+"-prod"),
		grant(own(cloud.Permission{DataActions: []string{"*"}, NotDataActions: []string{"*/getSecret/*"}}), rg),
		under("@Request[x] = 1", user, vault), grant(owner, rg+"-prod"),
	}
	d := Explain(r, all, nil)
	var whys []Why
	for _, m := range d.Near {
		whys = append(whys, m.Why)
		if m.Role == "" || m.Why.String() == "unknown" {
			t.Errorf("a miss does not say what it is: %+v", m)
		}
	}
	if want := []Why{Conditioned, Unassignable, Subtracted, WrongScope, WrongPlane, WrongAction}; d.Allowed || !slices.Equal(whys, want) {
		t.Errorf("allowed %v, misses %v, want %v", d.Allowed, whys, want)
	}
	d = Explain(r, append(all, grant(user, vault), grant(user, "/")), nil)
	if !d.Allowed || len(d.By) != 2 || len(d.Near) != 0 {
		t.Errorf("with two grants that allow: %+v", d)
	}
}
