package graph_test

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"lanyard/internal/cloud"
	"lanyard/internal/directory"
	"lanyard/internal/rbac"
)

const getSecret = "Microsoft.KeyVault/vaults/read"

func filter(f string) string { return "?$filter=" + url.QueryEscape(f) }

// createForRBAC does what az ad sp create-for-rbac does, call by call.
func (w *world) createForRBAC(name string) (app, sp, password object) {
	w.t.Helper()
	w.call(w.owner, 200, "GET", "/servicePrincipals"+filter("displayName eq '"+name+"'"), nil)
	w.call(w.owner, 200, "GET", "/applications"+filter("startswith(displayName,'"+name+"')"), nil)
	app = w.call(w.owner, 201, "POST", "/applications", object{"displayName": name, "keyCredentials": []any{}})
	password = w.call(w.owner, 200, "POST", "/applications/"+app["id"].(string)+"/addPassword", object{"passwordCredential": object{
		"displayName": "rbac", "startDateTime": "2026-11-21T12:00:00Z", "endDateTime": "2027-11-21T12:00:00Z"}})
	sp = w.call(w.owner, 201, "POST", "/servicePrincipals", object{"appId": app["appId"], "accountEnabled": true})
	return app, sp, password
}

func TestAnApplicationIsMadeForRBAC(t *testing.T) {
	w := start(t)
	app, sp, password := w.createForRBAC("ci")
	if app["displayName"] != "ci" || len(app["passwordCredentials"].([]any)) != 0 || app["signInAudience"] != "AzureADMyOrg" {
		t.Errorf("application %v", app)
	}
	if sp["appId"] != app["appId"] || sp["id"] == app["id"] || sp["servicePrincipalType"] != "Application" || sp["appOwnerOrganizationId"] != string(tenant) {
		t.Errorf("service principal %v", sp)
	}
	if password["displayName"] != "rbac" || password["endDateTime"] != "2027-11-21T12:00:00Z" || !strings.HasPrefix(password["secretText"].(string), password["hint"].(string)) {
		t.Errorf("password %v", password)
	}
	p, ok := w.dir.ByClient(cloud.ClientID(app["appId"].(string)))
	if !ok || string(p.ID) != sp["id"] {
		t.Fatalf("the directory knows %+v", p)
	}
	if err := w.dir.CheckSecret(p, password["secretText"].(string)); err != nil {
		t.Errorf("the password does not open: %v", err)
	}
	found := value(w.call(w.owner, 200, "GET", "/servicePrincipals"+filter("servicePrincipalNames/any(c:c eq '"+string(p.Client)+"')"), nil))
	if len(found) != 1 || found[0]["id"] != sp["id"] {
		t.Errorf("az role assignment create --assignee finds %v", found)
	}
	w.call(w.owner, 204, "POST", "/applications/"+app["id"].(string)+"/removePassword", object{"keyId": password["keyId"]})
	if err := w.dir.CheckSecret(p, password["secretText"].(string)); !errors.Is(err, directory.ErrWrongSecret) {
		t.Errorf("a removed password: %v", err)
	}
	code, _ := w.refused(w.owner, 400, "POST", "/applications/"+app["id"].(string)+"/removePassword", object{"keyId": password["keyId"]})
	if code != "Request_BadRequest" {
		t.Errorf("removed twice: %s", code)
	}
}

// TestARecreatedApplicationInheritsNothing is T26 and T19: the same name is somebody else, to whom
// nothing was granted, and whom no old password opens.
func TestARecreatedApplicationInheritsNothing(t *testing.T) {
	w := start(t)
	oldApp, oldSP, password := w.createForRBAC("ci")
	old, _ := w.dir.Principal(cloud.PrincipalID(oldSP["id"].(string)))
	w.assign(old.ID, ownerRole)
	may := func(p cloud.PrincipalID) bool {
		return w.dir.Decide(rbac.Request{Principal: p, Action: getSecret, At: cloud.Root}).Allowed
	}
	if !may(old.ID) {
		t.Fatal("the grant does not work")
	}
	w.call(w.owner, 204, "DELETE", "/applications/"+oldApp["id"].(string), nil)
	if _, ok := w.dir.Principal(old.ID); ok || may(old.ID) {
		t.Error("the service principal outlives its application")
	}
	w.refused(w.owner, 404, "GET", "/applications/"+oldApp["id"].(string), nil)
	w.refused(w.owner, 404, "GET", "/servicePrincipals/"+oldSP["id"].(string), nil)
	w.refused(old, 401, "GET", "/servicePrincipals/"+oldSP["id"].(string), nil)
	app, sp, _ := w.createForRBAC("ci")
	if app["id"] == oldApp["id"] || app["appId"] == oldApp["appId"] || sp["id"] == oldSP["id"] {
		t.Error("an id was used again")
	}
	next, _ := w.dir.Principal(cloud.PrincipalID(sp["id"].(string)))
	if may(next.ID) {
		t.Error("an orphaned grant works for whoever has the name now")
	}
	if err := w.dir.CheckSecret(next, password["secretText"].(string)); !errors.Is(err, directory.ErrWrongSecret) {
		t.Errorf("the old password: %v", err)
	}
	w.call(w.owner, 204, "DELETE", "/servicePrincipals/"+sp["id"].(string), nil)
	again := w.call(w.owner, 201, "POST", "/servicePrincipals", object{"appId": app["appId"]})
	if again["id"] == sp["id"] || again["appId"] != app["appId"] {
		t.Errorf("the service principal came back as %v", again["id"])
	}
}

// TestPasswordsAreShownOnceAndKeptAsHashes looks for a password in the log, in the store and in
// every answer that comes after the one that gave it.
func TestPasswordsAreShownOnceAndKeptAsHashes(t *testing.T) {
	w := start(t)
	app, sp, password := w.createForRBAC("ci")
	own := w.call(w.owner, 200, "POST", "/servicePrincipals/"+sp["id"].(string)+"/addPassword", object{})
	entries, _, err := w.dir.Store.List(t.Context(), "/")
	if err != nil {
		t.Fatal(err)
	}
	everything := w.log.String()
	for _, e := range entries {
		everything += string(e.Value)
	}
	for _, path := range []string{"/applications", "/applications/" + app["id"].(string), "/servicePrincipals", "/servicePrincipals/" + sp["id"].(string)} {
		r := w.call(w.owner, 200, "GET", path, nil)
		everything += printed(t, r)
	}
	for _, secret := range []string{password["secretText"].(string), own["secretText"].(string)} {
		if len(secret) < 40 || strings.Contains(everything, secret) || strings.Contains(everything, secret[4:20]) {
			t.Error("a password was kept or shown again")
		}
	}
	if ends := own["endDateTime"]; ends != "2028-11-21T12:00:00Z" {
		t.Errorf("a password without an end holds until %v", ends)
	}
	listed := w.call(w.owner, 200, "GET", "/servicePrincipals/"+sp["id"].(string), nil)["passwordCredentials"].([]any)
	if len(listed) != 1 || listed[0].(object)["keyId"] != own["keyId"] || listed[0].(object)["secretText"] != nil {
		t.Errorf("listed are %v", listed)
	}
}

func TestPasswordsAreRefused(t *testing.T) {
	w := start(t)
	app, _, _ := w.createForRBAC("ci")
	at := "/applications/" + app["id"].(string) + "/addPassword"
	for sentence, body := range map[string]any{
		"one that is past":              object{"passwordCredential": object{"endDateTime": "2025-01-01T00:00:00Z"}},
		"one that ends before it holds": object{"passwordCredential": object{"startDateTime": "2028-01-01T00:00:00Z", "endDateTime": "2027-01-01T00:00:00Z"}},
		"one of the caller's choice":    object{"passwordCredential": object{"secretText": "hunter2"}},
		"one that says more":            object{"passwordCredential": object{}, "password": "x"},
		"no time":                       object{"passwordCredential": object{"endDateTime": "tomorrow"}},
		"a long name":                   object{"passwordCredential": object{"displayName": strings.Repeat("x", 121)}},
	} {
		if _, message := w.refused(w.owner, 400, "POST", at, body); strings.Contains(message, "hunter2") {
			t.Errorf("%s: %s", sentence, message)
		}
	}
}

func TestTheOwnerOfTheWorldStays(t *testing.T) {
	w := start(t)
	a, _ := w.dir.ApplicationOf(w.owner.Client)
	for _, path := range []string{"/applications/" + a.ID, "/servicePrincipals/" + string(w.owner.ID)} {
		if code, _ := w.refused(w.owner, 403, "DELETE", path, nil); code != "Authorization_RequestDenied" {
			t.Errorf("%s: %s", path, code)
		}
	}
	w.call(w.owner, 200, "GET", "/applications(appId='"+string(w.owner.Client)+"')", nil)
}

// TestRacingForOneServicePrincipal lets many callers make the service principal of one application.
func TestRacingForOneServicePrincipal(t *testing.T) {
	w := start(t)
	app := w.call(w.owner, 201, "POST", "/applications", object{"displayName": "raced"})
	codes := make(chan int)
	for range 8 {
		go func() {
			r, _ := http.NewRequest("POST", "https://graph.microsoft.com/v1.0/servicePrincipals", strings.NewReader(`{"appId":"`+app["appId"].(string)+`"}`))
			codes <- w.status(r)
		}()
	}
	made := 0
	for range 8 {
		switch code := <-codes; code {
		case 201:
			made++
		case 409:
		default:
			t.Errorf("status %d", code)
		}
	}
	found := w.call(w.owner, 200, "GET", "/servicePrincipals"+filter("displayName eq 'raced'"), nil)
	if made != 1 || len(value(found)) != 1 {
		t.Errorf("%d were made, %d are there", made, len(value(found)))
	}
}
