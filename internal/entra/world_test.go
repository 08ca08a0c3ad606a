package entra_test

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"lanyard/internal/cloud"
	"lanyard/internal/directory"
	"lanyard/internal/entra"
	"lanyard/internal/issuer"
	"lanyard/internal/secret"
	"lanyard/internal/store"
	"lanyard/internal/store/mem"
)

const (
	tenant cloud.TenantID = "1b7a4c1e-0000-4000-8000-000000000001"
	vault  string         = "https://vault.azure.net"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// world is a login host with an application, whose first secret has ended, a managed identity, and a
// person.
type world struct {
	app, identity, person   cloud.Principal
	secret, spent, password cloud.Sealed
	store                   store.Store
	directory               *directory.Directory
	door                    *entra.Door
	server                  *httptest.Server
	client                  *http.Client // leads every name to the server
	issuer                  *issuer.Issuer
	begun                   time.Time // and later is its time, by as much as it waited
	waited                  atomic.Int64
	came                    map[string]string // codes and tokens, by the name under which they came last
}

// now is the world's time, which stands still but for wait.
func (w *world) now() time.Time { return w.begun.Add(time.Duration(w.waited.Load())) }

func (w *world) wait(d time.Duration) { w.waited.Add(int64(d)) }

func start(t testing.TB) *world {
	t.Helper()
	w := &world{begun: time.Now().Truncate(time.Second), came: map[string]string{}}
	clock := w.now
	s := mem.New()
	box, err := secret.NewBox(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	people := &directory.Directory{Store: s, Tenant: tenant, Now: clock}
	w.issuer = &issuer.Issuer{Store: s, Box: box, Tenant: tenant, URL: cloud.Azure.Issuer(tenant), URLTwo: cloud.Azure.IssuerTwo(tenant), Now: clock}
	follow(t, people)
	follow(t, w.issuer)
	w.store, w.directory = s, people
	w.enroll(t, s, people)

	mux := http.NewServeMux()
	w.door = &entra.Door{Issuer: w.issuer, Directory: people, Store: s, Profile: cloud.Azure, Tenant: tenant, Port: "4140", Now: clock, Belonging: people.Belonging}
	w.door.Routes(mux)
	w.server = httptest.NewTLSServer(mux)
	w.client = leading(w.server)
	t.Cleanup(func() { w.client.CloseIdleConnections(); w.server.Close() })
	return w
}

// leading gives a client that reaches the server whatever host a URL names.
func leading(server *httptest.Server) *http.Client {
	roots := server.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs
	return &http.Client{Transport: &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: roots, ServerName: "example.com"}, // the name in httptest's certificate
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, network, server.Listener.Addr().String())
		},
	}}
}

// engine is what runs beside the door.
type engine interface {
	Run(ctx context.Context) error
	Ready(ctx context.Context) error
}

func follow(t testing.TB, e engine) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- e.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-done })
	if err := e.Ready(ctx); err != nil {
		t.Fatal(err)
	}
}

func (w *world) enroll(t testing.TB, s store.Store, people *directory.Directory) {
	t.Helper()
	app, first, err := people.Enroll(cloud.Application, "ci", cloud.ID{})
	if err != nil {
		t.Fatal(err)
	}
	before := &directory.Directory{Store: s, Tenant: tenant, Now: func() time.Time { return w.now().Add(-48 * time.Hour) }}
	if w.spent, err = before.AddSecret(&app, w.now().Add(-time.Hour)); err != nil {
		t.Fatal(err)
	}
	if w.secret, err = people.AddSecret(&app, w.now().Add(24*time.Hour)); err != nil {
		t.Fatal(err)
	}
	if first.Value, err = json.Marshal(app); err != nil {
		t.Fatal(err)
	}
	identity, second, err := people.Enroll(cloud.UserAssigned, "billing",
		cloud.MustID("/subscriptions/s/resourceGroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/billing"))
	if err != nil {
		t.Fatal(err)
	}
	person, third, err := people.EnrollPerson("Owner", owner)
	if err != nil {
		t.Fatal(err)
	}
	if w.password, err = people.AddSecret(&person, w.now().Add(24*time.Hour)); err != nil {
		t.Fatal(err)
	}
	if third.Value, err = json.Marshal(person); err != nil {
		t.Fatal(err)
	}
	w.app, w.identity, w.person = app, identity, person
	w.commit(t, first, second, third)
}

// owner is the name by which the person signs in.
const owner = "owner@lanyard.localhost"

// commit writes to the store, and waits until the directory has seen it.
func (w *world) commit(t testing.TB, changes ...store.Change) {
	t.Helper()
	revision, err := w.store.Commit(t.Context(), changes...)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.directory.Await(t.Context(), revision); err != nil {
		t.Fatal(err)
	}
}

// change rewrites a principal.
func (w *world) change(t testing.TB, p cloud.Principal) {
	t.Helper()
	value, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	w.commit(t, store.Change{Key: cloud.PrincipalKey(p.ID), Value: value, If: store.Any})
}

// answer is what the login host said.
type answer struct {
	status int
	header http.Header
	body   string
}

func (a answer) decode(t testing.TB, into any) {
	t.Helper()
	if err := json.Unmarshal([]byte(a.body), into); err != nil {
		t.Fatalf("%v in %s", err, a.body)
	}
}

func (w *world) send(t testing.TB, r *http.Request) answer {
	t.Helper()
	response, err := w.client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{response.StatusCode, response.Header, string(body)}
}

const login = "https://login.microsoftonline.com"

func (w *world) get(t testing.TB, url string) answer {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), "GET", url, nil)
	if err != nil {
		t.Fatal(err)
	}
	return w.send(t, r)
}

func (w *world) post(t testing.TB, path, form string, header ...string) answer {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), "POST", login+path, strings.NewReader(form))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	return w.send(t, r)
}
