package vault

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"lanyard/guard"
	"lanyard/internal/cloud"
	"lanyard/internal/rbac"
	"lanyard/internal/rbac/builtin"
	"lanyard/internal/secret"
	"lanyard/internal/store"
	"lanyard/internal/store/mem"
	"lanyard/internal/token"
)

const (
	tenant cloud.TenantID = "11111111-1111-1111-1111-111111111111"
	host   string         = "hello-kv.vault.azure.net"
	// officer may do everything to secrets, reader may read the one secret named db.
	officer cloud.PrincipalID = "aaaaaaaa-0000-0000-0000-000000000001"
	reader  cloud.PrincipalID = "aaaaaaaa-0000-0000-0000-000000000002"
)

var (
	vaultID = cloud.MustID("/subscriptions/s/resourceGroups/rg/providers/Microsoft.KeyVault/vaults/hello-kv")
	rsaKey  = sync.OnceValue(func() *rsa.PrivateKey {
		key, err := rsa.GenerateKey(rand.Reader, 2048)
		if err != nil {
			panic(err)
		}
		return key
	})
)

// world is one vault behind its door, with two principals. Its clock is set by the test.
type world struct {
	t      testing.TB
	store  *mem.Store
	door   *Door
	routes *http.ServeMux

	mu         sync.Mutex
	now        time.Time
	vault      Vault
	gone       bool // the vault is
	principals map[cloud.PrincipalID]cloud.Principal
	grants     []rbac.Grant
}

func newWorld(t testing.TB) *world {
	box, err := secret.NewBox(nil)
	if err != nil {
		t.Fatal(err)
	}
	w := &world{
		t: t, store: mem.New(), routes: http.NewServeMux(), now: time.Now().Truncate(time.Second),
		vault:      Vault{ID: vaultID, Name: "hello-kv", Location: "westeurope"},
		principals: map[cloud.PrincipalID]cloud.Principal{},
	}
	for _, who := range []struct {
		id   cloud.PrincipalID
		name string
	}{{officer, "officer"}, {reader, "reader"}} {
		w.principals[who.id] = cloud.Principal{ID: who.id, Tenant: tenant, Client: clientOf(who.id), Name: who.name}
	}
	w.grant(officer, "Key Vault Secrets Officer", vaultID)
	w.grant(reader, "Key Vault Secrets User", cloud.MustID(vaultID.String()+"/secrets/db"))
	view := store.NewView(w.store, cloud.KeysVault)
	w.follow(view)
	w.door = &Door{
		Store: w.store, View: view, Box: box, Guard: w.guard(), Profile: cloud.Azure, Tenant: tenant, Now: w.clock,
		Vault: func(h string) (Vault, bool) {
			w.mu.Lock()
			defer w.mu.Unlock()
			return w.vault, h == host && !w.gone
		},
	}
	w.door.Routes(w.routes)
	return w
}

// follow runs the view until the test ends.
func (w *world) follow(view *store.View) {
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- view.Run(ctx) }()
	w.t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			w.t.Error(err)
		}
		_ = w.store.Close()
	})
	if err := view.Ready(ctx); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) guard() *guard.Guard {
	key := w.key()
	return &guard.Guard{
		Tenant: tenant, Audiences: Audiences(cloud.Azure), Issuers: []string{cloud.Azure.Issuer(tenant)},
		Keys: func(kid string) (token.Key, bool) { return key, kid == key.ID },
		Principal: func(id cloud.PrincipalID) (cloud.Principal, bool) {
			w.mu.Lock()
			defer w.mu.Unlock()
			p, ok := w.principals[id]
			return p, ok
		},
		Decide: func(r rbac.Request) rbac.Decision {
			w.mu.Lock()
			defer w.mu.Unlock()
			return rbac.Decide(r, w.grants, nil)
		},
		Suggest: func(action string, _ bool) (cloud.Role, bool) {
			if strings.EqualFold(action, actionGet) {
				return builtin.ByName("Key Vault Secrets User")
			}
			return builtin.ByName("Key Vault Secrets Officer")
		},
		Now: w.clock,
	}
}

func (w *world) key() token.Key {
	return token.Key{
		ID: "test-key", Issuer: cloud.Azure.Issuer(tenant), NotBefore: w.now.AddDate(-1, 0, 0),
		NotAfter: w.now.AddDate(1, 0, 0), Private: rsaKey(), Public: &rsaKey().PublicKey,
	}
}

func clientOf(p cloud.PrincipalID) cloud.ClientID { return cloud.ClientID("c" + p[1:]) }

func (w *world) clock() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now
}

func (w *world) advance(by time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = w.now.Add(by)
}

func (w *world) grant(to cloud.PrincipalID, role string, at cloud.ID) {
	r, ok := builtin.ByName(role)
	if !ok {
		w.t.Fatalf("no built-in role is named %s", role)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.grants = append(w.grants, rbac.Bind(cloud.Assignment{Principal: to, Role: r.ID.Name(), Scope: at}, r))
}

// change alters the directory's entry of a principal; nil removes it.
func (w *world) change(id cloud.PrincipalID, how func(*cloud.Principal)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.principals = maps.Clone(w.principals)
	if how == nil {
		delete(w.principals, id)
		return
	}
	p := w.principals[id]
	how(&p)
	w.principals[id] = p
}

// token mints what a principal would be given now; changes alter its claims.
func (w *world) token(who cloud.PrincipalID, changes ...func(*token.Claims)) string {
	now := w.clock()
	c := token.Claims{
		Audience: "https://vault.azure.net", Issuer: cloud.Azure.Issuer(tenant), Tenant: tenant,
		Principal: who, Subject: string(who), Client: clientOf(who), ID: "uti",
		IssuedAt: now.Unix(), NotBefore: now.Unix(), Expires: now.Add(24 * time.Hour).Unix(),
	}
	for _, change := range changes {
		change(&c)
	}
	raw, err := token.Sign(w.key(), c)
	if err != nil {
		w.t.Fatal(err)
	}
	return raw
}

// ask sends one raw request, by whom "" sends without a token.
func (w *world) ask(by cloud.PrincipalID, method, target, body string) *httptest.ResponseRecorder {
	authorization := ""
	if by != "" {
		authorization = "Bearer " + w.token(by)
	}
	return w.send(authorization, method, target, body)
}

func (w *world) send(authorization, method, target, body string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, "https://"+host+target, strings.NewReader(body))
	if authorization != "" {
		r.Header.Set("Authorization", authorization)
	}
	rec := httptest.NewRecorder()
	w.routes.ServeHTTP(rec, r)
	return rec
}
