package entra

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"lanyard/internal/cloud"
	"lanyard/internal/fault"
)

// codeLife is how long an authorization code is good for.
const codeLife = 10 * time.Minute

// The ways in which an answer gets to the app (OAuth 2.0 Multiple Response Types section 2.1, OAuth
// 2.0 Form Post Response Mode section 2).
const (
	byQuery = "query"
	byForm  = "form_post"
)

// authorizationRequest is what an app sends a browser here for (RFC 6749 section 4.1.1).
type authorizationRequest struct {
	client    publicClient
	redirect  string
	mode      string
	state     string
	asked     requestedScopes
	nonce     string
	challenge string
	hint      string // the name to sign in by
	silent    bool   // prompt=none: nobody is to be asked
}

// authorizationCode is a code that was given out, under its hash.
type authorizationCode struct {
	expiring
	Client    cloud.ClientID    `json:"client"`
	Redirect  string            `json:"redirect"`
	Challenge string            `json:"challenge"`
	Asked     requestedScopes   `json:"asked"`
	Nonce     string            `json:"nonce,omitempty"`
	Person    cloud.PrincipalID `json:"person"`
	Begun     time.Time         `json:"begun"`
	// Spent and Session, the id of the session that comes of it, are set when the code is redeemed, and
	// Twice when it comes again.
	Spent   bool   `json:"spent,omitempty"`
	Session string `json:"session,omitempty"`
	Twice   bool   `json:"twice,omitempty"`
}

// readAuthorization reads an authorization request. Nothing goes to a redirect URI before this has
// found it to be one of the client's own, so every error here is shown to the person.
func (d *Door) readAuthorization(r *http.Request) (authorizationRequest, error) {
	if _, err := d.home(r); err != nil {
		return authorizationRequest{}, err
	}
	q, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return authorizationRequest{}, malformed("its query cannot be read")
	}
	for name, values := range q {
		if len(values) > 1 {
			return authorizationRequest{}, malformed("it gives %s more than once", fault.Clip(name))
		}
	}
	client, err := d.public(q.Get("client_id"))
	if err != nil {
		return authorizationRequest{}, err
	}
	e := authorizationRequest{
		client: client, redirect: q.Get("redirect_uri"), mode: q.Get("response_mode"), state: q.Get("state"), nonce: q.Get("nonce"),
		challenge: q.Get("code_challenge"), hint: q.Get("login_hint"), silent: q.Get("prompt") == "none",
	}
	if !isLoopback(e.redirect) {
		return authorizationRequest{}, refuse(50011, "The redirect URI '%s' specified in the request does not match the redirect URIs configured for the application '%s'. It is http://localhost or http://127.0.0.1 with any port.", fault.Clip(e.redirect), client.ID)
	}
	if e.mode == "" {
		e.mode = byQuery
	}
	if e.asked, err = requestedAt(q); err != nil {
		return authorizationRequest{}, err
	}
	if _, err := d.find(e.asked.Resource); err != nil {
		return authorizationRequest{}, err
	}
	return e, e.check(q)
}

func requestedAt(q url.Values) (requestedScopes, error) {
	switch {
	case q.Get("scope") == "" && q.Get("resource") == "":
		return requestedScopes{}, missing("scope")
	case q.Get("resource") != "": // as the v1 endpoint names it
		return requestedScopes{Resource: q.Get("resource"), Scopes: strings.Fields(q.Get("scope"))}, nil
	}
	return delegated(q.Get("scope"))
}

// check refuses what is not offered. PKCE is asked of everybody, and by S256 alone: with plain, who
// sees the request can redeem the code (RFC 7636 section 7.2).
func (e authorizationRequest) check(q url.Values) error {
	switch {
	case q.Get("response_type") != "code":
		return refuse(9002313, "Invalid request. Lanyard offers response_type=code alone, not '%s'.", fault.Clip(q.Get("response_type")))
	case !slices.Contains([]string{byQuery, byForm}, e.mode):
		return refuse(9002313, "Invalid request. Lanyard offers the response modes query and form_post, not '%s'.", fault.Clip(e.mode))
	case e.challenge == "":
		return refuse(9002325, "Proof Key for Code Exchange is required for authorization code redemption: the request has no code_challenge.")
	case q.Get("code_challenge_method") != "S256":
		return refuse(9002313, "Invalid request. The code_challenge_method is S256 and nothing else.")
	}
	if sum, err := base64.RawURLEncoding.Strict().DecodeString(e.challenge); err != nil || len(sum) != 32 {
		return refuse(501491, "Invalid size of Code_Challenge parameter.")
	}
	if len(e.state) > 4096 || len(e.nonce) > 1024 {
		return malformed("its state or nonce is too long")
	}
	return nil
}

// authorize shows the sign-in page.
func (d *Door) authorize(w http.ResponseWriter, r *http.Request) error {
	e, err := d.readAuthorization(r)
	if err != nil {
		return err
	}
	if e.silent {
		return d.sendBack(w, e, url.Values{"error": {"login_required"},
			"error_description": {"AADSTS50058: A silent sign-in request was sent but no user is signed in. Lanyard keeps no session in the browser."}})
	}
	return d.show(w, r, page{Step: stepPassword, Client: e.client.Name, Name: e.hint, To: origin(e.redirect)})
}

// signInHere takes what the person entered on the page, and sends them back to the app.
func (d *Door) signInHere(w http.ResponseWriter, r *http.Request) error {
	e, err := d.readAuthorization(r)
	if err != nil {
		return err
	}
	entered, err := d.entered(r)
	if err != nil {
		return err
	}
	if entered.Get("answer") == "no" {
		return d.sendBack(w, e, url.Values{"error": {"access_denied"}, "error_description": {"AADSTS65004: User declined to consent to access the app."}})
	}
	who, err := d.recognise(r.Context(), entered.Get("name"), cloud.Seal(entered.Get("password")))
	if err != nil {
		return d.show(w, r, page{Step: stepPassword, Client: e.client.Name, Name: entered.Get("name"), To: origin(e.redirect), Wrong: err})
	}
	code, err := d.draw(32)
	if err != nil {
		return err
	}
	now := d.now().UTC()
	if err := d.create(r.Context(), keysCode+hash(code), authorizationCode{
		expiring: d.lasting(codeLife), Client: e.client.ID, Redirect: e.redirect, Challenge: e.challenge, Asked: e.asked,
		Nonce: e.nonce, Person: who.ID, Begun: now,
	}); err != nil {
		return err
	}
	return d.sendBack(w, e, url.Values{"code": {code}})
}

// sendBack hands an answer to the app (RFC 6749 sections 4.1.2 and 4.1.2.1), its state with it.
func (d *Door) sendBack(w http.ResponseWriter, e authorizationRequest, answer url.Values) error {
	if e.state != "" {
		answer.Set("state", e.state)
	}
	if e.mode == byForm {
		return d.showReturn(w, e.redirect, answer)
	}
	pageHeaders(w, "", "")
	w.Header().Set("Location", e.redirect+"?"+answer.Encode())
	w.WriteHeader(http.StatusFound)
	return nil
}

// origin gives scheme, host and port of a URI that isLoopback.
func origin(redirect string) string {
	u, err := url.Parse(redirect)
	if err != nil {
		return ""
	}
	return u.Scheme + "://" + u.Host
}
