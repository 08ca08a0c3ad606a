package vault

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/to"
	"github.com/Azure/azure-sdk-for-go/sdk/security/keyvault/azsecrets"

	"lanyard/internal/cloud"
)

// credential is what an app's credential is to the SDK: it caches its token until it is asked with
// claims, and keeps what it was asked.
type credential struct {
	world *world
	who   cloud.PrincipalID

	mu    sync.Mutex
	token string
	asked []policy.TokenRequestOptions
}

func (c *credential) GetToken(_ context.Context, o policy.TokenRequestOptions) (azcore.AccessToken, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.asked = append(c.asked, o)
	if c.token == "" || o.Claims != "" {
		c.token = c.world.token(c.who)
	}
	return azcore.AccessToken{Token: c.token, ExpiresOn: c.world.clock().Add(24 * time.Hour)}, nil
}

// client is the unmodified SDK client of the vault, whose connections lead to the door over TLS.
func (w *world) client(who cloud.PrincipalID) (*azsecrets.Client, *credential) {
	server := httptest.NewTLSServer(w.routes)
	w.t.Cleanup(server.Close)
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	transport := server.Client().Transport.(*http.Transport).Clone()
	transport.TLSClientConfig.RootCAs, transport.TLSClientConfig.ServerName = roots, "example.com"
	transport.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		if address != host+":443" {
			return nil, fmt.Errorf("the test leads to %s only, not to %s", host, address)
		}
		return (&net.Dialer{}).DialContext(ctx, network, server.Listener.Addr().String())
	}
	w.t.Cleanup(transport.CloseIdleConnections)
	asker := &credential{world: w, who: who}
	client, err := azsecrets.NewClient("https://"+host, asker, &azsecrets.ClientOptions{ClientOptions: azcore.ClientOptions{
		Transport: &http.Client{Transport: transport}, Retry: policy.RetryOptions{MaxRetries: -1},
	}})
	if err != nil {
		w.t.Fatal(err)
	}
	return client, asker
}

func must[T any](t *testing.T) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func TestTheSDKKeepsASecretThroughItsLife(t *testing.T) {
	w := newWorld(t)
	client, asked := w.client(officer)
	ctx := t.Context()
	set := must[azsecrets.SetSecretResponse](t)
	get := must[azsecrets.GetSecretResponse](t)

	one := set(client.SetSecret(ctx, "db", azsecrets.SetSecretParameters{
		Value: to.Ptr("one"), ContentType: to.Ptr("text/plain"), Tags: map[string]*string{"app": to.Ptr("hello")},
	}, nil))
	first := asked.asked[0]
	if len(first.Scopes) != 1 || first.Scopes[0] != "https://vault.azure.net/.default" || first.TenantID != string(tenant) {
		t.Errorf("the challenge led the SDK to ask for %+v", first)
	}
	two := set(client.SetSecret(ctx, "db", azsecrets.SetSecretParameters{Value: to.Ptr("two")}, nil))
	if latest := get(client.GetSecret(ctx, "db", "", nil)); *latest.Value != "two" || *latest.ID != *two.ID {
		t.Errorf("the latest is %s with %q, want %s", *latest.ID, *latest.Value, *two.ID)
	}
	if older := get(client.GetSecret(ctx, "db", one.ID.Version(), nil)); *older.Value != "one" || *older.Tags["app"] != "hello" {
		t.Errorf("version %s has %q with tags %v", one.ID.Version(), *older.Value, older.Tags)
	}

	must[azsecrets.UpdateSecretPropertiesResponse](t)(client.UpdateSecretProperties(ctx, "db", two.ID.Version(), azsecrets.UpdateSecretPropertiesParameters{
		SecretAttributes: &azsecrets.SecretAttributes{Enabled: to.Ptr(false)},
	}, nil))
	_, err := client.GetSecret(ctx, "db", "", nil)
	assertResponse(t, err, 403, "Forbidden", "Operation get is not allowed on a disabled secret.")

	deleted := must[azsecrets.DeleteSecretResponse](t)(client.DeleteSecret(ctx, "db", nil))
	if wait := deleted.ScheduledPurgeDate.Sub(*deleted.DeletedDate); wait != 90*24*time.Hour {
		t.Errorf("it is kept for %v, want 90 days", wait)
	}
	_, err = client.SetSecret(ctx, "db", azsecrets.SetSecretParameters{Value: to.Ptr("x")}, nil)
	assertResponse(t, err, 409, "Conflict", "ObjectIsDeletedButRecoverable")
	must[azsecrets.RecoverDeletedSecretResponse](t)(client.RecoverDeletedSecret(ctx, "db", nil))
	if older := get(client.GetSecret(ctx, "db", one.ID.Version(), nil)); *older.Value != "one" {
		t.Errorf("recovered, its first version has %q", *older.Value)
	}

	must[azsecrets.DeleteSecretResponse](t)(client.DeleteSecret(ctx, "db", nil))
	must[azsecrets.PurgeDeletedSecretResponse](t)(client.PurgeDeletedSecret(ctx, "db", nil))
	_, err = client.GetDeletedSecret(ctx, "db", nil)
	assertResponse(t, err, 404, "SecretNotFound", "Deleted Secret not found: db")
	if left, _, _ := w.store.List(ctx, cloud.KeysVault); len(left) != 0 {
		t.Errorf("purged, it leaves %d documents behind", len(left))
	}
}

func TestTheSDKPagesThroughLists(t *testing.T) {
	w := newWorld(t)
	client, _ := w.client(officer)
	const many = 2*pageSize + 3
	for i := range many {
		name := fmt.Sprintf("s%02d", i)
		must[azsecrets.SetSecretResponse](t)(client.SetSecret(t.Context(), name, azsecrets.SetSecretParameters{Value: to.Ptr("v")}, nil))
		must[azsecrets.SetSecretResponse](t)(client.SetSecret(t.Context(), "one", azsecrets.SetSecretParameters{Value: to.Ptr("v")}, nil))
	}
	seen, pages := map[string]bool{}, 0
	for p := client.NewListSecretPropertiesPager(nil); p.More(); pages++ {
		for _, s := range must[azsecrets.ListSecretPropertiesResponse](t)(p.NextPage(t.Context())).Value {
			seen[s.ID.Name()] = true
		}
	}
	if len(seen) != many+1 || pages != 3 {
		t.Errorf("saw %d secrets on %d pages, want %d on 3", len(seen), pages, many+1)
	}
	versions := map[string]bool{}
	for p := client.NewListSecretPropertiesVersionsPager("one", nil); p.More(); {
		for _, s := range must[azsecrets.ListSecretPropertiesVersionsResponse](t)(p.NextPage(t.Context())).Value {
			versions[s.ID.Version()] = true
		}
	}
	if len(versions) != many {
		t.Errorf("saw %d versions, want %d", len(versions), many)
	}
}

func TestTheSDKShowsTheRefusal(t *testing.T) {
	w := newWorld(t)
	client, _ := w.client(reader)
	_, err := client.GetSecret(t.Context(), "other", "", nil)
	assertResponse(t, err, 403, "Forbidden", "DeniedWithNoValidRBAC")
	assertResponse(t, err, 403, "Forbidden", "lanyard role assignment create --assignee "+string(reader))
}

func TestTheSDKAsksForANewTokenWhenItsPrincipalIsGone(t *testing.T) {
	w := newWorld(t)
	client, asked := w.client(officer)
	must[azsecrets.SetSecretResponse](t)(client.SetSecret(t.Context(), "db", azsecrets.SetSecretParameters{Value: to.Ptr("v")}, nil))
	before := len(asked.asked)
	w.change(officer, nil)
	_, err := client.GetSecret(t.Context(), "db", "", nil)
	assertResponse(t, err, 401, "Unauthorized", "principal gone")
	assertClaims(t, w, asked.asked[before:])
}

func TestTheSDKReplacesARevokedTokenUnseen(t *testing.T) {
	w := newWorld(t)
	client, asked := w.client(officer)
	must[azsecrets.SetSecretResponse](t)(client.SetSecret(t.Context(), "db", azsecrets.SetSecretParameters{Value: to.Ptr("v")}, nil))
	before := len(asked.asked)
	w.advance(time.Minute)
	w.change(officer, func(p *cloud.Principal) { p.ValidFrom = w.now })
	got := must[azsecrets.GetSecretResponse](t)(client.GetSecret(t.Context(), "db", "", nil))
	if *got.Value != "v" {
		t.Errorf("value is %q", *got.Value)
	}
	assertClaims(t, w, asked.asked[before:])
}

// assertClaims wants exactly one request for a token, with the claims of the challenge.
func assertClaims(t *testing.T, w *world, asked []policy.TokenRequestOptions) {
	t.Helper()
	want := fmt.Sprintf(`{"access_token":{"nbf":{"essential":true,"value":"%d"}}}`, w.clock().Unix())
	if len(asked) != 1 || asked[0].Claims != want || !asked[0].EnableCAE {
		t.Errorf("the SDK asked %+v, want once with claims %s", asked, want)
	}
}

func assertResponse(t *testing.T, err error, status int, code, text string) {
	t.Helper()
	var response *azcore.ResponseError
	if !errors.As(err, &response) {
		t.Fatalf("got %v, want a response error", err)
	}
	if response.StatusCode != status || response.ErrorCode != code || !strings.Contains(err.Error(), text) {
		t.Errorf("got %v; want %d %s with %q", err, status, code, text)
	}
}
