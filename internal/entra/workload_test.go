package entra_test

import (
	"context"
	"crypto/rsa"
	"encoding/json"
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"lanyard/internal/cloud"
	"lanyard/internal/entra"
	"lanyard/internal/issuer"
	"lanyard/internal/store"
)

func TestTheIssuerOfWorkloadsShowsItself(t *testing.T) {
	w := start(t)
	mux := http.NewServeMux()
	w.door.WorkloadRoutes(mux)
	w.server.Config.Handler = mux
	base := strings.TrimSuffix(cloud.Azure.WorkloadIssuer(tenant), "/")
	var said struct{ Issuer, Keys string }
	a := w.get(t, base+"/.well-known/openid-configuration")
	var raw map[string]any
	a.decode(t, &raw)
	said.Issuer, _ = raw["issuer"].(string)
	said.Keys, _ = raw["jwks_uri"].(string)
	if a.status != 200 || said.Issuer != base+"/" || said.Keys != base+"/openid/v1/jwks" {
		t.Fatalf("%d %s", a.status, a.body)
	}
	minted, err := w.issuer.Vouch(t.Context(), issuer.Workload{Issuer: said.Issuer, Audience: exchange, Group: "Shop", Account: "till", Replica: "one"})
	if err != nil {
		t.Fatal(err)
	}
	var set struct {
		Keys []struct {
			ID string `json:"kid"`
			N  string `json:"n"`
		} `json:"keys"`
	}
	w.get(t, said.Keys).decode(t, &set)
	claims := jwt.MapClaims{}
	if _, err := jwt.ParseWithClaims(minted.Token.Open(), claims, func(made *jwt.Token) (any, error) {
		if made.Header["kid"] != set.Keys[0].ID {
			t.Errorf("it is signed with %v, published is %v", made.Header["kid"], set.Keys)
		}
		key, _ := w.issuer.Key(set.Keys[0].ID)
		return key.Public, nil
	}); err != nil {
		t.Fatal(err)
	}
	want := jwt.MapClaims{"iss": said.Issuer, "sub": "system:serviceaccount:Shop:till"}
	for name := range maps.Keys(want) {
		if claims[name] != want[name] {
			t.Errorf("%s is %v, not %v", name, claims[name], want[name])
		}
	}
	if a := w.get(t, strings.Replace(base, string(tenant), "common", 1)+"/openid/v1/jwks"); a.status != 400 {
		t.Errorf("any tenant: %d %s", a.status, a.body)
	}
}

// ours knows the keys of the world's own authority, and of issuers abroad.
type ours struct {
	*abroads
	world *world
}

func (o ours) Key(ctx context.Context, issuer, kid string) (*rsa.PublicKey, error) {
	if issuer != cloud.Azure.IssuerTwo(tenant) {
		return o.abroads.Key(ctx, issuer, kid)
	}
	key, ok := o.world.issuer.Key(kid)
	if !ok {
		return nil, entra.ErrNoKey
	}
	return key.Public, nil
}

// A managed identity speaks for an application by a token that it got for that (Microsoft Entra, "Configure
// an application to trust a managed identity"): not by one for another service, and not once it is gone.
func TestAManagedIdentitySpeaksForAnApplication(t *testing.T) {
	f := federate(t)
	f.door.Trusted = ours{f.abroads, f.world}
	a, err := f.directory.Register("pipeline")
	if err != nil {
		t.Fatal(err)
	}
	p, enroll, err := f.directory.EnrollFor(&a)
	if err != nil {
		t.Fatal(err)
	}
	for _, audience := range []string{exchange, "fb60f99c-7a34-4190-8149-302f77469936", string(f.app.Client)} {
		a.Federated = append(a.Federated, cloud.FederatedCredential{Name: audience, Issuer: cloud.Azure.IssuerTwo(tenant), Subject: string(f.identity.ID), Audience: audience})
	}
	value, err := json.Marshal(a)
	if err != nil {
		t.Fatal(err)
	}
	f.commit(t, enroll, store.Change{Key: cloud.KeysRegistered + a.ID, Value: value, If: 0})
	mint := func(resource string) string {
		what, ok := f.directory.Audience(resource)
		if !ok {
			t.Fatalf("there is no %s", resource)
		}
		minted, err := f.issuer.Mint(t.Context(), issuer.Order{Principal: f.identity, Audience: what.Audience, Version: what.Version})
		if err != nil {
			t.Fatal(err)
		}
		return minted.Token.Open()
	}
	ask := func(assertion string) answer {
		return f.post(t, tokenPath, f.form("client_id", string(p.Client), "client_secret", "", "client_assertion", assertion, "client_assertion_type", jwtBearer))
	}
	good := mint(exchange)
	if a := ask(good); a.status != 200 {
		t.Errorf("%d %s", a.status, a.body)
	}
	f.refused(t, ask(mint(vault)), 401, "invalid_client", 700211) // its issuer is that of v1.0 tokens
	f.door.Revoked = func(token string, of cloud.PrincipalID, _ cloud.ID, _ time.Time) bool {
		return token != "" && of == f.identity.ID
	}
	f.refused(t, ask(good), 400, "invalid_grant", 50173)
	f.door.Revoked = nil
	f.commit(t, f.directory.Retire(f.identity))
	f.refused(t, ask(good), 400, "invalid_grant", 50173)
}

// Tokens of our own authority speak for applications alone, and only those of user-assigned identities:
// otherwise whoever had one once would get the next by it for ever.
func TestOwnTokensDoNotBegetTokens(t *testing.T) { // TK-14, T10
	f := federate(t)
	f.door.Trusted = ours{f.abroads, f.world}
	own := cloud.Azure.IssuerTwo(tenant)
	system, enroll, err := f.directory.Enroll(cloud.SystemAssigned, "shop", cloud.MustID(f.identity.Resource.Scope().String()+"/providers/Microsoft.App/containerApps/shop"))
	if err != nil {
		t.Fatal(err)
	}
	f.commit(t, enroll)
	a, err := f.directory.Register("pipeline")
	if err != nil {
		t.Fatal(err)
	}
	pipeline, enroll, err := f.directory.EnrollFor(&a)
	if err != nil {
		t.Fatal(err)
	}
	for _, speaker := range []cloud.Principal{f.app, system, pipeline} {
		a.Federated = append(a.Federated, cloud.FederatedCredential{Name: speaker.Name, Issuer: own, Subject: string(speaker.ID), Audience: exchange})
	}
	value, err := json.Marshal(a)
	if err != nil {
		t.Fatal(err)
	}
	f.commit(t, enroll, store.Change{Key: cloud.KeysRegistered + a.ID, Value: value, If: 0})
	f.trust(t, "itself", own, string(f.identity.ID))
	f.trust(t, "pipeline", own, string(pipeline.ID))
	for name, c := range map[string]struct{ speaker, spoken cloud.Principal }{
		"an identity for itself":                      {f.identity, f.identity},
		"an application for an identity":              {pipeline, f.identity},
		"an application for another":                  {f.app, pipeline},
		"an application for itself":                   {pipeline, pipeline},
		"a system-assigned identity for applications": {system, pipeline},
	} {
		order := issuer.Order{Principal: c.speaker, Audience: cloud.TokenExchangeApp, Version: "2.0"}
		minted, err := f.issuer.Mint(t.Context(), order)
		if err != nil {
			t.Fatal(err)
		}
		t.Run(name, func(t *testing.T) {
			f.refused(t, f.post(t, tokenPath, f.form("client_id", string(c.spoken.Client), "client_secret", "", "client_assertion", minted.Token.Open(),
				"client_assertion_type", jwtBearer)), 401, "invalid_client", 700236)
		})
	}
}
