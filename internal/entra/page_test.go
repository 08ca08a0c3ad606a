package entra_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"
)

var inline = regexp.MustCompile(`(?s)<(style|script)>(.*?)</`)

func TestThePageLetsNothingInFromOutside(t *testing.T) {
	w := start(t)
	posted := w.visit(t, authorizationURL("response_mode", "form_post")).signIn(t)
	for name, v := range map[string]*visitor{
		"sign in":    w.visit(t, authorizationURL()),
		"enter code": w.visit(t, login+"/devicelogin"),
		"the same":   w.visit(t, login+"/common/oauth2/deviceauth"),
		"a refusal":  w.visit(t, authorizationURL("client_id", "x")),
		"signed out": w.visit(t, login+"/common/oauth2/v2.0/logout?post_logout_redirect_uri=https://evil.test"),
		"the return": posted,
	} {
		t.Run(name, func(t *testing.T) {
			h := v.answer.header
			policy := h.Get("Content-Security-Policy")
			for _, want := range []string{"default-src 'none'", "base-uri 'none'", "frame-ancestors 'none'", "form-action 'self'"} {
				if !strings.Contains(policy, want) {
					t.Errorf("the policy %q lacks %q", policy, want)
				}
			}
			if strings.Contains(policy, "unsafe") || strings.Contains(policy, "*") || h.Get("X-Frame-Options") != "DENY" ||
				h.Get("X-Content-Type-Options") != "nosniff" || h.Get("Cache-Control") != "no-store" {
				t.Errorf("headers %v", h)
			}
			if regexp.MustCompile(`(?i)(src|href)=|url\(|@import|style="|\son\w+=`).MatchString(v.body) {
				t.Errorf("the page asks for something from outside, or runs something: %s", v.body)
			}
			for _, m := range inline.FindAllStringSubmatch(v.body, -1) {
				sum := sha256.Sum256([]byte(m[2]))
				if !strings.Contains(policy, "'sha256-"+base64.StdEncoding.EncodeToString(sum[:])+"'") {
					t.Errorf("the policy does not allow the page's own %s", m[1])
				}
			}
			if strings.Contains(v.body, "evil.test") || h.Get("Location") != "" {
				t.Error("the page leads elsewhere")
			}
		})
	}
}

func TestThePageCanBeReadByEverybody(t *testing.T) { // WCAG 2.2: 1.3.1, 1.3.5, 2.4.2, 3.1.1, 3.3.1, 3.3.2
	w := start(t)
	v := w.visit(t, authorizationURL("login_hint", owner)).fill(t, "name", owner, "password", "wrong", "answer", "yes")
	for _, want := range []string{
		`<html lang="en">`, `<title>Sign in`, `<label for="name">`, `id="name"`, `<label for="password">`, `id="password"`,
		`autocomplete="username"`, `autocomplete="current-password"`, `role="alert"`, `aria-describedby="wrong"`,
		`name="viewport"`, `value="` + owner + `"`,
	} {
		if !strings.Contains(v.body, want) {
			t.Errorf("the page lacks %s", want)
		}
	}
	if v.status != 400 || strings.Contains(v.body, `value="wrong"`) {
		t.Errorf("%d: the password comes back", v.status)
	}
}

func TestAFormOfAnotherSiteIsRefused(t *testing.T) { // CSRF
	w := start(t)
	for sentence, spoil := range map[string]func(v *visitor) []string{
		"another origin":                    func(v *visitor) []string { v.header["Origin"] = "https://evil.test"; return nil },
		"no origin that can be named":       func(v *visitor) []string { v.header["Origin"] = "null"; return nil },
		"our name with another scheme":      func(v *visitor) []string { v.header["Origin"] = "http://login.microsoftonline.com"; return nil },
		"another site, as the browser says": func(v *visitor) []string { v.header["Sec-Fetch-Site"] = "cross-site"; return nil },
		"a neighbour, as the browser says":  func(v *visitor) []string { v.header["Sec-Fetch-Site"] = "same-site"; return nil },
		"no cookie":                         func(v *visitor) []string { v.cookie = ""; return nil },
		"another cookie":                    func(v *visitor) []string { v.cookie = "__Host-signin=" + strings.Repeat("A", 43); return nil },
		"no answer to the cookie":           func(*visitor) []string { return []string{"question", ""} },
		"a wrong answer to the cookie":      func(*visitor) []string { return []string{"question", "wrong"} },
	} {
		t.Run(sentence, func(t *testing.T) {
			v := w.visit(t, authorizationURL()).shows(t, "Sign in")
			entered := append(spoil(v), "name", owner, "password", w.password.Open(), "answer", "yes")
			v.fill(t, entered...).shows(t, "That did not work")
			if v.status != 400 || v.answer.header.Get("Location") != "" {
				t.Errorf("%d to %s", v.status, v.answer.header.Get("Location"))
			}
		})
	}
}

func TestTheCookieIsThePagesAlone(t *testing.T) {
	w := start(t)
	set := w.visit(t, authorizationURL()).answer.header.Get("Set-Cookie")
	for _, want := range []string{"__Host-signin=", "; Path=/", "; HttpOnly", "; Secure", "; SameSite=Strict"} {
		if !strings.Contains(set, want) {
			t.Errorf("the cookie %q lacks %q", set, want)
		}
	}
	// Without TLS, on loopback, there is no prefix to be had.
	r := httptest.NewRequest("GET", "/devicelogin", nil)
	r.Host = "login.lanyard.localhost:4140"
	plain := httptest.NewRecorder()
	w.door.Pages().ServeHTTP(plain, r)
	if set := plain.Header().Get("Set-Cookie"); plain.Code != 200 || !strings.HasPrefix(set, "signin=") || strings.Contains(set, "Secure") {
		t.Errorf("%d, cookie %q", plain.Code, set)
	}
}

func TestNoTokenIsGivenOutWithoutTLS(t *testing.T) {
	w := start(t)
	for _, path := range []string{tokenPath, "/common/oauth2/v2.0/devicecode", "/common/oauth2/token"} {
		r := httptest.NewRequest("POST", path, strings.NewReader(w.form()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		got := httptest.NewRecorder()
		w.door.Pages().ServeHTTP(got, r)
		if got.Code != http.StatusNotFound {
			t.Errorf("%s: %d %s", path, got.Code, got.Body)
		}
	}
}

func TestWhoIsWrongTenTimesIsToldToWait(t *testing.T) { // T20
	w := start(t)
	v := w.visit(t, authorizationURL())
	guess := func(name, password string) string {
		v.fill(t, "name", name, "password", password, "answer", "yes")
		if v.status == 302 {
			return "in"
		}
		if strings.Contains(v.body, "too many") {
			return "wait"
		}
		return "wrong"
	}
	for range 10 {
		if a, b := guess("nobody@lanyard.localhost", "x"), guess("Owner@Lanyard.localhost ", "x"); a != "wrong" || b != a {
			t.Fatalf("nobody: %s, somebody: %s", a, b)
		}
	}
	if a, b := guess("nobody@lanyard.localhost", "x"), guess(owner, "x"); a != "wait" || b != a {
		t.Errorf("after ten, nobody: %s, somebody: %s", a, b)
	}
	w.wait(5 * time.Minute)
	if got := guess(owner, "x"); got != "wrong" {
		t.Errorf("after five minutes: %s", got)
	}
}

func TestNobodyIsLockedOutByAnothersGuesses(t *testing.T) { // T20
	w := start(t)
	v := w.visit(t, authorizationURL())
	for range 20 {
		v.fill(t, "name", owner, "password", "x", "answer", "yes").shows(t, "Sign in")
	}
	if v.signIn(t); v.status != 302 {
		t.Errorf("the right password, after twenty wrong ones: %d %s", v.status, v.body)
	}
}

func TestOnlyPeopleSignInByThePage(t *testing.T) {
	w := start(t)
	w.visit(t, authorizationURL()).fill(t, "name", "ci", "password", w.secret.Open(), "answer", "yes").shows(t, "Sign in")
	w.visit(t, authorizationURL()).fill(t, "name", string(w.app.Client), "password", w.secret.Open(), "answer", "yes").shows(t, "Sign in")
	w.wait(25 * time.Hour)
	v := w.visit(t, authorizationURL()).signIn(t).shows(t, "Sign in")
	if !strings.Contains(v.body, "The password is expired.") {
		t.Errorf("an expired password: %s", v.body)
	}
	w.refused(t, w.post(t, tokenPath, w.form("client_id", string(w.person.ID), "client_secret", w.password.Open())), 400, "unauthorized_client", 700016)
}

func TestUserRealms(t *testing.T) { // wire-facts 2.1
	w := start(t)
	for _, test := range []struct{ path, want string }{
		{"/common/userrealm/owner@lanyard.localhost?api-version=1.0", `{"ver":"1.0","account_type":"Managed","domain_name":"lanyard.localhost","cloud_instance_name":"microsoftonline.com","cloud_audience_urn":"urn:federation:MicrosoftOnline"}`},
		{"/common/userrealm/nobody@lanyard.localhost?api-version=1.0", `{"ver":"1.0","account_type":"Managed","domain_name":"lanyard.localhost","cloud_instance_name":"microsoftonline.com","cloud_audience_urn":"urn:federation:MicrosoftOnline"}`},
		{"/common/userrealm/x@contoso.com?api-version=1.0", `{"ver":"1.0","account_type":"Unknown","cloud_instance_name":"microsoftonline.com","cloud_audience_urn":"urn:federation:MicrosoftOnline"}`},
		{"/common/userrealm?user=owner@lanyard.localhost&api-version=2.1", `{"NameSpaceType":"Managed","Login":"owner@lanyard.localhost","DomainName":"lanyard.localhost","FederationBrandName":"lanyard.localhost","cloud_instance_name":"microsoftonline.com","cloud_audience_urn":"urn:federation:MicrosoftOnline"}`},
	} {
		a := w.get(t, login+test.path)
		if a.status != 200 || a.body != test.want || !json.Valid([]byte(a.body)) {
			t.Errorf("%s: %d %s", test.path, a.status, a.body)
		}
	}
	w.refused(t, w.get(t, login+"/common/userrealm/a@b?api-version=9"), 400, "invalid_request", 9002313)
	w.refused(t, w.get(t, login+"/common/userrealm?api-version=1.0"), 400, "invalid_request", 900144)
}
