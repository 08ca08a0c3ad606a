package entra_test

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"
)

// tokenPath is the v2.0 token endpoint of the tenant.
const tokenPath = "/" + string(tenant) + "/oauth2/v2.0/token"

const jwtBearer = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

// granted takes what either version of the endpoint answers.
type granted struct {
	Type     string `json:"token_type"`
	Expires  any    `json:"expires_in"`
	On       string `json:"expires_on"`
	Resource string `json:"resource"`
	Token    string `json:"access_token"`
}

func TestWhatClientsSendIsTolerated(t *testing.T) { // wire-facts 2.3
	w := start(t)
	basic := func(secret string) string { return basicOf(string(w.app.Client), secret) }
	for sentence, test := range map[string]struct {
		path, form string
		header     []string
		audience   string
		capable    bool
	}{
		"a plain request":                      {form: w.form(), audience: vault},
		"the OpenID scopes of MSAL Go":         {form: w.form("scope", vault+"/.default openid offline_access profile"), audience: vault},
		"az's double slash stays in aud":       {form: w.form("scope", "https://management.core.windows.net//.default"), audience: "https://management.core.windows.net/"},
		"unknown parameters":                   {form: w.form("client_info", "1", "x-client-SKU", "msal.js.node", "foo", "bar"), audience: vault},
		"client-request-id in the query":       {path: tokenPath + "?client-request-id=9d1f8a1c-0000-4000-8000-000000000001&grant_type=evil", form: w.form(), audience: vault},
		"the tenant by its domain":             {path: "/Lanyard.localhost/oauth2/v2.0/token", form: w.form(), audience: vault},
		"the tenant in upper case":             {path: strings.ToUpper("/"+string(tenant)) + "/oauth2/v2.0/token", form: w.form(), audience: vault},
		"the client in upper case":             {form: w.form("client_id", strings.ToUpper(string(w.app.Client))), audience: vault},
		"the capability of MSAL Python":        {form: w.form("claims", `{"access_token": {"xms_cc": {"values": ["CP1"]}}}`), audience: vault, capable: true},
		"a claims challenge in full":           {form: w.form("claims", `{"access_token":{"nbf":{"essential":true,"value":"1700000000"},"xms_cc":{"values":["cp1"]}}}`), audience: vault, capable: true},
		"a capability that nobody knows":       {form: w.form("claims", `{"access_token":{"xms_cc":{"values":["cp9"]}}}`), audience: vault},
		"the secret in the Authorization head": {form: w.form("client_secret", "", "client_id", ""), header: []string{"Authorization", basic(w.secret.Open())}, audience: vault},
		"the same client in head and body":     {form: w.form("client_secret", ""), header: []string{"Authorization", basic(w.secret.Open())}, audience: vault},
		"a resource by its application id":     {form: w.form("scope", "cfa8b339-82a2-471a-a3c9-0fc0be7a4093/.default"), audience: "cfa8b339-82a2-471a-a3c9-0fc0be7a4093"},
	} {
		t.Run(sentence, func(t *testing.T) {
			if test.path == "" {
				test.path = tokenPath
			}
			a := w.post(t, test.path, test.form, test.header...)
			if a.status != 200 {
				t.Fatalf("%d %s", a.status, a.body)
			}
			var got granted
			a.decode(t, &got)
			if got.Type != "Bearer" || got.Expires != 3600.0 || a.header.Get("Cache-Control") != "no-store, no-cache" {
				t.Errorf("%s, %v seconds, Cache-Control %q", got.Type, got.Expires, a.header.Get("Cache-Control"))
			}
			if _, capable := verify(t, w, got.Token, test.audience)["xms_cc"]; capable != test.capable {
				t.Errorf("xms_cc is there: %t, want %t", capable, test.capable)
			}
		})
	}
}

func basicOf(user, password string) string {
	r := newRequest()
	r.SetBasicAuth(url.QueryEscape(user), url.QueryEscape(password))
	return r.Header.Get("Authorization")
}

func TestTheOlderEndpointAnswersInStrings(t *testing.T) {
	w := start(t)
	const resource = "https://management.core.windows.net/"
	a := w.post(t, "/"+string(tenant)+"/oauth2/token", w.form("scope", "", "resource", resource))
	if a.status != 200 {
		t.Fatalf("%d %s", a.status, a.body)
	}
	var got granted
	a.decode(t, &got)
	if got.Expires != "3600" || got.On == "" || got.Resource != resource {
		t.Errorf("expires_in %v, expires_on %q, resource %q", got.Expires, got.On, got.Resource)
	}
	verify(t, w, got.Token, resource)
}

func TestRefusalsHaveTheirCodes(t *testing.T) { // wire-facts 2.5
	w := start(t)
	strange := "77777777-0000-4000-8000-000000000007"
	for sentence, test := range map[string]struct {
		path, form string
		header     []string
		status     int
		oauth      string
		code       int
	}{
		"no grant type":                {form: w.form("grant_type", ""), status: 400, oauth: "invalid_request", code: 900144},
		"no client":                    {form: w.form("client_id", ""), status: 400, oauth: "invalid_request", code: 900144},
		"no scope":                     {form: w.form("scope", ""), status: 400, oauth: "invalid_request", code: 900144},
		"an empty body":                {form: "", status: 400, oauth: "invalid_request", code: 900144},
		"a body in JSON":               {form: `{"grant_type":"client_credentials"}`, header: []string{"Content-Type", "application/json"}, status: 400, oauth: "invalid_request", code: 900144},
		"another tenant":               {path: "/" + strange + "/oauth2/v2.0/token", form: w.form(), status: 400, oauth: "invalid_request", code: 90002},
		"no tenant in particular":      {path: "/common/oauth2/v2.0/token", form: w.form(), status: 400, oauth: "invalid_request", code: 50059},
		"an unknown client":            {form: w.form("client_id", strange), status: 400, oauth: "unauthorized_client", code: 700016},
		"a wrong secret":               {form: w.form("client_secret", "wrong"), status: 401, oauth: "invalid_client", code: 7000215},
		"an expired secret":            {form: w.form("client_secret", w.spent.Open()), status: 401, oauth: "invalid_client", code: 7000222},
		"a secret for an identity":     {form: w.form("client_id", string(w.identity.Client)), status: 401, oauth: "invalid_client", code: 7000215},
		"no credential":                {form: w.form("client_secret", ""), status: 401, oauth: "invalid_client", code: 7000218},
		"an assertion of no type":      {form: w.form("client_secret", "", "client_assertion", "e30.e30.e30"), status: 400, oauth: "invalid_request", code: 900144},
		"an assertion of another type": {form: w.form("client_secret", "", "client_assertion", "e30.e30.e30", "client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:saml2-bearer"), status: 401, oauth: "invalid_client", code: 7000216},
		"a type without an assertion":  {form: w.form("client_secret", "", "client_assertion_type", jwtBearer), status: 401, oauth: "invalid_client", code: 7000218},
		"an assertion and a secret":    {form: w.form("client_assertion", "e30.e30.e30", "client_assertion_type", jwtBearer), status: 400, oauth: "invalid_request", code: 9002313},
		"an assertion that is none":    {form: w.form("client_secret", "", "client_assertion", "e30.e30.e30", "client_assertion_type", jwtBearer), status: 401, oauth: "invalid_client", code: 50027},
		"a wrong secret in the header": {form: w.form("client_secret", ""), header: []string{"Authorization", basicOf(string(w.app.Client), "wrong")}, status: 401, oauth: "invalid_client", code: 7000215},
		"two ways at once":             {form: w.form(), header: []string{"Authorization", basicOf(string(w.app.Client), "x")}, status: 400, oauth: "invalid_request", code: 9002313},
		"two clients at once":          {form: w.form("client_secret", ""), header: []string{"Authorization", basicOf(strange, "x")}, status: 400, oauth: "invalid_request", code: 9002313},
		"two scopes at once":           {form: w.form() + "&scope=x", status: 400, oauth: "invalid_request", code: 9002313},
		"claims that are no JSON":      {form: w.form("claims", "{"), status: 400, oauth: "invalid_request", code: 9002313},
		"more parameters than any":     {form: w.form() + strings.Repeat("&a=b", 100), status: 400, oauth: "invalid_request", code: 9002313},
		"a body over the bound":        {form: w.form("x", strings.Repeat("x", 100<<10)), status: 413, oauth: "invalid_request", code: 9002313},
		"an unknown resource":          {form: w.form("scope", "https://vault.evil/.default"), status: 400, oauth: "invalid_resource", code: 500011},
		"a resource with a prefix":     {form: w.form("scope", vault+".evil.test/.default"), status: 400, oauth: "invalid_resource", code: 500011},
		"a scope without /.default":    {form: w.form("scope", vault+"/user_impersonation"), status: 400, oauth: "invalid_scope", code: 1002012},
		"a scope of two resources":     {form: w.form("scope", vault+"/.default https://graph.microsoft.com/.default"), status: 400, oauth: "invalid_scope", code: 70011},
		"a scope of OpenID alone":      {form: w.form("scope", "openid profile"), status: 400, oauth: "invalid_scope", code: 70011},
		"no authorization code":        {form: w.form("grant_type", "authorization_code"), status: 400, oauth: "invalid_request", code: 900144},
		"no refresh token":             {form: w.form("grant_type", "refresh_token"), status: 400, oauth: "invalid_request", code: 900144},
		"no device code":               {form: w.form("grant_type", "device_code"), status: 400, oauth: "invalid_request", code: 900144},
		"on behalf of somebody":        {form: w.form("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer"), status: 400, oauth: "unsupported_grant_type", code: 70003},
		"password":                     {form: w.form("grant_type", "password"), status: 400, oauth: "unsupported_grant_type", code: 70003},
		"v1 without a resource":        {path: "/" + string(tenant) + "/oauth2/token", form: w.form(), status: 400, oauth: "invalid_request", code: 900144},
		"v1 with an unknown resource":  {path: "/" + string(tenant) + "/oauth2/token", form: w.form("resource", "https://vault.evil"), status: 400, oauth: "invalid_resource", code: 500011},
	} {
		t.Run(sentence, func(t *testing.T) {
			if test.path == "" {
				test.path = tokenPath
			}
			w.refused(t, w.post(t, test.path, test.form, test.header...), test.status, test.oauth, test.code)
		})
	}
}

// refused holds a refusal against the shape that MSAL reads, and sees that it gives nothing away.
func (w *world) refused(t *testing.T, a answer, status int, oauth string, code int) {
	t.Helper()
	var body struct {
		Error       string `json:"error"`
		Description string `json:"error_description"`
		Codes       []int  `json:"error_codes"`
		Timestamp   string `json:"timestamp"`
		Trace       string `json:"trace_id"`
		Correlation string `json:"correlation_id"`
		URI         string `json:"error_uri"`
	}
	a.decode(t, &body)
	if a.status != status || body.Error != oauth || len(body.Codes) != 1 || body.Codes[0] != code {
		t.Fatalf("%d %s, want %d %s %d", a.status, a.body, status, oauth, code)
	}
	if want := "AADSTS" + string(must(json.Marshal(code))) + ": "; !strings.HasPrefix(body.Description, want) ||
		!strings.HasSuffix(body.Description, "Trace ID: "+body.Trace+" Correlation ID: "+body.Correlation+" Timestamp: "+body.Timestamp) {
		t.Errorf("the description is %q", body.Description)
	}
	if !strings.HasPrefix(body.URI, login+"/error?code=") || body.Trace == "" {
		t.Errorf("error_uri %q, trace_id %q", body.URI, body.Trace)
	}
	for _, secret := range []string{w.secret.Open(), w.spent.Open()} {
		if strings.Contains(a.body, secret) {
			t.Error("the refusal repeats the secret")
		}
	}
}

func must(b []byte, err error) []byte {
	if err != nil {
		panic(err)
	}
	return b
}

func TestOtherVerbsAndPlacesAreNamed(t *testing.T) {
	w := start(t)
	w.refused(t, w.get(t, login+tokenPath), 400, "invalid_request", 900561)
	w.refused(t, w.get(t, login+"/common/oauth2/v2.0/devicecode"), 400, "invalid_request", 900561)
	a := w.get(t, login+"/"+string(tenant)+"/oauth2/v2.0/userinfo")
	w.refused(t, a, 404, "invalid_request", 9002313)
	if !strings.Contains(a.body, "does not offer GET") {
		t.Errorf("it says %s", a.body)
	}
}

func TestACallersOwnIDComesBack(t *testing.T) {
	w := start(t)
	const id = "9d1f8a1c-0000-4000-8000-000000000001"
	for _, a := range []answer{
		w.post(t, tokenPath, "", "client-request-id", id, "return-client-request-id", "true"),
		w.post(t, tokenPath+"?client-request-id="+id, "", "return-client-request-id", "true"),
	} {
		if !strings.Contains(a.body, `"correlation_id":"`+id+`"`) || a.header.Get("client-request-id") != id {
			t.Errorf("correlation id lost: %s, %v", a.body, a.header)
		}
	}
}
