package authorization_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"lanyard/internal/cloud"
	"lanyard/internal/directory"
	"lanyard/internal/provider/providertest"
	"lanyard/internal/store"
)

func groupOf(t *testing.T, w *providertest.World, name string, members ...cloud.PrincipalID) directory.Group {
	t.Helper()
	g, err := w.Directory.NewGroup(name, name)
	if err != nil {
		t.Fatal(err)
	}
	g.Members = members
	text, err := json.Marshal(g)
	if err != nil {
		t.Fatal(err)
	}
	w.Commit(store.Change{Key: directory.GroupKey(g.ID), Value: text})
	return g
}

// TestRolesAreGrantedToGroups is of AC-4: a group is a principal of its own type, its members do what it
// may, assignedTo() finds for them what was granted to it, and it leaves orphans when it goes.
func TestRolesAreGrantedToGroups(t *testing.T) {
	w := begin(t)
	p, q := w.Enroll("shop"), w.Enroll("billing")
	inner := groupOf(t, w, "inner", p.ID)
	outer := groupOf(t, w, "outer", inner.ID)
	line := providertest.Group + assignments + one
	w.Want(400, "UnmatchedPrincipalType", "PUT "+line, grant(contributor, string(outer.ID), `,"principalType":"User"`))
	w.Want(400, "UnmatchedPrincipalType", "PUT "+line, grant(contributor, string(p.ID), `,"principalType":"Group"`))
	w.As(p).Want(403, "AuthorizationFailed", "GET "+line, "")
	made := w.Want(201, "", "PUT "+line, grant(contributor, string(outer.ID), ""))
	if made.Property("properties.principalType") != "Group" {
		t.Errorf("shown as %s", made.Text)
	}
	w.As(p).Want(200, "", "GET "+line, "")
	w.As(q).Want(403, "AuthorizationFailed", "GET "+line, "")
	for who, want := range map[cloud.PrincipalID]int{p.ID: 1, inner.ID: 1, outer.ID: 1, q.ID: 0} {
		a := w.Want(200, "", "GET "+providertest.Group+"/providers/Microsoft.Authorization/roleAssignments?$filter=assignedTo(%27"+strings.ToUpper(string(who))+"%27)", "")
		if len(a.Values()) != want {
			t.Errorf("assigned to %s: %s", who, a.Text)
		}
		a = w.Want(200, "", "GET "+providertest.Group+"/providers/Microsoft.Authorization/roleAssignments?$filter=principalId+eq+%27"+string(who)+"%27", "")
		if has := len(a.Values()) == 1; has != (who == outer.ID) {
			t.Errorf("of the principal %s alone: %s", who, a.Text)
		}
	}
	held := w.As(p).Want(200, "", "GET "+providertest.Group+"/providers/Microsoft.Authorization/permissions?api-version=2022-04-01", "")
	if len(held.Values()) != 1 {
		t.Errorf("a member's permissions are %s", held.Text)
	}
	w.Commit(store.Change{Key: directory.GroupKey(outer.ID), If: store.Any})
	if a := w.Want(200, "", "GET "+line, ""); a.Property("properties.principalType") != "Unknown" || a.Property("properties.principalId") != string(outer.ID) {
		t.Errorf("the orphan is shown as %s", a.Text)
	}
	w.As(p).Want(403, "AuthorizationFailed", "GET "+line, "")
	if again := groupOf(t, w, "outer", inner.ID); again.ID == outer.ID || slices.Contains(w.Directory.WithinGroups(p.ID), outer.ID) {
		t.Error("the group has come back")
	}
}

// TestAGroupIsNotTheLastAdministrator: its members can leave at any time, so that the last Owner who is a
// principal stays.
func TestAGroupIsNotTheLastAdministrator(t *testing.T) {
	w := begin(t)
	p := w.Enroll("shop")
	g := groupOf(t, w, "owners", p.ID)
	w.Want(201, "", "PUT "+providertest.Subscription+assignments+one, grant(owner, string(p.ID), ""))
	w.Want(201, "", "PUT "+providertest.Subscription+assignments+two, grant(owner, string(g.ID), ""))
	w.Want(412, "CannotDeleteLastRbacAdminAssignment", "DELETE "+providertest.Subscription+assignments+one, "")
	w.Want(200, "", "DELETE "+providertest.Subscription+assignments+two, "")
}
