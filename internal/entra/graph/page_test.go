package graph_test

import (
	"fmt"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

// TestListsComeInPages follows the links as az does, while objects come and go.
func TestListsComeInPages(t *testing.T) {
	w := start(t)
	for n := range 23 {
		w.call(w.owner, 201, "POST", "/applications", object{"displayName": fmt.Sprintf("app-%02d", n)})
	}
	found := map[string]int{}
	at, pages := "https://graph.microsoft.com/v1.0/applications?$top=5&$select=id,displayName&$filter="+url.QueryEscape("startswith(displayName,'app-')"), 0
	for at != "" {
		answer := w.send(w.owner, 200, httptest.NewRequest("GET", at, nil))
		for _, v := range value(answer) {
			found[v["displayName"].(string)]++
			if len(v) != 2 {
				t.Fatalf("selected %v", v)
			}
		}
		if pages++; pages == 2 { // one that was seen goes, and a stranger comes
			w.call(w.owner, 204, "DELETE", "/applications/"+value(answer)[4]["id"].(string), nil)
			w.call(w.owner, 201, "POST", "/applications", object{"displayName": "stranger"})
		}
		at, _ = answer["@odata.nextLink"].(string)
		if at != "" && !strings.HasPrefix(at, "https://graph.microsoft.com/v1.0/applications?") {
			t.Fatalf("the next page is at %s", at)
		}
	}
	if pages != 5 || len(found) != 23 {
		t.Errorf("%d pages, %d found", pages, len(found))
	}
	for name, times := range found {
		if times != 1 {
			t.Errorf("%s came %d times", name, times)
		}
	}
}

func TestQueryOptions(t *testing.T) {
	w := start(t)
	for query, code := range map[string]string{
		"$top=0": "Request_UnsupportedQuery", "$top=1000": "Request_UnsupportedQuery", "$top=x": "Request_UnsupportedQuery",
		"$orderby=displayName": "Request_UnsupportedQuery", "$search=x": "Request_UnsupportedQuery", "$expand=owners": "Request_UnsupportedQuery",
		"filter=x": "Request_UnsupportedQuery", "$skiptoken=x": "Directory_ExpiredPageToken", "$select=nope": "BadRequest",
		"$count=true": "Request_BadRequest", "$filter=": "BadRequest", "$top=1&$top=2": "BadRequest", "%zz=1": "BadRequest",
		"$filter=" + url.QueryEscape("appId ne 'x'"): "Request_UnsupportedQuery",
	} {
		if got, message := w.refused(w.owner, 400, "GET", "/applications?"+query, nil); got != code {
			t.Errorf("%s: %s %s, want %s", query, got, message, code)
		}
	}
	one := "/servicePrincipals/" + string(w.owner.ID)
	w.refused(w.owner, 400, "GET", one+"?$top=1", nil)
	w.refused(w.owner, 400, "GET", one+"?$filter=x", nil)
	w.refused(w.owner, 400, "POST", "/applications?$select=id", object{"displayName": "x"})
	if got := w.call(w.owner, 200, "GET", one+"?$select=id", nil); len(got) != 2 || got["id"] != string(w.owner.ID) {
		t.Errorf("selected %v", got)
	}
	r := httptest.NewRequest("GET", "https://graph.microsoft.com/v1.0/servicePrincipals?$count=true&$top=1&$filter="+url.QueryEscape("appId ne 'x'"), nil)
	r.Header.Set("ConsistencyLevel", "eventual")
	if got := w.send(w.owner, 200, r); got["@odata.count"] != 4.0 || len(value(got)) != 1 {
		t.Errorf("counted %v", got["@odata.count"])
	}
}

// TestSpellingsOfPaths: case means nothing, keys come in parentheses, and an escaped slash is refused (T18).
func TestSpellingsOfPaths(t *testing.T) {
	w := start(t)
	id := string(w.owner.ID)
	for _, path := range []string{
		"/servicePrincipals/" + id, "/SERVICEPRINCIPALS/" + strings.ToUpper(id), "/servicePrincipals('" + id + "')",
		"/servicePrincipals(appId='" + string(w.owner.Client) + "')", "/serviceprincipals(appId=%27" + string(w.owner.Client) + "%27)",
		"/servicePrincipals(appId='" + string(w.owner.Client) + "')?$select=id",
	} {
		if got := w.call(w.owner, 200, "GET", path, nil); got["id"] != id {
			t.Errorf("%s gives %v", path, got["id"])
		}
	}
	w.call(w.owner, 200, "GET", "/users('owner@lanyard.localhost')", nil)
	w.call(w.owner, 200, "GET", "/servicePrincipals(appId='"+string(w.owner.Client)+"')/owners", nil)
	for path, status := range map[string]int{
		"/servicePrincipals%2f" + id: 400, "/servicePrincipals/" + id + "%2Fowners": 400, "/nothing": 400, "/applications/" + id + "/nothing": 400,
		"/servicePrincipals(appId='x')": 404, "/servicePrincipals/x": 404, "/servicePrincipals(appId='')": 404, "/applications/" + id: 404,
		"/directory/deletedItems/microsoft.graph.application": 501, "/$batch": 501, "/applications/$count": 501,
	} {
		w.refused(w.owner, status, "GET", path, nil)
	}
	w.send(w.owner, 400, httptest.NewRequest("GET", "https://graph.microsoft.com/beta/me", nil))
}
