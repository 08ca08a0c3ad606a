package guard

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"errors"
	"net/http"
	"net/http/httptest"
	"reflect"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"lanyard/internal/cloud"
	"lanyard/internal/fault"
	"lanyard/internal/rbac/builtin"
	"lanyard/internal/token"
)

const (
	tenant   cloud.TenantID    = "11111111-1111-1111-1111-111111111111"
	other    cloud.TenantID    = "22222222-2222-2222-2222-222222222222"
	hello    cloud.PrincipalID = "aaaaaaaa-0000-0000-0000-000000000001"
	client   cloud.ClientID    = "cccccccc-0000-0000-0000-000000000001"
	audience                   = "https://vault.azure.net"
	getting                    = "Microsoft.KeyVault/vaults/secrets/getSecret/action"
)

var (
	now     = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	rsaKeys = sync.OnceValue(func() [2]*rsa.PrivateKey {
		var pair [2]*rsa.PrivateKey
		for i := range pair {
			key, err := rsa.GenerateKey(rand.Reader, 2048)
			if err != nil {
				panic(err)
			}
			pair[i] = key
		}
		return pair
	})
)

// signingKey is a key of one tenant's issuer; the second argument chooses among two RSA keys.
func signingKey(of cloud.TenantID, which int) token.Key {
	private := rsaKeys()[which]
	return token.Key{
		ID: "key-" + string(of[:1]), Issuer: cloud.Azure.Issuer(of), NotBefore: now.Add(-time.Hour),
		NotAfter: now.Add(24 * time.Hour), Private: private, Public: &private.PublicKey,
	}
}

func soundClaims() token.Claims {
	return token.Claims{
		Audience: audience, Issuer: cloud.Azure.Issuer(tenant), Tenant: tenant, Principal: hello, Subject: string(hello),
		Client: client, IssuedAt: now.Unix(), NotBefore: now.Unix(), Expires: now.Add(time.Hour).Unix(), ID: "uti-1",
		Resource: "/subscriptions/s/resourcegroups/rg/providers/Microsoft.App/containerApps/hello",
	}
}

func sign(t *testing.T, k token.Key, c token.Claims) string {
	t.Helper()
	raw, err := token.Sign(k, c)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// newGuard knows one principal and the keys of two tenants, and accepts one of the tenants.
func newGuard() *Guard {
	keys := map[string]token.Key{}
	for i, of := range []cloud.TenantID{tenant, other} {
		k := signingKey(of, i)
		keys[k.ID] = k
	}
	entry := cloud.Principal{ID: hello, Tenant: tenant, Client: client, Kind: cloud.UserAssigned, Name: "hello-id"}
	return &Guard{
		Tenant: tenant, Audiences: []string{audience, "cfa8b339-82a2-471a-a3c9-0fc0be7a4093"},
		Issuers: []string{cloud.Azure.Issuer(tenant)}, Authority: "https://login.microsoftonline.com",
		Keys:      func(kid string) (token.Key, bool) { k, ok := keys[kid]; return k, ok },
		Principal: func(id cloud.PrincipalID) (cloud.Principal, bool) { return entry, id == entry.ID },
		Suggest: func(string, bool) (cloud.Role, bool) {
			return builtin.ByName("Key Vault Secrets User")
		},
		Now: func() time.Time { return now },
	}
}

func identify(g *Guard, authorization ...string) (cloud.Caller, error) {
	r := httptest.NewRequest(http.MethodGet, "https://hello-kv.vault.azure.net/secrets/db", nil)
	for _, a := range authorization {
		r.Header.Add("Authorization", a)
	}
	return g.Identify(r)
}

func TestIdentifyGivesTheCallerOfASoundToken(t *testing.T) {
	caller, err := identify(newGuard(), "bearer "+sign(t, signingKey(tenant, 0), soundClaims()))
	if err != nil {
		t.Fatal(err)
	}
	want := cloud.Caller{
		Principal: hello, Client: client, Tenant: tenant, TokenID: "uti-1", KeyID: "key-1", Issued: now,
		Expires: now.Add(time.Hour), Resource: soundClaims().Resource,
	}
	if !reflect.DeepEqual(caller, want) {
		t.Errorf("caller is %+v, want %+v", caller, want)
	}
}

func TestIdentifyRejects(t *testing.T) {
	change := func(f func(*token.Claims)) func(t *testing.T) string {
		return func(t *testing.T) string {
			c := soundClaims()
			f(&c)
			return "Bearer " + sign(t, signingKey(tenant, 0), c)
		}
	}
	for name, given := range map[string]struct {
		authorization func(t *testing.T) string
		want          Reason
		fresh         bool
	}{
		"another scheme":                    {func(*testing.T) string { return "Basic dTpw" }, NoToken, false},
		"an empty token":                    {func(*testing.T) string { return "Bearer " }, NoToken, false},
		"no JWT":                            {func(*testing.T) string { return "Bearer a.b" }, Malformed, false},
		"a PoP token":                       {func(*testing.T) string { return "PoP a.b.c" }, NoToken, false},
		"another service's token (T12)":     {change(func(c *token.Claims) { c.Audience = "https://management.azure.com/" }), WrongAudience, false},
		"a trailing slash (T12)":            {change(func(c *token.Claims) { c.Audience += "/" }), WrongAudience, false},
		"a longer host name (T12)":          {change(func(c *token.Claims) { c.Audience += ".evil.test" }), WrongAudience, false},
		"a host name in capitals (T12)":     {change(func(c *token.Claims) { c.Audience = "https://VAULT.azure.net" }), WrongAudience, false},
		"a port (T12)":                      {change(func(c *token.Claims) { c.Audience += ":443" }), WrongAudience, false},
		"plain HTTP in the audience (T12)":  {change(func(c *token.Claims) { c.Audience = "http://vault.azure.net" }), WrongAudience, false},
		"no audience (T12)":                 {change(func(c *token.Claims) { c.Audience = "" }), WrongAudience, false},
		"an issuer the key is not of (T13)": {change(func(c *token.Claims) { c.Issuer = cloud.Azure.Issuer(other) }), WrongIssuer, false},
		"another tenant in tid (T13)":       {change(func(c *token.Claims) { c.Tenant = other }), Mismatch, false},
		"another client id (T19)":           {change(func(c *token.Claims) { c.Client = "cccccccc-0000-0000-0000-000000000002" }), Mismatch, false},
		"another subject (T19)":             {change(func(c *token.Claims) { c.Subject = "someone" }), Mismatch, false},
		"an expired token":                  {change(func(c *token.Claims) { c.Expires = now.Add(-time.Hour).Unix() }), Expired, true},
		"a token of tomorrow":               {change(func(c *token.Claims) { c.NotBefore = now.Add(20 * time.Minute).Unix() }), NotYetValid, false},
		"a principal that is gone":          {change(func(c *token.Claims) { c.Principal, c.Subject = "gone", "gone" }), Gone, true},
		"a foreign tenant's key and issuer (T13)": {func(t *testing.T) string {
			c := soundClaims()
			c.Issuer = cloud.Azure.Issuer(other)
			return "Bearer " + sign(t, signingKey(other, 1), c)
		}, WrongIssuer, false},
		"our issuer by a foreign tenant's key (T13)": {func(t *testing.T) string {
			return "Bearer " + sign(t, signingKey(other, 1), soundClaims())
		}, WrongIssuer, false},
		"our kid on a foreign signature (T13)": {func(t *testing.T) string {
			return "Bearer " + sign(t, signingKey(tenant, 1), soundClaims())
		}, BadSignature, false},
		"a key that was withdrawn": {func(t *testing.T) string {
			k := signingKey(tenant, 0)
			k.ID = "withdrawn"
			return "Bearer " + sign(t, k, soundClaims())
		}, UnknownKey, true},
		"alg none (T13)": {func(t *testing.T) string { return "Bearer " + withHeader(t, `{"alg":"none","kid":"key-1"}`, "") }, Malformed, false},
		"HS256 (T13)":    {func(t *testing.T) string { return "Bearer " + withHeader(t, `{"alg":"HS256","kid":"key-1"}`, "c2ln") }, Malformed, false},
		"crit (T13)": {func(t *testing.T) string {
			return "Bearer " + withHeader(t, `{"alg":"RS256","kid":"key-1","crit":["x"],"x":1}`, "c2ln")
		}, Malformed, false},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := identify(newGuard(), given.authorization(t))
			assertRejected(t, err, given.want, given.fresh)
		})
	}
}

// withHeader puts sound claims under another header and signature.
func withHeader(t *testing.T, header, signature string) string {
	parts := strings.Split(sign(t, signingKey(tenant, 0), soundClaims()), ".")
	return base64.RawURLEncoding.EncodeToString([]byte(header)) + "." + parts[1] + "." + signature
}

func assertRejected(t *testing.T, err error, want Reason, fresh bool) {
	t.Helper()
	var rejection *Rejection
	if !fault.Is(err, fault.Unauthenticated) || !errors.As(err, &rejection) {
		t.Fatalf("got %v, want a rejection", err)
	}
	if rejection.Reason != want || (rejection.Claims != "") != fresh {
		t.Errorf("got %v with claims %q, want %s and claims %v", rejection, rejection.Claims, want, fresh)
	}
	challenge := fault.Of(err).Header["WWW-Authenticate"]
	if !regexp.MustCompile(`^Bearer \w+="[^"]*"(, \w+="[^"]*")*$`).MatchString(challenge) {
		t.Errorf("challenge %s is not a list of quoted parameters", challenge)
	}
	if strings.Contains(challenge, `error="insufficient_claims"`) != fresh {
		t.Errorf("challenge is %s, want insufficient_claims %v", challenge, fresh)
	}
}

func TestIdentifyRejectsARequestWithoutOneHeader(t *testing.T) {
	sound := "Bearer " + sign(t, signingKey(tenant, 0), soundClaims())
	_, err := identify(newGuard())
	assertRejected(t, err, NoToken, false)
	_, err = identify(newGuard(), sound, sound)
	assertRejected(t, err, Malformed, false)
}

func TestIdentifyNamesTheRightAudience(t *testing.T) {
	c := soundClaims()
	c.Audience = "https://storage.azure.com/"
	_, err := identify(newGuard(), "Bearer "+sign(t, signingKey(tenant, 0), c))
	f := fault.Of(err)
	for _, want := range []string{"'https://storage.azure.com/'", "'https://vault.azure.net'"} {
		if !strings.Contains(f.Public, want) {
			t.Errorf("%q does not name %s", f.Public, want)
		}
	}
	if want := "lanyard token --resource https://vault.azure.net"; f.Hint != want {
		t.Errorf("hint is %q, want %q", f.Hint, want)
	}
}

func TestIdentifyAsksForATokenFromNowOn(t *testing.T) {
	g := newGuard()
	entry, _ := g.Principal(hello)
	entry.ValidFrom = now.Add(time.Second)
	g.Principal = func(cloud.PrincipalID) (cloud.Principal, bool) { return entry, true }
	raw := "Bearer " + sign(t, signingKey(tenant, 0), soundClaims())
	_, err := identify(g, raw)
	assertRejected(t, err, Revoked, true)
	var rejection *Rejection
	errors.As(err, &rejection)
	claims, err := base64.StdEncoding.DecodeString(rejection.Claims)
	if want := `{"access_token":{"nbf":{"essential":true,"value":"1772366400"}}}`; err != nil || string(claims) != want {
		t.Errorf("claims are %s, want %s", claims, want)
	}

	t.Run("an issuer that dates back is given its due", func(t *testing.T) {
		g.Backdated = 5 * time.Minute
		if _, err := identify(g, raw); err != nil {
			t.Error(err)
		}
	})
}

func TestAGuardWithoutItsFunctionsRefuses(t *testing.T) {
	raw := "Bearer " + sign(t, signingKey(tenant, 0), soundClaims())
	g := newGuard()
	g.Principal = nil
	_, err := identify(g, raw)
	assertRejected(t, err, Gone, true)
	g.Keys = nil
	_, err = identify(g, raw)
	assertRejected(t, err, UnknownKey, true)
	g = newGuard()
	at := cloud.MustID("/subscriptions/s")
	if err := g.Permit(t.Context(), cloud.Caller{Principal: hello}, getting, true, at); !fault.Is(err, fault.Forbidden) {
		t.Errorf("without Decide got %v, want Forbidden", err)
	}
}

func FuzzIdentify(f *testing.F) {
	f.Add("Bearer a.b.c")
	f.Add("bearer  ..")
	f.Add("Bearer eyJhbGciOiJub25lIn0.e30.")
	f.Add("Basic dTpw")
	f.Fuzz(func(t *testing.T, authorization string) {
		_, err := identify(newGuard(), authorization)
		var rejection *Rejection
		if !errors.As(err, &rejection) || rejection.Reason == "" {
			t.Errorf("%q was answered %v", authorization, err)
		}
	})
}
