package managedidentity_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"

	"lanyard/internal/arm"
	"lanyard/internal/cloud"
	"lanyard/internal/provider"
	"lanyard/internal/provider/managedidentity"
	"lanyard/internal/provider/providertest"
	"lanyard/internal/store"
)

const (
	federation = line + "/federatedIdentityCredentials"
	aud        = `"audiences":["api://AzureADTokenExchange"]`
)

// trusting is a credential's body.
func trusting(issuer, subject string) string {
	return fmt.Sprintf(`{"properties":{"issuer":%q,"subject":%q,%s}}`, issuer, subject, aud)
}

func billing(t *testing.T) (*providertest.World, cloud.PrincipalID) {
	w := begin(t)
	a := w.Want(201, "", "PUT "+line, here)
	return w, principal(a, "properties.principalId")
}

func TestAFederatedCredentialLivesInItsIdentity(t *testing.T) {
	w, who := billing(t)
	body := trusting("https://issuer.example/a/", "repo:Shop")
	for _, status := range []int{201, 200} {
		a := w.Want(status, "", "PUT "+federation+"/ci-main", body)
		if a.Body["name"] != "ci-main" || a.Body["type"] != managedidentity.Federated || a.Property("properties.issuer") != "https://issuer.example/a/" ||
			a.Property("properties.subject") != "repo:Shop" || fmt.Sprint(a.Property("properties.audiences")) != "[api://AzureADTokenExchange]" {
			t.Errorf("PUT answered %s", a.Text)
		}
	}
	w.Want(200, "", "GET "+federation+"/CI-main", "")
	w.Want(404, "ResourceNotFound", "GET "+federation+"/other", "")
	got := w.Directory.Federated(who)
	if want := (cloud.FederatedCredential{Name: "ci-main", Issuer: "https://issuer.example/a/", Subject: "repo:Shop", Audience: "api://AzureADTokenExchange"}); len(got) != 1 || got[0] != want {
		t.Errorf("the directory has %+v", got)
	}
	w.Want(200, "", "PUT "+federation+"/ci-main", trusting("https://issuer.example/a/", "repo:Till"))
	if got := w.Directory.Federated(who); len(got) != 1 || got[0].Subject != "repo:Till" {
		t.Errorf("after a change the directory has %+v", got)
	}
	w.Want(200, "", "DELETE "+federation+"/ci-main", "")
	w.Want(204, "", "DELETE "+federation+"/ci-main", "")
	if got := w.Directory.Federated(who); len(got) != 0 {
		t.Errorf("after its end the directory has %+v", got)
	}
	w.Want(400, "NoRegisteredProviderFound", "PUT "+federation+"/ci-main?api-version=2018-11-30", body)
}

func TestFederatedCredentialsGoWithTheirIdentity(t *testing.T) {
	w, first := billing(t)
	w.Want(201, "", "PUT "+federation+"/ci-main", trusting("https://issuer.example", "a"))
	w.Want(200, "", "DELETE "+line, "")
	if got := w.Directory.Federated(first); len(got) != 0 {
		t.Errorf("one that is gone is spoken for by %+v", got)
	}
	w.Want(404, "ParentResourceNotFound", "PUT "+federation+"/ci-main", trusting("https://issuer.example", "a"))
	w.Want(404, "ParentResourceNotFound", "GET "+federation+"/ci-main", "")
	second := principal(w.Want(201, "", "PUT "+line, here), "properties.principalId")
	if got := w.Directory.Federated(second); len(got) != 0 {
		t.Errorf("its namesake is spoken for by %+v", got)
	}
}

func TestRulesOfFederatedCredentials(t *testing.T) {
	w, _ := billing(t)
	w.Want(201, "", "PUT "+federation+"/first", trusting("https://issuer.example", "a"))
	long := strings.Repeat("x", 601)
	for claim, c := range map[string]struct{ name, body, says string }{
		"nothing":          {"two-x", `{}`, "has empty properties"},
		"no properties":    {"two-x", `{"properties":{}}`, "has empty properties"},
		"no issuer":        {"two-x", `{"properties":{"subject":"b",` + aud + `}}`, "has empty properties"},
		"an empty subject": {"two-x", trusting("https://issuer.example", ""), "has empty properties"},
		"no audience":      {"two-x", `{"properties":{"issuer":"https://i.example","subject":"b","audiences":[]}}`, "must have exactly one audience"},
		"two audiences":    {"two-x", `{"properties":{"issuer":"https://i.example","subject":"b","audiences":["a","b"]}}`, "must have exactly one audience"},
		"a plain issuer":   {"two-x", trusting("http://issuer.example", "b"), "https URL"},
		"no URL":           {"two-x", trusting("issuer.example", "b"), "https URL"},
		"a query":          {"two-x", trusting("https://issuer.example?a=b", "b"), "https URL"},
		"a user":           {"two-x", trusting("https://me@issuer.example", "b"), "https URL"},
		"a fragment":       {"two-x", trusting("https://issuer.example#", "b"), "https URL"},
		"a long subject":   {"two-x", trusting("https://issuer.example", long), "600 characters"},
		"a long issuer":    {"two-x", trusting("https://issuer.example/"+long, "b"), "600 characters"},
		"a short name":     {"ab", trusting("https://issuer.example", "b"), "name 'ab' is invalid"},
		"a dotted name":    {"a.b.c", trusting("https://issuer.example", "b"), "name 'a.b.c' is invalid"},
		"a dash in front":  {"-abc", trusting("https://issuer.example", "b"), "name '-abc' is invalid"},
		"a long name":      {strings.Repeat("a", 121), trusting("https://issuer.example", "b"), "is invalid"},
		"the same again":   {"two-x", trusting("https://issuer.example", "a"), "Issuer and subject combination already exists for this Managed Identity."},
	} {
		if a := w.Want(400, "BadRequest", "PUT "+federation+"/"+c.name, c.body); !strings.Contains(a.Text, c.says) {
			t.Errorf("%s: %s", claim, a.Text)
		}
	}
	w.Want(201, "", "PUT "+federation+"/"+strings.Repeat("a", 120), trusting("https://issuer.example", "A"))
	w.Want(201, "", "PUT "+federation+"/third", trusting("https://issuer.example/", "a"))
	if a := w.Want(501, "NotOffered", "PUT "+federation+"/two-x",
		`{"properties":{"issuer":"https://i.example",`+aud+`,"claimsMatchingExpression":{"languageVersion":1,"value":"claims['sub'] matches 'a*'"}}}`); !strings.Contains(a.Text, "claimsMatchingExpression") {
		t.Errorf("wildcards: %s", a.Text)
	}
	seen := 0
	for next := federation + "?$top=2"; next != ""; {
		a := w.Want(200, "", "GET "+next, "")
		seen += len(a.Values())
		link, _ := a.Body["nextLink"].(string)
		next = strings.TrimPrefix(link, "https://"+cloud.Azure.Management)
	}
	if seen != 3 {
		t.Errorf("the pages hold %d", seen)
	}
}

func TestAnIdentityHasSoManyFederatedCredentials(t *testing.T) {
	for limit, most := range map[int]int{0: 20, 2: 2, -1: 25} {
		w := providertest.Begin(t, v, func(w *providertest.World) []arm.Row {
			return managedidentity.Rows(managedidentity.Deps{Deps: provider.Deps{Resources: w.Engine, Store: w.Store}, Directory: w.Directory, FederatedLimit: limit})
		})
		w.Want(201, "", "PUT "+line, here)
		for n := range most {
			w.Want(201, "", fmt.Sprintf("PUT %s/fic-%d", federation, n), trusting("https://issuer.example", fmt.Sprint(n)))
		}
		if limit < 0 {
			continue
		}
		a := w.Want(400, "BadRequest", "PUT "+federation+"/one-more", trusting("https://issuer.example", "x"))
		if !strings.Contains(a.Text, fmt.Sprintf("has %d federated identity credentials", most)) {
			t.Errorf("limit %d: %s", limit, a.Text)
		}
		w.Want(200, "", "PUT "+federation+"/fic-0", trusting("https://issuer.example", "x"))
		w.Want(200, "", "DELETE "+federation+"/fic-1", "")
		w.Want(201, "", "PUT "+federation+"/one-more", trusting("https://issuer.example", "y"))
	}
}

// between does something once, before the first commit that writes a key.
type between struct {
	store.Store
	key string
	do  func()
	one sync.Once
}

func (b *between) Commit(ctx context.Context, changes ...store.Change) (int64, error) {
	for _, c := range changes {
		if c.Key == b.key {
			b.one.Do(b.do)
		}
	}
	return b.Store.Commit(ctx, changes...)
}

// Whoever comes second has the same issuer and subject, so that whatever is decided by what was there
// before would let both through.
func TestOfTwoWritesUnderOneIdentityAtOnceOneIsRefused(t *testing.T) {
	w, who := billing(t)
	second := &between{Store: w.Store, key: cloud.DocumentKey(cloud.MustID(federation + "/slow-one"))}
	second.do = func() { w.Want(201, "", "PUT "+federation+"/quick-one", trusting("https://issuer.example", "a")) }
	w.Engine.Store = second
	a := w.Want(409, "ConcurrentFederatedIdentityCredentialsWritesForSingleManagedIdentity", "PUT "+federation+"/slow-one", trusting("https://issuer.example", "a"))
	if !strings.Contains(a.Text, line) {
		t.Errorf("it does not name the identity: %s", a.Text)
	}
	if got := w.Directory.Federated(who); len(got) != 1 || got[0].Name != "quick-one" {
		t.Errorf("the identity is spoken for by %+v", got)
	}
	w.Want(201, "", "PUT "+federation+"/slow-one", trusting("https://issuer.example", "b"))
	w.Want(200, "", "DELETE "+line, "")
	if left, err := second.Get(t.Context(), cloud.KeysGate+"federated"+cloud.MustID(line).Key()); err != nil || left.Revision != 0 {
		t.Errorf("the identity's gate outlives it: %+v, %v", left, err)
	}
}
