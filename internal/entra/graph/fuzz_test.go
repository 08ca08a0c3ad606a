package graph_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

// FuzzPath sends whatever path and query there may be: each is answered or refused, none is a fault
// of ours, and nobody without a role learns more than about himself.
func FuzzPath(f *testing.F) {
	for _, seed := range []string{
		"/v1.0/applications?$top=1", "/v1.0/servicePrincipals(appId='x')/owners", "/v1.0/users('a@b')", "/v1.0/me?$select=id", "/beta/me", "/v1.0/$batch",
		"/v1.0/servicePrincipals?$filter=appId eq 'x'&$count=true", "/v1.0/directoryObjects/%2f", "/v1.0/applications/()", "/v1.0/servicePrincipals/?$skiptoken=AA",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, target string) {
		at, err := url.ParseRequestURI(target)
		if err != nil || at.Host != "" || !strings.HasPrefix(target, "/") {
			return
		}
		w := start(t)
		for _, as := range []string{string(w.owner.ID), string(w.mi.ID)} {
			r := &http.Request{Method: http.MethodGet, URL: at, Host: "graph.microsoft.com", Header: http.Header{"Authorization": {"Bearer " + as}}, Body: http.NoBody, RequestURI: target}
			rec := httptest.NewRecorder()
			w.mux.ServeHTTP(rec, r.WithContext(t.Context()))
			if rec.Code == http.StatusInternalServerError || rec.Code == 0 {
				t.Errorf("%q: %d %s", target, rec.Code, rec.Body)
			}
			if as == string(w.mi.ID) && strings.Contains(rec.Body.String(), string(w.owner.Client)) && !strings.Contains(target, string(w.owner.Client)) {
				t.Errorf("%q tells a stranger of the owner: %s", target, rec.Body)
			}
		}
	})
}

// FuzzApplication changes an application by any body there may be: it is taken whole or refused, and
// the application can still be read, listed and deleted.
func FuzzApplication(f *testing.F) {
	for _, seed := range []string{
		`{}`, `null`, `{"displayName":"x"}`, `{"web":{"homePageUrl":"x"},"info":null}`, `{"api":{"requestedAccessTokenVersion":1}}`, `{"tags":["a"],"tags":[]}`,
		`{"keyCredentials":[{"key":"AA==","type":"AsymmetricX509Cert","usage":"Verify"}]}`, `{"identifierUris":["api://x"]}`, `{"passwordCredentials":[]}`, `{"web":{"web":{}}}`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, body string) {
		w := start(t)
		app := w.call(w.owner, 201, "POST", "/applications", object{"displayName": "ci"})
		at := "/applications/" + app["id"].(string)
		r := httptest.NewRequest("PATCH", "https://graph.microsoft.com/v1.0"+at, strings.NewReader(body))
		if code := w.status(r); code != 204 && code != 400 && code != 501 {
			t.Errorf("%q: %d", body, code)
		}
		got := w.call(w.owner, 200, "GET", at, nil)
		if len(got) != len(app) || got["id"] != app["id"] || got["appId"] != app["appId"] || got["displayName"] == "" {
			t.Errorf("%q makes %v", body, got)
		}
		w.call(w.owner, 200, "GET", "/applications", nil)
		w.call(w.owner, 204, "DELETE", at, nil)
	})
}
