package entra_test

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"github.com/golang-jwt/jwt/v5"

	"lanyard/internal/cloud"
	"lanyard/internal/entra"
	"lanyard/internal/fault"
	"lanyard/internal/store"
)

const (
	abroad   = "https://issuer.example/a"
	exchange = "api://AzureADTokenExchange"
)

// abroads are issuers' keys: those that a real one would publish.
type abroads struct {
	keys  map[string]*rsa.PublicKey // by issuer and key id
	asked atomic.Int32
}

func (a *abroads) Key(_ context.Context, issuer, kid string) (*rsa.PublicKey, error) {
	a.asked.Add(1)
	if issuer == "https://down.example" {
		return nil, fault.New(fault.Invalid, "UnfitIssuer", "it could not be reached.").Try("something")
	}
	if key := a.keys[issuer+" "+kid]; key != nil {
		return key, nil
	}
	return nil, entra.ErrNoKey
}

// federation is a world whose identity trusts issuers abroad, with the key of one of them.
type federation struct {
	*world
	key     *rsa.PrivateKey
	abroads *abroads
}

func federate(t *testing.T) *federation {
	f := &federation{world: start(t), abroads: &abroads{}}
	var err error
	if f.key, err = rsa.GenerateKey(rand.Reader, 2048); err != nil {
		t.Fatal(err)
	}
	f.abroads.keys = map[string]*rsa.PublicKey{abroad + " k1": &f.key.PublicKey}
	f.door.Federated, f.door.Trusted = f.directory.Federated, f.abroads
	f.trust(t, "ci-main", abroad, "repo:Shop")
	f.trust(t, "ci-down", "https://down.example", "repo:Shop")
	return f
}

// trust writes a credential's document as the management API does.
func (f *federation) trust(t *testing.T, name, issuer, subject string) {
	t.Helper()
	id := cloud.MustID(f.identity.Resource.String() + "/federatedIdentityCredentials/" + name)
	value, err := json.Marshal(map[string]any{"id": id, "name": name, "properties": map[string]any{
		"issuer": issuer, "subject": subject, "audiences": []string{exchange}}})
	if err != nil {
		t.Fatal(err)
	}
	f.commit(t, store.Change{Key: cloud.DocumentKey(id), Value: value, If: store.Any})
}

// foreign gives a token of the issuer abroad, with changes; nil takes a claim away.
func (f *federation) foreign(changes map[string]any) *jwt.Token {
	claims := jwt.MapClaims{"iss": abroad, "sub": "repo:Shop", "aud": exchange, "iat": f.now().Unix(),
		"nbf": f.now().Unix(), "exp": f.now().Add(time.Hour).Unix()}
	for name, value := range changes {
		if claims[name] = value; value == nil {
			delete(claims, name)
		}
	}
	made := jwt.NewWithClaims(jwt.SigningMethodRS256, claims)
	made.Header["kid"] = "k1"
	return made
}

func sign(t testing.TB, made *jwt.Token, key any) string {
	t.Helper()
	raw, err := made.SignedString(key)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// shown spells a request of the identity with a token of the issuer abroad.
func (f *federation) shown(raw string) string {
	return f.form("client_id", string(f.identity.Client), "client_secret", "", "client_assertion", raw, "client_assertion_type", jwtBearer)
}

func TestAForeignTokenIsExchangedForTheIdentitys(t *testing.T) { // TK-14
	f := federate(t)
	for claim, changes := range map[string]map[string]any{
		"as it is":                 {},
		"an array of one audience": {"aud": []string{exchange}},
		"one audience of several":  {"aud": []string{"other", exchange}},
		"without nbf and iat":      {"nbf": nil, "iat": nil},
	} {
		a := f.post(t, tokenPath, f.shown(sign(t, f.foreign(changes), f.key)))
		var got struct {
			Token   string `json:"access_token"`
			Expires int    `json:"expires_in"`
		}
		if a.decode(t, &got); a.status != 200 {
			t.Fatalf("%s: %d %s", claim, a.status, a.body)
		}
		claims := verify(t, f.world, got.Token, vault)
		if claims["oid"] != string(f.identity.ID) || claims["appidacr"] != "2" || claims["xms_mirid"] == nil || claims["xms_az_rid"] != nil || got.Expires != 86400 {
			t.Errorf("%s: the token says %v and lasts %d s", claim, claims, got.Expires)
		}
	}
	accessToken := f.foreign(nil)
	accessToken.Header["typ"] = "at+jwt" // RFC 9068
	if a := f.post(t, tokenPath, f.shown(sign(t, accessToken, f.key))); a.status != 200 {
		t.Errorf("one that is typed as an access token: %d %s", a.status, a.body)
	}
}

func TestTheAzureSDKSignsInWithAForeignToken(t *testing.T) { // TK-14
	f := federate(t)
	credential, err := azidentity.NewClientAssertionCredential(string(tenant), string(f.identity.Client),
		func(context.Context) (string, error) { return sign(t, f.foreign(nil), f.key), nil },
		&azidentity.ClientAssertionCredentialOptions{ClientOptions: azcore.ClientOptions{Transport: f.client}})
	if err != nil {
		t.Fatal(err)
	}
	got, err := credential.GetToken(t.Context(), policy.TokenRequestOptions{Scopes: []string{vault + "/.default"}})
	if err != nil {
		t.Fatal(err)
	}
	verify(t, f.world, got.Token, vault)
}

func TestRefusalsOfForeignTokensHaveTheirCodes(t *testing.T) { // TK-14, T13, wire-facts 2.5 and 2.6
	f := federate(t)
	other, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	curve, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	at := func(d time.Duration) int64 { return f.now().Add(d).Unix() }
	as := func(method jwt.SigningMethod, kid string) *jwt.Token {
		made := f.foreign(nil)
		made.Method, made.Header["alg"], made.Header["kid"] = method, method.Alg(), kid
		return made
	}
	for sentence, test := range map[string]struct {
		made *jwt.Token
		key  any
		code int
	}{
		"another issuer":                   {f.foreign(map[string]any{"iss": "https://other.example"}), f.key, 700211},
		"the issuer with a slash":          {f.foreign(map[string]any{"iss": abroad + "/"}), f.key, 700211},
		"the issuer in another case":       {f.foreign(map[string]any{"iss": strings.ToUpper(abroad)}), f.key, 700211},
		"the address of a metadata server": {f.foreign(map[string]any{"iss": "http://169.254.169.254"}), f.key, 700211},
		"another subject":                  {f.foreign(map[string]any{"sub": "repo:Till"}), f.key, 700213},
		"no subject":                       {f.foreign(map[string]any{"sub": nil}), f.key, 700213},
		"a wildcard":                       {f.foreign(map[string]any{"sub": "*"}), f.key, 700213},
		"a subject in another case":        {f.foreign(map[string]any{"sub": "repo:shop"}), f.key, 7002138},
		"another audience":                 {f.foreign(map[string]any{"aud": "api://other"}), f.key, 700212},
		"the audience in another case":     {f.foreign(map[string]any{"aud": "api://azureadtokenexchange"}), f.key, 700212},
		"no audience":                      {f.foreign(map[string]any{"aud": nil}), f.key, 700212},
		"another's key":                    {f.foreign(nil), other, 700027},
		"a key that nobody published":      {as(jwt.SigningMethodRS256, "k2"), other, 7000272},
		"no key id":                        {as(jwt.SigningMethodRS256, ""), f.key, 7000272},
		"one that ended":                   {f.foreign(map[string]any{"iat": at(-time.Hour), "nbf": nil, "exp": at(-6 * time.Minute)}), f.key, 700024},
		"one that has not begun":           {f.foreign(map[string]any{"nbf": at(6 * time.Minute)}), f.key, 700024},
		"one that is yet to be issued":     {f.foreign(map[string]any{"iat": at(6 * time.Minute)}), f.key, 700024},
		"one that lives too long":          {f.foreign(map[string]any{"exp": at(26 * time.Hour)}), f.key, 70023},
		"no end":                           {f.foreign(map[string]any{"exp": nil}), f.key, 50027},
		"no signature":                     {as(jwt.SigningMethodNone, "k1"), jwt.UnsafeAllowNoneSignatureType, 50027},
		"the public key as a secret":       {as(jwt.SigningMethodHS256, "k1"), f.key.N.Bytes(), 50027},
		"a curve":                          {as(jwt.SigningMethodES256, "k1"), curve, 50027},
		"RSA-PSS":                          {as(jwt.SigningMethodPS256, "k1"), crypto.Signer(f.key), 50027},
		"an issuer that is down":           {f.foreign(map[string]any{"iss": "https://down.example"}), f.key, 50166},
	} {
		t.Run(sentence, func(t *testing.T) {
			status, name := 401, "invalid_client"
			if test.code == 70023 || test.code == 50166 {
				status, name = 400, "invalid_request"
			}
			f.refused(t, f.post(t, tokenPath, f.shown(sign(t, test.made, test.key))), status, name, test.code)
		})
	}
}

// A stranger can have an issuer asked only when somebody trusts it for that very subject and audience.
func TestNobodyIsAskedWhomNobodyTrusts(t *testing.T) { // T25
	f := federate(t)
	for _, changes := range []map[string]any{{"iss": "https://169.254.169.254"}, {"sub": "repo:Till"}, {"aud": "x"}, {"exp": f.now().Add(-time.Hour).Unix()}} {
		f.post(t, tokenPath, f.shown(sign(t, f.foreign(changes), f.key)))
	}
	if f.abroads.asked.Load() != 0 {
		t.Errorf("issuers were asked %d times", f.abroads.asked.Load())
	}
}

// Entra takes a token again while it lasts, for every resource, and az and the SDKs go by that. It is
// void when it has ended, once nobody trusts it any more, and for whom it was never meant.
func TestAForeignTokenMayComeAgainWhileItLasts(t *testing.T) { // TK-14
	f := federate(t)
	raw := sign(t, f.foreign(nil), f.key)
	for _, scope := range []string{vault + "/.default", "https://management.azure.com/.default", vault + "/.default"} {
		form, _ := url.ParseQuery(f.shown(raw))
		form.Set("scope", scope)
		if a := f.post(t, tokenPath, form.Encode()); a.status != 200 {
			t.Errorf("%s: %d %s", scope, a.status, a.body)
		}
	}
	theirs := f.form("client_secret", "", "client_assertion", raw, "client_assertion_type", jwtBearer)
	f.refused(t, f.post(t, tokenPath, theirs), 401, "invalid_client", 700211)
	f.commit(t, store.Change{Key: cloud.DocumentKey(f.identity.Resource) + "/federatedidentitycredentials/ci-main", If: store.Any})
	f.refused(t, f.post(t, tokenPath, f.shown(raw)), 401, "invalid_client", 700211)
	f.trust(t, "ci-main", abroad, "repo:Shop")
	if a := f.post(t, tokenPath, f.shown(raw)); a.status != 200 {
		t.Errorf("trusted anew: %d %s", a.status, a.body)
	}
	f.wait(66 * time.Minute)
	f.refused(t, f.post(t, tokenPath, f.shown(raw)), 401, "invalid_client", 700024)
}

// TestAForeignTokenIsTakenOnceWhereThatIsAskedFor tries the same token for another resource, and with its
// signature spelled otherwise, also at the same moment.
func TestAForeignTokenIsTakenOnceWhereThatIsAskedFor(t *testing.T) { // TK-14
	f := federate(t)
	f.door.ForeignOnce = true
	raw := sign(t, f.foreign(nil), f.key)
	var good atomic.Int32
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			if f.post(t, tokenPath, f.shown(raw)).status == 200 {
				good.Add(1)
			}
		})
	}
	if all.Wait(); good.Load() != 1 {
		t.Errorf("it was taken %d times", good.Load())
	}
	form, _ := url.ParseQuery(f.shown(raw))
	form.Set("scope", "https://management.azure.com/.default")
	f.refused(t, f.post(t, tokenPath, form.Encode()), 401, "invalid_client", 50013)
	const digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	last := strings.IndexByte(digits, raw[len(raw)-1])
	f.refused(t, f.post(t, tokenPath, f.shown(raw[:len(raw)-1]+string(digits[last^1]))), 401, "invalid_client", 50027)
	if a := f.post(t, tokenPath, f.shown(sign(t, f.foreign(map[string]any{"jti": "another"}), f.key))); a.status != 200 {
		t.Errorf("another token: %d %s", a.status, a.body)
	}
}

func TestTheWorldsClockAgesForeignTokens(t *testing.T) {
	f := federate(t)
	raw := sign(t, f.foreign(nil), f.key)
	f.door.Age = func(born time.Time) time.Duration { return f.now().Sub(born) + 25*time.Hour }
	f.refused(t, f.post(t, tokenPath, f.shown(raw)), 401, "invalid_client", 700024)
}

func TestAnApplicationTrustsForeignTokensToo(t *testing.T) { // TK-14
	f := federate(t)
	a, err := f.directory.Register("pipeline")
	if err != nil {
		t.Fatal(err)
	}
	p, enroll, err := f.directory.EnrollFor(&a)
	if err != nil {
		t.Fatal(err)
	}
	a.Federated = []cloud.FederatedCredential{{ID: "1", Name: "ci", Issuer: abroad, Subject: "repo:Till", Audience: exchange}}
	value, err := json.Marshal(a)
	if err != nil {
		t.Fatal(err)
	}
	f.commit(t, enroll, store.Change{Key: cloud.KeysRegistered + a.ID, Value: value, If: 0})
	form := f.form("client_id", string(p.Client), "client_secret", "", "client_assertion",
		sign(t, f.foreign(map[string]any{"sub": "repo:Till"}), f.key), "client_assertion_type", jwtBearer)
	answer := f.post(t, tokenPath, form)
	var got granted
	answer.decode(t, &got)
	if answer.status != 200 {
		t.Fatalf("%d %s", answer.status, answer.body)
	}
	if claims := verify(t, f.world, got.Token, vault); claims["oid"] != string(p.ID) || claims["appidacr"] != "2" || claims["xms_mirid"] != nil {
		t.Errorf("the token says %v", claims)
	}
}

// slow is an issuer that answers only once something else has happened.
type slow struct {
	*abroads
	meanwhile func()
}

func (s slow) Key(ctx context.Context, issuer, kid string) (*rsa.PublicKey, error) {
	s.meanwhile()
	return s.abroads.Key(ctx, issuer, kid)
}

// An issuer that takes its time does not get a token by a credential that was deleted meanwhile.
func TestACredentialDeletedWhileItsIssuerIsAskedOpensNothing(t *testing.T) { // TK-14, T25
	f := federate(t)
	id := cloud.MustID(f.identity.Resource.String() + "/federatedIdentityCredentials/ci-main")
	f.door.Trusted = slow{f.abroads, func() { f.commit(t, store.Change{Key: cloud.DocumentKey(id), If: store.Any}) }}
	f.refused(t, f.post(t, tokenPath, f.shown(sign(t, f.foreign(nil), f.key))), 401, "invalid_client", 700211)
}
