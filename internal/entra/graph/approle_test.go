package graph_test

import (
	"strings"
	"testing"

	"lanyard/internal/cloud"
	"lanyard/internal/directory"
)

const (
	readRole  = "11111111-0000-4000-8000-000000000001"
	clerkRole = "11111111-0000-4000-8000-000000000002"
)

// roleOf gives an app role as clients write it.
func roleOf(id, value string, members ...string) object {
	return object{"id": id, "value": value, "displayName": value, "description": value, "isEnabled": true, "allowedMemberTypes": members}
}

// TestAppRolesAreAssigned is of TG-4 and TK-9: to apps, people and groups, each once, by either end; and
// what a token of theirs would say.
func TestAppRolesAreAssigned(t *testing.T) {
	w := start(t)
	app, sp, _ := w.createForRBAC("orders")
	at := "/servicePrincipals/" + sp["id"].(string)
	w.call(w.owner, 204, "PATCH", "/applications/"+app["id"].(string), object{"groupMembershipClaims": "SecurityGroup",
		"appRoles": []object{roleOf(readRole, "Orders.Read", "Application"), roleOf(clerkRole, "Clerk", "User")}})
	if roles := w.call(w.owner, 200, "GET", at, nil)["appRoles"].([]any); len(roles) != 2 {
		t.Errorf("the service principal shows %v", roles)
	}
	g := w.group("clerks", w.user.ID)
	outer := w.group("outer", cloud.PrincipalID(g))
	assign := func(status int, path string, who cloud.PrincipalID, role string) object {
		t.Helper()
		return w.call(w.owner, status, "POST", path, object{"principalId": who, "resourceId": sp["id"], "appRoleId": role})
	}
	assign(400, at+"/appRoleAssignedTo", w.mi.ID, clerkRole)
	assign(400, at+"/appRoleAssignedTo", w.user.ID, readRole)
	assign(400, at+"/appRoleAssignedTo", w.mi.ID, directory.DefaultAppRole)
	assign(404, at+"/appRoleAssignedTo", firstKey, readRole)
	assign(400, "/servicePrincipals/"+string(w.worker.ID)+"/appRoleAssignments", w.mi.ID, readRole)
	made := assign(201, at+"/appRoleAssignedTo", w.mi.ID, readRole)
	if made["principalType"] != "ServicePrincipal" || made["principalDisplayName"] != "billing" || made["resourceDisplayName"] != "orders" {
		t.Errorf("made %v", made)
	}
	if again := assign(400, "/servicePrincipals/"+string(w.mi.ID)+"/appRoleAssignments", w.mi.ID, readRole); !strings.Contains(printed(t, again), "already exists") {
		t.Errorf("again: %v", again)
	}
	assign(201, "/groups/"+g+"/appRoleAssignments", cloud.PrincipalID(g), clerkRole)
	assign(201, at+"/appRoleAssignedTo", cloud.PrincipalID(outer), clerkRole)
	for path, want := range map[string]int{at + "/appRoleAssignedTo": 3, at + "/appRoleAssignments": 0, "/groups/" + g + "/appRoleAssignments": 1,
		"/servicePrincipals/" + string(w.mi.ID) + "/appRoleAssignments": 1, "/users/" + string(w.user.ID) + "/appRoleAssignments": 0,
		at + "/appRoleAssignedTo" + filter("principalId eq '"+string(w.mi.ID)+"'"): 1} {
		if got := value(w.call(w.owner, 200, "GET", path, nil)); len(got) != want {
			t.Errorf("%s: %v", path, got)
		}
	}
	w.call(w.mi, 200, "GET", "/servicePrincipals/"+string(w.mi.ID)+"/appRoleAssignments", nil)
	w.refused(w.mi, 403, "GET", at+"/appRoleAssignedTo", nil)
	w.refused(w.mi, 403, "POST", at+"/appRoleAssignedTo", object{"principalId": w.mi.ID, "resourceId": sp["id"], "appRoleId": readRole})

	w.belongs(t, app, w.mi, "", "Orders.Read")
	w.belongs(t, app, w.user, g+" "+outer, "Clerk")
	one := "/appRoleAssignedTo/" + made["id"].(string)
	w.call(w.owner, 200, "GET", at+one, nil)
	w.refused(w.mi, 403, "DELETE", at+one, nil)
	w.refused(w.owner, 404, "DELETE", "/servicePrincipals/"+string(w.worker.ID)+one, nil)
	w.call(w.owner, 204, "DELETE", at+one, nil)
	w.belongs(t, app, w.mi, "", "")
}

// belongs holds what tokens for an application would say of somebody against what is wanted.
func (w *world) belongs(t *testing.T, app object, who cloud.Principal, groups, roles string) {
	t.Helper()
	resource, ok := w.dir.Audience(app["appId"].(string))
	if !ok {
		t.Fatal("the application is no resource")
	}
	in, has := w.dir.Belonging(who.ID, resource)
	want := strings.Fields(groups)
	for _, g := range want {
		if !strings.Contains(strings.Join(in, " "), g) {
			t.Errorf("%s is in %v, want %s", who.Name, in, groups)
		}
	}
	if len(in) != len(want) || strings.Join(has, " ") != roles {
		t.Errorf("%s is in %v and has %v, want %s and %s", who.Name, in, has, groups, roles)
	}
}

// TestWhatAppRolesMustBe: a GUID, names, a value without blanks, someone to be assigned to, and no two alike.
func TestWhatAppRolesMustBe(t *testing.T) {
	w := start(t)
	app, _, _ := w.createForRBAC("orders")
	at := "/applications/" + app["id"].(string)
	with := func(name string, v any) object {
		o := roleOf(readRole, "Orders.Read", "Application")
		o[name] = v
		return o
	}
	for name, roles := range map[string][]object{
		"no id":            {with("id", "")},
		"the default's id": {with("id", directory.DefaultAppRole)},
		"no name":          {with("displayName", "")},
		"no description":   {with("description", "")},
		"a blank":          {with("value", "a b")},
		"a dot first":      {with("value", ".a")},
		"a long value":     {with("value", strings.Repeat("x", 121))},
		"nobody":           {with("allowedMemberTypes", []string{})},
		"somebody else":    {with("allowedMemberTypes", []string{"Device"})},
		"what there is no": {with("colour", "red")},
		"two of one id":    {roleOf(readRole, "a", "User"), roleOf(readRole, "b", "User")},
		"two of one value": {roleOf(readRole, "a", "User"), roleOf(clerkRole, "a", "User")},
	} {
		if code, _ := w.refused(w.owner, 400, "PATCH", at, object{"appRoles": roles}); code != "Request_BadRequest" {
			t.Errorf("%s: %s", name, code)
		}
	}
	w.call(w.owner, 204, "PATCH", at, object{"appRoles": []object{with("isEnabled", true)}})
	if code, _ := w.refused(w.owner, 400, "PATCH", at, object{"appRoles": []object{}}); code != "CannotDeleteOrUpdateEnabledEntitlement" {
		t.Errorf("an enabled role is taken away with %s", code)
	}
	w.call(w.owner, 204, "PATCH", at, object{"appRoles": []object{with("isEnabled", false)}})
	w.call(w.owner, 204, "PATCH", at, object{"appRoles": []object{}})
}

// TestAnApplicationSaysWhatItsTokensAre: their version, and whether they name groups.
func TestAnApplicationSaysWhatItsTokensAre(t *testing.T) {
	w := start(t)
	app, _, _ := w.createForRBAC("orders")
	at := "/applications/" + app["id"].(string)
	version := func() string {
		r, _ := w.dir.Audience(app["appId"].(string))
		return r.Version
	}
	for _, c := range []struct {
		body   object
		ver    string
		groups string
	}{
		{object{"api": object{"requestedAccessTokenVersion": 2}}, directory.VersionTwo, ""},
		{object{"groupMembershipClaims": "All"}, directory.VersionTwo, "All"},
		{object{"api": object{"requestedAccessTokenVersion": 1}, "groupMembershipClaims": "None"}, directory.VersionOne, ""},
		{object{"api": object{"requestedAccessTokenVersion": nil}, "groupMembershipClaims": "SecurityGroup"}, directory.VersionOne, "SecurityGroup"},
		{object{"groupMembershipClaims": nil}, directory.VersionOne, ""},
	} {
		w.call(w.owner, 204, "PATCH", at, c.body)
		if a, _ := w.dir.Application(app["id"].(string)); version() != c.ver || a.GroupClaims != c.groups {
			t.Errorf("after %v: version %s, groups %q", c.body, version(), a.GroupClaims)
		}
	}
}
