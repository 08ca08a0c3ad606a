package platform

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"lanyard/internal/cloud"
	"lanyard/internal/host"
)

// household is a stage with two apps, made through the management API, that both wear one identity. It
// may read the secret "db" of a vault.
type household struct {
	*stage
	billing      cloud.Principal
	shop, orders *host.Replica
	vault        string // host name
}

const secretsUser = "4633458b-17de-408a-b874-0445c86b69e6"

func newHousehold(t testing.TB, change ...func(*Config)) *household {
	t.Helper()
	h := &household{stage: newStage(t, change...)}
	h.vault = h.newVault(t, "house-kv")
	group := h.group()
	h.put(t, group+"/providers/Microsoft.ManagedIdentity/userAssignedIdentities/billing", "2023-01-31", `{"location":"westeurope"}`)
	h.put(t, group+"/providers/Microsoft.App/managedEnvironments/env", "2024-03-01", `{"location":"westeurope","properties":{}}`)
	h.shop, h.orders = h.wear(t, "shop"), h.wear(t, "orders")
	var ok bool
	if h.billing, ok = h.directory.ByResource(cloud.MustID(h.identity())); !ok {
		t.Fatal("the identity has no principal")
	}
	vault := group + "/providers/Microsoft.KeyVault/vaults/house-kv"
	h.put(t, vault+"/providers/Microsoft.Authorization/roleAssignments/11111111-2222-4333-8444-555555555555", "2022-04-01",
		fmt.Sprintf(`{"properties":{"roleDefinitionId":"/providers/Microsoft.Authorization/roleDefinitions/%s","principalId":%q}}`, secretsUser, h.billing.ID))
	h.put(t, vault+"/secrets/db", "2023-07-01", `{"properties":{"value":"s3cret"}}`)
	return h
}

func (h *household) group() string { return h.scope().String() + "/resourceGroups/rg" }

func (h *household) identity() string {
	return h.group() + "/providers/Microsoft.ManagedIdentity/userAssignedIdentities/billing"
}

func (h *household) appID(name string) string {
	return h.group() + "/providers/Microsoft.App/containerApps/" + name
}

// wear makes an app that wears the identity, and gives a replica of it.
func (h *household) wear(t testing.TB, name string) *host.Replica {
	t.Helper()
	h.describe(t, name, fmt.Sprintf(`{"type":"UserAssigned","userAssignedIdentities":{%q:{}}}`, h.identity()))
	return h.replica(t, cloud.MustID(h.appID(name)))
}

func (h *household) describe(t testing.TB, name, identity string) {
	t.Helper()
	h.put(t, h.appID(name), "2024-03-01", fmt.Sprintf(`{"location":"westeurope","identity":%s,"properties":{"environmentId":%q,
		"template":{"containers":[{"name":"main","image":"local/attached","command":["true"]}],"scale":{"minReplicas":0}}}}`,
		identity, h.group()+"/providers/Microsoft.App/managedEnvironments/env"))
}

// send asks with somebody's token.
func (h *household) send(t testing.TB, method, url, token, body string) (int, string) {
	t.Helper()
	answer, text := h.exchange(t, method, url, token, body)
	return answer.StatusCode, text
}

func (h *household) exchange(t testing.TB, method, url, token, body string) (*http.Response, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+token)
	r.Header.Set("Content-Type", "application/json")
	answer, err := h.visitor(t).Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	var text bytes.Buffer
	if _, err := io.Copy(&text, answer.Body); err != nil {
		t.Fatal(err)
	}
	return answer, text.String()
}

// order asks the platform's own routes as the owner.
func (h *household) order(t testing.TB, path, body string) {
	t.Helper()
	if status, text := h.send(t, "POST", "https://"+ControlHost+path, h.token(t, "https://management.azure.com"), body); status != 200 {
		t.Fatalf("%s %s is answered %d %s", path, body, status, text)
	}
}

// ask gives the token that a replica is given for the vaults.
func (h *household) ask(t testing.TB, r *host.Replica) string {
	t.Helper()
	answer, body := h.visit(t, "GET", "http://"+h.Address()+path(r)+"&client_id="+string(h.billing.Client), "X-IDENTITY-HEADER", r.Header.Open())
	var got struct {
		Token string `json:"access_token"`
	}
	if err := json.Unmarshal([]byte(body), &got); err != nil || got.Token == "" {
		t.Fatalf("the replica's request is answered %d %s", answer.StatusCode, body)
	}
	return got.Token
}

// read reads the secret with a token, and gives the challenge of a refusal.
func (h *household) read(t testing.TB, token string) (status int, challenge string) {
	t.Helper()
	answer, _ := h.exchange(t, "GET", "https://"+h.vault+"/secrets/db?api-version=7.4", token, "")
	return answer.StatusCode, answer.Header.Get("WWW-Authenticate")
}

// opens fails unless the token reads the secret.
func (h *household) opens(t testing.TB, token, when string) {
	t.Helper()
	if status, challenge := h.read(t, token); status != 200 {
		t.Errorf("%s the vault answers %d %s", when, status, challenge)
	}
}

// challenged fails unless the token is refused with the challenge by which clients ask for another.
func (h *household) challenged(t testing.TB, token, when string) {
	t.Helper()
	if status, challenge := h.read(t, token); status != 401 || !strings.Contains(challenge, "insufficient_claims") {
		t.Errorf("%s the vault answers %d %s, want 401 with insufficient_claims", when, status, challenge)
	}
}

// settled waits until what a detachment took back no longer reaches what is minted from now on.
func (h *household) settled(t testing.TB) {
	t.Helper()
	var last time.Time
	for _, r := range h.directory.Recalls() {
		if r.At.After(last) {
			last = r.At
		}
	}
	select {
	case <-time.After(time.Until(last)):
	case <-t.Context().Done():
	}
}
