package authorization_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"lanyard/internal/arm"
	"lanyard/internal/cloud"
	"lanyard/internal/provider/authorization"
	"lanyard/internal/provider/providertest"
)

const mine = "12345678-0000-0000-0000-0000000000aa"

func role(name, scopes string) string {
	return fmt.Sprintf(`{"properties":{"roleName":%q,"type":"CustomRole","permissions":[{"actions":["Microsoft.App/*/read"],"dataActions":["Microsoft.KeyVault/vaults/secrets/getSecret/action"]}],"assignableScopes":[%s]}}`, name, scopes)
}

var atGroup = `"` + providertest.Group + `"`

func roles(t *testing.T, w *providertest.World, scope, filter string) []string {
	t.Helper()
	a := w.Want(200, "", "GET "+scope+"/providers/Microsoft.Authorization/roleDefinitions?$filter="+strings.NewReplacer("'", "%27", " ", "+").Replace(filter), "")
	names := []string{}
	for _, each := range a.Values() {
		p, _ := each["properties"].(map[string]any)
		names = append(names, p["roleName"].(string))
	}
	return names
}

func TestBuiltInRolesAreEverywhere(t *testing.T) {
	w := begin(t)
	a := w.Want(200, "", "GET "+providertest.Group+definitions+reader, "")
	if a.Property("properties.roleName") != "Reader" || a.Property("properties.type") != "BuiltInRole" ||
		a.Property("id") != providertest.Subscription+definitions+reader {
		t.Errorf("Reader is shown as %s", a.Text)
	}
	if got := roles(t, w, providertest.Group, "roleName eq 'key vault secrets user'"); len(got) != 1 || got[0] != "Key Vault Secrets User" {
		t.Errorf("by name: %v", got)
	}
	if got := roles(t, w, "", "type eq 'BuiltInRole'"); len(got) < 500 {
		t.Errorf("at the root there are %d", len(got))
	}
	if got := roles(t, w, providertest.Group, "type eq 'CustomRole'"); len(got) != 0 {
		t.Errorf("custom ones: %v", got)
	}
	w.Want(404, "RoleDefinitionDoesNotExist", "GET "+providertest.Group+definitions+mine, "")
	w.Want(400, "RoleDefinitionUpdateNotPermitted", "PUT "+providertest.Group+definitions+reader, role("Reader", atGroup))
	w.Want(400, "RoleDefinitionUpdateNotPermitted", "DELETE "+providertest.Group+definitions+reader, "")
}

func TestACustomRoleIsSeenWhereItCanBeAssigned(t *testing.T) {
	w := begin(t)
	p := string(w.Enroll("shop").ID)
	w.Want(201, "", "PUT "+providertest.Subscription+definitions+mine, role("Shop Reader", atGroup))
	for filter, want := range map[string]int{"type eq 'CustomRole'": 1, "roleName eq 'shop reader'": 1, "roleName eq 'Reader' and type eq 'CustomRole'": 0} {
		if got := roles(t, w, providertest.Group, filter); len(got) != want {
			t.Errorf("%s: %v", filter, got)
		}
	}
	if got := roles(t, w, providertest.Other, "type eq 'CustomRole'"); len(got) != 0 {
		t.Errorf("at a sibling: %v", got)
	}
	if got := roles(t, w, providertest.Subscription, "atScopeAndBelow() and type eq 'CustomRole'"); len(got) != 1 {
		t.Errorf("at and below the subscription: %v", got)
	}
	w.Want(200, "", "GET "+providertest.Group+definitions+mine, "")
	w.Want(404, "RoleDefinitionDoesNotExist", "GET "+providertest.Other+definitions+mine, "")
	w.Want(400, "RoleDefinitionDoesNotExist", "PUT "+providertest.Other+assignments+one, grant(mine, p, ""))
	w.Want(201, "", "PUT "+providertest.Group+assignments+one, grant(mine, p, ""))
	w.Want(400, "RoleDefinitionHasAssignments", "DELETE "+providertest.Subscription+definitions+mine, "")
	w.Want(200, "", "DELETE "+providertest.Group+assignments+one, "")
	w.Want(200, "", "DELETE "+providertest.Subscription+definitions+mine, "")
	w.Want(400, "RoleDefinitionDoesNotExist", "PUT "+providertest.Group+assignments+one, grant(mine, p, ""))
}

// A role is the tenant's: it is the same at every scope, and stays when one of them goes.
func TestARoleIsTheSameAtEveryScope(t *testing.T) {
	w := begin(t)
	both := atGroup + `,"` + providertest.Other + `"`
	w.Want(201, "", "PUT "+providertest.Group+definitions+mine, role("Shop Reader", both))
	ids := map[any]bool{}
	for _, scope := range []string{"", providertest.Subscription, providertest.Group, providertest.Other} {
		ids[w.Want(200, "", "GET "+scope+definitions+mine, "").Property("id")] = true
	}
	if len(ids) != 1 || !ids[providertest.Subscription+definitions+mine] {
		t.Errorf("its ids are %v", ids)
	}
	if got := roles(t, w, providertest.Subscription, "type eq 'CustomRole'"); len(got) != 0 {
		t.Errorf("it cannot be assigned at the subscription, and is listed: %v", got)
	}
	w.Want(201, "", "PUT "+providertest.Other+definitions+mine, role("Till Reader", both))
	w.Want(200, "", "DELETE "+providertest.Group+"?api-version=2025-04-01", "")
	if got := roles(t, w, providertest.Other, "type eq 'CustomRole'"); len(got) != 1 || got[0] != "Till Reader" {
		t.Errorf("after a group has gone there are %v", got)
	}
	w.Want(200, "", "DELETE "+providertest.Subscription+definitions+mine, "")
	w.Want(204, "", "DELETE "+providertest.Other+definitions+mine, "")
	w.Want(201, "", "PUT "+providertest.Other+definitions+two, role("till reader", `"`+providertest.Other+`"`))
}

// T16: who is left with a role must not reach through it where it was granted by others.
func TestARoleKeepsTheScopesAtWhichItIsAssigned(t *testing.T) {
	w := begin(t)
	both := atGroup + `,"` + providertest.Other + `"`
	put := "PUT " + providertest.Group + definitions + mine
	w.Want(201, "", put, role("Shop Reader", both))
	w.Want(201, "", "PUT "+providertest.Other+assignments+one, grant(mine, string(w.Enroll("till").ID), ""))
	w.Want(400, "RoleScopeBeingRemovedContainsAssignments", put, role("Shop Reader", atGroup))
	w.Want(201, "", put, role("Shop Reader", `"`+providertest.Other+`"`))
	w.Want(201, "", put, role("Shop Reader", `"`+providertest.Subscription+`"`))
	w.Want(400, "RoleScopeBeingRemovedContainsAssignments", put, role("Shop Reader", atGroup))
	w.Want(200, "", "DELETE "+providertest.Other+assignments+one, "")
	w.Want(201, "", put, role("Shop Reader", atGroup))
}

func TestARoleThatGoesIsNotAssigned(t *testing.T) {
	for range 20 {
		w := begin(t)
		p := string(w.Enroll("shop").ID)
		w.Want(201, "", "PUT "+providertest.Group+definitions+mine, role("Shop Reader", atGroup))
		var wait sync.WaitGroup
		wait.Go(func() { w.Ask("DELETE "+providertest.Group+definitions+mine, "") })
		wait.Go(func() { w.Ask("PUT "+providertest.Group+assignments+one, grant(mine, p, "")) })
		wait.Wait()
		_, there := w.Engine.Document(cloud.MustID(definitions + mine))
		if _, granted := w.Engine.Document(cloud.MustID(providertest.Group + assignments + one)); granted && !there {
			t.Fatal("a role that is gone is assigned")
		}
	}
}

func TestRoleNamesAndIDsAreUniqueInTheTenant(t *testing.T) {
	w := begin(t)
	w.Want(201, "", "PUT "+providertest.Group+definitions+mine, role("Shop Reader", atGroup))
	// Assignments know a role by its GUID: at another scope it is the same role.
	w.Want(201, "", "PUT "+providertest.Other+definitions+mine, role("Else", atGroup))
	w.Want(201, "", "PUT "+providertest.Group+definitions+mine, role("Shop Reader", atGroup))
	w.Want(409, "RoleDefinitionWithSameNameExists", "PUT "+providertest.Other+definitions+two, role("shop reader", atGroup))
	w.Want(409, "RoleDefinitionWithSameNameExists", "PUT "+providertest.Other+definitions+two, role("owner", atGroup))
	w.Want(201, "", "PUT "+providertest.Group+definitions+mine, role("Till Reader", atGroup))
	w.Want(201, "", "PUT "+providertest.Other+definitions+two, role("Shop Reader", atGroup))
}

func TestWritingARoleNeedsTheRightAtEachAssignableScope(t *testing.T) {
	w := begin(t)
	w.Want(201, "", "PUT "+providertest.Group+definitions+two, role("Both", atGroup+`,"`+providertest.Other+`"`))
	w.Refuse = arm.Demand{Action: authorization.Definitions + "/delete", Scope: cloud.MustID(providertest.Other)}
	w.Want(403, "LinkedAuthorizationFailed", "DELETE "+providertest.Group+definitions+two, "")
	w.Refuse = arm.Demand{Action: authorization.Definitions + "/write", Scope: cloud.MustID(providertest.Other)}
	both := atGroup + `,"` + providertest.Other + `"`
	w.Want(403, "LinkedAuthorizationFailed", "PUT "+providertest.Group+definitions+mine, role("Shop Reader", both))
	w.Want(201, "", "PUT "+providertest.Group+definitions+mine, role("Shop Reader", atGroup))
}

func TestRolesThatAreNoRoles(t *testing.T) {
	w := begin(t)
	for claim, c := range map[string]struct{ code, body string }{
		"without a name":              {"InvalidRoleDefinitionName", role("", atGroup)},
		"assignable at the root":      {"InvalidRoleDefinitionAssignableScopes", role("x", `"/"`)},
		"assignable nowhere":          {"InvalidRoleDefinitionAssignableScopes", role("x", "")},
		"assignable where nothing is": {"LinkedInvalidPropertyId", role("x", `"`+providertest.Subscription+`/resourceGroups/none"`)},
		"without permissions":         {"InvalidRoleDefinitionPermissions", `{"properties":{"roleName":"x","permissions":[],"assignableScopes":[` + atGroup + `]}}`},
		"with an action that is none": {"InvalidActionOrNotAction", strings.Replace(role("x", atGroup), "Microsoft.App/*/read", "read everything", 1)},
		"that say they are built in":  {"InvalidRoleDefinitionType", strings.Replace(role("x", atGroup), "CustomRole", "BuiltInRole", 1)},
	} {
		t.Run(claim, func(t *testing.T) {
			w.Want(400, c.code, "PUT "+providertest.Group+definitions+mine, c.body)
		})
	}
	w.Want(400, "InvalidRoleDefinitionId", "PUT "+providertest.Group+definitions+"mine", role("x", atGroup))
	w.Want(501, "NotOffered", "PUT "+providertest.Group+definitions+mine, role("x", `"/providers/Microsoft.Management/managementGroups/all"`))
	w.Want(400, "InvalidRoleDefinitionName", "PUT "+providertest.Group+definitions+mine, role(strings.Repeat("x", 513), atGroup))
	flat := strings.TrimSuffix(strings.TrimPrefix(role("Flat", atGroup), `{"properties":`), "}")
	w.Want(201, "", "PUT "+providertest.Group+definitions+two, strings.Replace(flat, `"type":"CustomRole",`, "", 1))
	w.Want(501, "NotOffered", "PUT "+providertest.Group+definitions+mine,
		strings.Replace(role("x", atGroup), `"dataActions"`, `"condition":"true","dataActions"`, 1))
}

func TestClientsOnlyReadDenyAssignments(t *testing.T) {
	w := begin(t)
	line := providertest.Group + "/providers/Microsoft.Authorization/denyAssignments/" + one
	body := `{"properties":{"denyAssignmentName":"locked","principals":[{"id":"` + string(cloud.AllPrincipals) + `","type":"Everyone"}],"permissions":[{"actions":["*/delete"]}]}}`
	w.Want(405, "MethodNotAllowed", "PUT "+line, body)
	if _, err := w.Engine.Place(t.Context(), cloud.MustID(line), cloud.Caller{}, []byte(body)); err != nil {
		t.Fatal(err)
	}
	w.Want(405, "MethodNotAllowed", "DELETE "+line, "")
	list := "GET " + providertest.Group + "/providers/Microsoft.Authorization/denyAssignments?$filter="
	for filter, want := range map[string]int{"": 1, "atScope()": 1, "denyAssignmentName+eq+%27locked%27": 1, "principalId+eq+%27" + stranger + "%27": 1,
		"denyAssignmentName+eq+%27else%27": 0} {
		if a := w.Want(200, "", list+filter, ""); len(a.Values()) != want {
			t.Errorf("%s lists %s", filter, a.Text)
		}
	}
	w.Want(200, "", "DELETE "+providertest.Group+"?api-version=2025-04-01", "")
}
