package browser

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"lanyard/test/clients/stage"
)

// prepared gives an HTTP client as the prepared environment makes one.
func prepared(t testing.TB, s *stage.Stage) *http.Client {
	t.Helper()
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: x509.NewCertPool()}}
	for _, variable := range s.Environment() {
		switch name, value, _ := strings.Cut(variable, "="); name {
		case "HTTPS_PROXY":
			way, err := url.Parse(value)
			if err != nil {
				t.Fatal(err)
			}
			transport.Proxy = http.ProxyURL(way)
		case "SSL_CERT_FILE":
			roots, err := os.ReadFile(value)
			if err != nil {
				t.Fatal(err)
			}
			transport.TLSClientConfig.RootCAs.AppendCertsFromPEM(roots)
		}
	}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

// signIn fills in the page that asks for name and password.
func (b *tab) signIn(who stage.Owner) {
	b.t.Helper()
	b.shows("Sign in")
	b.do(chromedp.SendKeys("#name", who.SignIn), chromedp.SendKeys("#password", who.Password), b.press("Sign in"))
}

func TestAPersonSignsInByDeviceCodeInABrowser(t *testing.T) {
	for sentence, scripts := range map[string]bool{"with scripts": true, "without scripts": false} {
		t.Run(sentence, func(t *testing.T) {
			s, b := stage.Start(t), open(t)
			b.do(emulation.SetScriptExecutionDisabled(!scripts))
			credential, err := azidentity.NewDeviceCodeCredential(&azidentity.DeviceCodeCredentialOptions{
				ClientOptions: azcore.ClientOptions{Transport: prepared(t, s)},
				UserPrompt: func(_ context.Context, m azidentity.DeviceCodeMessage) error {
					b.do(chromedp.Navigate(m.VerificationURL))
					b.shows("Enter code")
					b.do(chromedp.SendKeys("#code", strings.ToLower(m.UserCode)), b.press("Next"))
					b.signIn(s.Owner())
					b.shows("Continue?")
					b.do(b.press("Continue"))
					b.shows("Done")
					return nil
				},
			})
			if err != nil {
				t.Fatal(err)
			}
			got, err := credential.GetToken(t.Context(), policy.TokenRequestOptions{Scopes: []string{"https://management.azure.com/.default"}})
			if err != nil {
				t.Fatal(err)
			}
			payload, err := base64.RawURLEncoding.DecodeString(strings.Split(got.Token, ".")[1])
			if err != nil || !strings.Contains(string(payload), `"upn":"`+s.Owner().SignIn+`"`) {
				t.Errorf("the token says %s, %v", payload, err)
			}
			b.quiet()
		})
	}
}

// listener is an app on this machine that waits for its answer, as az does. It answers with a page.
func listener(t testing.TB) (at string, came <-chan url.Values) {
	t.Helper()
	answers := make(chan url.Values, 4)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := r.ParseForm(); err == nil && r.Form.Has("state") {
			answers <- r.Form
		}
		w.Header().Set("Content-Type", "text/html")
		_, _ = io.WriteString(w, "<h1>Back in the app</h1>")
	})}
	go func() { _ = server.Serve(ln) }()
	t.Cleanup(func() { _ = server.Close() })
	return "http://localhost:" + ln.Addr().String()[strings.LastIndexByte(ln.Addr().String(), ':')+1:], answers
}

const (
	cli      = "04b07795-8ddb-461a-bbee-02f9e1bf7b46"
	verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk" // of RFC 7636 appendix B
	scope    = "https://management.core.windows.net//.default offline_access openid profile"
)

// errand gives the address to which an app sends the browser: what discovery names, with the query.
func errand(t testing.TB, client *http.Client, redirect, mode string) string {
	t.Helper()
	answer, err := client.Get("https://login.microsoftonline.com/organizations/v2.0/.well-known/openid-configuration")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	var document struct {
		Authorization string `json:"authorization_endpoint"`
	}
	if err := json.NewDecoder(answer.Body).Decode(&document); err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256([]byte(verifier))
	return document.Authorization + "?" + url.Values{
		"client_id": {cli}, "response_type": {"code"}, "redirect_uri": {redirect}, "scope": {scope}, "state": {"state"}, "response_mode": {mode},
		"code_challenge": {base64.RawURLEncoding.EncodeToString(sum[:])}, "code_challenge_method": {"S256"}, "prompt": {"select_account"},
	}.Encode()
}

func TestTheBrowserComesBackToTheApp(t *testing.T) {
	s := stage.Start(t)
	client := prepared(t, s)
	for sentence, test := range map[string]struct {
		mode    string
		scripts bool
	}{
		"by a redirect":          {"query", true},
		"by a form":              {"form_post", true},
		"by a form and a button": {"form_post", false},
	} {
		t.Run(sentence, func(t *testing.T) {
			b := open(t)
			at, came := listener(t)
			b.do(emulation.SetScriptExecutionDisabled(!test.scripts), chromedp.Navigate(errand(t, client, at, test.mode)))
			b.signIn(s.Owner())
			if !test.scripts {
				b.shows("Back to your app")
				b.do(b.press("Continue"))
			}
			b.shows("Back in the app")
			answer := <-came
			if answer.Get("state") != "state" || answer.Get("code") == "" {
				t.Fatalf("the app got %v", answer)
			}
			got, err := client.PostForm("https://login.microsoftonline.com/organizations/oauth2/v2.0/token", url.Values{
				"client_id": {cli}, "grant_type": {"authorization_code"}, "code": {answer.Get("code")}, "redirect_uri": {at},
				"code_verifier": {verifier}, "scope": {scope},
			})
			if err != nil {
				t.Fatal(err)
			}
			defer got.Body.Close()
			if text, err := io.ReadAll(got.Body); err != nil || got.StatusCode != 200 || !strings.Contains(string(text), `"refresh_token"`) {
				t.Errorf("%d %s, %v", got.StatusCode, text, err)
			}
			b.quiet()
		})
	}
}
