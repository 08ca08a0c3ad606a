package entra

import (
	"bytes"
	"crypto/sha256"
	"crypto/subtle"
	"embed"
	"encoding/base64"
	"html/template"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"

	"lanyard/internal/fault"
	"lanyard/internal/httpkit"
)

//go:embed page.html page.css return.html
var files embed.FS

// The steps of the page.
const (
	stepCode     = "code"     // which code an app shows
	stepPassword = "password" // who is there
	stepConfirm  = "confirm"  // whether the app may go on
	stepDone     = "done"     // it is over, and well
	stepRefused  = "refused"  // it is over, with a reason
)

// page is what the one page shows.
type page struct {
	Step     string
	Client   string // the app that asks, by a name that it did not choose
	Name     string // of the person
	Code     string // the user code
	Ticket   string // what shows that the password was right
	Wrong    error  // what to do better
	Said     string // on a last page
	Detail   string // below it, in small
	To       string // the origin that the browser goes to next, when it is not this one
	Question string // filled in: what repeats in every form, so that no other site can send one

	Status int // of the answer; 0 means 200
	Style  template.CSS
}

// Message is Wrong for people.
func (p page) Message() string {
	if p.Wrong == nil {
		return ""
	}
	return fault.Of(p.Wrong).Public
}

// look is the parsed page with its style.
type look struct {
	page, back *template.Template
	style      string
}

var appearance = sync.OnceValue(func() look {
	style, err := files.ReadFile("page.css")
	if err != nil {
		panic(err) // it is embedded
	}
	parse := func(name string) *template.Template { return template.Must(template.ParseFS(files, name)) }
	return look{page: parse("page.html"), back: parse("return.html"), style: string(style)}
})

// pin gives a Content-Security-Policy source for one inline text (CSP Level 3 section 8.3).
func pin(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

// submit is the one line of script there is: on the page that returns to the app, which has a button
// for those who run no scripts.
const submit = "document.forms[0].submit()"

// pageHeaders lets a page do nothing but what it is for: no frames, no scripts but the one given, and
// forms that lead back here or to one origin more. The policy holds for where a form's answer
// redirects to as well, which is how a browser gets back to the app.
func pageHeaders(w http.ResponseWriter, script, to string) {
	policy := "default-src 'none'; base-uri 'none'; frame-ancestors 'none'; style-src " + pin(appearance().style) +
		"; form-action 'self'"
	if to != "" {
		policy += " " + to
	}
	if script != "" {
		policy += "; script-src " + pin(script)
	}
	h := w.Header()
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Frame-Options", "DENY")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "same-origin")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cache-Control", "no-store")
}

// show answers with the page. What was wrong makes it a 400, so that no cache or history keeps it.
func (d *Door) show(w http.ResponseWriter, r *http.Request, p page) error {
	if p.Wrong != nil {
		d.mistaken(r, p.Name, p.Wrong)
	}
	asked, err := d.question(w, r)
	if err != nil {
		return err
	}
	p.Question, p.Style = asked, template.CSS(appearance().style) //nolint:gosec // our own, embedded
	var out bytes.Buffer
	if err := appearance().page.Execute(&out, p); err != nil {
		return err
	}
	pageHeaders(w, "", p.To)
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	switch {
	case p.Wrong != nil:
		w.WriteHeader(http.StatusBadRequest)
	case p.Status != 0:
		w.WriteHeader(p.Status)
	}
	_, err = w.Write(out.Bytes())
	return err
}

// showReturn answers with a form that leads back to the app (OAuth 2.0 Form Post Response Mode
// section 4).
func (d *Door) showReturn(w http.ResponseWriter, to string, answer url.Values) error {
	var out bytes.Buffer
	err := appearance().back.Execute(&out, map[string]any{
		"To": to, "Answer": answer, "Style": template.CSS(appearance().style), "Script": template.JS(submit), //nolint:gosec // our own
	})
	if err != nil {
		return err
	}
	pageHeaders(w, submit, origin(to))
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, err = w.Write(out.Bytes())
	return err
}

// SpeakPage spells a fault for the person in front of a browser.
func (d *Door) SpeakPage(w http.ResponseWriter, r *http.Request, f *fault.Error) {
	sentence := f.Public
	if f.Hint != "" {
		sentence += " Try: " + f.Hint
	}
	trace, _ := ids(r)
	code, how := spelled(f)
	p := page{Step: stepRefused, Said: sentence, Detail: prefix + strconv.Itoa(code) + " · " + trace, Status: how.status}
	if err := d.show(w, r, p); err != nil {
		w.WriteHeader(http.StatusInternalServerError)
	}
}

// question gives what every form of a browser repeats: it stands for a cookie that other sites can
// neither read nor set, and that a browser does not send for them (double submit).
func (d *Door) question(w http.ResponseWriter, r *http.Request) (string, error) {
	if c, err := r.Cookie(cookieName(r)); err == nil && len(c.Value) == 43 {
		return hash("form " + c.Value), nil
	}
	value, err := d.draw(32)
	if err != nil {
		return "", err
	}
	http.SetCookie(w, &http.Cookie{
		Name: cookieName(r), Value: value, Path: "/", HttpOnly: true, Secure: r.TLS != nil, SameSite: http.SameSiteStrictMode,
	})
	return hash("form " + value), nil
}

// cookieName carries the prefix by which browsers keep other hosts from setting a cookie
// (RFC 6265bis section 4.1.3.2), where there is TLS to ask for it.
func cookieName(r *http.Request) string {
	if r.TLS != nil {
		return "__Host-signin"
	}
	return "signin"
}

// entered gives what a form of ours was filled in with. A form that another site sent is refused:
// by the headers that browsers add to say so, and by the cookie's answer.
func (d *Door) entered(r *http.Request) (url.Values, error) {
	body, err := httpkit.ReadBody(r)
	if err != nil {
		return nil, err
	}
	form, err := url.ParseQuery(string(body))
	if err != nil || strings.Count(string(body), "&") >= maxParameters {
		return nil, malformed("its body is not a form")
	}
	own := "http://" + r.Host
	if r.TLS != nil {
		own = "https://" + r.Host
	}
	from, there := r.Header["Origin"]
	site := r.Header.Get("Sec-Fetch-Site")
	cookie, err := r.Cookie(cookieName(r))
	if there && (len(from) != 1 || !strings.EqualFold(from[0], own)) || site != "" && site != "same-origin" || err != nil ||
		subtle.ConstantTimeCompare([]byte(hash("form "+cookie.Value)), []byte(form.Get("question"))) != 1 {
		return nil, refuse(9002313, "This form was not sent from its own page, or the page is too old. Go back and begin again.")
	}
	return form, nil
}
