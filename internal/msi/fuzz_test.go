package msi

import (
	"bufio"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"lanyard/internal/cloud"
	"lanyard/internal/host"
)

// seeds are requests of which some are right and others nearly are.
func seeds() []string {
	const version, ask = " HTTP/1.1\r\nHost: {host}\r\n", "{name}: {header}\r\n{more}"
	return []string{
		"GET {path}{query}" + version + ask,
		"GET {path}/{query}" + version + ask + "Accept: */*\r\n",
		"GET {path}{query}" + version,
		"GET {path}{query}" + version + ask + ask,
		"GET {path}{query}" + version + ask + "Via: x\r\n",
		"POST {path}{query}" + version + ask + "Content-Length: 0\r\n",
		"GET /{path}{query}" + version + ask,
		"GET http://{host}{path}{query}" + version + ask,
		"GET {path//}{query}" + version + ask,
		"GET {path%}{query}" + version + ask,
		"GET {path}{query}&client_id=" + string(bill.Client) + version + ask,
		"GET {path}{query}&clientid=" + string(bill.Client) + version + ask,
		"GET {path}{query}&msi_res_id=" + audits.String() + version + ask,
		"GET {path}{query}&object_id=" + string(audit.ID) + "&xms_cc=cp1" + version + ask,
		"GET {path}{query}&token_sha256_to_refresh=" + strings.Repeat("a", 64) + version + ask,
		"GET {path}?resource=https%3A%2F%2Fvault.azure.net&api%2Dversion=2018-02-01" + version + ask,
		"GET {path}{query} HTTP/1.0\r\nHost: {host}\r\n" + ask,
		"GET {path}{query} HTTP/1.1\r\nHost: attacker.test\r\n" + ask,
		"GET /metadata/identity/oauth2/token?api-version=2018-02-01&resource=https://vault.azure.net" + version + "Metadata: true\r\n",
		"GET {path}/../info?api-version=2018-02-01" + version + ask,
		"OPTIONS *" + version,
		"GET a:{path}{query}" + version + ask,
		"GET a: HTTP/0.0",
	}
}

// fuzzed is the world in which requests of any shape are tried: its app wears two of three identities.
func fuzzed(t testing.TB, d dialect) *world {
	w := newWorld(t, worn(system, bill)...)
	w.attach(t, host.Attachment{Source: d.source})
	w.door.Limits = Limits{Rate: 1e9, AtOnce: 1000}
	return w
}

// judge gives the door a request of any shape and holds it to one rule: a token is given to a direct GET
// of the replica's own path under the port's own name, with the header once and whole, for an identity
// that the app wears, and to nothing else. Whatever it refuses, it refuses with a 4xx, and signs nothing.
// It reports whether a token was given.
func (d dialect) judge(t testing.TB, w *world, handler http.Handler, text string) bool {
	t.Helper()
	r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(text + "\r\n\r\n")))
	if err != nil {
		return false // net/http answers 400 itself
	}
	before, rec := w.minted(), httptest.NewRecorder()
	handler.ServeHTTP(rec, r)
	body := rec.Body.String()
	given := strings.Contains(body, `"access_token"`)
	if rec.Code != http.StatusOK {
		told := func(secret cloud.Sealed) bool { // by us, and not by who asks
			return strings.Contains(body, secret.Open()) && !strings.Contains(r.URL.RawQuery, secret.Open())
		}
		if rec.Code < 400 || rec.Code > 499 || w.minted() != before || given || told(w.replica.Header) || told(w.replica.Way) {
			t.Errorf("%q is answered %d %s after %d mints", text, rec.Code, body, w.minted()-before)
		}
		return false
	}
	if !given {
		if !strings.Contains(r.RequestURI, "/info") {
			t.Errorf("%q is answered 200 %s", text, body)
		}
		return false
	}
	if why := d.wrong(w, r, body); why != "" {
		t.Errorf("%q is given a token: %s", text, why)
	}
	return true
}

// wrong says why a request is not one that a token may be given to.
func (d dialect) wrong(w *world, r *http.Request, body string) string {
	port := w.door.Address[strings.LastIndexByte(w.door.Address, ':'):]
	name, ours := strings.CutSuffix(r.Host, port)
	given, own := r.Header[http.CanonicalHeaderKey(d.header)], d.path(w)
	switch {
	case r.Method != "GET" || r.ProtoMajor != 1 || r.ProtoMinor != 1:
		return "the method or version"
	case !ours || !slices.Contains([]string{"127.0.0.1", "localhost", "[::1]"}, name):
		return "the host"
	case !strings.HasPrefix(r.RequestURI, own+"?") && !strings.HasPrefix(r.RequestURI, own+"/?"):
		return "the path"
	case len(given) != 1 || given[0] != d.value(w):
		// The paths of App Service are one: another version may have another header.
		other := r.Header["X-Identity-Header"]
		if d.protocol == appService2017 || len(other) == 0 {
			other = r.Header["Secret"]
		}
		if d.protocol.header == "" || len(other) != 1 || other[0] != w.replica.Header.Open() {
			return "the header"
		}
	case d.protocol.keyed && len(r.Header["Authorization"]) != 1:
		return "the key"
	}
	for name := range r.Header {
		if relays(name) {
			return name
		}
	}
	if strings.Contains(body, string(audit.ID)) || !strings.Contains(body, string(system.ID)) && !strings.Contains(body, string(bill.ID)) {
		return "the identity"
	}
	return ""
}

func (d dialect) fuzz(f *testing.F) {
	for _, seed := range seeds() {
		f.Add(seed)
	}
	w := fuzzed(f, d)
	handler := w.door.Handler()
	f.Fuzz(func(t *testing.T, text string) { d.judge(t, w, handler, d.fill(t, w, text)) })
}

func FuzzAppService2019(f *testing.F) { dialects[0].fuzz(f) }
func FuzzAppService2017(f *testing.F) { dialects[1].fuzz(f) }
func FuzzAppService2025(f *testing.F) { dialects[2].fuzz(f) }
func FuzzIMDS(f *testing.F)           { dialects[3].fuzz(f) }
func FuzzArc(f *testing.F)            { dialects[4].fuzz(f) }
