package managedidentity_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"strings"
	"testing"

	"lanyard/internal/arm"
	"lanyard/internal/cloud"
	"lanyard/internal/provider"
	"lanyard/internal/provider/app"
	"lanyard/internal/provider/authorization"
	"lanyard/internal/provider/managedidentity"
	"lanyard/internal/provider/providertest"
	"lanyard/internal/rbac"
)

const (
	contributor = "b24988ac-6180-42a0-ab88-20f7382dd24c"
	operator    = "f1a07417-d97a-45cb-824c-7a7467783830" // Managed Identity Operator
	secrets     = "4633458b-17de-408a-b874-0445c86b69e6" // Key Vault Secrets User
	assignments = "/providers/Microsoft.Authorization/roleAssignments"
	rv          = "?api-version=2022-04-01"
	av          = "?api-version=2025-01-01"
	env         = providertest.Group + "/providers/Microsoft.App/managedEnvironments/env"
	shop        = providertest.Group + "/providers/Microsoft.App/containerApps/shop"
	powerful    = providertest.Other + "/providers/Microsoft.ManagedIdentity/userAssignedIdentities/powerful"
	read        = "Microsoft.KeyVault/vaults/secrets/getSecret/action"
)

// estate is a world of apps, identities and roles, whose roles decide.
func estate(t *testing.T) *providertest.World {
	w := providertest.Begin(t, v, func(w *providertest.World) []arm.Row {
		deps := provider.Deps{Resources: w.Engine, Store: w.Store, Tenant: providertest.Tenant,
			Await: func(ctx context.Context, revision int64) error { return w.Engine.Await(ctx, revision) }}
		rows := append(app.Rows(app.Deps{Deps: deps}), managedidentity.Rows(managedidentity.Deps{Deps: deps, Directory: w.Directory})...)
		return append(rows, authorization.Rows(authorization.Deps{
			Directory: w.Directory, Resources: w.Engine, Store: w.Store, Tenant: providertest.Tenant})...)
	})
	w.Want(201, "", "PUT "+env+av, here)
	return w
}

func grant(w *providertest.World, who cloud.PrincipalID, role, scope string) string {
	w.T.Helper()
	name, err := cloud.NewID(rand.Reader)
	if err != nil {
		w.T.Fatal(err)
	}
	id := scope + assignments + "/" + name
	w.Want(201, "", "PUT "+id+rv, fmt.Sprintf(`{"properties":{"roleDefinitionId":"/providers/Microsoft.Authorization/roleDefinitions/%s","principalId":"%s"}}`, role, who))
	return id
}

// wearing is an app that wears something.
func wearing(identity string) string {
	return fmt.Sprintf(`{"location":"westeurope","identity":%s,"properties":{"environmentId":%q,"template":{"containers":[{"name":"main","image":"shop:1","command":["/bin/shop"]}]}}}`, identity, env)
}

// T16: a contributor on apps tries to run one under an identity that he has no right to.
func TestAContributorCannotWearAnIdentityHeHasNoRightTo(t *testing.T) {
	w := estate(t)
	w.Want(201, "", "PUT "+powerful, here)
	mallory := w.Enroll("mallory")
	grant(w, mallory.ID, contributor, providertest.Group)
	as := w.As(mallory)
	shouted := strings.ToUpper(powerful)
	lower := strings.Replace(powerful, "resourceGroups", "resourcegroups", 1)
	blocks := map[string]string{
		"alone":                         `{"type":"UserAssigned","userAssignedIdentities":{"` + powerful + `":{}}}`,
		"beside its own":                `{"type":"SystemAssigned, UserAssigned","userAssignedIdentities":{"` + powerful + `":{}}}`,
		"beside its own, without blank": `{"type":"SystemAssigned,UserAssigned","userAssignedIdentities":{"` + powerful + `":{}}}`,
		"in lower case":                 `{"type":"userassigned","userAssignedIdentities":{"` + lower + `":{}}}`,
		"in upper case":                 `{"type":"USERASSIGNED","userAssignedIdentities":{"` + shouted + `":{}}}`,
		"that does not exist":           `{"type":"UserAssigned","userAssignedIdentities":{"` + powerful + `-2":{}}}`,
	}
	refused := func(claim, line, body string) {
		t.Helper()
		a := as.Ask(line, body)
		if a.Status != 403 || a.Code() != "LinkedAuthorizationFailed" || !strings.Contains(a.Text, "Microsoft.ManagedIdentity/userAssignedIdentities/assign/action") {
			t.Errorf("%s: %s answered %d %s", claim, line, a.Status, a.Text)
		}
	}
	for claim, block := range blocks {
		refused(claim+", create", "PUT "+shop+av, wearing(block))
	}
	as.Want(201, "", "PUT "+shop+av, wearing(`{"type":"SystemAssigned"}`))
	for claim, block := range blocks {
		refused(claim+", PUT", "PUT "+shop+av, wearing(block))
		refused(claim+", PATCH", "PATCH "+shop+av, `{"identity":`+block+`}`)
	}
	if a := as.Want(200, "", "GET "+shop+av, ""); strings.Contains(strings.ToLower(a.Text), "powerful") {
		t.Errorf("the app wears %s", a.Text)
	}
	// With the second right, and with both at once, it can.
	grant(w, mallory.ID, operator, powerful)
	as.Want(200, "", "PATCH "+shop+av, `{"identity":`+blocks["alone"]+`}`)
}

// T16, T26: an identity that is deleted and made anew is another one, and so is the right to it.
func TestANamesakeIsNotWornWithoutTheRight(t *testing.T) {
	w := estate(t)
	w.Want(201, "", "PUT "+powerful, here)
	mallory := w.Enroll("mallory")
	grant(w, mallory.ID, contributor, providertest.Group)
	w.Want(201, "", "PUT "+shop+av, wearing(`{"type":"UserAssigned","userAssignedIdentities":{"`+powerful+`":{}}}`))
	as := w.As(mallory)
	as.Want(200, "", "PATCH "+shop+av, `{"tags":{"a":"b"}}`) // what it wears it goes on wearing
	w.Want(200, "", "DELETE "+powerful, "")
	w.Want(201, "", "PUT "+powerful, here)
	again := `{"type":"UserAssigned","userAssignedIdentities":{"` + powerful + `":{}}}`
	as.Want(403, "LinkedAuthorizationFailed", "PATCH "+shop+av, `{"identity":`+again+`}`)
	as.Want(403, "LinkedAuthorizationFailed", "PUT "+shop+av, wearing(again))
}

// T26: what was granted to an identity, an app or an application is not its namesake's.
func TestGrantsAreNotInheritedByName(t *testing.T) {
	w := estate(t)
	application := func() cloud.PrincipalID { return w.Enroll("till").ID }
	for name, c := range map[string]struct {
		begin func() cloud.PrincipalID
		end   func(cloud.PrincipalID)
	}{
		"a user-assigned identity": {
			func() cloud.PrincipalID {
				return principal(w.Want(201, "", "PUT "+line, here), "properties.principalId")
			},
			func(cloud.PrincipalID) { w.Want(200, "", "DELETE "+line, "") }},
		"an app with an identity of its own": {
			func() cloud.PrincipalID {
				return principal(w.Want(201, "", "PUT "+shop+av, wearing(`{"type":"SystemAssigned"}`)), "identity.principalId")
			},
			func(cloud.PrincipalID) { w.Want(200, "", "DELETE "+shop+av, "") }},
		"an application": {application, func(id cloud.PrincipalID) {
			p, _ := w.Directory.Principal(id)
			w.Commit(w.Directory.Retire(p))
		}},
	} {
		t.Run(name, func(t *testing.T) {
			first := c.begin()
			id := grant(w, first, secrets, providertest.Group)
			if !reads(w, first) {
				t.Fatal("the grant does not work")
			}
			c.end(first)
			if reads(w, first) {
				t.Error("it still has the right although it is gone")
			}
			second := c.begin()
			if first == second || reads(w, second) {
				t.Errorf("%s, of the same name as %s, has its rights", second, first)
			}
			list := w.Want(200, "", "GET "+providertest.Group+assignments+rv+"&$filter=principalId+eq+%27"+string(first)+"%27", "")
			if len(list.Values()) != 1 || !strings.Contains(list.Text, `"principalType":"Unknown"`) {
				t.Errorf("the orphan is listed as %s", list.Text)
			}
			mine := w.Want(200, "", "GET "+providertest.Group+assignments+rv+"&$filter=assignedTo(%27"+string(second)+"%27)", "")
			if len(mine.Values()) != 0 {
				t.Errorf("the new one is shown with %s", mine.Text)
			}
			w.Want(200, "", "DELETE "+id+rv, "")
			c.end(second)
		})
	}
}

func principal(a providertest.Answer, path string) cloud.PrincipalID {
	id, _ := a.Property(path).(string)
	return cloud.PrincipalID(id)
}

func reads(w *providertest.World, who cloud.PrincipalID) bool {
	vault := cloud.MustID(providertest.Group + "/providers/Microsoft.KeyVault/vaults/kv")
	return w.Directory.Decide(rbac.Request{Principal: who, Action: read, Data: true, At: vault}).Allowed
}
