package graph_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
)

// A redirect would turn a POST into a GET, and lead a client that sends its token wherever the path says.
func TestNoPathIsRedirected(t *testing.T) {
	w := start(t)
	id := string(w.worker.ID)
	for _, path := range []string{
		"//v1.0/me", "/v1.0//me", "/v1.0/./me", "/v1.0/applications/../me", "/v1.0/..", "/v1.0/../v1.0/me", "/v1.0/serviceprincipals//" + id,
		"/v1.0/me/.", "/v1.0/me/..", "//evil.test/v1.0/me", "//", "/..", "", "/v1.0", "/v1.0/", "/v1.0/groups/", "/v1.0/groups/x", "/v1.0/groups/x/",
		"/v1.0/oauth2permissiongrants/", "/v1.0/directory/deleteditems", "/v1.0/directory/deleteditems/", "/v1.0/applications/",
		"/v1.0/applications/x/federatedidentitycredentials", "/v1.0/me/", "/beta//me", "/",
	} {
		for _, method := range []string{"GET", "POST", "PATCH", "DELETE"} {
			r := httptest.NewRequest(method, "https://graph.microsoft.com/", nil)
			r.URL = &url.URL{Path: path}
			r.Header.Set("Authorization", "Bearer "+string(w.owner.ID))
			rec := httptest.NewRecorder()
			w.mux.ServeHTTP(rec, r)
			switch rec.Code {
			case http.StatusBadRequest, http.StatusNotFound, http.StatusNotImplemented:
			default:
				t.Errorf("%s %q: %d to %q", method, path, rec.Code, rec.Header().Get("Location"))
			}
		}
	}
	r := httptest.NewRequest("PATCH", "https://graph.microsoft.com/v1.0/oauth2permissiongrants", nil)
	if got := w.status(r); got != http.StatusNotImplemented {
		t.Errorf("a change of consents: %d", got)
	}
	if got := w.status(httptest.NewRequest("GET", "https://graph.microsoft.com/v1.0/oauth2%70ermissiongrants", nil)); got != http.StatusOK {
		t.Errorf("a path with an escaped letter: %d", got)
	}
}
