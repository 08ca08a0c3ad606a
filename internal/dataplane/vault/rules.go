package vault

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"unicode/utf8"

	"lanyard/internal/fault"
	"lanyard/internal/httpkit"
)

// The service's bounds (Azure's documentation "About secrets").
const (
	maxName        = 127
	maxValue       = 25 << 10 // bytes
	maxContentType = 255
	maxTags        = 15
	maxTagText     = 512          // characters, of a name as of a value
	maxTime        = 253402300799 // the last second of the year 9999
	latestVersion  = "2026-04-01"
)

// apiVersions matches every published version of the API and those that can follow: 2015-06-01 and
// 2016-10-01, 7.0 and up, and the dates that came after (wire-facts: "Key Vault": accept any).
var apiVersions = regexp.MustCompile(`^(7\.\d{1,2}|20\d\d-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01]))(-preview(\.\d{1,2})?)?$`)

func apiVersion(query url.Values) (string, error) {
	given := query["api-version"]
	switch {
	case len(given) == 0 || len(given) == 1 && given[0] == "":
		return "", badParameter("api-version must be specified")
	case len(given) > 1:
		return "", badParameter("api-version must be specified once")
	case !apiVersions.MatchString(given[0]):
		return "", badParameter("The specified version (%s) is not recognized. Consider using the latest supported version (%s).",
			fault.Clip(given[0]), latestVersion)
	}
	return given[0], nil
}

func badParameter(format string, args ...any) *fault.Error {
	return fault.New(fault.Invalid, "BadParameter", format, args...)
}

func badName(name string) *fault.Error {
	return badParameter("The request URI contains an invalid name: %s", fault.Clip(name))
}

// isName holds a secret's name against the rule of the service: 1 to 127 letters of ASCII, digits and dashes.
func isName(s string) bool {
	if s == "" || len(s) > maxName {
		return false
	}
	return strings.IndexFunc(s, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-')
	}) < 0
}

// isVersion tells the 32 hexadecimal digits that versions are.
func isVersion(s string) bool {
	return len(s) == 32 && strings.Trim(strings.ToLower(s), "0123456789abcdef") == ""
}

// parameters is the body of set and update (specs: SecretSetParameters, SecretUpdateParameters).
type parameters struct {
	Value       *string           `json:"value"`
	ContentType *string           `json:"contentType"`
	Attributes  *wantedAttributes `json:"attributes"`
	Tags        map[string]string `json:"tags"`
}

// wantedAttributes are those a client can set, and those it may send back as it was given them.
type wantedAttributes struct {
	Enabled *bool  `json:"enabled"`
	NBF     *int64 `json:"nbf"`
	Exp     *int64 `json:"exp"`

	Created         json.RawMessage `json:"created"`
	Updated         json.RawMessage `json:"updated"`
	RecoveryLevel   json.RawMessage `json:"recoveryLevel"`
	RecoverableDays json.RawMessage `json:"recoverableDays"`
}

// readParameters reads a body of set or update and holds it against the rules that both share.
func readParameters(r *http.Request) (parameters, error) {
	var p parameters
	body, err := httpkit.ReadBody(r)
	if err != nil {
		return p, err
	}
	if !utf8.Valid(body) {
		return p, badParameter("The body of the request is not UTF-8.")
	}
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&p); err != nil {
		return p, badParameter("The body of the request is not a secret's parameters: %s.", fault.Clip(strings.TrimPrefix(err.Error(), "json: ")))
	}
	if _, err := decoder.Token(); err != io.EOF {
		return p, badParameter("The body of the request goes on after its JSON object.")
	}
	return p, p.check()
}

func (p parameters) check() error {
	if p.Value != nil && len(*p.Value) > maxValue {
		return badParameter("The secret's value is larger than %d bytes.", maxValue)
	}
	if p.ContentType != nil && utf8.RuneCountInString(*p.ContentType) > maxContentType {
		return badParameter("The secret's contentType is longer than %d characters.", maxContentType)
	}
	if len(p.Tags) > maxTags {
		return badParameter("The secret has %d tags; at most %d are allowed.", len(p.Tags), maxTags)
	}
	for name, value := range p.Tags {
		if utf8.RuneCountInString(name) > maxTagText || utf8.RuneCountInString(value) > maxTagText {
			return badParameter("A tag of the secret has more than %d characters in its name or value.", maxTagText)
		}
	}
	if p.Attributes == nil {
		return nil
	}
	for _, at := range []*int64{p.Attributes.NBF, p.Attributes.Exp} {
		if at != nil && (*at < 0 || *at > maxTime) {
			return badParameter("The secret's nbf or exp is not a number of seconds since 1970.")
		}
	}
	return nil
}
