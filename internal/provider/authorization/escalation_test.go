package authorization_test

import (
	"crypto/rand"
	"fmt"
	"strings"
	"testing"

	"lanyard/internal/cloud"
	"lanyard/internal/provider/providertest"
)

const (
	owner         = "8e3af657-a8ff-443c-a75c-2fe8c4bcb635"
	administrator = "18d7d88d-d35e-4fb5-a5c3-7773c20a72d9" // User Access Administrator
)

// given makes a principal with a role at a scope.
func given(w *providertest.World, name, role, scope string) cloud.Principal {
	w.T.Helper()
	p := w.Enroll(name)
	id, err := cloud.NewID(rand.Reader)
	if err != nil {
		w.T.Fatal(err)
	}
	w.Want(201, "", "PUT "+scope+assignments+id, grant(role, string(p.ID), ""))
	return p
}

// T16: a reviewer tries to give himself more than he has.
func TestNobodyGrantsWithoutTheRightToGrant(t *testing.T) {
	w := begin(t)
	w.Want(201, "", "PUT "+providertest.Group+"/providers/Toy.Shop/carts/c", `{"location":"westeurope"}`)
	for name, role := range map[string]string{"a contributor": contributor, "a reader": reader} {
		who := given(w, name, role, providertest.Subscription)
		as := w.As(who)
		for _, scope := range []string{"", providertest.Subscription, providertest.Group, providertest.Group + "/providers/Toy.Shop/carts/c"} {
			put := "PUT " + scope + assignments + one
			a := as.Want(403, "AuthorizationFailed", put, grant(owner, string(who.ID), ""))
			if !strings.Contains(a.Text, "Microsoft.Authorization/roleAssignments/write") {
				t.Errorf("%s is told %s", name, a.Text)
			}
		}
		as.Want(403, "AuthorizationFailed", "PUT "+providertest.Subscription+definitions+mine, wideRole("Everything", `"`+providertest.Subscription+`"`, "*"))
		as.Want(403, "AuthorizationFailed", "PUT "+providertest.Group+"/providers/Microsoft.Authorization/locks/l?api-version=2020-05-01", `{"properties":{"level":"ReadOnly"}}`)
	}
	nobody := w.Enroll("nobody")
	w.As(nobody).Want(403, "AuthorizationFailed", "PUT "+providertest.Group+assignments+one, grant(owner, string(nobody.ID), ""))
}

func wideRole(name, scopes, action string) string {
	return fmt.Sprintf(`{"properties":{"roleName":%q,"permissions":[{"actions":[%q]}],"assignableScopes":[%s]}}`, name, action, scopes)
}

// T16: who may grant in a group may not grant above or beside it, nor widen a role beyond it.
func TestTheRightToGrantInAGroupEndsThere(t *testing.T) {
	w := begin(t)
	for _, role := range []string{owner, administrator} {
		who := given(w, "admin of the group", role, providertest.Group)
		as, to := w.As(who), string(w.Enroll("somebody").ID)
		as.Want(201, "", "PUT "+providertest.Group+assignments+one, grant(contributor, to, ""))
		for _, scope := range []string{"", providertest.Subscription, providertest.Other} {
			as.Want(403, "AuthorizationFailed", "PUT "+scope+assignments+two, grant(contributor, to, ""))
		}
		as.Want(200, "", "DELETE "+providertest.Group+assignments+one, "")
	}
	above := given(w, "admin above", administrator, providertest.Subscription)
	w.Want(201, "", "PUT "+providertest.Subscription+assignments+one, grant(reader, string(above.ID), ""))
	beside := w.As(given(w, "admin of another group", administrator, providertest.Other))
	beside.Want(403, "AuthorizationFailed", "DELETE "+providertest.Subscription+assignments+one, "")
	here := w.As(given(w, "another admin of the group", owner, providertest.Group))
	here.Want(201, "", "PUT "+providertest.Group+definitions+mine, role("Shop Reader", atGroup))
	here.Want(403, "LinkedAuthorizationFailed", "PUT "+providertest.Group+definitions+mine, role("Shop Reader", atGroup+`,"`+providertest.Other+`"`))
	beside.Want(403, "LinkedAuthorizationFailed", "PUT "+providertest.Other+definitions+mine, wideRole("Shop Reader", `"`+providertest.Other+`"`, "*"))
	owner2 := w.As(given(w, "owner of another group", owner, providertest.Other))
	owner2.Want(403, "LinkedAuthorizationFailed", "DELETE "+providertest.Other+definitions+mine, "")
	here.Want(200, "", "DELETE "+providertest.Group+definitions+mine, "")
}

// T16: what a role says and does elsewhere is not told to who has no right there.
func TestWritingARoleTellsNothingOfScopesWithoutARight(t *testing.T) {
	w := begin(t)
	as := w.As(given(w, "owner of a group", owner, providertest.Group))
	for _, elsewhere := range []string{providertest.Other, providertest.Other + "-none"} {
		as.Want(403, "LinkedAuthorizationFailed", "PUT "+providertest.Group+definitions+mine, role("Shop Reader", atGroup+`,"`+elsewhere+`"`))
	}
	w.Want(201, "", "PUT "+providertest.Group+definitions+mine, role("Shop Reader", atGroup+`,"`+providertest.Other+`"`))
	w.Want(201, "", "PUT "+providertest.Other+assignments+one, grant(mine, string(w.Enroll("till").ID), ""))
	as.Want(403, "LinkedAuthorizationFailed", "DELETE "+providertest.Group+definitions+mine, "")
}

// Only Owner and User Access Administrator hold Microsoft.Authorization/locks/*.
func TestLocksAreForAdministrators(t *testing.T) {
	w := begin(t)
	line := providertest.Group + "/providers/Microsoft.Authorization/locks/keep?api-version=2020-05-01"
	body := `{"properties":{"level":"CanNotDelete"}}`
	for _, role := range []string{owner, administrator} {
		as := w.As(given(w, "admin", role, providertest.Group))
		as.Want(201, "", "PUT "+line, body)
		as.Want(200, "", "DELETE "+line, "")
	}
	w.Want(201, "", "PUT "+line, body)
	as := w.As(given(w, "contributor", contributor, providertest.Group))
	as.Want(403, "AuthorizationFailed", "DELETE "+line, "")
	as.Want(200, "", "GET "+line, "")
}

// T19: who made a grant, and where it lies, is not the client's to say.
func TestWhoMadeAGrantIsNotTheClientsToSay(t *testing.T) {
	w := begin(t)
	p := string(w.Enroll("shop").ID)
	a := w.Want(201, "", "PUT "+providertest.Group+assignments+one, grant(reader, p, `,"scope":"/","createdBy":"somebody","createdOn":"1999-01-01T00:00:00Z"`))
	if a.Property("properties.scope") != providertest.Group || a.Property("properties.createdBy") != string(providertest.Caller.Principal) {
		t.Errorf("the grant says %s", a.Text)
	}
}

func TestTheLastAdministratorStays(t *testing.T) {
	w := begin(t)
	first, second := string(w.Enroll("first").ID), w.Enroll("second")
	w.Want(201, "", "PUT "+providertest.Subscription+assignments+one, grant(owner, first, ""))
	w.Want(412, "CannotDeleteLastRbacAdminAssignment", "DELETE "+providertest.Subscription+assignments+one, "")
	w.Want(201, "", "PUT "+assignments+two, grant(owner, string(second.ID), ""))
	// An owner of the tenant owns the subscription too.
	w.Want(200, "", "DELETE "+providertest.Subscription+assignments+one, "")
	w.Want(412, "CannotDeleteLastRbacAdminAssignment", "DELETE "+assignments+two, "")
	w.Want(201, "", "PUT "+providertest.Subscription+assignments+one, grant(owner, first, ""))
	w.Want(412, "CannotDeleteLastRbacAdminAssignment", "DELETE "+assignments+two, "")
	// One who is gone administers nothing: neither counts nor is kept.
	w.Commit(w.Directory.Retire(second))
	w.Want(412, "CannotDeleteLastRbacAdminAssignment", "DELETE "+providertest.Subscription+assignments+one, "")
	w.Want(200, "", "DELETE "+assignments+two, "")
	// In a group everyone can go.
	w.Want(201, "", "PUT "+providertest.Group+assignments+two, grant(owner, first, ""))
	w.Want(200, "", "DELETE "+providertest.Group+assignments+two, "")
}
