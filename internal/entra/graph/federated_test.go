package graph_test

import (
	"fmt"
	"strings"
	"testing"

	"lanyard/internal/cloud"
)

// trusting is a federated credential as az sends it.
func trusting(name, issuer, subject string) object {
	return object{"name": name, "issuer": issuer, "subject": subject, "audiences": []string{"api://AzureADTokenExchange"}, "description": "the pipeline's"}
}

func TestAnApplicationHasFederatedCredentials(t *testing.T) { // TK-14
	w := start(t)
	app, sp, _ := w.createForRBAC("pipeline")
	at := "/applications/" + app["id"].(string) + "/federatedIdentityCredentials"
	made := w.call(w.owner, 201, "POST", at, trusting("ci-Main", "https://issuer.example/", "repo:Shop"))
	if !cloud.IsGUID(made["id"].(string)) || made["name"] != "ci-Main" || fmt.Sprint(made["audiences"]) != "[api://AzureADTokenExchange]" || made["description"] != "the pipeline's" {
		t.Errorf("made %v", made)
	}
	want := cloud.FederatedCredential{ID: made["id"].(string), Name: "ci-Main", Issuer: "https://issuer.example/", Subject: "repo:Shop", Audience: "api://AzureADTokenExchange", Description: "the pipeline's"}
	known := func() []cloud.FederatedCredential { return w.dir.Federated(cloud.PrincipalID(sp["id"].(string))) }
	if got := known(); len(got) != 1 || got[0] != want {
		t.Errorf("the directory has %+v", got)
	}
	byClient := "/applications(appId='" + app["appId"].(string) + "')/federatedIdentityCredentials"
	for _, one := range []string{at + "/" + want.ID, at + "/ci-Main", at + "(name='ci-Main')", byClient + "(name='ci-Main')", byClient + "/" + want.ID} {
		if got := w.call(w.owner, 200, "GET", one, nil); got["id"] != want.ID || got["subject"] != "repo:Shop" {
			t.Errorf("%s: %v", one, got)
		}
	}
	w.call(w.owner, 204, "PATCH", at+"/"+want.ID, object{"subject": "repo:Till", "description": nil})
	if got := known(); len(got) != 1 || got[0].Subject != "repo:Till" || got[0].Issuer != want.Issuer {
		t.Errorf("changed to %+v", got)
	}
	w.call(w.owner, 201, "POST", at, trusting("second", "https://issuer.example/", "repo:Shop"))
	list := w.call(w.owner, 200, "GET", at, nil)["value"].([]any)
	some := w.call(w.owner, 200, "GET", at+"?$filter=name%20eq%20'second'", nil)["value"].([]any)
	if page := w.call(w.owner, 200, "GET", at+"?$top=1", nil); len(list) != 2 || len(some) != 1 || !strings.Contains(fmt.Sprint(page["@odata.nextLink"]), "federatedIdentityCredentials?") {
		t.Errorf("it lists %v, chooses %v, and has pages as %v", list, some, page)
	}
	w.call(w.owner, 204, "DELETE", at+"/ci-main", nil)
	w.refused(w.owner, 404, "GET", at+"/"+want.ID, nil)
	w.refused(w.owner, 404, "DELETE", at+"/"+want.ID, nil)
	w.refused(w.worker, 403, "POST", at, trusting("third", "https://issuer.example/", "x"))
	w.refused(w.worker, 403, "GET", at, nil)
	w.call(w.owner, 204, "DELETE", "/applications/"+app["id"].(string), nil)
	if got := known(); len(got) != 0 {
		t.Errorf("after its end the directory has %+v", got)
	}
}

func TestRulesOfApplicationsFederatedCredentials(t *testing.T) {
	w := start(t)
	app, _, _ := w.createForRBAC("pipeline")
	at := "/applications/" + app["id"].(string) + "/federatedIdentityCredentials"
	w.call(w.owner, 201, "POST", at, trusting("first", "https://issuer.example", "a"))
	with := func(name string, value any) object {
		o := trusting("second", "https://issuer.example", "b")
		if o[name] = value; value == nil {
			delete(o, name)
		}
		return o
	}
	for claim, c := range map[string]struct {
		status int
		body   object
		says   string
	}{
		"no name":        {400, with("name", nil), "name '' is invalid"},
		"a name too odd": {400, with("name", "a b"), "is invalid"},
		"no issuer":      {400, with("issuer", nil), "empty properties"},
		"no audience":    {400, with("audiences", []string{}), "exactly one audience"},
		"two audiences":  {400, with("audiences", []string{"a", "b"}), "exactly one audience"},
		"a plain issuer": {400, with("issuer", "http://issuer.example"), "https URL"},
		"a long story":   {400, with("description", strings.Repeat("x", 601)), "600 characters"},
		"the same again": {400, with("subject", "a"), "combination already exists"},
		"a name twice":   {409, trusting("FIRST", "https://issuer.example", "b"), "already exists"},
		"wildcards":      {501, with("claimsMatchingExpression", object{"value": "claims['sub'] matches '*'"}), "claimsMatchingExpression"},
		"something else": {400, with("nope", 1), "nope"},
	} {
		if code, message := w.refused(w.owner, c.status, "POST", at, c.body); !strings.Contains(message, c.says) {
			t.Errorf("%s: %s %s", claim, code, message)
		}
	}
	w.refused(w.owner, 400, "PATCH", at+"/first", object{"name": "other"})
	w.refused(w.owner, 400, "PATCH", at+"/first", object{"audiences": []string{}})
	w.call(w.owner, 204, "PATCH", at+"/first", object{"name": "first", "subject": "a"})
	for n := range 19 {
		w.call(w.owner, 201, "POST", at, trusting(fmt.Sprintf("fic-%d", n), "https://issuer.example", fmt.Sprint(n)))
	}
	w.refused(w.owner, 400, "POST", at, trusting("one-more", "https://issuer.example", "b"))
	w.door.FederatedLimit = -1
	w.mux = w.door.Handler()
	w.call(w.owner, 201, "POST", at, trusting("one-more", "https://issuer.example", "b"))
}
