package msi

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"

	"lanyard/internal/fault"
	"lanyard/internal/httpkit"
)

// The codes of faults, from which each dialect makes its own.
const (
	codeInvalid  = "BadRequest"
	codeMissing  = "ManagedIdentityNotFound"
	codeVersion  = "UnsupportedApiVersion"
	codeStranger = "Unauthorized"
	codeResource = "AADSTS500011"
	codeTooMany  = "TooManyRequests"
	codeAbsent   = "NotFound"
	codeKey      = "KeyNeeded" // of Arc's challenge
)

type refusal struct {
	StatusCode  int    `json:"statusCode"`
	Message     string `json:"message"`
	Correlation string `json:"correlationId"`
}

type versionRefusal struct {
	Error struct {
		Code    string `json:"code"`
		Message string `json:"message"`
	} `json:"error"`
}

// imdsRefusal is the body of IMDS and Arc; what follows the description comes from Entra alone.
type imdsRefusal struct {
	Error       string `json:"error"`
	Description string `json:"error_description"`
	Codes       []int  `json:"error_codes,omitempty"`
	Timestamp   string `json:"timestamp,omitempty"`
	Trace       string `json:"trace_id,omitempty"`
	Correlation string `json:"correlation_id,omitempty"`
}

// sentence is what a fault says in any dialect.
func sentence(f *fault.Error) string {
	if f.Hint == "" {
		return f.Public
	}
	return strings.TrimSuffix(f.Public, ".") + ". Try: " + f.Hint
}

// status gives the one of a fault at /msi/token: never 404 or 410, which clients take for a reason to
// wait and try again (wire-facts: "Retries").
func status(f *fault.Error) int {
	if f.Kind == fault.NotFound {
		return http.StatusBadRequest
	}
	return f.Kind.Status()
}

// speakAppService spells a fault as Container Apps does (wire-facts: "Errors").
func (d *Door) speakAppService(w http.ResponseWriter, r *http.Request, f *fault.Error) {
	correlation := httpkit.Correlation(r.Context())
	w.Header().Set("X-Correlation-Id", correlation)
	if f.Code == codeVersion {
		var v versionRefusal
		v.Error.Code, v.Error.Message = f.Code, sentence(f)
		write(w, status(f), v)
		return
	}
	write(w, status(f), refusal{StatusCode: status(f), Message: sentence(f), Correlation: correlation})
}

// speakIMDS spells a fault as IMDS does, and where Entra would have refused, as that does through IMDS.
func (d *Door) speakIMDS(w http.ResponseWriter, r *http.Request, f *fault.Error) {
	body := imdsRefusal{Error: "invalid_request", Description: sentence(f)}
	switch {
	case f.Code == codeResource:
		trace, stamp := httpkit.Correlation(r.Context()), d.now().UTC().Format("2006-01-02 15:04:05Z")
		body = imdsRefusal{Error: "invalid_resource", Codes: []int{500011}, Timestamp: stamp, Trace: trace, Correlation: trace,
			Description: sentence(f) + " Trace ID: " + trace + " Correlation ID: " + trace + " Timestamp: " + stamp}
	case f.Code == codeKey:
		body.Error = "unauthorized_client"
	case f.Kind == fault.Unauthenticated:
		body.Error = "unknown_source"
	case f.Kind == fault.TooMany:
		body.Error = "too_many_requests"
	case f.Kind == fault.NotFound:
		body.Error = "not_found"
	case f.Kind == fault.Unavailable:
		body.Error = "temporarily_unavailable"
	case f.Kind == fault.Internal:
		body.Error = "unknown"
	}
	write(w, f.Kind.Status(), body)
}

func write(w http.ResponseWriter, status int, body any) {
	text, err := json.Marshal(body)
	if err != nil {
		panic(err) // strings and numbers always marshal
	}
	h := w.Header()
	h.Set("Content-Type", "application/json; charset=utf-8")
	h.Set("Content-Length", strconv.Itoa(len(text)))
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(text) // a client that has gone needs no answer
}
