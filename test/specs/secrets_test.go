package specs

import (
	"crypto/rand"
	"crypto/rsa"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"lanyard/guard"
	"lanyard/internal/cloud"
	"lanyard/internal/dataplane/vault"
	"lanyard/internal/rbac"
	"lanyard/internal/secret"
	"lanyard/internal/store"
	"lanyard/internal/store/mem"
	"lanyard/internal/token"
)

// leastSecrets is how many examples of the secrets API have to pass: it may only rise.
const leastSecrets = 20

func TestExamplesOfTheSecretsAPI(t *testing.T) {
	root, l := descriptions(t), library{}
	all, missing, err := l.examples(root, func(file, _ string) bool {
		return strings.Contains(file, "/keyvault/data-plane/") && strings.HasSuffix(file, "/secrets.json")
	})
	if err != nil {
		t.Fatal(err)
	}
	passed := 0
	for _, x := range all {
		t.Run(x.String(), func(t *testing.T) {
			a := newShelf(t).try(l, x)
			check(t, l, x, a)
			switch {
			case a.status == http.StatusNotImplemented && strings.Contains(a.text, "backup"):
			case a.status >= http.StatusBadRequest:
				t.Errorf("answered %d: %s", a.status, a.text)
			case !t.Failed():
				passed++
			}
		})
	}
	t.Logf("%d examples tried, %d passed, %d refused as backups are not offered; the files of %d more are missing", len(all), passed, len(all)-passed, missing)
	if passed < leastSecrets {
		t.Errorf("%d examples passed, and %d did once", passed, leastSecrets)
	}
}

// shelf is one vault behind its door, whose caller may do everything.
type shelf struct {
	t      *testing.T
	routes *http.ServeMux
	bearer string
}

var signing = sync.OnceValue(func() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
})

func newShelf(t *testing.T) *shelf {
	box, err := secret.NewBox(nil)
	if err != nil {
		t.Fatal(err)
	}
	private := signing()
	w, now := &world{t: t, store: mem.New()}, time.Now()
	view := store.NewView(w.store, cloud.KeysVault)
	w.run(view.Run, view.Ready)
	key := token.Key{ID: "k", Issuer: cloud.Azure.Issuer(tenant), NotBefore: now.Add(-time.Hour), NotAfter: now.Add(time.Hour), Private: private, Public: &private.PublicKey}
	door := &vault.Door{Store: w.store, View: view, Box: box, Profile: cloud.Azure, Tenant: tenant,
		Vault: func(string) (vault.Vault, bool) {
			return vault.Vault{ID: cloud.MustID("/subscriptions/s/resourceGroups/rg/providers/Microsoft.KeyVault/vaults/myvault"), Name: "myvault"}, true
		},
		Guard: &guard.Guard{Tenant: tenant, Audiences: vault.Audiences(cloud.Azure), Issuers: []string{cloud.Azure.Issuer(tenant)},
			Keys: func(string) (token.Key, bool) { return key, true },
			Principal: func(id cloud.PrincipalID) (cloud.Principal, bool) {
				return cloud.Principal{ID: id, Tenant: tenant}, true
			},
			Decide: func(rbac.Request) rbac.Decision { return rbac.Decision{Allowed: true} }}}
	s := &shelf{t: t, routes: http.NewServeMux()}
	door.Routes(s.routes)
	s.bearer, err = token.Sign(key, token.Claims{Audience: vault.Audiences(cloud.Azure)[0], Issuer: cloud.Azure.Issuer(tenant), Tenant: tenant,
		Principal: bearer, Subject: bearer, IssuedAt: now.Unix(), NotBefore: now.Unix(), Expires: now.Add(time.Hour).Unix()})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *shelf) send(method, target, body string) answer {
	r := httptest.NewRequest(method, "https://myvault.vault.azure.net"+target, strings.NewReader(body))
	r.Header.Set("Authorization", "Bearer "+s.bearer)
	rec := httptest.NewRecorder()
	s.routes.ServeHTTP(rec, r)
	return read(s.t, rec)
}

// try makes the secret that an example takes for granted, deleted where it is about deleted ones,
// and sends the example.
func (s *shelf) try(l library, x example) answer {
	s.t.Helper()
	target, query, name, body := x.path, url.Values{"api-version": {x.version}}, "any", ""
	if given, ok := x.parameters["secret-name"].(string); ok {
		name = given
	}
	made := s.send("PUT", "/secrets/"+name+"?api-version="+x.version, `{"value":"v","contentType":"t","tags":{"a":"b"}}`)
	secret, _ := made.body.(map[string]any)
	id := fmt.Sprint(secret["id"])
	if strings.HasPrefix(target, "/deletedsecrets") {
		s.send("DELETE", "/secrets/"+name+"?api-version="+x.version, "")
	}
	for _, p := range x.operation.list("parameters") {
		p, err := l.follow(p)
		if err != nil {
			s.t.Fatal(err)
		}
		switch value := x.parameters[p.text("name")]; {
		case value == nil || p.text("name") == "api-version":
		case p.text("in") == "query":
			query.Set(p.text("name"), fmt.Sprint(value))
		case p.text("in") == "body":
			body = encode(s.t, value)
		}
	}
	target = strings.ReplaceAll(strings.ReplaceAll(target, "{secret-name}", name), "{secret-version}", id[strings.LastIndexByte(id, '/')+1:])
	a := s.send(x.method, target+"?"+query.Encode(), body)
	said, _ := a.body.(map[string]any)
	if list, ok := said["value"].([]any); ok && len(list) == 0 {
		s.t.Error("a list that holds nothing proves nothing")
	}
	return a
}
