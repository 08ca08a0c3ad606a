// Package providertest runs rows under the real engine, for the tests of every provider.
//
// It must not know any resource type but those that everything lies in.
package providertest

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"lanyard/internal/arm"
	"lanyard/internal/cloud"
	"lanyard/internal/directory"
	"lanyard/internal/fault"
	"lanyard/internal/rbac"
	"lanyard/internal/store"
	"lanyard/internal/store/mem"
)

// What every world begins with.
const (
	Tenant       cloud.TenantID = "11111111-2222-3333-4444-555555555555"
	Subscription                = "/subscriptions/aaaaaaaa-0000-0000-0000-000000000001"
	Group                       = Subscription + "/resourceGroups/rg"
	Other                       = Subscription + "/resourceGroups/rg-b"
)

// Caller is who every request comes from.
var Caller = cloud.Caller{Principal: "cccccccc-0000-0000-0000-000000000001", Client: "cccccccc-0000-0000-0000-000000000002", Tenant: Tenant}

// Start is the time at which a world begins.
var Start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// World is an engine with a store, a directory, one subscription and two resource groups.
type World struct {
	T         *testing.T
	Store     *mem.Store
	Directory *directory.Directory
	Engine    *arm.Engine
	// Refuse names an action that the caller may not do, and at which scope.
	Refuse arm.Demand

	version string
	asker   cloud.PrincipalID // who asks; none for Caller
}

// Begin starts a world with the given rows, whose requests have that api-version.
func Begin(t *testing.T, version string, rows func(*World) []arm.Row) *World {
	t.Helper()
	w := &World{T: t, version: version, Store: mem.New()}
	w.Directory = &directory.Directory{Store: w.Store, Tenant: Tenant}
	w.Engine = &arm.Engine{Store: w.Store, Directory: w.Directory, Profile: cloud.Azure, Tenant: Tenant,
		Now:    func() time.Time { return Start },
		Admit:  w.admit,
		Permit: w.permit}
	w.Engine.Rows = append([]arm.Row{ // the rows under test may have their own
		{Type: "Microsoft.Resources/subscriptions", Versions: []string{"2022-12-01"}, At: arm.InTenant},
		{Type: "Microsoft.Resources/resourceGroups", Versions: []string{"2025-04-01"}, At: arm.InSubscription, Tracked: true},
	}, rows(w)...)
	t.Cleanup(func() { _ = w.Store.Close() })
	w.Run(w.Directory.Run)
	w.Run(w.Engine.Run)
	for _, ready := range []func(context.Context) error{w.Directory.Ready, w.Engine.Ready} {
		if err := ready(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	for _, id := range []string{Subscription, Group, Other} {
		if _, err := w.Engine.Place(t.Context(), cloud.MustID(id), cloud.Caller{}, []byte(`{"location":"westeurope"}`)); err != nil {
			t.Fatal(err)
		}
	}
	return w
}

// As gives the same world to a principal, whose requests are decided by the roles that it was granted.
func (w *World) As(p cloud.Principal) *World {
	other := *w
	other.asker = p.ID
	return &other
}

func (w *World) admit(r *http.Request) (cloud.Caller, error) {
	name, asked := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !asked {
		return Caller, nil
	}
	p, ok := w.Directory.Principal(cloud.PrincipalID(name))
	if !ok {
		return cloud.Caller{}, fault.New(fault.Unauthenticated, "InvalidAuthenticationToken", "There is no principal '%s'.", name)
	}
	return cloud.Caller{Principal: p.ID, Client: p.Client, Tenant: Tenant}, nil
}

func (w *World) permit(_ context.Context, caller cloud.Caller, action string, at cloud.ID) error {
	if caller.Principal != Caller.Principal {
		if w.Directory.Decide(rbac.Request{Principal: caller.Principal, Action: action, At: at}).Allowed {
			return nil
		}
		return fault.New(fault.Forbidden, "Forbidden", "The caller has no role for '%s' at '%s'.", action, at)
	}
	if strings.EqualFold(action, w.Refuse.Action) && w.Refuse.Scope.Contains(at) {
		return fault.New(fault.Forbidden, "Forbidden", "The caller may not.")
	}
	return nil
}

// Run runs a loop of the world until the test ends.
func (w *World) Run(loop func(context.Context) error) {
	ctx, stop := context.WithCancel(context.WithoutCancel(w.T.Context()))
	var running sync.WaitGroup
	running.Go(func() { _ = loop(ctx) })
	w.T.Cleanup(func() { stop(); running.Wait() })
}

// Answer is what the engine said.
type Answer struct {
	Status int
	Header http.Header
	Text   string
	Body   map[string]any
}

// Code gives the code of an error, or "".
func (a Answer) Code() string {
	e, _ := a.Body["error"].(map[string]any)
	code, _ := e["code"].(string)
	return code
}

// Property gives a member of the answer by a path with dots, e.g. "properties.vaultUri".
func (a Answer) Property(path string) any {
	var v any = a.Body
	for _, name := range strings.Split(path, ".") {
		m, _ := v.(map[string]any)
		v = m[name]
	}
	return v
}

// Values gives what a list holds.
func (a Answer) Values() []map[string]any {
	var all []map[string]any
	values, _ := a.Body["value"].([]any)
	for _, v := range values {
		m, _ := v.(map[string]any)
		all = append(all, m)
	}
	return all
}

// Ask makes a request such as "PUT /subscriptions/..."; a path may name an api-version of its own.
func (w *World) Ask(line, body string) Answer {
	w.T.Helper()
	method, path, _ := strings.Cut(line, " ")
	sign := "?"
	if strings.Contains(path, "?") {
		sign = "&"
	}
	if !strings.Contains(path, "api-version=") {
		path += sign + "api-version=" + w.version
	}
	r := httptest.NewRequest(method, "https://"+cloud.Azure.Management+strings.ReplaceAll(path, " ", "%20"), strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	if w.asker != "" {
		r.Header.Set("Authorization", "Bearer "+string(w.asker))
	}
	rec := httptest.NewRecorder()
	w.Engine.ServeHTTP(rec, r)
	text, err := io.ReadAll(rec.Body)
	if err != nil {
		w.T.Fatal(err)
	}
	a := Answer{Status: rec.Code, Header: rec.Header(), Text: string(text)}
	if len(text) > 0 && json.Unmarshal(text, &a.Body) != nil {
		w.T.Fatalf("%s answered %d and no JSON: %s", line, rec.Code, text)
	}
	return a
}

// Want makes a request and holds its status and error code against what is expected.
func (w *World) Want(status int, code, line, body string) Answer {
	w.T.Helper()
	a := w.Ask(line, body)
	if a.Status != status || a.Code() != code {
		w.T.Fatalf("%s answered %d %q, want %d %q: %s", line, a.Status, a.Code(), status, code, a.Text)
	}
	return a
}

// Enroll makes a principal.
func (w *World) Enroll(name string) cloud.Principal {
	w.T.Helper()
	p, change, err := w.Directory.Enroll(cloud.Application, name, cloud.ID{})
	if err != nil {
		w.T.Fatal(err)
	}
	w.Commit(change)
	return p
}

// Commit writes to the store and waits until it is seen.
func (w *World) Commit(changes ...store.Change) {
	w.T.Helper()
	revision, err := w.Store.Commit(w.T.Context(), changes...)
	if err != nil {
		w.T.Fatal(err)
	}
	if err := w.Engine.Await(w.T.Context(), revision); err != nil {
		w.T.Fatal(err)
	}
}

// Read decodes what the store has under key into v, and reports whether there is anything.
func (w *World) Read(key string, v any) bool {
	w.T.Helper()
	entry, err := w.Store.Get(w.T.Context(), key)
	if err != nil {
		w.T.Fatal(err)
	}
	if entry.Revision == 0 {
		return false
	}
	if err := json.Unmarshal(entry.Value, v); err != nil {
		w.T.Fatal(err)
	}
	return true
}
