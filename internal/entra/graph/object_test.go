package graph_test

import (
	"errors"
	"net/http/httptest"
	"strings"
	"testing"

	"lanyard/internal/fault"
)

// TestObjectsAreFoundByID is how az names the assignees of role assignments.
func TestObjectsAreFoundByID(t *testing.T) {
	w := start(t)
	a, _ := w.dir.ApplicationOf(w.owner.Client)
	ids := []string{string(w.owner.ID), string(w.user.ID), string(w.mi.ID), strings.ToUpper(string(w.mi.ID)), a.ID, "00000000-0000-0000-0000-000000000001"}
	types := []string{"user", "group", "servicePrincipal", "directoryObjectPartnerReference"}
	found := value(w.call(w.owner, 200, "POST", "/directoryObjects/getByIds", object{"ids": ids, "types": types}))
	var kinds []string
	for _, v := range found {
		kinds = append(kinds, v["@odata.type"].(string))
	}
	if said := strings.Join(kinds, " "); said != "#microsoft.graph.servicePrincipal #microsoft.graph.user #microsoft.graph.servicePrincipal" {
		t.Errorf("found %s", said)
	}
	if all := value(w.call(w.owner, 200, "POST", "/directoryObjects/getByIds", object{"ids": ids})); len(all) != 4 {
		t.Errorf("of every type %d are found", len(all))
	}
	if got := w.call(w.owner, 200, "GET", "/directoryObjects/"+a.ID, nil); got["@odata.type"] != "#microsoft.graph.application" {
		t.Errorf("an application is a %v", got["@odata.type"])
	}
	for _, body := range []object{
		{"ids": []string{}}, {"ids": []string{"x"}}, {"ids": make([]string, 1001)}, {"ids": ids, "types": []string{"cat"}}, {"ids": ids, "more": 1}, {},
	} {
		w.refused(w.owner, 400, "POST", "/directoryObjects/getByIds", body)
	}
}

func TestPeopleAreShown(t *testing.T) {
	w := start(t)
	me := w.call(w.user, 200, "GET", "/me", nil)
	if me["userPrincipalName"] != "owner@lanyard.localhost" || me["id"] != string(w.user.ID) || me["accountEnabled"] != nil {
		t.Errorf("me %v", me)
	}
	for _, key := range []string{"owner@lanyard.localhost", "OWNER@lanyard.localhost", string(w.user.ID)} {
		if got := w.call(w.owner, 200, "GET", "/users/"+key+"?$select=id,accountEnabled", nil); got["id"] != string(w.user.ID) || got["accountEnabled"] != true {
			t.Errorf("%s finds %v", key, got)
		}
	}
	if found := w.call(w.owner, 200, "GET", "/users"+filter("userPrincipalName eq 'owner@lanyard.localhost'"), nil); names(found) != "The owner" {
		t.Errorf("found %q", names(found))
	}
	if code, message := w.refused(w.owner, 400, "GET", "/me", nil); code != "BadRequest" || message != "/me request is only valid with delegated authentication flow." {
		t.Errorf("an application asks for itself: %s %s", code, message)
	}
	w.refused(w.owner, 404, "GET", "/users/"+string(w.owner.ID), nil)
	w.refused(w.owner, 404, "GET", "/servicePrincipals/"+string(w.user.ID), nil)
	for _, c := range []struct{ method, path string }{{"POST", "/users"}, {"PATCH", "/users/" + string(w.user.ID)}, {"DELETE", "/users/" + string(w.user.ID)}} {
		w.refused(w.owner, 501, c.method, c.path, object{})
	}
}

func TestOwnedObjects(t *testing.T) {
	w := start(t)
	w.assign(w.user.ID, ownerRole)
	app := w.call(w.user, 201, "POST", "/applications", object{"displayName": "mine"})
	sp := w.call(w.user, 201, "POST", "/servicePrincipals", object{"appId": app["appId"]})
	owned := value(w.call(w.user, 200, "GET", "/me/ownedObjects", nil))
	if len(owned) != 2 || owned[0]["@odata.type"] != "#microsoft.graph.application" || owned[1]["id"] != sp["id"] {
		t.Errorf("owned %v", owned)
	}
	for _, path := range []string{"/applications/" + app["id"].(string), "/servicePrincipals/" + sp["id"].(string)} {
		if all := w.call(w.user, 200, "GET", path+"/owners", nil); names(all) != "The owner" {
			t.Errorf("%s is owned by %q", path, names(all))
		}
	}
	again := object{"@odata.id": "https://graph.microsoft.com/v1.0/directoryObjects/" + string(w.user.ID)}
	at := "/applications/" + app["id"].(string) + "/owners/"
	if _, message := w.refused(w.user, 400, "POST", at+"$ref", again); !strings.HasPrefix(message, "One or more added object references already exist") {
		t.Errorf("added twice: %s", message)
	}
	w.refused(w.user, 404, "POST", at+"$ref", object{"@odata.id": "https://graph.microsoft.com/v1.0/directoryObjects/x"})
	w.refused(w.user, 404, "DELETE", at+string(w.owner.ID)+"/$ref", nil)
	w.refused(w.user, 501, "POST", "/servicePrincipals/"+sp["id"].(string)+"/owners/$ref", again)
	w.refused(w.owner, 400, "GET", "/me/ownedObjects", nil)
}

// TestEveryFaultIsSpelled: no kind of fault shows its cause, and each has Graph's shape.
func TestEveryFaultIsSpelled(t *testing.T) {
	w := start(t)
	for _, kind := range fault.Kinds() {
		rec := httptest.NewRecorder()
		f := fault.New(kind, "Code", "A sentence.").Because(errors.New("the cause")).Try("something")
		w.door.Speak(rec, httptest.NewRequest("GET", "/v1.0/me", nil), f)
		body := rec.Body.String()
		if rec.Code != kind.Status() || strings.Contains(body, "the cause") || !strings.Contains(body, `"message":"A sentence. Try: something"`) ||
			!strings.Contains(body, `"innerError":{"date":"2026-11-21T12:00:00","request-id":`) {
			t.Errorf("%s: %d %s", kind, rec.Code, body)
		}
	}
}
