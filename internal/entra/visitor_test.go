package entra_test

import (
	"html"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
)

// visitor is a browser at the sign-in page, as far as forms and cookies go.
type visitor struct {
	w      *world
	at     string // the URL of the page
	cookie string
	header map[string]string // of every form that is sent
	answer                   // the last one
}

func (w *world) visit(t testing.TB, at string) *visitor {
	t.Helper()
	v := &visitor{w: w, at: at, header: map[string]string{"Origin": login, "Sec-Fetch-Site": "same-origin"}}
	v.answer = v.do(t, "GET", "")
	cookie, _, _ := strings.Cut(v.answer.header.Get("Set-Cookie"), ";")
	v.cookie = cookie
	return v
}

func (v *visitor) do(t testing.TB, method, body string) answer {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, v.at, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if v.cookie != "" {
		r.Header.Set("Cookie", v.cookie)
	}
	if method == "POST" {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		for name, value := range v.header {
			r.Header.Set(name, value)
		}
	}
	c := *v.w.client
	c.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	response, err := c.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{response.StatusCode, response.Header, string(text)}
}

var hidden = regexp.MustCompile(`<input type="hidden" name="(\w+)" value="([^"]*)"`)

// fields gives what the page's form holds without anybody's doing.
func (v *visitor) fields() url.Values {
	all := url.Values{}
	for _, m := range hidden.FindAllStringSubmatch(v.body, -1) {
		all.Set(m[1], html.UnescapeString(m[2]))
	}
	return all
}

// fill sends the page's form with what a person enters, name by name.
func (v *visitor) fill(t testing.TB, entered ...string) *visitor {
	t.Helper()
	form := v.fields()
	for n := 0; n+1 < len(entered); n += 2 {
		form.Set(entered[n], entered[n+1])
	}
	v.answer = v.do(t, "POST", form.Encode())
	return v
}

// shows fails unless the page has a heading.
func (v *visitor) shows(t testing.TB, heading string) *visitor {
	t.Helper()
	if !strings.Contains(v.body, "<h1>"+heading+"</h1>") {
		t.Fatalf("%d, want the page %q: %s %s", v.status, heading, v.answer.header.Get("Location"), v.body)
	}
	return v
}

// signIn enters the owner's name and password.
func (v *visitor) signIn(t testing.TB) *visitor {
	t.Helper()
	return v.fill(t, "name", owner, "password", v.w.password.Open(), "answer", "yes")
}

// approve walks a device's sign-in from the code to the end.
func (w *world) approve(t testing.TB, code string) {
	t.Helper()
	v := w.visit(t, login+"/devicelogin").shows(t, "Enter code")
	v.fill(t, "code", code).shows(t, "Sign in")
	v.signIn(t).shows(t, "Continue?")
	v.fill(t, "answer", "yes").shows(t, "Done")
}
