package graph_test

import (
	"strings"
	"testing"
)

func TestApplicationsAreDescribed(t *testing.T) {
	w := start(t)
	app := w.call(w.owner, 201, "POST", "/applications", object{
		"displayName": "shop", "tags": []string{"a"}, "notes": "n", "web": object{"homePageUrl": "https://shop.test", "redirectUris": []string{}},
		"api": object{"requestedAccessTokenVersion": nil}, "isFallbackPublicClient": false, "signInAudience": "AzureADMyOrg",
		"requiredResourceAccess": []object{{"resourceAppId": firstKey, "resourceAccess": []object{{"id": secondKey, "type": "Scope"}}}},
	})
	at := "/applications/" + app["id"].(string)
	w.call(w.owner, 204, "PATCH", at, object{"displayName": "The shop", "notes": nil, "info": object{"supportUrl": "https://help.test"}})
	w.call(w.owner, 204, "PATCH", at, object{"info": object{"marketingUrl": "https://buy.test"}, "appRoles": []any{}})
	got := w.call(w.owner, 200, "GET", at, nil)
	info, web := got["info"].(object), got["web"].(object)
	if got["displayName"] != "The shop" || got["notes"] != nil || printed(t, object{"t": got["tags"]}) != `{"t":["a"]}` ||
		info["supportUrl"] != "https://help.test" || info["marketingUrl"] != "https://buy.test" || info["logoUrl"] != nil || web["homePageUrl"] != "https://shop.test" {
		t.Errorf("described as %v", got)
	}
	if found := w.call(w.owner, 200, "GET", "/applications"+filter("tags/any(t:t eq 'A')"), nil); names(found) != "The shop" {
		t.Errorf("found by tag: %q", names(found))
	}
}

// TestRenamingAnApplicationRenamesItsPrincipal holds the two objects to one name.
func TestRenamingAnApplicationRenamesItsPrincipal(t *testing.T) {
	w := start(t)
	app, sp, _ := w.createForRBAC("ci")
	w.call(w.owner, 204, "PATCH", "/applications/"+app["id"].(string), object{"displayName": "builds"})
	got := w.call(w.owner, 200, "GET", "/servicePrincipals/"+sp["id"].(string), nil)
	if got["displayName"] != "builds" || got["appDisplayName"] != "builds" || len(w.dir.ByName("ci")) != 0 {
		t.Errorf("the service principal is %v", got["displayName"])
	}
}

// TestNothingIsKeptWithoutEffect refuses what would change tokens or sign-in in Entra.
func TestNothingIsKeptWithoutEffect(t *testing.T) {
	w := start(t)
	app, sp, _ := w.createForRBAC("ci")
	for name, c := range map[string]struct {
		value  any
		status int
	}{
		"web":                    {object{"redirectUris": []string{"https://x.test"}}, 501},
		"publicClient":           {object{"redirectUris": []string{"http://localhost"}}, 501},
		"spa":                    {object{"redirectUris": []string{"https://x.test"}}, 501},
		"appRoles":               {[]object{{"id": firstKey, "value": "admin"}}, 400},
		"optionalClaims":         {object{"accessToken": []any{}}, 501},
		"groupMembershipClaims":  {"DirectoryRole", 400},
		"uniqueName":             {"x", 501},
		"signInAudience":         {"AzureADMultipleOrgs", 400},
		"isFallbackPublicClient": {true, 400},
		"api":                    {object{"requestedAccessTokenVersion": 3}, 400},
		"info":                   {object{"nope": "x"}, 400},
		"secret":                 {"x", 400},
		"appId":                  {firstKey, 400},
		"id":                     {firstKey, 400},
		"tags":                   {[]string{""}, 400},
		"notes":                  {strings.Repeat("x", 1025), 400},
		"displayName":            {"", 400},
		"requiredResourceAccess": {[]object{{"resourceAppId": "x"}}, 400},
	} {
		for _, r := range []struct{ method, path string }{{"PATCH", "/applications/" + app["id"].(string)}, {"POST", "/applications"}} {
			body := object{"displayName": "x"}
			body[name] = c.value
			if code, message := w.refused(w.owner, c.status, r.method, r.path, body); !strings.Contains(message, name) {
				t.Errorf("%s %s: %s %s", r.method, name, code, message)
			}
		}
	}
	at := "/servicePrincipals/" + sp["id"].(string)
	w.call(w.owner, 204, "PATCH", at, object{"accountEnabled": true, "tags": []string{}})
	w.refused(w.owner, 501, "PATCH", at, object{"accountEnabled": false})
	w.refused(w.owner, 501, "PATCH", at, object{"appRoleAssignmentRequired": true})
	w.refused(w.owner, 400, "PATCH", at, object{"nope": 1})
	w.refused(w.owner, 501, "POST", "/servicePrincipals", object{"appId": w.call(w.owner, 201, "POST", "/applications", object{"displayName": "y"})["appId"], "accountEnabled": false})
	w.refused(w.owner, 400, "POST", "/applications", nil)
	w.refused(w.owner, 400, "POST", "/applications", object{})
}

// TestIdentifierURIsAreOneApplicationsOwn is T12: a token for a URI opens what has that URI, so that
// no application takes another's or a service's.
func TestIdentifierURIsAreOneApplicationsOwn(t *testing.T) {
	w := start(t)
	app, _, _ := w.createForRBAC("shop")
	other, _, _ := w.createForRBAC("other")
	at, appID := "/applications/"+app["id"].(string), app["appId"].(string)
	for _, uri := range []string{
		"https://vault.azure.net", "https://graph.microsoft.com", "api://AzureADTokenExchange", "api://" + other["appId"].(string), "https://shop.test",
		"https://lanyard.localhost.evil.test", "https://evil.test/lanyard.localhost", "https://evillanyard.localhost", "http://lanyard.localhost/x",
		"https://kv.vault.azure.net.lanyard.localhost", "https://lanyard.localhost:443/x", "https://a@lanyard.localhost", "api://", "api://x/", "api:x", "urn:x",
		"", "/", "api://x y", "api://x#y", "api://x?y", "api://" + strings.Repeat("x", 255), "api://x%2fy",
	} {
		w.refused(w.owner, 400, "PATCH", at, object{"identifierUris": []string{uri}})
	}
	uris := []string{"api://" + appID, "api://shop", "https://shop.lanyard.localhost/api"}
	w.call(w.owner, 204, "PATCH", at, object{"identifierUris": uris})
	for _, uri := range uris {
		if r, ok := w.dir.Audience(uri); !ok || string(r.App) != appID {
			t.Errorf("%s means %v", uri, r)
		}
		if found := w.call(w.owner, 200, "GET", "/servicePrincipals"+filter("servicePrincipalNames/any(c:c eq '"+uri+"')"), nil); names(found) != "shop" {
			t.Errorf("%s finds %q", uri, names(found))
		}
	}
	for _, uri := range []string{"api://shop", "API://Shop", "https://shop.lanyard.localhost/api"} {
		w.refused(w.owner, 400, "PATCH", "/applications/"+other["id"].(string), object{"identifierUris": []string{uri}})
	}
	w.refused(w.owner, 400, "PATCH", at, object{"identifierUris": []string{"api://b", "api://B"}})
	w.call(w.owner, 204, "PATCH", at, object{"identifierUris": []string{"api://" + appID}})
	w.call(w.owner, 204, "PATCH", "/applications/"+other["id"].(string), object{"identifierUris": []string{"api://shop"}})
	w.call(w.owner, 204, "DELETE", "/applications/"+other["id"].(string), nil)
	w.call(w.owner, 204, "PATCH", at, object{"identifierUris": uris})
}
