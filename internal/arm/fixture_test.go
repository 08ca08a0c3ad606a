package arm

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"lanyard/internal/cloud"
	"lanyard/internal/fault"
	"lanyard/internal/store"
	"lanyard/internal/store/mem"
)

const (
	sub     = "/subscriptions/11111111-1111-1111-1111-111111111111"
	group   = sub + "/resourceGroups/rg"
	carts   = group + "/providers/Toy.Shop/carts"
	uamis   = group + "/providers/Microsoft.ManagedIdentity/userAssignedIdentities"
	version = "?api-version=2024-01-01"
	here    = `{"location":"westeurope"}`
)

var owner = cloud.Caller{Principal: "owner-oid", Client: "owner-app", Tenant: "t"}

// phone is a directory that keeps its principals in the store, as the real one does.
type phone struct {
	store store.Store
	view  *store.View
}

func newPhone(s store.Store) *phone { return &phone{s, store.NewView(s, cloud.KeysPrincipal)} }

func (p *phone) all() (all []cloud.Principal) {
	for _, entry := range p.view.List(cloud.KeysPrincipal) {
		var one cloud.Principal
		if json.Unmarshal(entry.Value, &one) == nil {
			all = append(all, one)
		}
	}
	return all
}

func (p *phone) Principal(id cloud.PrincipalID) (one cloud.Principal, ok bool) {
	entry, ok := p.view.Get(cloud.PrincipalKey(id))
	ok = ok && json.Unmarshal(entry.Value, &one) == nil
	return one, ok
}

func (p *phone) ByResource(id cloud.ID) (cloud.Principal, bool) {
	for _, one := range p.all() {
		if one.Resource.Equal(id) {
			return one, true
		}
	}
	return cloud.Principal{}, false
}

func (p *phone) Enroll(kind cloud.Kind, name string, resource cloud.ID) (cloud.Principal, store.Change, error) {
	id, err := cloud.NewID(rand.Reader)
	if err != nil {
		return cloud.Principal{}, store.Change{}, err
	}
	one := cloud.Principal{ID: cloud.PrincipalID(id), Client: cloud.ClientID("app-" + id), Tenant: "t", Kind: kind, Name: name, Resource: resource}
	value, err := json.Marshal(one)
	return one, store.Change{Key: cloud.PrincipalKey(one.ID), Value: value}, err
}

func (p *phone) Retire(one cloud.Principal) store.Change {
	return store.Change{Key: cloud.PrincipalKey(one.ID), If: store.Any}
}

// Detached keeps who was detached from what.
func (p *phone) Detached(from cloud.ID, of cloud.PrincipalID) ([]store.Change, error) {
	return []store.Change{{Key: cloud.KeysRecall + from.Name() + "|" + string(of), Value: []byte("{}"), If: store.Any}}, nil
}

func (p *phone) Await(ctx context.Context, revision int64) error { return p.view.Await(ctx, revision) }

// cart claims the host names in properties.hosts and refuses properties.broken.
type cart struct{ Plain }

type cartProperties struct {
	Hosts  []string `json:"hosts"`
	Broken bool     `json:"broken"`
	Stuck  bool     `json:"stuck"`
}

func (cart) Shape(_ context.Context, c *Change) error {
	var p cartProperties
	if err := json.Unmarshal(c.After.Properties, &p); c.After.Properties != nil && err != nil {
		return fault.New(fault.Invalid, "InvalidCart", "The cart cannot be read.")
	}
	if p.Broken {
		return fault.New(fault.Invalid, "BrokenCart", "The cart is broken.")
	}
	c.Hosts = p.Hosts
	return nil
}

func (cart) Remove(_ context.Context, c *Change) error {
	var p cartProperties
	if json.Unmarshal(c.Before.Properties, &p) == nil && p.Stuck {
		return fault.New(fault.Conflict, "StuckCart", "The cart is stuck.")
	}
	return nil
}

// badge is a user-assigned identity.
type badge struct {
	Plain
	phone *phone
}

func (b badge) Place(_ context.Context, c *Change) error {
	if c.Before != nil {
		return nil
	}
	_, enroll, err := b.phone.Enroll(cloud.UserAssigned, c.After.Name, c.After.ID)
	c.Writes = append(c.Writes, enroll)
	return err
}

func (b badge) Remove(_ context.Context, c *Change) error {
	if p, ok := b.phone.ByResource(c.ID); ok {
		c.Writes = append(c.Writes, b.phone.Retire(p))
	}
	return nil
}

func checkName(_ context.Context, v Visit, w http.ResponseWriter, r *http.Request) error {
	_, err := fmt.Fprintf(w, `{"at":%q,"by":%q,"query":%q}`, v.Scope, v.Caller.Client, r.URL.Query().Get("$own"))
	return err
}

func toyRows(p *phone) []Row {
	versions := []string{"2024-01-01", "2023-01-01"}
	ring := func(_ context.Context, d *Document, w http.ResponseWriter, _ *http.Request) error {
		_, err := fmt.Fprintf(w, `{"rang":%q}`, d.Name)
		return err
	}
	return []Row{
		{Type: typeSubscription, Versions: append(versions, "2019-05-01"), At: InTenant},
		{Type: typeGroup, Versions: versions, At: InSubscription, Tracked: true},
		{Type: "Toy.Shop/carts", Versions: versions, Tracked: true, Identity: true, Async: true, Behaviour: cart{},
			Name: func(name string) error {
				if len(name) > 24 {
					return fmt.Errorf("it is longer than 24 characters")
				}
				return nil
			},
			Actions: map[string]Action{"ring": {Needs: "Toy.Shop/carts/ring/action", Do: ring}, "count": {Needs: "Toy.Shop/carts/count/action", Turn: count}}},
		{Type: "Toy.Shop/carts/wheels", Versions: versions},
		{Type: typeUserAssigned, Versions: versions, Tracked: true, Behaviour: badge{phone: p}},
		{Type: "Toy.Shop/dogs/tricks", Absent: true}, {Type: "Toy.Shop/cats", Absent: true},
		{Type: "Microsoft.Authorization/roleAssignments", Versions: versions, At: Extension, Echo: true},
		{Type: typeLock, Versions: versions, At: Extension},
		{Type: "Toy.Shop/checkName", Versions: versions, At: InSubscription, Calls: map[string]Call{"POST": {Needs: "Toy.Shop/checkName/read", Do: checkName}}},
	}
}

// world is a running engine with a subscription and a group in it.
type world struct {
	*Engine
	t     testing.TB
	phone *phone
	stop  func()

	mu      sync.Mutex
	records []cloud.Activity
	refused func(who cloud.Caller, action string, at cloud.ID) bool // nil refuses nothing
}

func newWorld(t testing.TB) *world { return onStore(t, mem.New()) }

// onStore starts a world in an empty store.
func onStore(t testing.TB, s store.Store) *world {
	w := open(t, s)
	w.place(sub, `{}`)
	w.place(group, here)
	return w
}

// open starts an engine on a store.
func open(t testing.TB, s store.Store) *world {
	t.Helper()
	w := &world{t: t, phone: newPhone(s)}
	w.Engine = &Engine{Store: s, Rows: toyRows(w.phone), Directory: w.phone, Profile: cloud.Azure, Tenant: "t",
		Admit: func(r *http.Request) (cloud.Caller, error) {
			switch r.Header.Get("Authorization") {
			case "Bearer owner":
				return owner, nil
			case "Bearer person":
				return cloud.Caller{Principal: "person-oid", Client: "az-app", Tenant: "t", SignIn: "owner@lanyard.localhost"}, nil
			case "Bearer robot":
				return cloud.Caller{Principal: "robot-oid", Client: "robot-app", Tenant: "t", Resource: carts + "/robot"}, nil
			case "Bearer clerk":
				return cloud.Caller{Principal: "clerk-oid", Client: "clerk-app", Tenant: "t"}, nil
			}
			return cloud.Caller{}, fault.New(fault.Unauthenticated, "AuthenticationFailed", "Authentication failed. The 'Authorization' header is missing.")
		},
		Permit: func(_ context.Context, who cloud.Caller, action string, at cloud.ID) error {
			w.mu.Lock()
			defer w.mu.Unlock()
			if w.refused != nil && w.refused(who, action, at) {
				return fault.New(fault.Forbidden, "Forbidden", "No.").Try("lanyard role assignment create")
			}
			return nil
		},
		Record: func(a cloud.Activity) {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.records = append(w.records, a)
		},
		Now: func() time.Time { return time.Date(2025, 1, 2, 3, 4, 5, 0, time.UTC) },
	}
	ctx, cancel := context.WithCancel(t.Context())
	var done sync.WaitGroup
	done.Go(func() { _ = w.phone.view.Run(ctx) })
	done.Go(func() { _ = w.Run(ctx) })
	w.stop = func() { cancel(); done.Wait() }
	t.Cleanup(w.stop)
	if err := w.Ready(ctx); err != nil {
		t.Fatal(err)
	}
	return w
}

func (w *world) refuse(refused func(who cloud.Caller, action string, at cloud.ID) bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.refused = refused
}

func (w *world) place(id, body string) *Document {
	w.t.Helper()
	d, err := w.Place(w.t.Context(), cloud.MustID(id), cloud.Caller{}, []byte(body))
	if err != nil {
		w.t.Fatalf("place %s: %v", id, err)
	}
	return d
}

// said is an answer.
type said struct {
	status int
	header http.Header
	text   string
	body   map[string]any
}

// code gives error.code.
func (s said) code() string {
	e, _ := s.body["error"].(map[string]any)
	code, _ := e["code"].(string)
	return code
}

// at follows member names into the body.
func (s said) at(names ...string) any {
	var v any = s.body
	for _, name := range names {
		m, _ := v.(map[string]any)
		v = m[name]
	}
	return v
}

// ask sends a request as the owner; the api-version is added unless there is a query. Further
// arguments are header names and values.
func (w *world) ask(method, path, body string, header ...string) said {
	w.t.Helper()
	if !strings.Contains(path, "?") {
		path += version
	}
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.Header.Set("Authorization", "Bearer owner")
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	return w.send(r)
}

// askAt asks without a token, under a host name.
func (w *world) askAt(host, path string) said {
	r := httptest.NewRequest(http.MethodGet, path, nil)
	r.Host = host
	return w.send(r)
}

func (w *world) send(r *http.Request) said {
	rec := httptest.NewRecorder()
	w.ServeHTTP(rec, r)
	s := said{status: rec.Code, header: rec.Header(), text: rec.Body.String()}
	_ = json.Unmarshal(rec.Body.Bytes(), &s.body)
	return s
}

func (w *world) want(status int, s said) said {
	w.t.Helper()
	if s.status != status {
		w.t.Fatalf("got %d %s, want %d", s.status, s.text, status)
	}
	return s
}
