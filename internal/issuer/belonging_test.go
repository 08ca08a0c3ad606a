package issuer

import (
	"fmt"
	"reflect"
	"testing"

	"lanyard/internal/cloud"
	"lanyard/internal/store/mem"
	"lanyard/internal/token"
)

const (
	urlTwo = "https://login.microsoftonline.com/" + string(tenant) + "/v2.0"
	api    = "dddddddd-0000-4000-8000-00000000000d"
)

func groupIDs(n int) []string {
	var all []string
	for i := range n {
		all = append(all, fmt.Sprintf("%08d-0000-4000-8000-000000000000", i))
	}
	return all
}

// TestTokensSayGroupsAndAppRoles is TK-9: what the order says of groups and app roles, and nothing when
// it says nothing; of more groups than 200 where to ask for them.
func TestTokensSayGroupsAndAppRoles(t *testing.T) {
	i := &Issuer{Store: mem.New(), Box: box(t), Graph: "https://graph.microsoft.com/v1.0"}
	defer run(t, i)()
	plain := payloadOf(t, mint(t, i, Order{Principal: userAssigned()}))
	for _, name := range []string{"groups", "roles", "_claim_names", "_claim_sources"} {
		if plain[name] != nil {
			t.Errorf("%s is %v where nothing was ordered", name, plain[name])
		}
	}
	full := payloadOf(t, mint(t, i, Order{Principal: userAssigned(), Groups: groupIDs(maxGroups), Roles: []string{"Bill.Read"}}))
	if groups, _ := full["groups"].([]any); len(groups) != maxGroups || !reflect.DeepEqual(full["roles"], []any{"Bill.Read"}) {
		t.Errorf("%d groups, roles %v", len(groups), full["roles"])
	}
	person := cloud.Principal{ID: application().ID, Tenant: tenant, Kind: cloud.User, Name: "Ada", SignIn: "ada@lanyard.localhost"}
	for who, order := range map[string]Order{
		"servicePrincipals": {Principal: userAssigned()},
		"users":             {Principal: person, Through: Delegate{Client: application().Client, Scopes: []string{"read"}}},
	} {
		order.Groups = groupIDs(maxGroups + 1)
		got := payloadOf(t, mint(t, i, order))
		at := "https://graph.microsoft.com/v1.0/" + who + "/" + string(order.Principal.ID) + "/getMemberObjects"
		if got["groups"] != nil || !reflect.DeepEqual(got["_claim_names"], map[string]any{"groups": "src1"}) ||
			!reflect.DeepEqual(got["_claim_sources"], map[string]any{"src1": map[string]any{"endpoint": at}}) {
			t.Errorf("of %s: groups %v, names %v, sources %v", who, got["groups"], got["_claim_names"], got["_claim_sources"])
		}
	}
}

// TestTokensOfVersionTwo have the names and the issuer of theirs, and are refused where those of version
// 1.0 are wanted (wire-facts: "Managed identity access token").
func TestTokensOfVersionTwo(t *testing.T) {
	i := &Issuer{Store: mem.New(), Box: box(t), URLTwo: urlTwo}
	defer run(t, i)()
	minted := mint(t, i, Order{Principal: userAssigned(), Audience: api, Version: "2.0", Roles: []string{"Bill.Read"}})
	got := payloadOf(t, minted)
	for name, want := range map[string]any{
		"ver": "2.0", "iss": urlTwo, "aud": api, "azp": string(userAssigned().Client), "azpacr": "2", "appid": nil, "appidacr": nil, "idp": nil,
		"oid": string(userAssigned().ID), "sub": string(userAssigned().ID), "roles": []any{"Bill.Read"}, "idtyp": "app",
	} {
		if !reflect.DeepEqual(got[name], want) {
			t.Errorf("%s is %v, want %v", name, got[name], want)
		}
	}
	v := token.Verifier{Keys: i.Key, Issuers: []string{url}, Audiences: []string{api}}
	if _, err := v.Verify(minted.Token.Open(), i.Now()); err == nil {
		t.Error("who takes version 1.0 took version 2.0")
	}
	person := cloud.Principal{ID: application().ID, Tenant: tenant, Kind: cloud.User, Name: "Ada", SignIn: "ada@lanyard.localhost"}
	got = payloadOf(t, mint(t, i, Order{Principal: person, Audience: api, Version: "2.0", Through: Delegate{Client: application().Client, Scopes: []string{"read"}}}))
	if got["preferred_username"] != person.SignIn || got["upn"] != nil || got["unique_name"] != nil || got["amr"] != nil || got["azpacr"] != "0" {
		t.Errorf("of a person: %v", got)
	}
	for _, audience := range []string{"api://" + api, "https://vault.azure.net"} {
		if m, err := i.Mint(t.Context(), Order{Principal: application(), Audience: audience, Version: "2.0"}); err == nil {
			t.Errorf("signed %s of version 2.0 for %s", m.ID, audience)
		}
	}
}
