package entra

import (
	"encoding/json"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"lanyard/internal/cloud"
	"lanyard/internal/httpkit"
)

// maxParameters bounds how many parameters a token request may have.
const maxParameters = 64

// request is a token request that names everything a grant needs; unknown parameters are ignored.
type request struct {
	grant         string
	client        string
	secret        cloud.Sealed
	basic         bool         // the credential came in the Authorization header
	assertion     cloud.Sealed // it came as a client assertion
	assertionType string
	scope         string
	resource      string // of the v1 endpoint
	capabilities  []string
	// What people's sign-ins are redeemed with.
	code     cloud.Sealed
	verifier cloud.Sealed
	redirect string
	device   cloud.Sealed
	refresh  cloud.Sealed
	who      bool // client_info is wanted
}

// single are the parameters that mean something here, and so may be given once.
var single = []string{
	"grant_type", "client_id", "client_secret", "client_assertion", "client_assertion_type", "scope", "resource", "claims",
	"code", "code_verifier", "redirect_uri", "device_code", "refresh_token", "client_info",
}

// read gives the parameters of a token request. Only the body counts: what stands in the query is
// telemetry (wire-facts: "Token requests as sent").
func read(r *http.Request) (request, error) {
	body, err := httpkit.ReadBody(r)
	if err != nil {
		return request{}, err
	}
	media, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if media != "application/x-www-form-urlencoded" {
		body = nil // as Entra has it: the parameters are not there
	}
	q, err := parse(string(body))
	if err != nil {
		return request{}, err
	}
	return q, q.authenticate(r)
}

// parse reads the form of a token request.
func parse(body string) (request, error) {
	if strings.Count(body, "&") >= maxParameters {
		return request{}, malformed("it has more than %d parameters", maxParameters)
	}
	form, err := url.ParseQuery(body)
	if err != nil {
		return request{}, malformed("its body is not a form")
	}
	for _, name := range single {
		if len(form[name]) > 1 {
			return request{}, malformed("it gives %s more than once", name)
		}
	}
	q := request{
		grant:         form.Get("grant_type"),
		client:        form.Get("client_id"),
		secret:        cloud.Seal(form.Get("client_secret")),
		assertion:     cloud.Seal(form.Get("client_assertion")),
		assertionType: form.Get("client_assertion_type"),
		scope:         form.Get("scope"),
		resource:      form.Get("resource"),
		code:          cloud.Seal(form.Get("code")),
		verifier:      cloud.Seal(form.Get("code_verifier")),
		redirect:      form.Get("redirect_uri"),
		device:        cloud.Seal(form.Get("device_code")),
		refresh:       cloud.Seal(form.Get("refresh_token")),
		who:           form.Get("client_info") == "1",
	}
	q.capabilities, err = capabilities(form.Get("claims"))
	return q, err
}

// authenticate takes client id and secret from a Basic header when there is one (RFC 6749 section
// 2.3.1, where both are form-encoded first). Two ways at once are refused, as are two ids.
func (q *request) authenticate(r *http.Request) error {
	user, password, there := r.BasicAuth()
	if !there {
		return nil
	}
	id, err1 := url.QueryUnescape(user)
	secret, err2 := url.QueryUnescape(password)
	switch {
	case err1 != nil || err2 != nil:
		return malformed("its Authorization header is not form-encoded")
	case !q.secret.IsZero() || !q.assertion.IsZero():
		return malformed("it authenticates in more than one way")
	case q.client != "" && !strings.EqualFold(q.client, id):
		return malformed("its client_id is not that of its Authorization header")
	}
	q.client, q.secret, q.basic = id, cloud.Seal(secret), true
	return nil
}

// capabilities reads what a client says of itself in the claims parameter (OpenID Connect Core
// section 5.5): of the capabilities only cp1, which promises to understand claims challenges,
// means anything. Requests for other claims are those that every new token fulfils.
func capabilities(claims string) ([]string, error) {
	if claims == "" {
		return nil, nil
	}
	var asked struct {
		AccessToken struct {
			Capabilities struct {
				Values []string `json:"values"`
			} `json:"xms_cc"`
		} `json:"access_token"`
	}
	if err := json.Unmarshal([]byte(claims), &asked); err != nil {
		return nil, malformed("its claims parameter is not a claims request")
	}
	if slices.ContainsFunc(asked.AccessToken.Capabilities.Values, func(v string) bool { return strings.EqualFold(v, "cp1") }) {
		return []string{"cp1"}, nil
	}
	return nil, nil
}

func missing(parameter string) error {
	return refuse(900144, "The request body must contain the following parameter: '%s'.", parameter)
}

func malformed(format string, args ...any) error {
	f := refuse(9002313, format, args...)
	f.Public = "Invalid request. Request is malformed or invalid: " + f.Public + "."
	return f
}
