package directory

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"lanyard/internal/cloud"
	"lanyard/internal/rbac"
	"lanyard/internal/store"
	"lanyard/internal/store/mem"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	tenant    cloud.TenantID = "72f988bf-0000-0000-0000-000000000000"
	sub                      = "/subscriptions/33333333-3333-3333-3333-333333333333"
	rg                       = sub + "/resourceGroups/rg"
	vault                    = rg + "/providers/Microsoft.KeyVault/vaults/ledger"
	app                      = rg + "/providers/Microsoft.App/containerApps/invoices"
	identity                 = rg + "/providers/Microsoft.ManagedIdentity/userAssignedIdentities/billing"
	getSecret                = "Microsoft.KeyVault/vaults/secrets/getSecret/action"
	reads                    = "4633458b-17de-408a-b874-0445c86b69e6" // Key Vault Secrets User
	custom                   = "cccccccc-0000-0000-0000-000000000000"
)

// town is a directory that runs over a store in memory, with a clock and randomness of its own.
type town struct {
	*Directory
	t   *testing.T
	log bytes.Buffer
	now time.Time
}

func start(t *testing.T) *town {
	t.Helper()
	w := &town{t: t, now: time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)}
	var seed [32]byte
	w.Directory = &Directory{
		Store: mem.New(), Tenant: tenant,
		Now: func() time.Time { return w.now }, Rand: rand.NewChaCha8(seed),
		Log: slog.New(slog.NewTextHandler(&w.log, nil)),
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- w.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Errorf("the directory ended with %v", err)
		}
		if err := w.Store.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := w.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	return w
}

// commit writes and waits until the directory has seen it.
func (w *town) commit(changes ...store.Change) {
	w.t.Helper()
	rev, err := w.Store.Commit(w.t.Context(), changes...)
	if err == nil {
		err = w.Await(w.t.Context(), rev)
	}
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *town) enroll(kind cloud.Kind, name, resource string) cloud.Principal {
	w.t.Helper()
	var at cloud.ID
	if resource != "" {
		at = cloud.MustID(resource)
	}
	p, change, err := w.Enroll(kind, name, at)
	if err != nil {
		w.t.Fatal(err)
	}
	w.commit(change)
	return p
}

// place gives the change that stores a document with these properties.
func (w *town) place(id string, properties any) store.Change {
	w.t.Helper()
	text, err := json.Marshal(map[string]any{"id": id, "properties": properties})
	if err != nil {
		w.t.Fatal(err)
	}
	return store.Change{Key: cloud.DocumentKey(cloud.MustID(id)), Value: text, If: store.Any}
}

func remove(id string) store.Change {
	return store.Change{Key: cloud.DocumentKey(cloud.MustID(id)), If: store.Any}
}

type props map[string]any

// scoped gives the id of a document of Microsoft.Authorization at a scope.
func scoped(scope, kind, name string) string {
	return strings.TrimSuffix(scope, "/") + "/providers/Microsoft.Authorization/" + kind + "/" + name
}

// grant gives the change that assigns a role, with a scope in the body that is not to be believed.
func (w *town) grant(p cloud.PrincipalID, role, scope, name string) store.Change {
	w.t.Helper()
	return w.place(scoped(scope, "roleAssignments", name), props{
		"roleDefinitionId": scoped(sub, "roleDefinitions", role),
		"principalId":      strings.ToUpper(string(p)), "scope": "/",
	})
}

func (w *town) may(p cloud.PrincipalID) bool {
	return w.Decide(rbac.Request{Principal: p, Action: getSecret, Data: true, At: cloud.MustID(vault)}).Allowed
}

func (w *town) expect(p cloud.PrincipalID, want bool, sentence string) {
	w.t.Helper()
	if w.may(p) != want {
		w.t.Errorf("%s: allowed %v", sentence, !want)
	}
}

// TestPrincipalsAreFound is ID-6 and ID-17.
func TestPrincipalsAreFound(t *testing.T) {
	w := start(t)
	user := w.enroll(cloud.UserAssigned, "billing", identity)
	system := w.enroll(cloud.SystemAssigned, "Invoices", app)
	owner := w.enroll(cloud.Application, "owner", "")
	for _, p := range []cloud.Principal{user, system, owner} {
		if p.Tenant != tenant || !cloud.IsGUID(string(p.ID)) || !cloud.IsGUID(string(p.Client)) || string(p.ID) == string(p.Client) {
			t.Errorf("%s has ids %q %q in %q", p.Name, p.ID, p.Client, p.Tenant)
		}
		if got, ok := w.Principal(cloud.PrincipalID(strings.ToUpper(string(p.ID)))); !ok || got.Name != p.Name {
			t.Errorf("%s is not found by principal id", p.Name)
		}
		if got, ok := w.ByClient(p.Client); !ok || got.ID != p.ID {
			t.Errorf("%s is not found by client id", p.Name)
		}
		if got := w.ByName(strings.ToUpper(p.Name)); len(got) != 1 || got[0].ID != p.ID {
			t.Errorf("%s is not found by name: %v", p.Name, got)
		}
		if _, ok := w.ByClient(cloud.ClientID(p.ID)); ok {
			t.Errorf("%s is found by principal id where a client id is due", p.Name)
		}
	}
	if got, ok := w.ByResource(cloud.MustID(strings.ToUpper(identity))); !ok || got.ID != user.ID {
		t.Error("a user-assigned identity is not found by its own resource id")
	}
	if got, ok := w.ByResource(cloud.MustID(app)); !ok || got.ID != system.ID {
		t.Error("a system-assigned identity is not found by its app")
	}
	if _, ok := w.ByResource(cloud.ID{}); ok {
		t.Error("an application is found by the zero id")
	}
	if all := w.Principals(); len(all) != 3 || all[0].Name != "Invoices" {
		t.Errorf("principals: %v", all)
	}
}

// TestNamesMayRepeat is of ID-17: a name finds all who bear it.
func TestNamesMayRepeat(t *testing.T) {
	w := start(t)
	one := w.enroll(cloud.SystemAssigned, "invoices", app)
	two := w.enroll(cloud.UserAssigned, "invoices", identity)
	if got := w.ByName("invoices"); len(got) != 2 {
		t.Fatalf("found %v", got)
	}
	w.commit(w.Retire(one))
	if got := w.ByName("invoices"); len(got) != 1 || got[0].ID != two.ID {
		t.Errorf("after one is retired: %v", got)
	}
}

// TestRetiredPrincipalsAreGone is ID-2 and T26: old grants stay as orphans and work for nobody,
// neither for the old principal nor for a new one of the same name and resource.
func TestRetiredPrincipalsAreGone(t *testing.T) {
	w := start(t)
	old := w.enroll(cloud.SystemAssigned, "invoices", app)
	w.commit(w.grant(old.ID, reads, vault, "a1"))
	w.expect(old.ID, true, "a granted identity reads")

	next, change, err := w.Enroll(cloud.SystemAssigned, "invoices", cloud.MustID(app))
	if err != nil {
		t.Fatal(err)
	}
	w.commit(w.Retire(old), change) // off and on again in one transaction
	if _, ok := w.Principal(old.ID); ok {
		t.Error("the old principal is still there")
	}
	if got, ok := w.ByResource(cloud.MustID(app)); !ok || got.ID != next.ID {
		t.Errorf("the app's identity is %q, want the new one %q", got.ID, next.ID)
	}
	if next.ID == old.ID || next.Client == old.Client {
		t.Error("an id was used again")
	}
	w.expect(old.ID, false, "the old identity")
	w.expect(next.ID, false, "a new identity of the same name without a grant of its own")
	w.commit(w.grant(next.ID, reads, vault, "a2"))
	w.expect(next.ID, true, "the new identity with a grant of its own")
	w.expect(old.ID, false, "the old identity after the new one's grant")
}

// TestIDsAreNotDrawnTwice is T26 with a source of randomness that repeats itself.
func TestIDsAreNotDrawnTwice(t *testing.T) {
	w := start(t)
	again := func() { w.Rand = rand.NewChaCha8([32]byte{7}) }
	again()
	first := w.enroll(cloud.UserAssigned, "billing", identity)
	again()
	second := w.enroll(cloud.SystemAssigned, "invoices", app)
	if first.ID == second.ID || first.Client == second.Client {
		t.Error("an id in use was given to another")
	}
	w.commit(w.grant(first.ID, reads, vault, "a1"), w.Retire(first))
	again()
	third := w.enroll(cloud.UserAssigned, "billing", identity)
	if third.ID == first.ID {
		t.Error("an id that an orphaned grant names was given to another")
	}
	w.expect(third.ID, false, "whoever comes after an orphaned grant")
	w.Rand = bytes.NewReader(make([]byte, 1000))
	if _, _, err := w.Enroll(cloud.Application, "zero", cloud.ID{}); err == nil {
		t.Error("ids were drawn from a source that gives only zeros")
	}
}

// TestEnrollRefuses is of ID-1 and ID-3: who belongs to a resource and who does not.
func TestEnrollRefuses(t *testing.T) {
	w := start(t)
	for sentence, c := range map[string]struct {
		kind     cloud.Kind
		name     string
		resource cloud.ID
	}{
		"a system-assigned identity of nothing": {cloud.SystemAssigned, "x", cloud.ID{}},
		"a user-assigned identity of nothing":   {cloud.UserAssigned, "x", cloud.ID{}},
		"an application of a resource":          {cloud.Application, "x", cloud.MustID(app)},
		"somebody without a name":               {cloud.Application, "", cloud.ID{}},
		"somebody of no known kind":             {"User", "x", cloud.ID{}},
	} {
		if _, change, err := w.Enroll(c.kind, c.name, c.resource); err == nil || change.Key != "" {
			t.Errorf("%s was enrolled", sentence)
		}
	}
}

func TestEnrollWritesNothingAndCreatesOnly(t *testing.T) {
	w := start(t)
	p, change, err := w.Enroll(cloud.Application, "owner", cloud.ID{})
	if err != nil || change.If != 0 || change.Key != cloud.PrincipalKey(p.ID) {
		t.Fatalf("change %+v, error %v", change, err)
	}
	if _, ok := w.Principal(p.ID); ok {
		t.Error("it was written")
	}
	w.commit(change)
	if _, err := w.Store.Commit(t.Context(), change); err == nil {
		t.Error("the same principal was created twice")
	}
}

func TestTheZeroDirectoryOfNobodyAnswers(t *testing.T) {
	d := &Directory{Store: mem.New()}
	defer func() { _ = d.Store.Close() }()
	if _, ok := d.Principal("x"); ok || len(d.Principals()) != 0 || len(d.Roles()) != 928 {
		t.Error("an empty directory knows someone")
	}
	if d.Decide(rbac.Request{Principal: "x", Action: "a/b", At: cloud.Root}).Allowed {
		t.Error("an empty directory allows something")
	}
}
