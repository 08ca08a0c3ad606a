package specs

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"lanyard/internal/arm"
	"lanyard/internal/cloud"
	"lanyard/internal/directory"
	"lanyard/internal/provider"
	"lanyard/internal/provider/app"
	"lanyard/internal/provider/authorization"
	"lanyard/internal/provider/keyvault"
	"lanyard/internal/provider/managedidentity"
	"lanyard/internal/provider/resources"
	"lanyard/internal/secret"
	"lanyard/internal/store/mem"
)

const tenant cloud.TenantID = "11111111-2222-3333-4444-555555555555"

const (
	subscription = "aaaaaaaa-0000-0000-0000-000000000001"
	reader       = "acdd72a7-3385-48ef-bd42-f606fba81ae7" // the built-in role
)

// world is the real engine with every type, over a store in memory, and nothing in it but a subscription.
type world struct {
	t         *testing.T
	store     *mem.Store
	directory *directory.Directory
	engine    *arm.Engine
}

func begin(t *testing.T) *world {
	t.Helper()
	box, err := secret.NewBox(nil)
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, store: mem.New()}
	w.directory = &directory.Directory{Store: w.store, Tenant: tenant}
	caller := cloud.Caller{Principal: "cccccccc-0000-0000-0000-000000000001", Client: "cccccccc-0000-0000-0000-000000000002", Tenant: tenant}
	w.engine = &arm.Engine{Store: w.store, Directory: w.directory, Profile: cloud.Azure, Tenant: tenant,
		Admit:  func(*http.Request) (cloud.Caller, error) { return caller, nil },
		Permit: func(context.Context, cloud.Caller, string, cloud.ID) error { return nil }}
	deps := provider.Deps{Resources: w.engine, Store: w.store, Tenant: tenant, Await: w.engine.Await}
	w.engine.Rows = append(w.engine.Rows, resources.Rows(tenant)...)
	w.engine.Rows = append(w.engine.Rows, managedidentity.Rows(managedidentity.Deps{Deps: deps, Directory: w.directory})...)
	w.engine.Rows = append(w.engine.Rows, authorization.Rows(authorization.Deps{
		Directory: w.directory, Resources: w.engine, Store: w.store, Tenant: tenant})...)
	w.engine.Rows = append(w.engine.Rows, app.Rows(app.Deps{Deps: deps, Streams: cloud.Azure.ConsoleHost,
		Ticket: func(cloud.ID) (string, time.Time, error) { return "ticket", time.Now().Add(time.Hour), nil },
		Replicas: func(id cloud.ID) []app.Replica {
			return []app.Replica{{Name: "specs-one", Revision: id.Name() + "--blue", Started: time.Now()}}
		}})...)
	w.engine.Rows = append(w.engine.Rows, keyvault.Rows(keyvault.Deps{Deps: deps, Box: box, Profile: cloud.Azure})...)
	w.run(w.directory.Run, w.directory.Ready)
	w.run(w.engine.Run, w.engine.Ready)
	if _, err := w.engine.Place(t.Context(), cloud.MustID("/subscriptions/"+subscription), cloud.Caller{}, []byte(`{}`)); err != nil {
		t.Fatal(err)
	}
	return w
}

func (w *world) run(loop, ready func(context.Context) error) {
	ctx, stop := context.WithCancel(context.WithoutCancel(w.t.Context()))
	var running sync.WaitGroup
	running.Go(func() { _ = loop(ctx) })
	w.t.Cleanup(func() { stop(); running.Wait() })
	if err := ready(ctx); err != nil {
		w.t.Fatal(err)
	}
}

// answer is what the engine said; body is nil where it said nothing.
type answer struct {
	status int
	text   string
	body   any
}

func (a answer) code() string    { return a.error().Code }
func (a answer) message() string { return a.error().Message }

func (a answer) error() (e struct{ Code, Message string }) {
	body := struct{ Error any }{&e}
	_ = json.Unmarshal([]byte(a.text), &body) // no error is no code
	return e
}

func (w *world) send(method, target, body string) answer {
	w.t.Helper()
	r := httptest.NewRequest(method, "https://"+cloud.Azure.Management+target, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	rec := httptest.NewRecorder()
	w.engine.ServeHTTP(rec, r)
	return read(w.t, rec)
}

// read takes an answer in.
func read(t *testing.T, rec *httptest.ResponseRecorder) answer {
	t.Helper()
	a := answer{status: rec.Code, text: rec.Body.String()}
	if a.text != "" {
		if err := json.Unmarshal([]byte(a.text), &a.body); err != nil {
			t.Fatalf("answered %d and no JSON: %s", a.status, a.text)
		}
	}
	return a
}

// encode writes what an example sends.
func encode(t *testing.T, value any) string {
	t.Helper()
	text, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// enroll makes the principal that an example names.
func (w *world) enroll(id cloud.PrincipalID, person bool) {
	w.t.Helper()
	if _, known := w.directory.Principal(id); known {
		return
	}
	p, change, err := w.directory.Enroll(cloud.Application, "example", cloud.ID{})
	if err != nil {
		w.t.Fatal(err)
	}
	p.ID, p.Created = id, time.Now()
	if person {
		p.Kind, p.SignIn = cloud.User, "example@lanyard.localhost"
	}
	change.Key = cloud.PrincipalKey(id)
	if change.Value, err = json.Marshal(p); err != nil {
		w.t.Fatal(err)
	}
	revision, err := w.store.Commit(w.t.Context(), change)
	if err != nil {
		w.t.Fatal(err)
	}
	if err := w.directory.Await(w.t.Context(), revision); err != nil {
		w.t.Fatal(err)
	}
}

// seeds are the least that makes a resource of each type, with the api-version that says so.
var seeds = map[string]struct {
	version string
	body    func(id cloud.ID) string
}{
	resources.ResourceGroups:     {"2025-04-01", located},
	managedidentity.UserAssigned: {"2024-11-30", located},
	managedidentity.Federated: {"2024-11-30", func(cloud.ID) string {
		return `{"properties":{"issuer":"https://issuer.example","subject":"a","audiences":["api://AzureADTokenExchange"]}}`
	}},
	app.Environments: {"2025-07-01", located},
	app.Apps: {"2025-07-01", func(id cloud.ID) string {
		return fmt.Sprintf(`{"location":"eastus","properties":{"environmentId":%q,"template":{"revisionSuffix":"blue","containers":[{"name":"a","image":"a:1","command":["/a"]}]}}}`, environmentOf(id))
	}},
	keyvault.Vaults: {"2024-11-01", func(cloud.ID) string {
		return fmt.Sprintf(`{"location":"westus","properties":{"tenantId":%q,"sku":{"family":"A","name":"standard"},"enableRbacAuthorization":true}}`, tenant)
	}},
	keyvault.Secrets: {"2024-11-01", func(cloud.ID) string { return `{"properties":{"value":"v"}}` }},
	authorization.Definitions: {"2022-04-01", func(id cloud.ID) string {
		return fmt.Sprintf(`{"properties":{"roleName":%q,"assignableScopes":["/subscriptions/%s"],"permissions":[{"actions":["*/read"]}]}}`, id.Name(), subscription)
	}},
	authorization.Assignments: {"2022-04-01", func(cloud.ID) string {
		return fmt.Sprintf(`{"properties":{"roleDefinitionId":"/providers/Microsoft.Authorization/roleDefinitions/%s","principalId":%q}}`, reader, bearer)
	}},
	locks: {"2020-05-01", func(cloud.ID) string { return `{"properties":{"level":"CanNotDelete"}}` }},
}

const (
	locks  = "Microsoft.Authorization/locks"
	bearer = "dddddddd-0000-0000-0000-000000000001" // holds the seeded role assignments
)

func located(cloud.ID) string { return `{"location":"eastus"}` }

func environmentOf(id cloud.ID) string {
	return id.Parent().String() + "/providers/" + app.Environments + "/specs-env"
}

// seed makes a resource and what it lies in, unless it is there or nothing makes one of its type.
func (w *world) seed(id cloud.ID) {
	w.t.Helper()
	if id.IsZero() || id.Equal(cloud.Root) {
		return
	}
	if id.Is(keyvault.DeletedVaults) {
		w.delete(id)
		return
	}
	w.seed(id.Parent())
	for typ, seed := range seeds {
		if !id.Is(typ) {
			continue
		}
		if _, there := w.engine.Document(id); there {
			return
		}
		if typ == app.Apps {
			w.seed(cloud.MustID(environmentOf(id)))
		}
		if typ == authorization.Assignments {
			w.enroll(bearer, false)
		}
		if a := w.send("PUT", id.String()+"?api-version="+seed.version, seed.body(id)); a.status != http.StatusCreated {
			if a.code() == "InvalidResourceType" {
				return // the example will say so too
			}
			w.t.Fatalf("seed %s: %d %s", id, a.status, a.text)
		}
	}
}

// delete makes a vault of that name, and deletes it.
func (w *world) delete(id cloud.ID) {
	w.t.Helper()
	vault := cloud.MustID("/subscriptions/" + subscription + "/resourceGroups/specs-rg/providers/" + keyvault.Vaults + "/" + id.Name())
	w.seed(vault)
	if a := w.send("DELETE", vault.String()+"?api-version=2024-11-01", ""); a.status != http.StatusOK {
		w.t.Fatalf("delete %s: %d %s", vault, a.status, a.text)
	}
}
