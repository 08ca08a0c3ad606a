package platform

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"lanyard/internal/cloud"
)

// open is every route that answers strangers other than by asking who they are, with the status they
// get. A route that comes to stand here needs a reason. The sign-in service refuses by its protocol's
// own 400, so of it only what it answers is listed.
var open = map[string]string{
	// What verifiers and clients read before they have a token.
	"login.microsoftonline.com GET /{tenant}/.well-known/openid-configuration":      "200",
	"login.microsoftonline.com GET /{tenant}/v2.0/.well-known/openid-configuration": "200",
	"login.microsoftonline.com GET /{tenant}/discovery/keys":                        "200",
	"login.microsoftonline.com GET /{tenant}/discovery/v2.0/keys":                   "200",
	"login.microsoftonline.com GET /common/userrealm/{user}":                        "200",
	"management.azure.com /metadata/endpoints":                                      "200",
	// Pages that ask people who they are.
	"login.microsoftonline.com GET /common/oauth2/deviceauth":    "200",
	"login.microsoftonline.com GET /devicelogin":                 "200",
	"login.microsoftonline.com GET /{tenant}/oauth2/logout":      "200",
	"login.microsoftonline.com GET /{tenant}/oauth2/v2.0/logout": "200",
	"plain login.lanyard.localhost /devicelogin":                 "200",
	// There is nothing there.
	"control.lanyard.localhost /": "404",
	"no-such-vault":               "404",
	"plain /":                     "400",
	"plain /metadata":             "404",
	"plain /metadata/":            "404",
	"plain /r/{way}/metadata":     "404",
	"plain /r/{way}/metadata/":    "404",
}

// patterns gives the patterns of a mux. It has no list of them to give, so its own index is read.
func patterns(t *testing.T, routes func(*http.ServeMux)) []string {
	t.Helper()
	mux := http.NewServeMux()
	routes(mux)
	index := reflect.ValueOf(mux).Elem().FieldByName("index")
	if !index.IsValid() {
		t.Fatal("net/http keeps its patterns otherwise than this test knows")
	}
	found := map[string]bool{}
	list := func(patterns reflect.Value) {
		for i := range patterns.Len() {
			found[patterns.Index(i).Elem().FieldByName("str").String()] = true
		}
	}
	list(index.FieldByName("multis"))
	for _, key := range index.FieldByName("segments").MapKeys() {
		list(index.FieldByName("segments").MapIndex(key))
	}
	return slices.Sorted(maps.Keys(found))
}

// graphPatterns gives the routes that the directory's API looks up in a mux of its own, under paths in
// lower case: they are read from its list.
func graphPatterns(t *testing.T) (all []string) {
	t.Helper()
	text, err := os.ReadFile("../entra/graph/routes.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, found := range regexp.MustCompile(`"((GET|POST|PATCH|PUT|DELETE) /[^"]*)"`).FindAllStringSubmatch(string(text), -1) {
		all = append(all, found[1])
	}
	if len(all) < 20 {
		t.Fatalf("only %d routes of the directory's API found", len(all))
	}
	return append(all, "/")
}

var blank = regexp.MustCompile(`\{[^}]*\}`)

// example gives a request line that a pattern takes.
func (s *stage) example(pattern string) (method, path string) {
	method, path, ok := strings.Cut(pattern, " ")
	if !ok {
		method, path = http.MethodGet, pattern
	}
	return method, blank.ReplaceAllStringFunc(path, func(name string) string {
		switch name {
		case "{tenant}":
			return string(s.deed.Tenant)
		case "{$}":
			return ""
		}
		return "x"
	})
}

// visitor gives a client that reaches every name at the port, knows its certificate and follows nothing.
func (s *stage) visitor(t testing.TB) *http.Client {
	t.Helper()
	if s.client != nil {
		return s.client
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(s.edge.Authority.PEM())
	transport := &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: roots},
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, s.Address())
		},
	}
	t.Cleanup(transport.CloseIdleConnections)
	s.client = &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	return s.client
}

// visit sends a request to a name at the port.
func (s *stage) visit(t testing.TB, method, url string, headers ...string) (*http.Response, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		if headers[i] == "Host" {
			r.Host = headers[i+1]
			continue
		}
		r.Header.Add(headers[i], headers[i+1])
	}
	answer, err := s.visitor(t).Do(r)
	if err != nil {
		t.Fatalf("%s %s: %v", method, url, err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer, string(body)
}

// doors are the doors behind TLS with a name that each answers to.
func (s *stage) doors() map[string]func(*http.ServeMux) {
	return map[string]func(*http.ServeMux){
		cloud.Azure.Authority:             s.entraDoor().Routes,
		cloud.Azure.VaultHost("stage-kv"): s.vaultDoor().Routes,
		ControlHost:                       s.controlRoutes,
	}
}

// TestStrangersReachOnlyWhatTheyMust is T7: every route of every door is asked without a credential,
// and what does not answer that it wants one stands in a list that is short and has reasons.
func TestStrangersReachOnlyWhatTheyMust(t *testing.T) {
	s := newStage(t)
	s.replica(t, s.app)
	s.newVault(t, "stage-kv")
	got := map[string]string{}
	ask := func(route, method, url string) {
		answer, body := s.visit(t, method, url, "Metadata", "true")
		signIn := strings.HasPrefix(route, cloud.Azure.Authority) || strings.Contains(route, "login.lanyard")
		if answer.StatusCode < 400 || answer.StatusCode != http.StatusUnauthorized && !signIn {
			got[route] = fmt.Sprint(answer.StatusCode)
		}
		if strings.Contains(body, "eyJ") || strings.Contains(strings.ToLower(body), "access_token") {
			t.Errorf("%s gives a stranger a token: %s", route, body)
		}
	}
	for host, routes := range s.doors() {
		all := patterns(t, routes)
		if len(all) < 5 {
			t.Errorf("%s has only %d routes: the test sees too little", host, len(all))
		}
		for _, pattern := range all {
			method, path := s.example(pattern)
			ask(host+" "+pattern, method, "https://"+host+path)
		}
	}
	for _, pattern := range graphPatterns(t) {
		method, path := s.example(pattern)
		ask("graph.microsoft.com "+pattern, method, "https://graph.microsoft.com/v1.0"+path)
	}
	for _, pattern := range patterns(t, s.msiDoor().Routes) {
		method, path := s.example(pattern)
		ask("plain "+pattern, method, "http://"+s.Address()+path)
	}
	ask("plain /", "GET", "http://"+s.Address()+"/")
	for _, path := range []string{"/", "/subscriptions", "/tenants", "/providers", "/metadata/endpoints", "/metadata/identity", s.app.String(), "/debug/pprof/", "/metrics", "/healthz"} {
		ask("management.azure.com "+path, "GET", "https://management.azure.com"+path+"?api-version=2022-09-01")
	}
	for _, path := range []string{"/", "/devicelogin", "/common/oauth2/v2.0/token", "/common/discovery/keys", "/status", "/subscriptions"} {
		for _, method := range []string{"GET", "POST"} {
			answer, _ := s.visit(t, method, "http://"+s.Address()+path, "Host", s.signInHost())
			if answer.StatusCode < 400 {
				got["plain login.lanyard.localhost "+path] = fmt.Sprint(answer.StatusCode)
			}
		}
	}
	ask("no-such-vault", "GET", "https://no-such-vault.vault.azure.net/secrets/x?api-version=7.4")
	if !maps.Equal(got, open) {
		for route, status := range got {
			if open[route] != status {
				t.Errorf("%q: %q, // answers strangers and is not expected to", route, status)
			}
		}
		for route := range open {
			if got[route] == "" {
				t.Errorf("%q wants a credential now: take it off the list", route)
			}
		}
	}
}
