package entra_test

import (
	"crypto/sha256"
	"encoding/base64"
	"html"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"lanyard/internal/cloud"
)

const (
	listener = "http://localhost:50123"
	verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk" // of RFC 7636 appendix B
)

// challenge is the S256 of a verifier.
func challenge(of string) string {
	sum := sha256.Sum256([]byte(of))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// authorizationURL spells an authorization request as MSAL sends it, with changes; "" takes a parameter away.
func authorizationURL(changes ...string) string {
	v := url.Values{
		"client_id": {cli}, "response_type": {"code"}, "redirect_uri": {listener}, "scope": {azScope}, "state": {"s t/a+te"},
		"nonce": {"n-0S6"}, "code_challenge": {challenge(verifier)}, "code_challenge_method": {"S256"}, "prompt": {"select_account"}, "client_info": {"1"},
	}
	for n := 0; n+1 < len(changes); n += 2 {
		if v.Set(changes[n], changes[n+1]); changes[n+1] == "" {
			v.Del(changes[n])
		}
	}
	return login + "/organizations/oauth2/v2.0/authorize?" + v.Encode()
}

// code walks an authorization request to its code.
func (w *world) code(t testing.TB, changes ...string) string {
	t.Helper()
	v := w.visit(t, authorizationURL(changes...)).shows(t, "Sign in").signIn(t)
	to, err := url.Parse(v.answer.header.Get("Location"))
	if err != nil || v.status != 302 || !strings.HasPrefix(to.String(), listener+"?") || to.Query().Get("state") != "s t/a+te" {
		t.Fatalf("%d to %s: %s", v.status, to, v.body)
	}
	return to.Query().Get("code")
}

// redeem spells the request that goes with code, with changes.
func redeem(code string, changes ...string) string {
	v, err := url.ParseQuery(formOf("client_id", cli, "grant_type", "authorization_code", "code", code, "redirect_uri", listener,
		"code_verifier", verifier, "client_info", "1", "scope", azScope))
	if err != nil {
		panic(err)
	}
	for n := 0; n+1 < len(changes); n += 2 {
		if v.Set(changes[n], changes[n+1]); changes[n+1] == "" {
			v.Del(changes[n])
		}
	}
	return v.Encode()
}

const commonToken = "/organizations/oauth2/v2.0/token"

func TestAPersonSignsInToAnAppByTheirBrowser(t *testing.T) { // wire-facts 2.3, RFC 7636
	w := start(t)
	a := w.post(t, commonToken, redeem(w.code(t)))
	var got tokens
	a.decode(t, &got)
	if a.status != 200 || got.Refresh == "" || got.Family != "1" {
		t.Fatalf("%d %s", a.status, a.body)
	}
	if claims := verify(t, w, got.Access, management); claims["upn"] != owner || claims["idtyp"] != "user" {
		t.Errorf("the token says %v", claims)
	}
	id := jwt.MapClaims{}
	if _, _, err := jwt.NewParser().ParseUnverified(got.ID, id); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]any{
		"aud": cli, "iss": login + "/" + string(tenant) + "/v2.0", "nonce": "n-0S6", "preferred_username": owner, "tid": string(tenant),
	} {
		if id[name] != want {
			t.Errorf("%s of the id token is %v, want %v", name, id[name], want)
		}
	}
	info, err := base64.RawURLEncoding.DecodeString(got.ClientInfo)
	if want := `{"uid":"` + string(w.person.ID) + `","utid":"` + string(tenant) + `"}`; err != nil || string(info) != want {
		t.Errorf("client_info is %s, want %s", info, want)
	}
}

func TestAnAnswerIsPostedToAnAppThatWantsItSo(t *testing.T) { // as MSAL for Python does
	w := start(t)
	v := w.visit(t, authorizationURL("response_mode", "form_post")).signIn(t).shows(t, "Back to your app")
	form := v.fields()
	if !strings.Contains(v.body, `action="`+listener+`"`) || form.Get("state") != "s t/a+te" {
		t.Errorf("the form is %s", v.body)
	}
	if a := w.post(t, commonToken, redeem(form.Get("code"))); a.status != 200 {
		t.Errorf("%d %s", a.status, a.body)
	}
}

func TestNothingIsSentBackToWhereTheAppDoesNotListen(t *testing.T) {
	w := start(t)
	for _, redirect := range []string{
		"https://evil.test/", "http://evil.test/", "http://localhost.evil.test/", "http://localhost@evil.test/", "http://127.0.0.1.evil.test",
		"http://localhost:1/#", "http://localhost:1/?next=x", "http://localhost:1/callback", "https://localhost:1", "//localhost:1", "javascript:alert(1)",
		"http://[::1]:1", "http://127.0.0.2:1", "http://localhost:1\\@evil.test", "http://evil.test\\.localhost", " http://localhost:1", "",
	} {
		v := w.visit(t, authorizationURL("redirect_uri", redirect))
		if v.status != 400 || v.answer.header.Get("Location") != "" || !strings.Contains(v.body, "AADSTS50011") && redirect != "" {
			t.Errorf("%q: %d %q %s", redirect, v.status, v.answer.header.Get("Location"), v.body)
		}
	}
	for _, redirect := range []string{"http://localhost", "http://localhost:1/", "http://127.0.0.1:65535", "http://127.0.0.1:8400/"} {
		w.visit(t, authorizationURL("redirect_uri", redirect)).shows(t, "Sign in")
	}
}

func TestAuthorizationRequestsThatAreRefused(t *testing.T) {
	w := start(t)
	for sentence, test := range map[string]struct {
		at   string
		code string
	}{
		"plain PKCE":               {authorizationURL("code_challenge_method", "plain"), "AADSTS9002313"},
		"PKCE of no method":        {authorizationURL("code_challenge_method", ""), "AADSTS9002313"},
		"no PKCE":                  {authorizationURL("code_challenge", ""), "AADSTS9002325"},
		"a challenge that is none": {authorizationURL("code_challenge", "short"), "AADSTS501491"},
		"a token at once":          {authorizationURL("response_type", "token"), "AADSTS9002313"},
		"an id token at once":      {authorizationURL("response_type", "code id_token"), "AADSTS9002313"},
		"an answer in a fragment":  {authorizationURL("response_mode", "fragment"), "AADSTS9002313"},
		"an unknown app":           {authorizationURL("client_id", "99999999-0000-4000-8000-000000000009"), "AADSTS700016"},
		"an app of the tenant":     {authorizationURL("client_id", string(w.app.Client)), "AADSTS50011"},
		"no app":                   {authorizationURL("client_id", ""), "AADSTS900144"},
		"an unknown resource":      {authorizationURL("scope", "https://vault.evil/.default"), "AADSTS500011"},
		"no scope":                 {authorizationURL("scope", ""), "AADSTS900144"},
		"two of one parameter":     {authorizationURL() + "&state=x", "AADSTS9002313"},
		"a foreign tenant":         {strings.Replace(authorizationURL(), "organizations", "99999999-0000-4000-8000-000000000009", 1), "AADSTS90002"},
	} {
		t.Run(sentence, func(t *testing.T) {
			v := w.visit(t, test.at).shows(t, "That did not work")
			if v.status < 400 || v.answer.header.Get("Location") != "" || !strings.Contains(v.body, test.code) {
				t.Errorf("%d %s", v.status, v.body)
			}
		})
	}
}

func TestNobodyIsAskedWhenNobodyIsToBe(t *testing.T) {
	w := start(t)
	v := w.visit(t, authorizationURL("prompt", "none"))
	if to := v.answer.header.Get("Location"); v.status != 302 || !strings.Contains(to, "error=login_required") || !strings.Contains(to, "state=s+t%2Fa%2Bte") {
		t.Errorf("%d to %s", v.status, to)
	}
	v = w.visit(t, authorizationURL()).fill(t, "answer", "no")
	if to := v.answer.header.Get("Location"); v.status != 302 || !strings.Contains(to, "error=access_denied") {
		t.Errorf("%d to %s", v.status, to)
	}
}

func TestACodeIsGoodOnceForWhoAskedForIt(t *testing.T) { // RFC 6749 section 4.1.3
	w := start(t)
	for sentence, test := range map[string]struct {
		changes []string
		number  int
	}{
		"another verifier":    {[]string{"code_verifier", strings.Repeat("a", 43)}, 501481},
		"the challenge":       {[]string{"code_verifier", challenge(verifier)}, 501481},
		"no verifier":         {[]string{"code_verifier", ""}, 501481},
		"another listener":    {[]string{"redirect_uri", "http://localhost:50124"}, 500112},
		"no listener":         {[]string{"redirect_uri", ""}, 500112},
		"another app's hands": {[]string{"client_id", "1950a258-227b-4e31-a9cf-717495945fc2"}, 70000},
		"a guess":             {[]string{"code", "guess"}, 70000},
	} {
		t.Run(sentence, func(t *testing.T) {
			w.refused(t, w.post(t, commonToken, redeem(w.code(t), test.changes...)), 400, "invalid_grant", test.number)
		})
	}
	code := w.code(t)
	w.wait(10 * time.Minute)
	w.refused(t, w.post(t, commonToken, redeem(code)), 400, "invalid_grant", 70008)
}

func TestACodeOpensNoMoreThanItWasAskedFor(t *testing.T) { // RFC 6749 section 3.3
	w := start(t)
	const graph = "https://graph.microsoft.com"
	for sentence, test := range map[string]struct {
		asked, sent string
		good        bool
	}{
		"a resource, of nobody's":        {"openid", management + "/.default", false},
		"the one of those without":       {"openid", graph + "/.default openid", false},
		"another resource":               {azScope, vault + "/.default", false},
		"another scope of the resource":  {graph + "/User.Read", graph + "/.default", false},
		"a refresh token on top":         {management + "/.default", management + "/.default offline_access", false},
		"an id token on top":             {management + "/.default", management + "/.default openid", false},
		"two resources":                  {azScope, azScope + " " + vault + "/.default", false},
		"the same":                       {azScope, azScope, true},
		"the same, in another order":     {azScope, "profile openid offline_access " + management + "/.default", true},
		"less":                           {azScope, management + "/.default", true},
		"nothing, which means the same":  {azScope, "", true},
		"openid alone, and nothing more": {"openid", "openid", true},
	} {
		t.Run(sentence, func(t *testing.T) {
			code := w.code(t, "scope", test.asked)
			a := w.post(t, commonToken, redeem(code, "scope", test.sent))
			if test.good {
				if a.status != 200 {
					t.Errorf("%d %s", a.status, a.body)
				}
				return
			}
			if a.status != 400 || !strings.Contains(a.body, `"error":"invalid_scope"`) {
				t.Errorf("%d %s", a.status, a.body)
			}
			// A request that was refused has not spent the code.
			if a := w.post(t, commonToken, redeem(code, "scope", test.asked)); a.status != 200 {
				t.Errorf("and then %d %s", a.status, a.body)
			}
		})
	}
	older := strings.Replace(redeem(w.code(t)), "scope=", "resource="+url.QueryEscape(vault)+"&x=", 1)
	w.refused(t, w.post(t, "/common/oauth2/token", older), 400, "invalid_scope", 70011)
}

func TestACodeThatComesTwiceEndsWhatItLedTo(t *testing.T) { // RFC 6749 section 4.1.2
	w := start(t)
	code := w.code(t)
	var got tokens
	w.post(t, commonToken, redeem(code)).decode(t, &got)
	if a := w.refresh(t, got.Refresh); a.status != 200 {
		t.Fatalf("%d %s", a.status, a.body)
	}
	w.refused(t, w.post(t, commonToken, redeem(code)), 400, "invalid_grant", 54005)
	w.refused(t, w.refresh(t, got.Refresh), 400, "invalid_grant", 70000)
}

func TestACodeThatComesTwiceAtOnceEndsWhatItLedTo(t *testing.T) { // RFC 6749 section 4.1.2
	w := start(t)
	for range 40 {
		form := redeem(w.code(t))
		answers := make(chan answer, 2)
		for range 2 {
			go func() { answers <- w.post(t, commonToken, form) }()
		}
		first, second := <-answers, <-answers
		if first.status == 200 {
			first, second = second, first
		}
		w.refused(t, first, 400, "invalid_grant", 54005)
		if second.status == 200 {
			var got tokens
			second.decode(t, &got)
			w.refused(t, w.refresh(t, got.Refresh), 400, "invalid_grant", 70000)
		} else {
			w.refused(t, second, 400, "invalid_grant", 54005)
		}
	}
	entries, _, err := w.store.List(t.Context(), cloud.KeysSession+"sessions/")
	if err != nil || len(entries) != 0 {
		t.Errorf("%d sessions are alive, %v", len(entries), err)
	}
}

func TestTheHintIsShownAndNeverRun(t *testing.T) {
	w := start(t)
	const nasty = `"><script>alert(1)</script>`
	v := w.visit(t, authorizationURL("login_hint", nasty)).shows(t, "Sign in")
	if strings.Contains(v.body, nasty) || !strings.Contains(html.UnescapeString(v.body), nasty) {
		t.Errorf("the page is %s", v.body)
	}
	if regexp.MustCompile(`(?i)<script`).MatchString(v.body) {
		t.Error("the page holds a script")
	}
}
