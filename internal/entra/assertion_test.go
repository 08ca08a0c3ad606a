package entra_test

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/x509"
	"encoding/base64"
	"math/big"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	azurecloud "github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"github.com/golang-jwt/jwt/v5"

	"lanyard/internal/cloud"
)

// certify gives the application a certificate, and its key to the test.
func (w *world) certify(t testing.TB) (*x509.Certificate, *rsa.PrivateKey) {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: w.now().Add(-time.Hour), NotAfter: w.now().Add(48 * time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.directory.AddCertificate(&w.app, der, "ci"); err != nil {
		t.Fatal(err)
	}
	w.change(t, w.app)
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return certificate, key
}

// asserted spells a request with an assertion in place of a secret.
func (w *world) asserted(assertion string) string {
	return w.form("client_secret", "", "client_assertion", assertion, "client_assertion_type", jwtBearer)
}

func TestTheAzureSDKGetsATokenWithACertificate(t *testing.T) { // TK-13
	for sentence, test := range map[string]struct {
		authority string
		chain     bool
	}{
		"by the public name": {authority: login},
		"by the local name":  {authority: "https://login.microsoftonline.com.lanyard.localhost:4140"},
		"with its chain":     {authority: login, chain: true},
	} {
		t.Run(sentence, func(t *testing.T) {
			w := start(t)
			certificate, key := w.certify(t)
			credential, err := azidentity.NewClientCertificateCredential(string(tenant), string(w.app.Client), []*x509.Certificate{certificate}, key,
				&azidentity.ClientCertificateCredentialOptions{SendCertificateChain: test.chain, ClientOptions: azcore.ClientOptions{
					Transport: w.client, Cloud: azurecloud.Configuration{ActiveDirectoryAuthorityHost: test.authority},
				}})
			if err != nil {
				t.Fatal(err)
			}
			got, err := credential.GetToken(t.Context(), policy.TokenRequestOptions{Scopes: []string{vault + "/.default"}})
			if err != nil {
				t.Fatal(err)
			}
			if claims := verify(t, w, got.Token, vault); claims["oid"] != string(w.app.ID) || claims["appidacr"] != "2" {
				t.Errorf("the token speaks for %v", claims)
			}
		})
	}
}

func TestTheAzureSDKIsToldThatItsCertificateIsNotRegistered(t *testing.T) {
	w := start(t)
	certificate, key := w.certify(t)
	w.app.Certificates = nil
	w.change(t, w.app)
	credential, err := azidentity.NewClientCertificateCredential(string(tenant), string(w.app.Client), []*x509.Certificate{certificate}, key,
		&azidentity.ClientCertificateCredentialOptions{ClientOptions: azcore.ClientOptions{Transport: w.client}})
	if err != nil {
		t.Fatal(err)
	}
	_, err = credential.GetToken(t.Context(), policy.TokenRequestOptions{Scopes: []string{vault + "/.default"}})
	if err == nil || !strings.Contains(err.Error(), "AADSTS700027") {
		t.Errorf("the credential says %v", err)
	}
}

// pythons gives an assertion as MSAL for Python makes it, with changes; nil takes a claim away.
func (w *world) pythons(t testing.TB, certificate *x509.Certificate, key crypto.Signer, changes map[string]any) string {
	t.Helper()
	claims := jwt.MapClaims{
		"aud": login + tokenPath, "iss": string(w.app.Client), "sub": string(w.app.Client), "jti": "one",
		"exp": float64(w.now().Unix()) + 600.5, "iat": float64(w.now().Unix()) + 0.25,
	}
	for name, value := range changes {
		if claims[name] = value; value == nil {
			delete(claims, name)
		}
	}
	made := jwt.NewWithClaims(jwt.SigningMethodRS256, claims)
	sum := sha1.Sum(certificate.Raw)
	made.Header["x5t"] = base64.URLEncoding.EncodeToString(sum[:])
	raw, err := made.SignedString(key)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func TestAnAssertionIsForThisAuthorityByAnyOfItsNames(t *testing.T) { // wire-facts 2.4, T12
	w := start(t)
	certificate, key := w.certify(t)
	const local = "https://login.microsoftonline.com.lanyard.localhost:4140"
	for audience, accepted := range map[string]bool{
		login + tokenPath:                                                 true,
		login + tokenPath + "/":                                           true,
		login + "/" + string(tenant) + "/oauth2/token":                    true,
		login + "/" + string(tenant) + "/v2.0":                            true,
		login + "/" + string(tenant) + "/v2.0/":                           true,
		login + "/lanyard.localhost/oauth2/v2.0/token":                    true,
		login + "/" + strings.ToUpper(string(tenant)) + "/oauth2/token":   true,
		"https://login.windows.net/" + string(tenant) + "/oauth2/token":   true,
		cloud.Azure.Issuer(tenant):                                        true,
		strings.TrimSuffix(cloud.Azure.Issuer(tenant), "/"):               true,
		local + tokenPath:                                                 true,
		strings.Replace(local, ":4140", "", 1) + tokenPath:                true, // through the proxy
		strings.Replace(local, ":4140", ":4141", 1) + tokenPath:           false,
		local + tokenPath + "#":                                           false,
		login + tokenPath + "#":                                           false,
		login + tokenPath + "?":                                           false,
		cloud.Azure.Issuer(tenant) + "#":                                  false,
		"":                                                                false,
		login:                                                             false,
		login + "/" + string(tenant):                                      false,
		login + "/common/oauth2/v2.0/token":                               false,
		login + "/99999999-0000-4000-8000-000000000009/oauth2/v2.0/token": false,
		login + ":443" + tokenPath:                                        false,
		login + tokenPath + "//":                                          false,
		login + tokenPath + "?a=b":                                        false,
		login + tokenPath + "#a":                                          false,
		login + strings.ToUpper(tokenPath):                                false,
		"HTTPS://LOGIN.MICROSOFTONLINE.COM" + tokenPath:                   false,
		"http://login.microsoftonline.com" + tokenPath:                    false,
		"https://login.microsoftonline.com.evil.test" + tokenPath:         false,
		"https://user@login.microsoftonline.com" + tokenPath:              false,
		"https://evil.test" + tokenPath:                                   false,
		"https://login.microsoftonline.com/%31b7a4c1e-0000-4000-8000-000000000001/oauth2/token": false,
		vault: false,
	} {
		a := w.post(t, tokenPath, w.asserted(w.pythons(t, certificate, key, map[string]any{"aud": audience})))
		if accepted && a.status != 200 {
			t.Errorf("%q: %d %s", audience, a.status, a.body)
		}
		if !accepted {
			w.refused(t, a, 401, "invalid_client", 700023)
		}
	}
}

func TestRefusalsOfAssertionsHaveTheirCodes(t *testing.T) { // wire-facts 2.5
	w := start(t)
	certificate, key := w.certify(t)
	strange, theirs := start(t).certify(t)
	at := func(d time.Duration) float64 { return float64(w.now().Add(d).Unix()) }
	for sentence, test := range map[string]struct {
		raw  string
		code int
	}{
		"another's key":                {w.pythons(t, certificate, theirs, nil), 700027},
		"another's certificate":        {w.pythons(t, strange, theirs, nil), 700027},
		"one that ended":               {w.pythons(t, certificate, key, map[string]any{"exp": at(-6 * time.Minute)}), 700024},
		"one that has not begun":       {w.pythons(t, certificate, key, map[string]any{"nbf": at(6 * time.Minute)}), 700024},
		"one that is good for ever":    {w.pythons(t, certificate, key, map[string]any{"exp": at(1000 * time.Hour)}), 700024},
		"one without an end":           {w.pythons(t, certificate, key, map[string]any{"exp": nil}), 50027},
		"an array of audiences":        {w.pythons(t, certificate, key, map[string]any{"aud": []string{login + tokenPath}}), 50027},
		"another subject":              {w.pythons(t, certificate, key, map[string]any{"sub": "other"}), 700021},
		"no subject":                   {w.pythons(t, certificate, key, map[string]any{"sub": nil}), 700021},
		"an issuer somewhere else":     {w.pythons(t, certificate, key, map[string]any{"iss": "https://token.actions.githubusercontent.com"}), 700211},
		"no issuer":                    {w.pythons(t, certificate, key, map[string]any{"iss": nil}), 700211},
		"one of the identity's tokens": {"e30.e30", 50027},
		"another's name, our key":      {w.pythons(t, certificate, key, map[string]any{"iss": string(w.identity.Client), "sub": string(w.identity.Client)}), 700211},
	} {
		t.Run(sentence, func(t *testing.T) {
			w.refused(t, w.post(t, tokenPath, w.asserted(test.raw)), 401, "invalid_client", test.code)
		})
	}
	// A managed identity's certificate is the platform's: nobody signs for it.
	forged := w.pythons(t, certificate, key, map[string]any{"iss": string(w.identity.Client), "sub": string(w.identity.Client)})
	form := w.form("client_id", string(w.identity.Client), "client_secret", "", "client_assertion", forged, "client_assertion_type", jwtBearer)
	w.refused(t, w.post(t, tokenPath, form), 401, "invalid_client", 700027)
}

// MSAL for Python and for Node make one assertion and send it for ten minutes: az asks for tokens of
// the management API and of a vault with the same one.
func TestAnAssertionMayComeAgainWhileItLasts(t *testing.T) {
	w := start(t)
	certificate, key := w.certify(t)
	raw := w.pythons(t, certificate, key, nil)
	for _, scope := range []string{vault + "/.default", "https://management.core.windows.net//.default", vault + "/.default"} {
		form, _ := url.ParseQuery(w.asserted(raw))
		form.Set("scope", scope)
		if a := w.post(t, tokenPath, form.Encode()); a.status != 200 {
			t.Errorf("%s: %d %s", scope, a.status, a.body)
		}
	}
	w.wait(16 * time.Minute)
	w.refused(t, w.post(t, tokenPath, w.asserted(raw)), 401, "invalid_client", 700024)
}

func TestAnAssertionIsGoodAtTheOlderEndpoint(t *testing.T) {
	w := start(t)
	certificate, key := w.certify(t)
	form, _ := url.ParseQuery(w.asserted(w.pythons(t, certificate, key, nil)))
	form.Set("resource", vault)
	a := w.post(t, "/"+string(tenant)+"/oauth2/token", form.Encode())
	var got granted
	a.decode(t, &got)
	if a.status != 200 || got.Expires != "3600" {
		t.Fatalf("%d %s", a.status, a.body)
	}
	verify(t, w, got.Token, vault)
}
