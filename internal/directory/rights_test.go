package directory

import (
	"fmt"
	"strings"
	"testing"

	"lanyard/internal/cloud"
	"lanyard/internal/rbac"
	"lanyard/internal/store"
)

// TestGrantsAreFollowed is AC-1 and AC-6 under timing "instant".
func TestGrantsAreFollowed(t *testing.T) {
	w := start(t)
	p, other := w.enroll(cloud.UserAssigned, "billing", identity), w.enroll(cloud.SystemAssigned, "invoices", app)
	w.expect(p.ID, false, "without a grant")
	w.commit(w.grant(p.ID, reads, rg, "a1"))
	w.expect(p.ID, true, "granted at the group")
	w.expect(other.ID, false, "another principal")
	w.commit(remove(scoped(rg, "roleAssignments", "a1")))
	w.expect(p.ID, false, "after the grant is removed")
	w.commit(w.grant(p.ID, reads, rg+"-prod", "a1"))
	w.expect(p.ID, false, "granted at rg-prod, whatever scope the body claims")
	w.commit(w.grant(p.ID, reads, "/", "a1"))
	w.expect(p.ID, true, "granted at the root")
	near := w.Explain(rbac.Request{Principal: p.ID, Action: "Microsoft.KeyVault/vaults/delete", At: cloud.MustID(vault)}).Near
	if len(near) != 1 || near[0].Role != "Key Vault Secrets User" || near[0].Why != rbac.WrongPlane {
		t.Errorf("near misses %+v", near)
	}
}

// TestCustomRolesAreFollowed is of AC-4: a change of a role reaches those who hold it already.
func TestCustomRolesAreFollowed(t *testing.T) {
	w := start(t)
	p := w.enroll(cloud.UserAssigned, "billing", identity)
	define := func(actions ...string) store.Change {
		return w.place(scoped(sub, "roleDefinitions", strings.ToUpper(custom)), props{
			"roleName": "Reader of ours", "type": "CustomRole", "assignableScopes": []string{sub},
			"permissions": []props{{"dataActions": actions}},
		})
	}
	w.commit(w.grant(p.ID, custom, vault, "a1"))
	w.expect(p.ID, false, "granted a role that is not there")
	w.commit(define("Microsoft.KeyVault/vaults/secrets/*"))
	w.expect(p.ID, true, "once the role is there")
	if r, ok := w.Role(strings.ToUpper(custom)); !ok || !r.Custom || r.Name != "Reader of ours" || len(r.Assignable) != 1 {
		t.Errorf("the role reads %+v", r)
	}
	if all := w.Roles(); len(all) != 929 || !all[928].Custom {
		t.Errorf("%d roles", len(all))
	}
	w.commit(define("Microsoft.KeyVault/vaults/keys/*"))
	w.expect(p.ID, false, "after the role lost the action")
	w.commit(define(getSecret))
	w.commit(remove(scoped(sub, "roleDefinitions", custom)))
	w.expect(p.ID, false, "after the role is gone")
	if _, ok := w.Role(custom); ok || len(w.Roles()) != 928 {
		t.Error("the role is still found")
	}
}

// TestACustomRoleGrantsOnlyWhereItCanBeAssigned is of T16: who may write a role need not have a say
// everywhere it was once granted.
func TestACustomRoleGrantsOnlyWhereItCanBeAssigned(t *testing.T) {
	w := start(t)
	p := w.enroll(cloud.UserAssigned, "billing", identity)
	define := func(scopes ...string) store.Change {
		return w.place(scoped(sub, "roleDefinitions", custom), props{
			"roleName": "ours", "assignableScopes": scopes, "permissions": []props{{"dataActions": []string{"*"}}},
		})
	}
	w.commit(define(rg, rg+"-prod"), w.grant(p.ID, custom, vault, "a1"))
	w.expect(p.ID, true, "granted in a group where it can be assigned")
	w.commit(define(rg + "-prod"))
	w.expect(p.ID, false, "after the role was taken from the group")
	near := w.Explain(rbac.Request{Principal: p.ID, Action: getSecret, Data: true, At: cloud.MustID(vault)}).Near
	if len(near) != 1 || near[0].Why != rbac.Unassignable {
		t.Errorf("near misses %+v", near)
	}
	w.commit(define())
	w.expect(p.ID, false, "a role that can be assigned nowhere")
	w.commit(define(vault + "/secrets/db"))
	w.expect(p.ID, false, "a role that can be assigned below alone")
	w.commit(define(strings.ToUpper(sub)))
	w.expect(p.ID, true, "a role that can be assigned in the whole subscription")
}

func TestNoCustomRoleHidesABuiltInOne(t *testing.T) {
	w := start(t)
	p := w.enroll(cloud.UserAssigned, "billing", identity)
	const reader = "acdd72a7-3385-48ef-bd42-f606fba81ae7"
	w.commit(w.grant(p.ID, reader, rg, "a1"), w.place(scoped(rg, "roleDefinitions", reader), props{
		"roleName": "Reader", "permissions": []props{{"actions": []string{"*"}, "dataActions": []string{"*"}}},
	}))
	w.expect(p.ID, false, "a Reader redefined to read secrets")
	if r, _ := w.Role(reader); r.Custom {
		t.Error("the built-in Reader is hidden")
	}
}

// TestDenialsAreFollowed is of AC-4: deny wins over allow, for one or for all.
func TestDenialsAreFollowed(t *testing.T) {
	w := start(t)
	p, other := w.enroll(cloud.UserAssigned, "billing", identity), w.enroll(cloud.SystemAssigned, "invoices", app)
	w.commit(w.grant(p.ID, reads, rg, "a1"), w.grant(other.ID, reads, rg, "a2"))
	deny := func(who string, excluded ...props) store.Change {
		return w.place(scoped(vault, "denyAssignments", "d1"), props{
			"denyAssignmentName": "closed", "permissions": []props{{"dataActions": []string{"*"}}},
			"principals": []props{{"id": who}}, "excludePrincipals": excluded,
		})
	}
	w.commit(deny(strings.ToUpper(string(p.ID))))
	w.expect(p.ID, false, "the one who is denied")
	w.expect(other.ID, true, "the one who is not")
	w.commit(deny(string(cloud.AllPrincipals), props{"id": other.ID}))
	w.expect(p.ID, false, "all are denied")
	w.expect(other.ID, true, "all but one are denied")
	d := w.Decide(rbac.Request{Principal: p.ID, Action: getSecret, Data: true, At: cloud.MustID(vault)})
	if len(d.Denied) != 1 || d.Denied[0].Name != "closed" {
		t.Errorf("evidence %+v", d)
	}
	w.commit(remove(scoped(vault, "denyAssignments", "d1")))
	w.expect(p.ID, true, "after the denial is gone")
}

// TestPoisonedDocuments is T21 and T28: what cannot be read changes nothing, is logged, and where
// nothing was known before it refuses.
func TestPoisonedDocuments(t *testing.T) {
	w := start(t)
	p := w.enroll(cloud.UserAssigned, "billing", identity)
	assignment, denial := scoped(vault, "roleAssignments", "a1"), scoped(vault, "denyAssignments", "d1")
	w.commit(w.grant(p.ID, reads, vault, "a1"))
	for _, poison := range []string{"", "null", "{", "[]", `{"id":"/x"}`, `{"id":"` + sub + `","properties":{}}`, `{"id":"` + assignment + `"}`, `{"id":"` + assignment + `","properties":{"principalId":7}}`} {
		w.commit(store.Change{Key: cloud.DocumentKey(cloud.MustID(assignment)), Value: []byte(poison), If: store.Any})
		w.expect(p.ID, true, fmt.Sprintf("the last good grant, after %q", poison))
		w.commit(store.Change{Key: cloud.PrincipalKey(p.ID), Value: []byte(poison), If: store.Any})
		w.expect(p.ID, true, fmt.Sprintf("the last good principal, after %q", poison))
	}
	if !strings.Contains(w.log.String(), "cannot be read") {
		t.Error("nothing was logged")
	}
	w.commit(store.Change{Key: cloud.DocumentKey(cloud.MustID(denial)), Value: []byte("{"), If: store.Any})
	w.expect(p.ID, false, "a denial that cannot be read")
	w.commit(remove(denial))
	w.expect(p.ID, true, "after that denial is gone")
	w.commit(w.place(scoped(vault, "somethingElse", "x"), nil), w.place(app, nil))
	w.expect(p.ID, true, "after documents of other types")
}

// TestALateDirectoryCatchesUp reads everything from a store that was filled before.
func TestALateDirectoryCatchesUp(t *testing.T) {
	w := start(t)
	p := w.enroll(cloud.UserAssigned, "billing", identity)
	w.commit(w.grant(p.ID, custom, vault, "a1"), w.place(scoped(sub, "roleDefinitions", custom), props{
		"roleName": "ours", "assignableScopes": []string{sub}, "permissions": []props{{"dataActions": []string{getSecret}}},
	}))
	late := &Directory{Store: w.Store}
	ended := make(chan error, 1)
	go func() { ended <- late.Run(t.Context()) }()
	if err := late.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	if !late.Decide(rbac.Request{Principal: p.ID, Action: getSecret, Data: true, At: cloud.MustID(vault)}).Allowed {
		t.Error("the late directory does not know the grant")
	}
	t.Cleanup(func() { <-ended })
}

// BenchmarkDecide is lookup and decision for one principal of a hundred grants among a thousand
// others with a grant each.
func BenchmarkDecide(b *testing.B) {
	d := &Directory{}
	d.once.Do(func() { d.people, d.rights = newPeople(), newRights(); d.judged = d.rights })
	var all touched
	all.principals = map[cloud.PrincipalID]bool{}
	give := func(p cloud.PrincipalID, scope string, n int) {
		key := fmt.Sprint(scope, n)
		d.people.byID[p] = cloud.Principal{ID: p}
		d.rights.assignments[key] = cloud.Assignment{Principal: p, Role: reads, Scope: cloud.MustID(scope)}
		d.rights.keys[p] = append(d.rights.keys[p], key)
		all.principals[p] = true
	}
	for n := range 1000 {
		give(cloud.PrincipalID(fmt.Sprintf("%08d-0000-0000-0000-000000000000", n)), vault, n)
	}
	me := cloud.PrincipalID("11111111-1111-1111-1111-111111111111")
	for n := range 99 {
		give(me, fmt.Sprint(vault, n), n)
	}
	give(me, vault, 99)
	d.rights.workOut(all)
	r := rbac.Request{Principal: me, Action: getSecret, Data: true, At: cloud.MustID(vault)}
	b.ReportAllocs()
	for b.Loop() {
		if !d.Decide(r).Allowed {
			b.Fatal("refused")
		}
	}
}
