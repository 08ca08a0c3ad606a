package graph_test

import (
	"strings"
	"testing"

	"lanyard/internal/cloud"
)

// TestWhoMayReadTheDirectory: people and those with a reading role at the root may, other
// applications read themselves alone.
func TestWhoMayReadTheDirectory(t *testing.T) {
	w := start(t)
	w.createForRBAC("ci")
	lists := []string{"/applications", "/servicePrincipals", "/users", "/groups", "/oauth2PermissionGrants", "/users/owner@lanyard.localhost",
		"/servicePrincipals/" + string(w.owner.ID), "/directoryObjects/" + string(w.owner.ID), "/servicePrincipals/" + string(w.user.ID)}
	for _, path := range lists {
		for _, who := range []cloud.Principal{w.worker, w.mi} {
			if code, message := w.refused(who, 403, "GET", path, nil); code != "Authorization_RequestDenied" || !strings.HasPrefix(message, "Insufficient privileges to complete the operation.") || !strings.Contains(message, "--role Reader --scope /") {
				t.Errorf("%s reads %s: %s %s", who.Name, path, code, message)
			}
		}
	}
	w.refused(w.mi, 403, "POST", "/directoryObjects/getByIds", object{"ids": []string{string(w.owner.ID)}})
	w.refused(w.mi, 403, "POST", "/directoryObjects/"+string(w.owner.ID)+"/getMemberGroups", object{"securityEnabledOnly": false})
	w.refused(w.mi, 403, "GET", "/servicePrincipals/00000000-0000-0000-0000-000000000001", nil) // nor is anyone told what there is not
	w.call(w.user, 200, "GET", "/servicePrincipals", nil)
	for _, who := range []cloud.Principal{w.worker, w.mi} {
		if got := w.call(who, 200, "GET", "/servicePrincipals/"+string(who.ID), nil); got["id"] != string(who.ID) {
			t.Errorf("%s reads itself as %v", who.Name, got["id"])
		}
		w.call(who, 200, "GET", "/directoryObjects/"+string(who.ID), nil)
	}
	w.call(w.worker, 200, "GET", "/applications(appId='"+string(w.worker.Client)+"')", nil)
	w.assign(w.mi.ID, readerRole)
	for _, path := range lists[:5] {
		w.call(w.mi, 200, "GET", path, nil)
	}
}

// TestWhoMayChangeTheDirectory: an Owner of everything may, a Contributor may not, for with a secret
// of the owner's application it would be Owner.
func TestWhoMayChangeTheDirectory(t *testing.T) {
	w := start(t)
	app, sp, _ := w.createForRBAC("ci")
	w.assign(w.mi.ID, contribs)
	w.assign(w.user.ID, readerRole)
	owned, _ := w.dir.ApplicationOf(w.owner.Client)
	for _, who := range []cloud.Principal{w.worker, w.mi, w.user} {
		for _, c := range []struct{ method, path string }{
			{"POST", "/applications"}, {"PATCH", "/applications/" + app["id"].(string)}, {"DELETE", "/applications/" + app["id"].(string)},
			{"POST", "/applications/" + owned.ID + "/addPassword"}, {"POST", "/applications/" + owned.ID + "/removePassword"},
			{"POST", "/applications/" + owned.ID + "/owners/$ref"}, {"DELETE", "/applications/" + app["id"].(string) + "/owners/" + string(w.owner.ID) + "/$ref"},
			{"PATCH", "/servicePrincipals/" + sp["id"].(string)}, {"DELETE", "/servicePrincipals/" + sp["id"].(string)},
			{"POST", "/servicePrincipals/" + string(w.owner.ID) + "/addPassword"}, {"DELETE", "/servicePrincipals/" + string(w.mi.ID)},
			{"DELETE", "/applications/00000000-0000-0000-0000-000000000001"},
		} {
			if code, _ := w.refused(who, 403, c.method, c.path, object{"displayName": "stolen"}); code != "Authorization_RequestDenied" {
				t.Errorf("%s: %s %s: %s", who.Name, c.method, c.path, code)
			}
		}
		w.refused(who, 403, "POST", "/servicePrincipals", object{"appId": app["appId"]})
	}
}

// TestOwnersChangeTheirApplication and nothing else.
func TestOwnersChangeTheirApplication(t *testing.T) {
	w := start(t)
	app, sp, _ := w.createForRBAC("ci")
	other, _, _ := w.createForRBAC("other")
	mine, theirs := "/applications/"+app["id"].(string), "/applications/"+other["id"].(string)
	w.refused(w.worker, 403, "GET", mine, nil)
	w.call(w.owner, 204, "POST", mine+"/owners/$ref", object{"@odata.id": "https://graph.microsoft.com/v1.0/directoryObjects/" + string(w.worker.ID)})
	w.call(w.worker, 200, "GET", mine, nil)
	w.call(w.worker, 204, "PATCH", mine, object{"notes": "mine"})
	w.call(w.worker, 200, "POST", mine+"/addPassword", object{})
	w.call(w.worker, 200, "POST", "/servicePrincipals/"+sp["id"].(string)+"/addPassword", object{})
	w.refused(w.worker, 403, "PATCH", theirs, object{"notes": "mine"})
	w.refused(w.worker, 403, "GET", theirs, nil)
	w.call(w.owner, 204, "DELETE", mine+"/owners/"+string(w.worker.ID)+"/$ref", nil)
	w.refused(w.worker, 403, "PATCH", mine, object{"notes": "still mine"})
}

// TestManagedIdentitiesBelongToTheirResources: Graph shows them, and neither makes nor changes them.
func TestManagedIdentitiesBelongToTheirResources(t *testing.T) {
	w := start(t)
	got := w.call(w.owner, 200, "GET", "/servicePrincipals/"+string(w.mi.ID), nil)
	if got["servicePrincipalType"] != "ManagedIdentity" || got["appId"] != string(w.mi.Client) || got["appOwnerOrganizationId"] != nil {
		t.Errorf("shown as %v", got)
	}
	if said := printed(t, object{"names": got["alternativeNames"]}); said != `{"names":["isExplicit=True","`+identity+`"]}` {
		t.Errorf("belongs to %s", said)
	}
	found := w.call(w.owner, 200, "GET", "/servicePrincipals"+filter("alternativeNames/any(a:a eq '"+anApp+"') and servicePrincipalType eq 'ManagedIdentity'"), nil)
	if names(found) != "invoices" {
		t.Errorf("the app's identity is found as %q", names(found))
	}
	for _, c := range []struct{ method, path string }{{"PATCH", ""}, {"DELETE", ""}, {"POST", "/addPassword"}, {"POST", "/removePassword"}} {
		code, message := w.refused(w.owner, 403, c.method, "/servicePrincipals/"+string(w.mi.ID)+c.path, object{})
		if code != "Authorization_RequestDenied" || !strings.Contains(message, identity) {
			t.Errorf("%s %s: %s", c.method, c.path, message)
		}
	}
	w.refused(w.owner, 400, "POST", "/servicePrincipals", object{"appId": w.mi.Client})
	w.refused(w.owner, 404, "GET", "/applications(appId='"+string(w.mi.Client)+"')", nil)
}

func TestAPersonsAppNeedsTheScope(t *testing.T) {
	w := start(t)
	w.scopes = []string{"User.Read"}
	if code, message := w.refused(w.user, 403, "GET", "/servicePrincipals", nil); code != "Authorization_RequestDenied" || !strings.Contains(message, "Directory.AccessAsUser.All") {
		t.Errorf("%s %s", code, message)
	}
}

func TestStrangersAreRefused(t *testing.T) {
	w := start(t)
	if code, _ := w.refused(cloud.Principal{ID: "x"}, 401, "GET", "/me", nil); code != "InvalidAuthenticationToken" {
		t.Errorf("a stranger: %s", code)
	}
	gone := w.worker
	w.commit(w.dir.Retire(gone))
	w.refused(gone, 401, "GET", "/servicePrincipals/"+string(gone.ID), nil)
}
