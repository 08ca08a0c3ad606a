package managedidentity_test

import (
	"strings"
	"testing"

	"lanyard/internal/arm"
	"lanyard/internal/cloud"
	"lanyard/internal/provider"
	"lanyard/internal/provider/managedidentity"
	"lanyard/internal/provider/providertest"
)

const (
	v    = "2024-11-30"
	line = providertest.Group + "/providers/Microsoft.ManagedIdentity/userAssignedIdentities/billing"
	here = `{"location":"westeurope"}`
)

func begin(t *testing.T) *providertest.World {
	return providertest.Begin(t, v, func(w *providertest.World) []arm.Row {
		return append(managedidentity.Rows(managedidentity.Deps{Deps: provider.Deps{Resources: w.Engine, Store: w.Store}, Directory: w.Directory}), arm.Row{Type: "Toy.Shop/carts", Versions: []string{v}, Tracked: true, Identity: true})
	})
}

func TestAnIdentityHasAPrincipalAsLongAsItLives(t *testing.T) {
	w := begin(t)
	a := w.Want(201, "", "PUT "+line, here)
	principal, _ := a.Property("properties.principalId").(string)
	p, ok := w.Directory.Principal(cloud.PrincipalID(principal))
	if !ok || p.Kind != cloud.UserAssigned || p.Name != "billing" || !p.Resource.Equal(cloud.MustID(line)) {
		t.Fatalf("the directory has %+v, %v", p, ok)
	}
	if a.Property("properties.clientId") != string(p.Client) || a.Property("properties.tenantId") != string(providertest.Tenant) {
		t.Errorf("the identity shows %s", a.Text)
	}
	again := w.Want(200, "", "PUT "+line, `{"location":"westeurope","tags":{"a":"b"},"properties":{"principalId":"somebody-else"}}`)
	if again.Property("properties.principalId") != principal {
		t.Errorf("a second PUT made it %v", again.Property("properties.principalId"))
	}
	patched := w.Want(200, "", "PATCH "+line, `{"tags":{"c":"d"}}`)
	if patched.Property("properties.principalId") != principal || patched.Property("tags.c") != "d" {
		t.Errorf("PATCH made it %s", patched.Text)
	}
	w.Want(200, "", "DELETE "+line, "")
	if _, ok := w.Directory.Principal(p.ID); ok {
		t.Error("the principal outlived its identity")
	}
	if b := w.Want(201, "", "PUT "+line, here); b.Property("properties.principalId") == principal {
		t.Error("a new identity of the same name has the old principal")
	}
}

func TestIdentityRules(t *testing.T) {
	w := begin(t)
	at := strings.TrimSuffix(line, "billing")
	for _, name := range []string{"ab", "-abc", "a.b.c", strings.Repeat("a", 129)} {
		w.Want(400, "InvalidResourceName", "PUT "+at+name, here)
	}
	w.Want(201, "", "PUT "+at+strings.Repeat("a", 128), here)
	w.Want(201, "", "PUT "+at+"0_a", `{"location":"westeurope","properties":{"isolationScope":"none"}}`)
	w.Want(501, "NotOffered", "PUT "+at+"abc", `{"location":"westeurope","properties":{"isolationScope":"Regional"}}`)
	w.Want(400, "InvalidRequestContent", "PUT "+at+"abc", `{"location":"westeurope","properties":{"isolationScope":"Galactic"}}`)
}

func TestAResourceShowsItsOwnIdentity(t *testing.T) {
	w := begin(t)
	cart := providertest.Group + "/providers/Toy.Shop/carts/c"
	a := w.Want(201, "", "PUT "+cart, `{"location":"westeurope","identity":{"type":"SystemAssigned"}}`)
	own := cart + "/providers/Microsoft.ManagedIdentity/identities/default"
	if b := w.Want(200, "", "GET "+own, ""); b.Property("properties.principalId") != a.Property("identity.principalId") {
		t.Errorf("it shows %s, the resource %s", b.Text, a.Text)
	} else if b.Property("location") != "westeurope" {
		t.Errorf("it is somewhere else than its resource: %s", b.Text)
	}
	w.Want(404, "ResourceNotFound", "GET "+strings.Replace(own, "default", "other", 1), "")
	w.Want(405, "MethodNotAllowed", "PUT "+own, `{}`)
	w.Want(200, "", "PUT "+cart, `{"location":"westeurope","identity":{"type":"None"}}`)
	w.Want(404, "ResourceNotFound", "GET "+own, "")
}

func TestIdentitiesAreListedByGroupAndSubscription(t *testing.T) {
	w := begin(t)
	kind := "/providers/Microsoft.ManagedIdentity/userAssignedIdentities"
	for n, scope := range []string{providertest.Group, providertest.Group, providertest.Group, providertest.Other} {
		w.Want(201, "", "PUT "+scope+kind+"/one-"+string(rune('a'+n)), here)
	}
	if a := w.Want(200, "", "GET "+providertest.Group+kind, ""); len(a.Values()) != 3 {
		t.Errorf("the group lists %s", a.Text)
	}
	seen := 0
	for next := providertest.Subscription + kind + "?$top=3"; next != ""; {
		a := w.Want(200, "", "GET "+next, "")
		seen += len(a.Values())
		link, _ := a.Body["nextLink"].(string)
		next = strings.TrimPrefix(link, "https://"+cloud.Azure.Management)
	}
	if seen != 4 {
		t.Errorf("the subscription's pages hold %d", seen)
	}
}

func TestEveryDescribedVersionIsKnown(t *testing.T) {
	w := begin(t)
	for _, version := range []string{"2015-08-31-preview", "2018-11-30", "2021-09-30-preview", "2022-01-31-preview", "2023-01-31",
		"2023-07-31-preview", "2024-11-30", "2025-01-31-preview", "2025-05-31-preview"} {
		status := 200
		if version == "2015-08-31-preview" {
			status = 201
		}
		w.Want(status, "", "PUT "+line+"?api-version="+version, here)
	}
	w.Want(400, "NoRegisteredProviderFound", "GET "+line+"?api-version=2019-01-01", "")
}

func TestWhatIdentitiesCannotDoIsRefusedByName(t *testing.T) {
	w := begin(t)
	w.Want(201, "", "PUT "+line, here)
	for claim, c := range map[string]struct{ line, body, says string }{
		"associated resources":    {"POST " + line + "/listAssociatedResources", "", "listAssociatedResources"},
		"revoking tokens":         {"POST " + line + "/revokeTokens", "", "revokeTokens"},
		"assignment restrictions": {"PATCH " + line, `{"properties":{"assignmentRestrictions":{"providers":["Microsoft.App"]}}}`, "assignmentRestrictions"},
		"a regional identity":     {"PATCH " + line, `{"properties":{"isolationScope":"Regional"}}`, "isolationScope"},
	} {
		if a := w.Want(501, "NotOffered", c.line, c.body); !strings.Contains(a.Text, c.says) {
			t.Errorf("%s: %s", claim, a.Text)
		}
	}
	// What is asked for as it is anyway is no wish.
	w.Want(200, "", "PATCH "+line, `{"properties":{"isolationScope":"None","assignmentRestrictions":{"providers":[]}}}`)
}
