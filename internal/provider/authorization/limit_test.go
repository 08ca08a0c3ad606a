package authorization_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"

	"lanyard/internal/arm"
	"lanyard/internal/cloud"
	"lanyard/internal/provider/authorization"
	"lanyard/internal/provider/providertest"
	"lanyard/internal/store"
)

func TestASubscriptionTakesFourThousandAssignments(t *testing.T) {
	w := begin(t)
	p := string(w.Enroll("shop").ID)
	at := cloud.MustID(providertest.Group)
	var changes []store.Change
	for n := range 4000 {
		id, err := at.In(authorization.Assignments, fmt.Sprintf("00000000-0000-0000-0000-%012d", n))
		if err != nil {
			t.Fatal(err)
		}
		value, err := json.Marshal(arm.Document{ID: id, Name: id.Name(), Type: authorization.Assignments,
			Properties: json.RawMessage(`{"roleDefinitionId":"` + definitions + reader + `","principalId":"` + stranger + `"}`)})
		if err != nil {
			t.Fatal(err)
		}
		if changes = append(changes, store.Change{Key: cloud.DocumentKey(id), Value: value}); len(changes) == 100 {
			w.Commit(changes...)
			changes = nil
		}
	}
	for _, scope := range []string{providertest.Subscription, providertest.Group, providertest.Other} {
		w.Want(400, "RoleAssignmentLimitExceeded", "PUT "+scope+assignments+stranger, grant(reader, p, ""))
	}
	w.Want(201, "", "PUT "+assignments+stranger, grant(reader, p, "")) // above subscriptions there is no limit of theirs
	w.Want(200, "", "DELETE "+providertest.Group+assignments+"00000000-0000-0000-0000-000000000007", "")
	w.Want(201, "", "PUT "+providertest.Other+assignments+two, grant(reader, p, ""))
}

func TestPrincipalTypesAreHeldAgainstTheDirectory(t *testing.T) {
	w := begin(t)
	person, enroll, err := w.Directory.EnrollPerson("ada", "ada@lanyard.localhost")
	if err != nil {
		t.Fatal(err)
	}
	w.Commit(enroll)
	app := w.Enroll("shop")
	for claim, c := range map[string]struct {
		status     int
		code, body string
	}{
		"a person":                                {201, "", grant(reader, string(person.ID), "")},
		"a person, said to be one":                {201, "", grant(reader, string(person.ID), `,"principalType":"user"`)},
		"a person, said to be an app":             {400, "UnmatchedPrincipalType", grant(reader, string(person.ID), `,"principalType":"ServicePrincipal"`)},
		"an app, said to be a group":              {400, "UnmatchedPrincipalType", grant(reader, string(app.ID), `,"principalType":"Group"`)},
		"a group that the directory awaits":       {201, "", grant(reader, stranger, `,"principalType":"Group"`)},
		"a group of another tenant":               {400, "PrincipalNotFound", grant(reader, stranger, `,"principalType":"ForeignGroup"`)},
		"a device":                                {400, "PrincipalNotFound", grant(reader, stranger, `,"principalType":"Device"`)},
		"an orphan, as it was shown":              {400, "PrincipalNotFound", grant(reader, stranger, `,"principalType":"Unknown"`)},
		"somebody whom the directory awaits":      {201, "", grant(reader, stranger, `,"principalType":"User"`)},
		"a description that is too long":          {400, "InvalidRequestContent", grant(reader, string(app.ID), `,"description":"`+strings.Repeat("x", 2049)+`"`)},
		"properties that stand flat, of long ago": {201, "", `{"roleDefinitionId":"` + definitions + reader + `","principalId":"` + string(app.ID) + `"}`},
	} {
		t.Run(claim, func(t *testing.T) {
			a := w.Want(c.status, c.code, "PUT "+providertest.Group+assignments+one, c.body)
			if strings.Contains(claim, "person") && c.status == 201 && a.Property("properties.principalType") != "User" {
				t.Errorf("it is shown as %s", a.Text)
			}
			w.Ask("DELETE "+providertest.Group+assignments+one, "")
		})
	}
}

func TestOtherTenantsAreNotAsked(t *testing.T) {
	w := begin(t)
	list := "GET " + providertest.Group + strings.TrimSuffix(assignments, "/") + "?tenantId="
	w.Want(200, "", list+string(providertest.Tenant), "")
	w.Want(501, "NotOffered", list+stranger, "")
}

func TestAssignmentsArePaged(t *testing.T) {
	w := begin(t)
	p := string(w.Enroll("shop").ID)
	for n, role := range []string{reader, contributor, owner, administrator, "f1a07417-d97a-45cb-824c-7a7467783830"} {
		w.Want(201, "", fmt.Sprintf("PUT %s%s00000000-0000-0000-0000-%012d", providertest.Group, assignments, n), grant(role, p, ""))
	}
	seen := map[string]bool{}
	next := providertest.Subscription + strings.TrimSuffix(assignments, "/") + "?$top=2&$filter=principalId+eq+%27" + p + "%27"
	for pages := 0; next != ""; pages++ {
		a := w.Want(200, "", "GET "+next, "")
		for _, each := range a.Values() {
			seen[each["name"].(string)] = true
		}
		link, _ := a.Body["nextLink"].(string)
		next = strings.TrimPrefix(link, "https://"+cloud.Azure.Management)
		if pages > 3 {
			t.Fatal("the pages do not end")
		}
	}
	if len(seen) != 5 {
		t.Errorf("the pages hold %d", len(seen))
	}
}

// Two owners who take each other's role at the same moment do not leave the subscription without one.
func TestTwoOwnersCannotTakeEachOthersRole(t *testing.T) {
	for range 20 {
		w := begin(t)
		w.Want(201, "", "PUT "+providertest.Subscription+assignments+one, grant(owner, string(w.Enroll("first").ID), ""))
		w.Want(201, "", "PUT "+providertest.Subscription+assignments+two, grant(owner, string(w.Enroll("second").ID), ""))
		var wait sync.WaitGroup
		for _, name := range []string{one, two} {
			wait.Go(func() { w.Ask("DELETE "+providertest.Subscription+assignments+name, "") })
		}
		wait.Wait()
		if left := w.Engine.At(cloud.MustID(providertest.Subscription), authorization.Assignments); len(left) == 0 {
			t.Fatal("nobody owns the subscription")
		}
	}
}

func TestRefusalsRepeatWhatWasSentShort(t *testing.T) {
	w := begin(t)
	loud, p := strings.Repeat("\u00e9!", 4000), string(w.Enroll("shop").ID)
	lock := "PUT " + providertest.Group + "/providers/Microsoft.Authorization/locks/keep?api-version=2020-05-01"
	put, define := "PUT "+providertest.Group+assignments+one, "PUT "+providertest.Group+definitions+mine
	for claim, c := range map[string][2]string{
		"a role's id":        {put, grant(loud, p, "")},
		"a principal":        {put, grant(reader, loud, "")},
		"a principal's type": {put, grant(reader, p, `,"principalType":"`+loud+`"`)},
		"a role's type":      {define, strings.Replace(role("x", atGroup), "CustomRole", loud, 1)},
		"an action":          {define, strings.Replace(role("x", atGroup), "Microsoft.App/*/read", loud, 1)},
		"a scope":            {define, role("x", `"`+loud+`"`)},
		"a management group": {define, role("x", `"/providers/Microsoft.Management/managementGroups/`+strings.Repeat("x", 400)+`"`)},
		"a lock's level":     {lock, `{"properties":{"level":"` + loud + `"}}`},
	} {
		if a := w.Ask(c[0], c[1]); a.Status < 400 || len(a.Text) > 1000 || strings.Contains(a.Text, "\u00e9") {
			t.Errorf("of %s it answers %d in %d bytes: %.300s", claim, a.Status, len(a.Text), a.Text)
		}
	}
}
