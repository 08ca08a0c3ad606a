package directory

import (
	"encoding/json"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"testing"

	"lanyard/internal/cloud"
	"lanyard/internal/rbac"
	"lanyard/internal/rbac/builtin"
	"lanyard/internal/store"
)

// The crowd of a large world: a million assignments among a hundred thousand principals.
const (
	crowdPeople = 100_000
	crowdGrants = 1_000_000
	ownGrants   = 100
)

var me = cloud.PrincipalID("11111111-1111-4111-8111-111111111111")

// mixed are roles of every make: with a star for all, stars in the midst and at the end, things taken
// away again, and none but exact names. None of them lets anyone read a secret's value.
var mixed = []string{
	"Contributor", "Reader", "Storage Blob Data Owner", "Managed Identity Operator", "Container Apps Contributor",
	"Monitoring Reader", "AcrPull", "Key Vault Reader", "Storage Queue Data Contributor", "Key Vault Contributor",
}

// last is a role of the world's own that does. Decide comes to it after all others, for grants are
// kept by role and then by name.
const last = "ffffffff-0000-4000-8000-000000000000"

func lastRole() store.Event {
	return store.Event{Key: cloud.DocumentKey(cloud.MustID(scoped(sub, "roleDefinitions", last))), Value: fmt.Appendf(nil,
		`{"id":%q,"properties":{"roleName":"last","assignableScopes":[%q],"permissions":[{"dataActions":["Microsoft.KeyVault/vaults/*/getSecret/action"],"notDataActions":["*/delete"]}]}}`,
		scoped(sub, "roleDefinitions", last), sub)}
}

func granted(p cloud.PrincipalID, role, scope string, n int) store.Event {
	id := cloud.MustID(fmt.Sprintf("%s/providers/Microsoft.Authorization/roleAssignments/%08d-0000-4000-8000-000000000000", scope, n))
	return store.Event{Key: cloud.DocumentKey(id), Value: fmt.Appendf(nil,
		`{"id":%q,"properties":{"roleDefinitionId":"/providers/Microsoft.Authorization/roleDefinitions/%s","principalId":%q,"scope":%q}}`, id, role, p, scope)}
}

// metropolis is a directory that holds the crowd, fed as the store feeds it; and how many bytes an
// assignment takes. It is built once for all benchmarks.
var metropolis = sync.OnceValues(func() (*Directory, float64) {
	d := &Directory{}
	d.open()
	enroll := func(n int, id cloud.PrincipalID) store.Event {
		text, err := json.Marshal(cloud.Principal{ID: id, Client: cloud.ClientID(fmt.Sprintf("%08d-0000-4000-8000-cccccccccccc", n)),
			Kind: cloud.UserAssigned, Name: fmt.Sprint("identity-", n), Tenant: tenant,
			Resource: cloud.MustID(fmt.Sprintf("%s/providers/Microsoft.ManagedIdentity/userAssignedIdentities/identity-%d", rg, n))})
		if err != nil {
			panic(err)
		}
		return store.Event{Key: cloud.PrincipalKey(id), Value: text}
	}
	person := func(n int) cloud.PrincipalID {
		return cloud.PrincipalID(fmt.Sprintf("%08d-0000-4000-8000-aaaaaaaaaaaa", n))
	}
	var people []store.Event
	for n := range crowdPeople - 1 {
		people = append(people, enroll(n, person(n)))
	}
	d.meet(store.Batch{Events: append(people, enroll(crowdPeople, me))})
	before := inUse()
	var batch []store.Event
	for n := range crowdGrants - ownGrants {
		role, _ := builtin.ByName(mixed[n%len(mixed)])
		at := fmt.Sprintf("%s/resourceGroups/rg-%d/providers/Microsoft.KeyVault/vaults/kv-%d", sub, n%1000, n)
		batch = append(batch, granted(person(n%(crowdPeople-1)), role.ID.Name(), at, n))
		if len(batch) == 10_000 || n == crowdGrants-ownGrants-1 {
			d.learn(store.Batch{Events: batch})
			batch = batch[:0]
		}
	}
	return d, float64(inUse()-before) / (crowdGrants - ownGrants)
})

func inUse() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// holder gives the metropolis with a hundred grants of mine: all but the last here or elsewhere, and
// the last, of the role that allows, here.
func holder(b testing.TB, elsewhere bool) *Directory {
	b.Helper()
	d, _ := metropolis()
	events := []store.Event{lastRole()}
	for n := range ownGrants - 1 {
		role, ok := builtin.ByName(mixed[n%len(mixed)])
		if !ok {
			b.Fatalf("no role %s", mixed[n%len(mixed)])
		}
		at := vault
		if elsewhere {
			at = fmt.Sprintf("%s-%d", vault, n)
		}
		events = append(events, granted(me, role.ID.Name(), at, crowdGrants+n))
	}
	events = append(events, granted(me, last, vault, 2*crowdGrants))
	var drop []store.Event
	for _, key := range d.rights.keys[me] {
		drop = append(drop, store.Event{Key: key})
	}
	d.learn(store.Batch{Events: append(drop, events...)})
	if n := len(d.rights.grants[me]); n != ownGrants {
		b.Fatalf("I hold %d grants, want %d", n, ownGrants)
	}
	return d
}

// BenchmarkDecideInACrowd is the whole of a decision, lookup and all, for a caller with a hundred of
// a million assignments.
//
//	go test -run '^$' -bench InACrowd ./internal/directory
func BenchmarkDecideInACrowd(b *testing.B) {
	r := rbac.Request{Principal: me, Action: getSecret, Data: true, At: cloud.MustID(vault + "/secrets/db")}
	for _, c := range []struct {
		name      string
		elsewhere bool
	}{{"99 grants elsewhere", true}, {"99 grants here of roles with wildcards", false}} {
		b.Run(c.name, func(b *testing.B) {
			d := holder(b, c.elsewhere)
			b.ReportAllocs()
			for b.Loop() {
				if !d.Decide(r).Allowed {
					b.Fatal("refused")
				}
			}
			_, size := metropolis()
			b.ReportMetric(size, "bytes/assignment")
		})
	}
}

// crew is a group of the metropolis, by number.
func crew(n int) cloud.PrincipalID {
	return cloud.PrincipalID(fmt.Sprintf("%08d-0000-4000-8000-bbbbbbbbbbbb", n))
}

// crews puts me into groups, one within the next, and gives what I hold to them in turn.
func crews(b testing.TB, d *Directory, many int) {
	b.Helper()
	var groups, grants []store.Event
	for n := range many {
		g := Group{ID: crew(n), Name: fmt.Sprint("crew-", n), Members: []cloud.PrincipalID{me}}
		if n > 0 {
			g.Members = []cloud.PrincipalID{crew(n - 1)}
		}
		groups = append(groups, store.Event{Key: GroupKey(g.ID), Value: write(g).Value})
	}
	for n, key := range slices.Clone(d.rights.keys[me]) {
		a := d.rights.assignments[key]
		who := crew(n % (many - 1))
		if a.Role == last {
			who = crew(many - 1) // and so comes last of all
		}
		grants = append(grants, store.Event{Key: key}, granted(who, a.Role, a.Scope.String(), 3*crowdGrants+n))
	}
	d.meet(store.Batch{Events: groups})
	d.learn(store.Batch{Events: grants})
}

// BenchmarkDecideThroughGroupsInACrowd is the same for a caller who holds the hundred by twenty groups.
func BenchmarkDecideThroughGroupsInACrowd(b *testing.B) {
	r := rbac.Request{Principal: me, Action: getSecret, Data: true, At: cloud.MustID(vault + "/secrets/db")}
	d := holder(b, true)
	crews(b, d, 20)
	b.ReportAllocs()
	for b.Loop() {
		if !d.Decide(r).Allowed {
			b.Fatal("refused")
		}
	}
	b.StopTimer()
	var gone []store.Event
	for n := range 20 {
		gone = append(gone, store.Event{Key: GroupKey(crew(n))})
	}
	d.meet(store.Batch{Events: gone})
}

// TestEvidenceIsBuiltOnlyWhenRefusedOrAskedFor counts what a decision allocates: nothing when it
// allows, whoever looks it up; and its evidence otherwise.
func TestEvidenceIsBuiltOnlyWhenRefusedOrAskedFor(t *testing.T) {
	d := &Directory{}
	d.open()
	text, err := json.Marshal(cloud.Principal{ID: me, Client: "c", Kind: cloud.UserAssigned, Name: "me"})
	if err != nil {
		t.Fatal(err)
	}
	d.meet(store.Batch{Events: []store.Event{{Key: cloud.PrincipalKey(me), Value: text}}})
	var events []store.Event
	for n := range ownGrants {
		role, _ := builtin.ByName(mixed[n%len(mixed)])
		events = append(events, granted(me, role.ID.Name(), fmt.Sprintf("%s-%d", vault, n), n))
	}
	d.learn(store.Batch{Events: append(events, lastRole(), granted(me, last, vault, 999))})
	yes := rbac.Request{Principal: me, Action: getSecret, Data: true, At: cloud.MustID(vault + "/secrets/db")}
	no := yes
	no.At = cloud.MustID(rg + "/providers/Microsoft.KeyVault/vaults/none")
	if n := testing.AllocsPerRun(200, func() {
		if !d.Decide(yes).Allowed {
			t.Error("refused")
		}
	}); n != 0 {
		t.Errorf("an allowed decision allocates %v times, want 0", n)
	}
	crews(t, d, 20)
	if n := testing.AllocsPerRun(200, func() {
		if x := d.Decide(yes); !x.Allowed || x.By[0].Principal == me {
			t.Error("refused, or by a grant that is no more")
		}
	}); n != 0 {
		t.Errorf("a decision by groups that allows allocates %v times, want 0", n)
	}
	for name, decide := range map[string]func(){
		"a refusal": func() {
			if x := d.Decide(no); x.Allowed || len(x.Near) == 0 {
				t.Error("no evidence of a refusal")
			}
		},
		"an explanation": func() {
			if x := d.Explain(yes); !x.Allowed || len(x.By) != 1 {
				t.Error("no evidence of an allowance")
			}
		},
	} {
		if n := testing.AllocsPerRun(20, decide); n == 0 {
			t.Errorf("%s has evidence for nothing", name)
		}
	}
}
