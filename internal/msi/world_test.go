package msi

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"lanyard/internal/cloud"
	"lanyard/internal/directory"
	"lanyard/internal/drill"
	"lanyard/internal/host"
	"lanyard/internal/host/hosttest"
	"lanyard/internal/httpkit"
	"lanyard/internal/issuer"
	"lanyard/internal/store"
	"lanyard/internal/store/mem"
	"lanyard/internal/token"
)

var (
	hello   = cloud.MustID("/subscriptions/s/resourceGroups/rg/providers/Microsoft.App/containerApps/hello")
	billing = cloud.MustID("/subscriptions/s/resourceGroups/rg/providers/Microsoft.ManagedIdentity/userAssignedIdentities/billing")
	audits  = cloud.MustID("/subscriptions/s/resourceGroups/rg/providers/Microsoft.ManagedIdentity/userAssignedIdentities/audits")
)

func guid(n int) string { return fmt.Sprintf("00000000-0000-4000-8000-%012d", n) }

// system, bill and audit are three principals; the app of a world wears the first two.
var (
	system = cloud.Principal{ID: cloud.PrincipalID(guid(11)), Client: cloud.ClientID(guid(12)), Kind: cloud.SystemAssigned, Resource: hello}
	bill   = cloud.Principal{ID: cloud.PrincipalID(guid(21)), Client: cloud.ClientID(guid(22)), Kind: cloud.UserAssigned, Resource: billing}
	audit  = cloud.Principal{ID: cloud.PrincipalID(guid(31)), Client: cloud.ClientID(guid(32)), Kind: cloud.UserAssigned, Resource: audits}
)

// world is a door over a real host, with a directory and an issuer that tests steer.
type world struct {
	door    *Door
	replica *host.Replica
	server  *httptest.Server
	host    *host.Host
	store   *mem.Store
	log     *strings.Builder

	mu    sync.Mutex
	now   time.Time
	gone  map[cloud.PrincipalID]bool
	valid map[cloud.PrincipalID]time.Time
	mints []issuer.Order

	minting int // at once
	fail    error
	gate    chan struct{} // minting waits for it; nil does not wait

	groups, roles []string
	recalls       []cloud.Recall
	drills        drill.Set
	keys          files
	witness       witnesses
}

// worn gives principals as the app wears them.
func worn(ps ...cloud.Principal) (ids []cloud.Identity) {
	for _, p := range ps {
		ids = append(ids, cloud.Identity{Kind: p.Kind, Resource: p.Resource, Client: p.Client, Principal: p.ID})
	}
	return ids
}

func newWorld(t testing.TB, ids ...cloud.Identity) *world {
	t.Helper()
	w := &world{store: mem.New(), now: time.Unix(1_800_000_000, 0), gone: map[cloud.PrincipalID]bool{},
		valid: map[cloud.PrincipalID]time.Time{}, log: &strings.Builder{}}
	w.host = &host.Host{Store: w.store, Engine: hosttest.Fake{}, Witness: &w.witness}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { w.host.Run(ctx); close(ended) }()
	t.Cleanup(func() { cancel(); <-ended; w.store.Close() })
	w.wear(t, ids...)
	var err error
	if w.replica, err = w.host.Attach(ctx, hello, host.Attachment{}); err != nil {
		t.Fatal(err)
	}
	w.door = &Door{Hosts: w.host, Issuer: w, Directory: w, Keys: &w.keys,
		Now: func() time.Time { w.mu.Lock(); defer w.mu.Unlock(); return w.now }}
	w.server = httptest.NewUnstartedServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) { w.door.Handler().ServeHTTP(rw, r) }))
	w.server.Config.ConnContext = httpkit.WithConnection
	w.server.Start()
	t.Cleanup(w.server.Close)
	w.door.Address = w.server.Listener.Addr().String()
	return w
}

// attach puts another replica in the place of the world's.
func (w *world) attach(t testing.TB, a host.Attachment) *host.Replica {
	t.Helper()
	var err error
	if w.replica, err = w.host.Attach(t.Context(), hello, a); err != nil {
		t.Fatal(err)
	}
	return w.replica
}

// wear changes what the app wears.
func (w *world) wear(t testing.TB, ids ...cloud.Identity) {
	t.Helper()
	value, err := json.Marshal(cloud.App{ID: hello, Revision: "hello--one", Identities: ids})
	if err != nil {
		t.Fatal(err)
	}
	rev, err := w.store.Commit(t.Context(), store.Change{Key: cloud.AppKey(hello), Value: value, If: store.Any})
	if err == nil {
		err = w.host.Await(t.Context(), rev)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// logged makes the door write its events where a test can read them.
func (w *world) logged() {
	w.door.Log = slog.New(slog.NewTextHandler(&locked{mu: &w.mu, to: w.log}, nil))
}

type locked struct {
	mu *sync.Mutex
	to io.Writer
}

func (l *locked) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.to.Write(b)
}

// Principal gives the principals that a test has not removed.
func (w *world) Principal(id cloud.PrincipalID) (cloud.Principal, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, p := range []cloud.Principal{system, bill, audit} {
		if p.ID == id && !w.gone[id] {
			p.ValidFrom = w.valid[id]
			return p, true
		}
	}
	return cloud.Principal{}, false
}

// ByResource gives the principal of a user-assigned identity.
func (w *world) ByResource(id cloud.ID) (cloud.Principal, bool) {
	for _, p := range []cloud.Principal{bill, audit} {
		if p.Resource.Equal(id) {
			return p, true
		}
	}
	return cloud.Principal{}, false
}

// Audience knows the vault, storage, and any number of accounts.
func (w *world) Audience(resource string) (directory.Resource, bool) {
	known := []string{"https://vault.azure.net", "https://vault.azure.net/", "https://storage.azure.com/"}
	ok := slices.Contains(known, resource) || strings.HasSuffix(resource, ".blob.core.windows.net")
	return directory.Resource{Audience: resource}, ok
}

// Belonging says what a test does.
func (w *world) Belonging(cloud.PrincipalID, directory.Resource) (groups, roles []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.groups, w.roles
}

// Recalled says what a test does.
func (w *world) Recalled(token string, of cloud.PrincipalID, app cloud.ID, minted time.Time) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, r := range w.recalls {
		if r.Covers(token, of, app, minted) {
			return true
		}
	}
	return false
}

// Mint counts, and makes tokens that tell who, for what, and which.
func (w *world) Mint(ctx context.Context, o issuer.Order) (issuer.Minted, error) {
	w.mu.Lock()
	gate := w.gate
	w.minting++
	w.mu.Unlock()
	if gate != nil {
		<-gate
	}
	defer w.set(func() { w.minting-- })
	w.mu.Lock()
	defer w.mu.Unlock()
	w.mints = append(w.mints, o)
	if w.fail != nil {
		return issuer.Minted{}, w.fail
	}
	text := fmt.Sprintf("token-%d-%s", len(w.mints), o.Principal.ID)
	return issuer.Minted{Token: cloud.Seal(text), ID: fmt.Sprint("uti-", len(w.mints)), KeyID: "kid",
		Issued: w.now.Add(-5 * time.Minute), Expires: w.now.Add(24 * time.Hour)}, nil
}

func (w *world) minted() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.mints)
}

func (w *world) set(change func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	change()
}

func (w *world) endpoint() string { return w.server.URL + "/r/" + w.replica.Name + "/msi/token" }

// ask gives a good request for the vault; more is added to its query.
func (w *world) ask(t testing.TB, more string) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), "GET", w.endpoint()+"?api-version=2019-08-01&resource=https://vault.azure.net"+more, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("X-IDENTITY-HEADER", w.replica.Header.Open())
	return r
}

// send gives the answer to a request, following no redirect.
func (w *world) send(t testing.TB, r *http.Request) (int, string) {
	t.Helper()
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	answer, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, string(body)
}

// fetch asks with a query added, and gives the token or fails the test.
func (w *world) fetch(t testing.TB, more string) map[string]string {
	t.Helper()
	status, body := w.send(t, w.ask(t, more))
	if status != http.StatusOK {
		t.Fatalf("asking with %q is answered %d %s", more, status, body)
	}
	return members(t, body)
}

// members gives the members of an answer, all of which are strings.
func members(t testing.TB, body string) (all map[string]string) {
	t.Helper()
	if err := json.Unmarshal([]byte(body), &all); err != nil {
		t.Fatalf("the answer %s: %v", body, err)
	}
	return all
}

func query(name string, value any) string {
	return "&" + name + "=" + url.QueryEscape(fmt.Sprint(value))
}

func newID(at time.Time) (string, error) { return token.NewID(at, rand.Reader) }
