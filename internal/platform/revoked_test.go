package platform

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"github.com/Azure/azure-sdk-for-go/sdk/security/keyvault/azsecrets"

	"lanyard/internal/cloud"
)

func TestARevocationReachesWhatItNames(t *testing.T) { // TK-10
	h := newHousehold(t)
	for sentence, test := range map[string]struct {
		command      string
		shop, orders bool // whose token goes
	}{
		"one token":                  {`{"id":"UTI"}`, true, false},
		"an identity":                {`{"principal":"` + string(h.billing.ID) + `"}`, true, true},
		"an app":                     {`{"app":"` + h.appID("SHOP") + `"}`, true, false},
		"an identity, for one app":   {`{"principal":"` + string(h.billing.ID) + `","app":"` + h.appID("orders") + `"}`, false, true},
		"everything":                 {`{"all":true}`, true, true},
		"an identity that is no one": {`{"principal":"00000000-0000-0000-0000-00000000aaaa"}`, false, false},
	} {
		t.Run(sentence, func(t *testing.T) {
			shop, orders := h.ask(t, h.shop), h.ask(t, h.orders)
			h.order(t, "/tokens/revoke", strings.Replace(test.command, "UTI", utiOf(t, shop), 1))
			for name, app := range map[string]struct {
				token string
				goes  bool
				again func() string
			}{
				"shop":   {shop, test.shop, func() string { return h.ask(t, h.shop) }},
				"orders": {orders, test.orders, func() string { return h.ask(t, h.orders) }},
			} {
				again := app.again()
				if app.goes {
					h.challenged(t, app.token, "to the token of "+name)
					h.opens(t, again, "to the next token of "+name)
				} else {
					h.opens(t, app.token, "to the token of "+name)
				}
				if (again != app.token) != app.goes {
					t.Errorf("the cache of %s drops its token: %v", name, again != app.token)
				}
			}
		})
	}
	for _, wrong := range []string{`{}`, `{"all":true,"id":"x"}`, `{"principal":"billing"}`, `{"app":"shop"}`, `[]`, `{"app":` + `"/subscriptions/` + h.owner.Subscription + `"}`, `{"all":true,"principl":"x"}`, `{"all":true}{}`, `{"id":"` + strings.Repeat("x", 65) + `"}`} {
		if status, body := h.send(t, "POST", "https://"+ControlHost+"/tokens/revoke", h.token(t, "https://management.azure.com"), wrong); status != 400 {
			t.Errorf("%s is answered %d %s", wrong, status, body)
		}
	}
}

func TestARefreshLetsTokensLive(t *testing.T) { // TK-10
	h := newHousehold(t)
	old := h.ask(t, h.shop)
	h.order(t, "/tokens/refresh", `{"principal":"`+string(h.billing.ID)+`"}`)
	if h.ask(t, h.shop) == old {
		t.Error("the cache gives the old token")
	}
	h.opens(t, old, "after a refresh")
}

// utiOf reads a token's id.
func utiOf(t *testing.T, raw string) string {
	t.Helper()
	var claims struct {
		ID string `json:"uti"`
	}
	payload, err := base64.RawURLEncoding.DecodeString(strings.Split(raw, ".")[1])
	if err == nil {
		err = json.Unmarshal(payload, &claims)
	}
	if err != nil || claims.ID == "" {
		t.Fatalf("a token without id: %v", err)
	}
	return claims.ID
}

func TestWhatADetachmentDoesToTokens(t *testing.T) { // TK-10, ID-2, T11
	for _, timing := range []cloud.Timing{cloud.Instant, cloud.AsAzure} {
		t.Run(timing.String(), func(t *testing.T) {
			h := newHousehold(t, func(c *Config) { c.Timing = &timing })
			holds := h.challenged
			if timing.Outlive {
				holds = h.opens
			}
			if timing.RolePropagation > 0 { // AC-6
				h.order(t, "/clock/advance", `{"by":"6m"}`)
				await(t, func() bool { status, _ := h.read(t, h.ask(t, h.shop)); return status == http.StatusOK })
			}
			shop, orders := h.ask(t, h.shop), h.ask(t, h.orders)
			h.describe(t, "shop", `{"type":"None"}`)
			holds(t, shop, "detached, to the app's token")
			h.opens(t, orders, "to the token of the other app")
			if status, body := h.fetchAs(t); status == http.StatusOK {
				t.Errorf("an app that wears it no more is given %s", body)
			}

			h.describe(t, "shop", fmt.Sprintf(`{"type":"UserAssigned","userAssignedIdentities":{%q:{}}}`, h.identity()))
			h.settled(t)
			h.opens(t, h.ask(t, h.shop), "attached again")
			holds(t, shop, "attached again, to the app's old token")

			shop = h.ask(t, h.shop)
			h.remove(t, h.appID("shop"), "2024-03-01")
			holds(t, shop, "to the token of an app that is gone")
			h.opens(t, orders, "to the token of the other app")

			h.remove(t, h.identity(), "2023-01-31")
			holds(t, orders, "to a token of an identity that is gone")
			if _, there := h.directory.Principal(h.billing.ID); there {
				t.Error("who has gone is in the directory")
			}
			h.order(t, "/tokens/revoke", `{"principal":"`+string(h.billing.ID)+`"}`)
			h.challenged(t, orders, "revoked, to a token of an identity that is gone")
		})
	}
}

// fetchAs asks for the identity in the name of the app that does not wear it.
func (h *household) fetchAs(t *testing.T) (int, string) {
	t.Helper()
	answer, body := h.visit(t, "GET", "http://"+h.Address()+path(h.shop)+"&client_id="+string(h.billing.Client), "X-IDENTITY-HEADER", h.shop.Header.Open())
	return answer.StatusCode, body
}

func (h *household) remove(t *testing.T, id, version string) {
	t.Helper()
	if status, body := h.send(t, "DELETE", "https://"+cloud.Azure.Management+id+"?api-version="+version, h.token(t, "https://management.azure.com"), ""); status != 200 {
		t.Fatalf("DELETE %s is answered %d %s", id, status, body)
	}
}

// TestAnUnmodifiedClientRecoversFromARevocation reads a secret with Azure's own libraries while the
// identity's tokens are revoked and grow old: its user sees no error, and it is not started anew.
func TestAnUnmodifiedClientRecoversFromARevocation(t *testing.T) { // TK-10
	h := newHousehold(t)
	t.Setenv("IDENTITY_ENDPOINT", "http://"+h.Address()+"/r/"+h.shop.Name+"/msi/token")
	t.Setenv("IDENTITY_HEADER", h.shop.Header.Open())
	seen := &sniffer{next: h.visitor(t)}
	options := azcore.ClientOptions{Transport: seen}
	credential, err := azidentity.NewManagedIdentityCredential(&azidentity.ManagedIdentityCredentialOptions{
		ClientOptions: options, ID: azidentity.ClientID(h.billing.Client),
	})
	if err != nil {
		t.Fatal(err)
	}
	client, err := azsecrets.NewClient("https://"+h.vault, credential, &azsecrets.ClientOptions{ClientOptions: options})
	if err != nil {
		t.Fatal(err)
	}
	reads := func(when string) string {
		t.Helper()
		got, err := client.GetSecret(t.Context(), "db", "", nil)
		if err != nil || *got.Value != "s3cret" {
			t.Fatalf("%s: %v", when, err)
		}
		return seen.token.Load().(string)
	}
	first := reads("at first")
	if again := reads("once more"); again != first {
		t.Error("the client does not keep its token")
	}
	h.order(t, "/tokens/revoke", `{"principal":"`+string(h.billing.ID)+`"}`)
	second := reads("revoked")
	if second == first || seen.refused.Load() == 0 {
		t.Errorf("the client goes on with its token, refused %d times", seen.refused.Load())
	}
	h.order(t, "/clock/advance", `{"by":"25h"}`)
	if reads("aged out") == second {
		t.Error("the client goes on with a token that has aged out")
	}
}

// sniffer remembers the last token that went to the vault, and how often one was refused.
type sniffer struct {
	next    *http.Client
	token   atomic.Value
	refused atomic.Int64
}

func (s *sniffer) Do(r *http.Request) (*http.Response, error) {
	bearer := r.Header.Get("Authorization")
	answer, err := s.next.Do(r)
	if err == nil && bearer != "" {
		s.token.Store(bearer)
		if answer.StatusCode == http.StatusUnauthorized {
			s.refused.Add(1)
		}
	}
	return answer, err
}

// deny revokes an identity's tokens while a client reads a secret as fast as it can, and gives the time
// from the command to the first refusal.
func (h *household) deny(t testing.TB, owner string) time.Duration {
	t.Helper()
	token := h.ask(t, h.shop)
	read := h.request(t, "GET", "https://"+h.vault+"/secrets/db?api-version=7.4", token, "")
	under := make(chan bool)
	refused := make(chan time.Time, 1)
	failed := make(chan error, 1)
	go func() {
		for n := 0; ; n++ {
			status, err := h.status(read)
			switch {
			case err != nil:
				failed <- err
				return
			case status == http.StatusUnauthorized:
				refused <- time.Now()
				return
			case n == 20:
				close(under)
			}
		}
	}()
	<-under
	start := time.Now()
	revoke := h.request(t, "POST", "https://"+ControlHost+"/tokens/revoke", owner, `{"principal":"`+string(h.billing.ID)+`"}`)
	if status, err := h.status(revoke); status != http.StatusOK || err != nil {
		t.Fatalf("the command is answered %d, %v", status, err)
	}
	select {
	case at := <-refused:
		return at.Sub(start)
	case err := <-failed:
		t.Fatal(err)
	case <-time.After(10 * time.Second):
		t.Fatal("ten seconds later the token still opens the vault")
	}
	return 0
}

func (h *household) request(t testing.TB, method, url, token, body string) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+token)
	return r
}

func (h *household) status(r *http.Request) (int, error) {
	answer, err := h.client.Do(r)
	if err != nil {
		return 0, err
	}
	return answer.StatusCode, answer.Body.Close()
}

func TestARevokedTokenIsRefusedWithinASecond(t *testing.T) { // TK-10, T11
	h := newHousehold(t)
	owner := h.token(t, "https://management.azure.com")
	for range 5 {
		if took := h.deny(t, owner); took >= time.Second {
			t.Errorf("the first refusal came after %s", took)
		}
	}
}

// BenchmarkRevocation measures the time from a revocation to the first refusal, while one client reads a
// secret as fast as it can, over the one port with every check on.
//
//	go test -run '^$' -bench Revocation -benchtime 200x ./internal/platform
func BenchmarkRevocation(b *testing.B) {
	h := newHousehold(b)
	owner := h.token(b, "https://management.azure.com")
	var took []time.Duration
	for range b.N {
		took = append(took, h.deny(b, owner))
	}
	slices.Sort(took)
	at := func(share float64) float64 {
		return float64(took[min(len(took)-1, int(share*float64(len(took))))]) / float64(time.Millisecond)
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(at(0.5), "p50-ms")
	b.ReportMetric(at(0.99), "p99-ms")
	b.ReportMetric(at(1), "worst-ms")
}
