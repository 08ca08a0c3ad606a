package authorization_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"lanyard/internal/arm"
	"lanyard/internal/cloud"
	"lanyard/internal/provider/authorization"
	"lanyard/internal/provider/providertest"
	"lanyard/internal/store"
)

const (
	v           = "2022-04-01"
	assignments = "/providers/Microsoft.Authorization/roleAssignments/"
	definitions = "/providers/Microsoft.Authorization/roleDefinitions/"
	one         = "00000000-0000-0000-0000-0000000000a1"
	two         = "00000000-0000-0000-0000-0000000000a2"
	stranger    = "99999999-0000-0000-0000-000000000000"
	reader      = "acdd72a7-3385-48ef-bd42-f606fba81ae7"
	contributor = "b24988ac-6180-42a0-ab88-20f7382dd24c"
)

func begin(t *testing.T) *providertest.World {
	return providertest.Begin(t, v, func(w *providertest.World) []arm.Row {
		return append(authorization.Rows(authorization.Deps{Directory: w.Directory, Resources: w.Engine, Store: w.Store, Tenant: providertest.Tenant,
			Now: func() time.Time { return providertest.Start }}),
			arm.Row{Type: "Toy.Shop/carts", Versions: []string{v}, Tracked: true, Identity: true})
	})
}

func grant(role, principal, more string) string {
	return fmt.Sprintf(`{"properties":{"roleDefinitionId":"%s%s","principalId":"%s"%s}}`, providertest.Subscription+definitions, role, principal, more)
}

func TestAssignmentsAreMadeOnce(t *testing.T) {
	w := begin(t)
	p := string(w.Enroll("shop").ID)
	put := "PUT " + providertest.Group + assignments
	a := w.Want(201, "", put+one, grant(reader, p, ""))
	for name, want := range map[string]any{"scope": providertest.Group, "principalType": "ServicePrincipal", "principalId": p,
		"createdBy": string(providertest.Caller.Principal)} {
		if got := a.Property("properties." + name); got != want {
			t.Errorf("%s is %v, want %v", name, got, want)
		}
	}
	b := w.Want(200, "", put+one, grant(reader, strings.ToUpper(p), ""))
	if a.Property("properties.updatedOn") != b.Property("properties.updatedOn") {
		t.Error("saying the same again changed the assignment")
	}
	w.Want(400, "RoleAssignmentUpdateNotPermitted", put+one, grant(contributor, p, ""))
	w.Want(400, "RoleAssignmentUpdateNotPermitted", put+one, grant(reader, string(w.Enroll("other").ID), ""))
	w.Want(400, "RoleAssignmentUpdateNotPermitted", "PUT "+providertest.Other+assignments+one, grant(reader, p, ""))
	w.Want(409, "RoleAssignmentExists", put+two, grant(reader, p, ""))
	c := w.Want(200, "", put+one, grant(reader, p, `,"description":"why"`))
	if c.Property("properties.description") != "why" || c.Property("properties.createdOn") != a.Property("properties.createdOn") {
		t.Errorf("a new description: %s", c.Text)
	}
	if gone := w.Want(200, "", "DELETE "+providertest.Group+assignments+one, ""); gone.Property("name") != one {
		t.Errorf("DELETE answered %s", gone.Text)
	}
	w.Want(204, "", "DELETE "+providertest.Group+assignments+one, "")
	w.Want(404, "RoleAssignmentNotFound", "GET "+providertest.Group+assignments+one, "")
	w.Want(201, "", put+two, grant(reader, p, ""))
	w.Want(201, "", "PUT "+providertest.Other+assignments+one, grant(reader, p, ""))
}

func TestOfManyEqualGrantsAtOnceOneIsMade(t *testing.T) {
	w := begin(t)
	p := string(w.Enroll("shop").ID)
	var wait sync.WaitGroup
	codes := make(chan int, 12)
	for i := range cap(codes) {
		wait.Go(func() {
			codes <- w.Ask(fmt.Sprintf("PUT %s%s00000000-0000-0000-0000-%012d", providertest.Group, assignments, i), grant(reader, p, "")).Status
		})
	}
	wait.Wait()
	close(codes)
	made := 0
	for code := range codes {
		switch code {
		case 201:
			made++
		case 409:
		default:
			t.Errorf("answered %d", code)
		}
	}
	if made != 1 {
		t.Errorf("%d were made", made)
	}
}

func TestAGrantCanBeMadeAgainAfterItsScopeWent(t *testing.T) {
	w := begin(t)
	p := string(w.Enroll("shop").ID)
	put := "PUT " + providertest.Group + assignments
	w.Want(201, "", put+one, grant(reader, p, ""))
	// The document goes without the provider being asked, its claims stay.
	w.Commit(store.Change{Key: cloud.DocumentKey(cloud.MustID(providertest.Group + assignments + one)), If: store.Any})
	w.Want(201, "", put+two, grant(reader, p, ""))
}

func TestWhatAnAssignmentNamesMustExist(t *testing.T) {
	w := begin(t)
	p := string(w.Enroll("shop").ID)
	for claim, c := range map[string]struct {
		status     int
		code, body string
	}{
		"a principal that is not there":            {400, "PrincipalNotFound", grant(reader, stranger, "")},
		"one whose type the client vouches for":    {201, "", grant(reader, stranger, `,"principalType":"ServicePrincipal"`)},
		"a principal of another type":              {400, "UnmatchedPrincipalType", grant(reader, p, `,"principalType":"User"`)},
		"a type that is none":                      {400, "InvalidPrincipalType", grant(reader, p, `,"principalType":"Robot"`)},
		"a principal that is no GUID":              {400, "InvalidPrincipalId", grant(reader, "me", "")},
		"a role that is not there":                 {400, "RoleDefinitionDoesNotExist", grant(stranger, p, "")},
		"a role that is no role":                   {400, "InvalidRoleDefinitionId", `{"properties":{"principalId":"` + p + `","roleDefinitionId":"Reader"}}`},
		"nothing":                                  {400, "InvalidRoleDefinitionId", `{}`},
		"a condition, which nobody here evaluates": {501, "NotOffered", grant(contributor, p, `,"condition":"true","conditionVersion":"2.0"`)},
		"a condition that is null":                 {201, "", grant(contributor, p, `,"condition":null,"conditionVersion":null`)},
		"an identity of another tenant":            {501, "NotOffered", grant(contributor, p, `,"delegatedManagedIdentityResourceId":"/x"`)},
	} {
		t.Run(claim, func(t *testing.T) {
			w.Want(c.status, c.code, "PUT "+providertest.Group+assignments+one, c.body)
			w.Ask("DELETE "+providertest.Group+assignments+one, "")
		})
	}
	w.Want(400, "InvalidRoleAssignmentId", "PUT "+providertest.Group+assignments+"mine", grant(reader, p, ""))
	if got := w.Ask("PUT "+providertest.Group+assignments+one, grant(reader, stranger, "")); !strings.Contains(got.Text, " does not exist in the directory ") {
		t.Errorf("az retries on a text that is not in %s", got.Text)
	}
}

func TestListsOfAssignments(t *testing.T) {
	w := begin(t)
	p, q := w.Enroll("shop"), w.Enroll("billing")
	put := func(n int, scope, role string, who cloud.Principal) {
		w.Want(201, "", fmt.Sprintf("PUT %s%s00000000-0000-0000-0000-%012d", scope, assignments, n), grant(role, string(who.ID), ""))
	}
	put(1, providertest.Subscription, reader, p)
	put(2, providertest.Group, contributor, p)
	put(3, providertest.Other, contributor, q)
	for line, want := range map[string]string{
		providertest.Subscription + "|":                                             "1 2 3",
		providertest.Subscription + "|atScope()":                                    "1",
		providertest.Group + "|":                                                    "1 2",
		providertest.Group + "|atScope()":                                           "1 2",
		providertest.Subscription + "|principalId eq '" + string(q.ID) + "'":        "3",
		providertest.Group + "|atScope() and assignedTo('" + string(q.ID) + "')":    "",
		providertest.Group + "|assignedTo('" + strings.ToUpper(string(p.ID)) + "')": "1 2",
	} {
		scope, filter, _ := strings.Cut(line, "|")
		a := w.Want(200, "", "GET "+scope+"/providers/Microsoft.Authorization/roleAssignments?$filter="+strings.ReplaceAll(filter, "'", "%27"), "")
		var got []string
		for _, each := range a.Values() {
			got = append(got, strings.TrimLeft(each["name"].(string)[24:], "0"))
		}
		slices.Sort(got)
		if strings.Join(got, " ") != want {
			t.Errorf("%s lists %v, want %s", line, got, want)
		}
	}
	w.Want(400, "InvalidFilter", "GET "+providertest.Group+"/providers/Microsoft.Authorization/roleAssignments?$filter=colour+eq+%27blue%27", "")
}

func TestAnAssignmentOutlivesItsPrincipalAsAnOrphan(t *testing.T) {
	w := begin(t)
	p := w.Enroll("shop")
	line := providertest.Group + assignments + one
	w.Want(201, "", "PUT "+line, grant(reader, string(p.ID), ""))
	w.Commit(w.Directory.Retire(p))
	a := w.Want(200, "", "GET "+line, "")
	if a.Property("properties.principalType") != "Unknown" || a.Property("properties.principalId") != string(p.ID) {
		t.Errorf("the orphan is shown as %s", a.Text)
	}
	w.Want(200, "", "DELETE "+line, "")
}
