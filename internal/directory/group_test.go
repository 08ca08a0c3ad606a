package directory

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"lanyard/internal/cloud"
	"lanyard/internal/rbac"
	"lanyard/internal/store"
)

// group makes a group with members.
func (w *town) group(name string, members ...cloud.PrincipalID) Group {
	w.t.Helper()
	g, err := w.NewGroup(name, name)
	if err != nil {
		w.t.Fatal(err)
	}
	g.Members = members
	w.commit(write(g))
	return g
}

// write gives the change that stores a group.
func write(g Group) store.Change {
	text, err := json.Marshal(g)
	if err != nil {
		panic(err)
	}
	return store.Change{Key: GroupKey(g.ID), Value: text, If: store.Any}
}

// TestRolesOfAGroupReachItsMembers is of AC-4: by one group or through others, from the moment that
// somebody is in it until they are not.
func TestRolesOfAGroupReachItsMembers(t *testing.T) {
	w := start(t)
	p, other := w.enroll(cloud.UserAssigned, "billing", identity), w.enroll(cloud.SystemAssigned, "invoices", app)
	inner := w.group("inner")
	outer := w.group("outer", inner.ID)
	w.commit(w.grant(outer.ID, reads, rg, "a1"))
	w.expect(p.ID, false, "who is in no group")
	inner.Members = []cloud.PrincipalID{cloud.PrincipalID(strings.ToUpper(string(p.ID)))}
	w.commit(write(inner))
	w.expect(p.ID, true, "who is in a group within the one that was granted the role")
	w.expect(other.ID, false, "who is still in none")
	w.expect(outer.ID, false, "the group itself, which nobody signs in as")

	d := w.Explain(rbac.Request{Principal: p.ID, Action: getSecret, Data: true, At: cloud.MustID(vault)})
	if len(d.By) != 1 || d.By[0].Principal != outer.ID {
		t.Errorf("the evidence is %+v, and does not name the group", d.By)
	}
	if all := w.Granted(p.ID); len(all) != 1 || all[0].Principal != outer.ID {
		t.Errorf("granted %+v", all)
	}
	near := w.Explain(rbac.Request{Principal: p.ID, Action: getSecret, Data: true, At: cloud.MustID(sub)}).Near
	if len(near) != 1 || near[0].Why != rbac.WrongScope || near[0].Assignment.Principal != outer.ID {
		t.Errorf("near are %+v", near)
	}
	w.commit(w.grant(p.ID, reads, vault, "a2"))
	if d := w.Explain(rbac.Request{Principal: p.ID, Action: getSecret, Data: true, At: cloud.MustID(vault)}); len(d.By) != 2 {
		t.Errorf("by its own and by the group's: %+v", d.By)
	}
	w.commit(remove(scoped(vault, "roleAssignments", "a2")))
	outer.Members = nil
	w.commit(write(outer))
	w.expect(p.ID, false, "after the inner group has left")
	outer.Members = []cloud.PrincipalID{inner.ID}
	w.commit(write(outer))
	w.expect(p.ID, true, "after it has come back")
	w.commit(remove(scoped(rg, "roleAssignments", "a1")))
	w.expect(p.ID, false, "after the role is taken from the group")
	w.commit(w.grant(outer.ID, reads, rg, "a3"))
	w.expect(p.ID, true, "after it was given again")
	w.commit(store.Change{Key: GroupKey(inner.ID), If: store.Any})
	w.expect(p.ID, false, "after the inner group is gone")
	w.commit(w.Retire(p))
	if len(w.MembersBelow(outer.ID)) != 0 {
		t.Error("members are shown who are gone")
	}
}

// TestDenialsOfAGroupReachItsMembers is of AC-4: whom a deny assignment names or leaves out by a group.
func TestDenialsOfAGroupReachItsMembers(t *testing.T) {
	w := start(t)
	p, other := w.enroll(cloud.UserAssigned, "billing", identity), w.enroll(cloud.SystemAssigned, "invoices", app)
	inner := w.group("inner", p.ID)
	outer := w.group("outer", inner.ID)
	w.commit(w.grant(p.ID, reads, rg, "a1"), w.grant(other.ID, reads, rg, "a2"))
	deny := func(who cloud.PrincipalID, excluded ...cloud.PrincipalID) store.Change {
		out := []props{}
		for _, e := range excluded {
			out = append(out, props{"id": e})
		}
		return w.place(scoped(vault, "denyAssignments", "d1"), props{
			"denyAssignmentName": "closed", "permissions": []props{{"dataActions": []string{"*"}}},
			"principals": []props{{"id": who}}, "excludePrincipals": out,
		})
	}
	w.commit(deny(outer.ID))
	w.expect(p.ID, false, "who is in a group that is denied")
	w.expect(other.ID, true, "who is not")
	w.commit(deny(outer.ID, inner.ID))
	w.expect(p.ID, true, "who is in a group that is left out")
	w.commit(deny(cloud.AllPrincipals, outer.ID))
	w.expect(p.ID, true, "who is in a group that alone is left out")
	w.expect(other.ID, false, "all others")
	w.commit(deny(cloud.AllPrincipals))
	w.expect(p.ID, false, "everyone")
}

// TestGroupsThatContainEachOther is T21: they end like others, and nobody is a member of itself.
func TestGroupsThatContainEachOther(t *testing.T) {
	w := start(t)
	p := w.enroll(cloud.UserAssigned, "billing", identity)
	a, b, c := w.group("a"), w.group("b"), w.group("c", p.ID)
	a.Members, b.Members = []cloud.PrincipalID{b.ID, a.ID}, []cloud.PrincipalID{c.ID}
	c.Members = append(c.Members, a.ID)
	w.commit(write(a), write(b), write(c))
	w.commit(w.grant(a.ID, reads, rg, "a1"))
	w.expect(p.ID, true, "who is in a ring of groups")
	if got := len(w.WithinGroups(p.ID)); got != 3 {
		t.Errorf("in %d groups, want 3", got)
	}
	for _, g := range []Group{a, b, c} {
		if in := w.WithinGroups(g.ID); len(in) != 2 || slices.Contains(in, g.ID) {
			t.Errorf("%s is in %v", g.Name, in)
		}
		if below := w.MembersBelow(g.ID); len(below) != 3 || slices.Contains(below, g.ID) {
			t.Errorf("%s holds %v", g.Name, below)
		}
	}
}

// TestPoisonedGroups is T21: what cannot be read changes nothing, and is logged.
func TestPoisonedGroups(t *testing.T) {
	w := start(t)
	p := w.enroll(cloud.UserAssigned, "billing", identity)
	g := w.group("readers", p.ID)
	w.commit(w.grant(g.ID, reads, rg, "a1"))
	many := slices.Repeat([]string{`"x"`}, MaxMembers+1)
	for _, poison := range []string{
		"", "null", "{", "[]", `{"id":"` + string(g.ID) + `"}`, `{"id":"` + string(p.ID) + `","name":"readers"}`,
		`{"id":"` + string(g.ID) + `","name":"readers","members":"` + string(p.ID) + `"}`,
		`{"id":"` + string(g.ID) + `","name":"readers","members":[` + strings.Join(many, ",") + `]}`,
	} {
		w.log.Reset()
		w.commit(store.Change{Key: GroupKey(g.ID), Value: []byte(poison), If: store.Any})
		w.expect(p.ID, true, fmt.Sprintf("after %.40q", poison))
		if !strings.Contains(w.log.String(), "cannot be read") {
			t.Errorf("nobody was told of %.40q", poison)
		}
	}
}

// TestNobodyGetsTheIDThatAGroupNames is T26: not the group's, nor that of a member or owner who is gone,
// nor one that app roles were assigned to.
func TestNobodyGetsTheIDThatAGroupNames(t *testing.T) {
	w := start(t)
	g := w.group("readers", "11111111-0000-4000-8000-000000000001")
	g.Owners = []cloud.PrincipalID{"11111111-0000-4000-8000-000000000002"}
	a := AppRoleAssignment{ID: "x", Principal: "11111111-0000-4000-8000-000000000003", Resource: "11111111-0000-4000-8000-000000000004", Role: DefaultAppRole}
	text, err := json.Marshal(a)
	if err != nil {
		t.Fatal(err)
	}
	w.commit(write(g), store.Change{Key: a.Key(), Value: text, If: store.Any})
	for _, id := range []cloud.PrincipalID{g.ID, g.Members[0], g.Owners[0], a.Principal, a.Resource} {
		if w.isFree(id, "11111111-0000-4000-8000-00000000000c") {
			t.Errorf("%s can be drawn again", id)
		}
	}
	w.commit(w.grant(g.ID, reads, rg, "a1"), store.Change{Key: GroupKey(g.ID), If: store.Any})
	if w.isFree(g.ID, "11111111-0000-4000-8000-00000000000c") {
		t.Error("the id of a group that has left an orphaned assignment can be drawn again")
	}
}

// TestMembershipAgreesWithAModel holds the index against the rule as it is written: somebody is in a
// group if the group lists them, or lists a group that they are in. Groups come, change and go at
// random, rings among them.
func TestMembershipAgreesWithAModel(t *testing.T) {
	id := func(n int) cloud.PrincipalID {
		return cloud.PrincipalID(fmt.Sprintf("00000000-0000-4000-8000-%012d", n))
	}
	const all, sets = 11, 6 // ids below sets are groups, the rest principals
	rapid.Check(t, func(t *rapid.T) {
		g, lists := newGroups(), map[cloud.PrincipalID][]cloud.PrincipalID{}
		for range rapid.IntRange(1, 30).Draw(t, "changes") {
			at := id(rapid.IntRange(0, sets-1).Draw(t, "group"))
			e := store.Event{Key: GroupKey(at)}
			if delete(lists, at); rapid.IntRange(0, 5).Draw(t, "removed") > 0 {
				members := rapid.SliceOfN(rapid.Map(rapid.IntRange(0, all-1), id), 0, 5).Draw(t, "members")
				lists[at] = members
				e.Value = write(Group{ID: at, Name: "g", Members: members}).Value
			}
			if err := g.set(at, e); err != nil {
				t.Fatal(err)
			}
		}
		var isIn func(who, group cloud.PrincipalID, left int) bool
		isIn = func(who, group cloud.PrincipalID, left int) bool {
			return left > 0 && slices.ContainsFunc(lists[group], func(m cloud.PrincipalID) bool {
				return m == who || isIn(who, m, left-1)
			})
		}
		for n := range all {
			var in, below []cloud.PrincipalID
			for other := range all {
				if other != n && isIn(id(n), id(other), sets) {
					in = append(in, id(other))
				}
				if other != n && isIn(id(other), id(n), sets) {
					below = append(below, id(other))
				}
			}
			if got := g.over(id(n)); !slices.Equal(got, in) {
				t.Fatalf("%s is in %v, the model says %v: %v", id(n), got, in, lists)
			}
			if got := g.under(id(n)); !slices.Equal(got, below) {
				t.Fatalf("%s holds %v, the model says %v: %v", id(n), got, below, lists)
			}
		}
	})
}
