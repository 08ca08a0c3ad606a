package platform

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"testing"

	"lanyard/internal/cloud"
)

// graph asks Microsoft Graph as the owner, and gives the answer.
func (h *household) graph(t *testing.T, method, path, body string) map[string]any {
	t.Helper()
	status, text := h.send(t, method, "https://"+cloud.Azure.Graph+"/v1.0"+path, h.token(t, "https://"+cloud.Azure.Graph), body)
	answer := map[string]any{}
	if status >= http.StatusMultipleChoices || text != "" && json.Unmarshal([]byte(text), &answer) != nil {
		t.Fatalf("%s %s is answered %d %s", method, path, status, text)
	}
	return answer
}

// claims gives the token that the shop is given for a resource, and what it says.
func (h *household) claims(t *testing.T, resource string) (string, map[string]any) {
	t.Helper()
	at := "/r/" + h.shop.Name + "/msi/token?api-version=2019-08-01&client_id=" + string(h.billing.Client) + "&resource=" + resource
	answer, body := h.visit(t, "GET", "http://"+h.Address()+at, "X-IDENTITY-HEADER", h.shop.Header.Open())
	var got struct {
		Token string `json:"access_token"`
	}
	if err := json.Unmarshal([]byte(body), &got); err != nil || got.Token == "" {
		t.Fatalf("the replica's request is answered %d %s", answer.StatusCode, body)
	}
	payload, err := base64.RawURLEncoding.DecodeString(strings.Split(got.Token, ".")[1])
	if err != nil {
		t.Fatal(err)
	}
	claims := map[string]any{}
	if err := json.Unmarshal(payload, &claims); err != nil {
		t.Fatal(err)
	}
	return got.Token, claims
}

// TestAGroupShowsWhenTheCacheEnds is TK-9: who joins a group or gets an app role has the same token until
// its cache ends, by age or because it is told to; what roles at the management API reach its members is
// decided at each call.
func TestAGroupShowsWhenTheCacheEnds(t *testing.T) {
	h := newHousehold(t)
	const role = "11111111-0000-4000-8000-000000000001"
	app := h.graph(t, "POST", "/applications", `{"displayName":"api","groupMembershipClaims":"SecurityGroup","appRoles":[{"id":"`+role+
		`","value":"Orders.Read","displayName":"r","description":"d","isEnabled":true,"allowedMemberTypes":["Application"]}]}`)
	api := h.graph(t, "POST", "/servicePrincipals", fmt.Sprintf(`{"appId":%q}`, app["appId"]))
	group := h.graph(t, "POST", "/groups", `{"displayName":"crew","mailNickname":"crew","mailEnabled":false,"securityEnabled":true}`)
	resource := fmt.Sprint("api://", app["appId"])
	before, said := h.claims(t, resource)
	if said["groups"] != nil || said["roles"] != nil || said["aud"] != resource {
		t.Errorf("at first the token says %v", said)
	}

	h.graph(t, "POST", fmt.Sprintf("/groups/%s/members/$ref", group["id"]), fmt.Sprintf(`{"@odata.id":"https://graph.microsoft.com/v1.0/directoryObjects/%s"}`, h.billing.ID))
	if same, _ := h.claims(t, resource); same != before {
		t.Error("the token changes before its cache has ended")
	}
	h.order(t, "/clock/advance", `{"by":"25h"}`)
	joined, said := h.claims(t, resource)
	if !reflect.DeepEqual(said["groups"], []any{group["id"]}) || said["roles"] != nil {
		t.Errorf("when the cache has ended the token says %v", said)
	}

	h.graph(t, "POST", fmt.Sprintf("/servicePrincipals/%s/appRoleAssignedTo", api["id"]),
		fmt.Sprintf(`{"principalId":%q,"resourceId":%q,"appRoleId":%q}`, h.billing.ID, api["id"], role))
	if same, _ := h.claims(t, resource); same != joined {
		t.Error("the token changes before its cache has ended")
	}
	h.order(t, "/tokens/refresh", `{"principal":"`+string(h.billing.ID)+`"}`)
	if _, said = h.claims(t, resource); !reflect.DeepEqual(said["roles"], []any{"Orders.Read"}) {
		t.Errorf("after a refresh the token says %v", said)
	}
	if _, other := h.claims(t, "https://vault.azure.net"); other["groups"] != nil || other["roles"] != nil {
		t.Errorf("a token of another resource says %v", other)
	}
}

// TestARoleOfAGroupReachesItsMembersAtOnce is AC-4: a vault asks the directory, not the token.
func TestARoleOfAGroupReachesItsMembersAtOnce(t *testing.T) {
	h := newHousehold(t)
	vault := h.group() + "/providers/Microsoft.KeyVault/vaults/house-kv"
	h.remove(t, vault+"/providers/Microsoft.Authorization/roleAssignments/11111111-2222-4333-8444-555555555555", "2022-04-01")
	token := h.ask(t, h.shop)
	reads := func(want int, when string) {
		t.Helper()
		if status, _ := h.read(t, token); status != want {
			t.Errorf("%s the vault answers %d, want %d", when, status, want)
		}
	}
	group := h.graph(t, "POST", "/groups", `{"displayName":"crew","mailNickname":"crew","mailEnabled":false,"securityEnabled":true}`)
	h.put(t, vault+"/providers/Microsoft.Authorization/roleAssignments/11111111-2222-4333-8444-666666666666", "2022-04-01",
		fmt.Sprintf(`{"properties":{"roleDefinitionId":"/providers/Microsoft.Authorization/roleDefinitions/%s","principalId":%q,"principalType":"Group"}}`, secretsUser, group["id"]))
	reads(403, "before it is in the group")
	member := fmt.Sprintf("/groups/%s/members/", group["id"])
	h.graph(t, "POST", member+"$ref", fmt.Sprintf(`{"@odata.id":"https://graph.microsoft.com/v1.0/directoryObjects/%s"}`, h.billing.ID))
	reads(200, "in the group")
	h.graph(t, "DELETE", member+string(h.billing.ID)+"/$ref", "")
	reads(403, "out of the group")
}
