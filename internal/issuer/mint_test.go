package issuer

import (
	"encoding/base64"
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"lanyard/internal/cloud"
	"lanyard/internal/store/mem"
)

func payloadOf(t *testing.T, m Minted) map[string]any {
	t.Helper()
	b, err := base64.RawURLEncoding.DecodeString(strings.Split(m.Token.Open(), ".")[1])
	if err != nil {
		t.Fatal(err)
	}
	claims := map[string]any{}
	if err := json.Unmarshal(b, &claims); err != nil {
		t.Fatal(err)
	}
	return claims
}

func TestClaimsAreThoseOfAzure(t *testing.T) { // TK-11, wire-facts section 3
	i := &Issuer{Store: mem.New(), Box: box(t), Founded: time.Unix(1_700_000_000, 0)}
	defer run(t, i)()
	app := cloud.MustID("/subscriptions/S/RESOURCEGROUPS/Shop/providers/Microsoft.App/containerApps/Invoices")
	const appText = "/subscriptions/S/resourcegroups/Shop/providers/Microsoft.App/containerApps/Invoices"
	system := userAssigned()
	system.Kind, system.Resource = cloud.SystemAssigned, app
	for sentence, test := range map[string]struct {
		order Order
		life  float64
		want  map[string]any
	}{
		"a user-assigned identity in an app": {
			order: Order{Principal: userAssigned(), Host: app, Capabilities: []string{"cp1", "CP1"}}, life: 86700,
			want: map[string]any{"appidacr": "2", "xms_az_rid": appText, "xms_cc": []any{"CP1"}, "xms_idrel": "7 10", "xms_tcdt": 1.7e9,
				"xms_mirid": "/subscriptions/S/resourcegroups/Shop/providers/Microsoft.ManagedIdentity/userAssignedIdentities/Billing"}},
		"a system-assigned identity names its app once": {
			order: Order{Principal: system, Host: app}, life: 86700,
			want: map[string]any{"appidacr": "2", "xms_mirid": appText, "xms_az_rid": nil, "xms_cc": nil}},
		"an application": {
			order: Order{Principal: application()}, life: 3900,
			want: map[string]any{"appidacr": "1", "xms_mirid": nil, "xms_az_rid": nil, "xms_idrel": nil, "xms_tcdt": nil, "xms_ftd": nil}},
		"a life of one's own": {
			order: Order{Principal: application(), Life: 10 * time.Minute}, life: 900, want: map[string]any{}},
	} {
		t.Run(sentence, func(t *testing.T) {
			got := payloadOf(t, mint(t, i, test.order))
			for name, value := range map[string]any{
				"iss": url, "idp": url, "aud": audience, "tid": string(tenant), "ver": "1.0", "idtyp": "app", "roles": nil,
				"appid": string(application().Client), "oid": string(application().ID), "sub": string(application().ID),
			} {
				test.want[name] = value
			}
			for name, want := range test.want {
				if !reflect.DeepEqual(got[name], want) {
					t.Errorf("%s is %v, want %v", name, got[name], want)
				}
			}
			if got["iat"] != got["nbf"] || got["exp"].(float64)-got["iat"].(float64) != test.life {
				t.Errorf("iat %v, nbf %v, exp %v: want exp - iat = %v", got["iat"], got["nbf"], got["exp"], test.life)
			}
			names := []string{"aio", "rh", "uti"}
			if test.order.Principal.Kind.IsManaged() {
				names = append(names, "xms_ftd")
			}
			for _, opaque := range names {
				if text, _ := got[opaque].(string); text == "" {
					t.Errorf("%s is empty", opaque)
				}
			}
		})
	}
}

func TestIssueTimesAreDatedBackAndIDsAreUnique(t *testing.T) {
	now := time.Date(2026, 5, 1, 8, 0, 0, 0, time.UTC)
	i := &Issuer{Store: mem.New(), Box: box(t), Now: func() time.Time { return now }}
	defer run(t, i)()
	seen := map[string]bool{}
	for range 50 {
		m := mint(t, i, Order{Principal: userAssigned()})
		if !m.Issued.Equal(now.Add(-Backdating)) || !m.Expires.Equal(now.Add(24*time.Hour)) {
			t.Fatalf("issued %s, expires %s", m.Issued, m.Expires)
		}
		if seen[m.ID] {
			t.Fatalf("the id %s came twice", m.ID)
		}
		seen[m.ID] = true
	}
}

func TestWhatLintFindsIsNotSigned(t *testing.T) {
	i := &Issuer{Store: mem.New(), Box: box(t)}
	defer run(t, i)()
	for sentence, change := range map[string]func(o *Order){
		"no audience":                 func(o *Order) { o.Audience = "" },
		"an endless audience":         func(o *Order) { o.Audience = strings.Repeat("a", maxAudience+1) },
		"another tenant's principal":  func(o *Order) { o.Principal.Tenant = "99999999-0000-4000-8000-000000000009" },
		"no tenant":                   func(o *Order) { o.Principal.Tenant = "" },
		"no principal":                func(o *Order) { o.Principal.ID = "" },
		"a principal that is no GUID": func(o *Order) { o.Principal.ID = "root" },
		"no client":                   func(o *Order) { o.Principal.Client = "" },
		"a token that has ended":      func(o *Order) { o.Life = -time.Second },
		"a token that lives too long": func(o *Order) { o.Life = MaxLife + time.Second },
		"a version that is none":      func(o *Order) { o.Version = "3.0" },
		"2.0 without its issuer":      func(o *Order) { o.Version, o.Audience = "2.0", string(tenant) },
		"an app role without end":     func(o *Order) { o.Roles = []string{strings.Repeat("r", maxRole+1)} },
		"an empty app role":           func(o *Order) { o.Roles = []string{""} },
		"app roles without end":       func(o *Order) { o.Roles = slices.Repeat([]string{"r"}, maxRoles+1) },
		"long app roles":              func(o *Order) { o.Roles = slices.Repeat([]string{strings.Repeat("r", maxRole)}, maxRoles) },
		"a group that is no id":       func(o *Order) { o.Groups = []string{"admins"} },
		"groups to ask for nowhere":   func(o *Order) { o.Groups = slices.Repeat([]string{string(tenant)}, maxGroups+1) },
		"a token over the bound":      func(o *Order) { o.Capabilities = []string{strings.Repeat("c", 16<<10)} },
	} {
		t.Run(sentence, func(t *testing.T) {
			o := Order{Principal: application(), Audience: audience}
			change(&o)
			if m, err := i.Mint(t.Context(), o); err == nil {
				t.Errorf("signed %s", m.ID)
			}
		})
	}
}

func TestMintingStopsWithItsContext(t *testing.T) {
	i := &Issuer{Store: mem.New(), Box: box(t), Tenant: tenant, URL: url}
	if _, err := i.Mint(t.Context(), Order{Principal: application(), Audience: audience}); err == nil {
		t.Error("a token was minted before there was a key")
	}
	if got := string(i.KeySet()); got != `{"keys":[]}` {
		t.Errorf("before the first key the set is %s", got)
	}
}

func BenchmarkMint(b *testing.B) {
	i := &Issuer{Store: mem.New(), Box: box(b)}
	defer run(b, i)()
	for b.Loop() {
		mint(b, i, Order{Principal: userAssigned()})
	}
}
