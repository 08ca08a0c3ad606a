package entra_test

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"

	"lanyard/internal/cloud"
	"lanyard/internal/store"
)

const (
	cli        = "04b07795-8ddb-461a-bbee-02f9e1bf7b46" // az's own client id
	azScope    = "https://management.core.windows.net//.default offline_access openid profile"
	management = "https://management.core.windows.net/"
)

// waiting is what begins a device's sign-in.
type waiting struct {
	UserCode   string `json:"user_code"`
	DeviceCode string `json:"device_code"`
	Where      string `json:"verification_uri"`
	WhereV1    string `json:"verification_url"`
	Expires    any    `json:"expires_in"`
	Interval   any    `json:"interval"`
	Message    string `json:"message"`
}

// tokens are what a person's sign-in leads to, in either version.
type tokens struct {
	Type       string `json:"token_type"`
	Scope      string `json:"scope"`
	Expires    any    `json:"expires_in"`
	Resource   string `json:"resource"`
	Access     string `json:"access_token"`
	Refresh    string `json:"refresh_token"`
	ID         string `json:"id_token"`
	ClientInfo string `json:"client_info"`
	Family     string `json:"foci"`
}

func formOf(pairs ...string) string {
	v := url.Values{}
	for n := 0; n+1 < len(pairs); n += 2 {
		v.Set(pairs[n], pairs[n+1])
	}
	return v.Encode()
}

func (w *world) begin(t testing.TB) waiting {
	t.Helper()
	var got waiting
	a := w.post(t, "/organizations/oauth2/v2.0/devicecode", formOf("client_id", cli, "scope", azScope))
	if a.status != 200 {
		t.Fatalf("%d %s", a.status, a.body)
	}
	a.decode(t, &got)
	return got
}

func (w *world) poll(t testing.TB, code string) answer {
	t.Helper()
	return w.post(t, "/organizations/oauth2/v2.0/token", formOf("client_id", cli, "client_info", "1",
		"grant_type", "urn:ietf:params:oauth:grant-type:device_code", "device_code", code, "code", code))
}

func TestTheAzureSDKSignsAPersonInByDeviceCode(t *testing.T) { // TK-13
	w := start(t)
	credential, err := azidentity.NewDeviceCodeCredential(&azidentity.DeviceCodeCredentialOptions{
		ClientOptions: azcore.ClientOptions{Transport: w.client}, TenantID: string(tenant),
		UserPrompt: func(_ context.Context, m azidentity.DeviceCodeMessage) error {
			if !strings.Contains(m.Message, m.UserCode) || !strings.Contains(m.Message, m.VerificationURL) {
				t.Errorf("the message is %q", m.Message)
			}
			w.approve(t, m.UserCode)
			return nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	got, err := credential.GetToken(t.Context(), policy.TokenRequestOptions{Scopes: []string{vault + "/.default"}})
	if err != nil {
		t.Fatal(err)
	}
	claims := verify(t, w, got.Token, vault)
	if claims["oid"] != string(w.person.ID) || claims["upn"] != owner || claims["appid"] != cli || claims["scp"] != "user_impersonation" {
		t.Errorf("the token says %v", claims)
	}
	// The next resource costs nobody a second sign-in: MSAL sends the refresh token.
	again, err := credential.GetToken(t.Context(), policy.TokenRequestOptions{Scopes: []string{management + "/.default"}})
	if err != nil {
		t.Fatal(err)
	}
	verify(t, w, again.Token, management)
}

func TestADeviceWaitsUntilSomebodySaysYes(t *testing.T) {
	w := start(t)
	d := w.begin(t)
	if d.Expires != 900.0 || d.Interval != 5.0 || d.Where != login+"/devicelogin" || len(d.UserCode) != 9 {
		t.Errorf("%+v", d)
	}
	w.refused(t, w.poll(t, d.DeviceCode), 400, "authorization_pending", 70016)
	v := w.visit(t, d.Where).fill(t, "code", strings.ToLower(d.UserCode[:4]+" "+d.UserCode[4:])).shows(t, "Sign in")
	w.refused(t, w.poll(t, d.DeviceCode), 400, "authorization_pending", 70016)
	v.signIn(t).shows(t, "Continue?")
	if !strings.Contains(v.body, "<strong>Microsoft Azure CLI</strong>") || !strings.Contains(v.body, owner) {
		t.Errorf("the question names neither app nor person: %s", v.body)
	}
	w.refused(t, w.poll(t, d.DeviceCode), 400, "authorization_pending", 70016)
	v.fill(t, "answer", "yes").shows(t, "Done")

	a := w.poll(t, d.DeviceCode)
	var got tokens
	a.decode(t, &got)
	if a.status != 200 || got.Refresh == "" || got.ID == "" || got.ClientInfo == "" || got.Family != "1" ||
		!strings.Contains(got.Scope, "https://management.core.windows.net//.default") {
		t.Fatalf("%d %s", a.status, a.body)
	}
	if claims := verify(t, w, got.Access, management); claims["upn"] != owner || claims["appidacr"] != "0" {
		t.Errorf("the token says %v", claims)
	}
	w.refused(t, w.poll(t, d.DeviceCode), 400, "bad_verification_code", 70018)
	w.visit(t, d.Where).fill(t, "code", d.UserCode).shows(t, "Enter code")
}

func TestADeviceIsToldNo(t *testing.T) {
	for sentence, no := range map[string]func(t *testing.T, v *visitor){
		"instead of a password": func(t *testing.T, v *visitor) { v.fill(t, "answer", "no") },
		"after it":              func(t *testing.T, v *visitor) { v.signIn(t).fill(t, "answer", "no") },
	} {
		t.Run(sentence, func(t *testing.T) {
			w := start(t)
			d := w.begin(t)
			v := w.visit(t, d.Where).fill(t, "code", d.UserCode)
			no(t, v)
			v.shows(t, "Done")
			w.refused(t, w.poll(t, d.DeviceCode), 400, "authorization_declined", 65004)
			w.refused(t, w.poll(t, d.DeviceCode), 400, "bad_verification_code", 70018)
		})
	}
}

func TestACodeThatNobodyEnteredInTimeIsSpent(t *testing.T) {
	w := start(t)
	d := w.begin(t)
	w.wait(15 * time.Minute)
	w.refused(t, w.poll(t, d.DeviceCode), 400, "expired_token", 70019)
	w.visit(t, d.Where).fill(t, "code", d.UserCode).shows(t, "Enter code")
}

func TestNobodySaysYesWithoutThePassword(t *testing.T) {
	w := start(t)
	d := w.begin(t)
	v := w.visit(t, d.Where).fill(t, "code", d.UserCode).shows(t, "Sign in")
	v.fill(t, "step", "confirm", "answer", "yes", "ticket", "").shows(t, "Sign in")
	v.fill(t, "step", "confirm", "answer", "yes", "ticket", "guess").shows(t, "Sign in")
	w.visit(t, d.Where).fill(t, "code", d.UserCode).signIn(t).shows(t, "Continue?") // somebody else, who knows it
	v.fill(t, "step", "confirm", "answer", "yes", "ticket", "guess").shows(t, "Sign in")
	w.refused(t, w.poll(t, d.DeviceCode), 400, "authorization_pending", 70016)
}

func TestDeviceRequestsThatAreRefused(t *testing.T) {
	w := start(t)
	d := w.begin(t)
	const at = "/common/oauth2/v2.0/devicecode"
	w.refused(t, w.post(t, at, formOf("scope", azScope)), 400, "invalid_request", 900144)
	w.refused(t, w.post(t, at, formOf("client_id", cli)), 400, "invalid_request", 900144)
	w.refused(t, w.post(t, at, formOf("client_id", tokenPath, "scope", azScope)), 400, "unauthorized_client", 700016)
	w.refused(t, w.post(t, at, formOf("client_id", string(w.app.Client), "scope", azScope)), 400, "invalid_request", 50011)
	w.refused(t, w.post(t, at, formOf("client_id", cli, "scope", azScope, "client_secret", "x")), 401, "invalid_client", 700025)
	w.refused(t, w.post(t, at, formOf("client_id", cli, "scope", "https://vault.evil/.default")), 400, "invalid_resource", 500011)
	w.refused(t, w.post(t, at, formOf("client_id", cli, "scope", vault+"/.default "+management+"/.default")), 400, "invalid_scope", 28000)
	w.refused(t, w.post(t, "/consumers/oauth2/v2.0/devicecode", formOf("client_id", cli, "scope", azScope)), 400, "invalid_request", 90002)
	for _, code := range []string{"x", d.UserCode, strings.Repeat("A", 43) + d.UserCode, d.DeviceCode + "A", "/../" + d.DeviceCode} {
		w.refused(t, w.poll(t, code), 400, "bad_verification_code", 70018)
	}
	w.approve(t, d.UserCode)
	const powershell = "1950a258-227b-4e31-a9cf-717495945fc2"
	w.refused(t, w.post(t, "/common/oauth2/v2.0/token", formOf("client_id", powershell, "grant_type", "device_code", "device_code", d.DeviceCode)),
		400, "bad_verification_code", 70018)
}

func TestTheOlderDeviceEndpointAnswersInStrings(t *testing.T) {
	w := start(t)
	var d waiting
	a := w.post(t, "/common/oauth2/devicecode", formOf("client_id", cli, "resource", vault))
	a.decode(t, &d)
	if a.status != 200 || d.WhereV1 != login+"/devicelogin" || d.Expires != "900" || d.Interval != "5" {
		t.Fatalf("%d %s", a.status, a.body)
	}
	w.approve(t, d.UserCode)
	var got tokens
	a = w.post(t, "/common/oauth2/token", formOf("client_id", cli, "resource", vault, "grant_type", "device_code", "code", d.DeviceCode))
	a.decode(t, &got)
	if a.status != 200 || got.Expires != "3600" || got.Resource != vault || got.Refresh == "" || got.ID == "" {
		t.Fatalf("%d %s", a.status, a.body)
	}
	if claims := verify(t, w, got.Access, vault); claims["upn"] != owner {
		t.Errorf("the token says %v", claims)
	}
	w.refused(t, w.post(t, "/common/oauth2/devicecode", formOf("client_id", cli)), 400, "invalid_request", 900144)
}

// devices writes a thousand that stand somewhere, each begun a moment after the one before.
func (w *world) devices(t testing.TB, state string, ends time.Time) {
	t.Helper()
	for n := range 10 {
		var all []store.Change
		for k := range 100 {
			text := fmt.Sprintf(`{"ends":%q,"state":%q}`, ends.Add(time.Duration(n*100+k)).Format(time.RFC3339Nano), state)
			all = append(all, store.Change{Key: fmt.Sprintf("%sdevices/%d-%02d", cloud.KeysSession, n, k), Value: []byte(text), If: store.Any})
		}
		w.commit(t, all...)
	}
}

func TestOnlySoManyDevicesWait(t *testing.T) { // T20
	w := start(t)
	count := func() int {
		entries, _, err := w.store.List(t.Context(), cloud.KeysSession+"devices/")
		if err != nil {
			t.Fatal(err)
		}
		return len(entries)
	}
	w.devices(t, "", w.now().Add(-time.Second)) // these have ended, and nobody has swept
	d := w.begin(t)
	if n := count(); n != 1001 {
		t.Errorf("%d documents, want all", n)
	}
	// A thousand more wait, and a thousand and one would: the oldest goes.
	w.devices(t, "", w.now().Add(time.Minute))
	last := w.begin(t)
	if n := count(); n != 1001 {
		t.Errorf("%d documents, want one less than there would be", n)
	}
	if left, err := w.store.Get(t.Context(), cloud.KeysSession+"devices/0-00"); err != nil || left.Revision != 0 {
		t.Errorf("the oldest is still there, %v", err)
	}
	w.approve(t, d.UserCode)
	w.approve(t, last.UserCode)
	for _, one := range []waiting{d, last} {
		if a := w.poll(t, one.DeviceCode); a.status != 200 {
			t.Errorf("%d %s", a.status, a.body)
		}
	}
	// Whoever has given a password is not pushed out.
	w.devices(t, "known", w.now().Add(time.Minute))
	w.refused(t, w.post(t, "/common/oauth2/v2.0/devicecode", formOf("client_id", cli, "scope", azScope)), 503, "temporarily_unavailable", 90033)
}
