package entra

import (
	"crypto/rand"
	"fmt"
	"net/http"
	"strings"

	"lanyard/internal/cloud"
	"lanyard/internal/fault"
	"lanyard/internal/httpkit"
)

// refusal is Entra's error body (wire-facts: "Errors" of the STS). MSAL Go needs integer codes.
type refusal struct {
	Error       string `json:"error"`
	Description string `json:"error_description"`
	Codes       []int  `json:"error_codes"`
	Timestamp   string `json:"timestamp"`
	Trace       string `json:"trace_id"`
	Correlation string `json:"correlation_id"`
	URI         string `json:"error_uri"`
}

// Speak spells a fault as Entra does: an OAuth error (RFC 6749 section 5.2) with AADSTS codes.
func (d *Door) Speak(w http.ResponseWriter, r *http.Request, f *fault.Error) {
	code, how := spelled(f)
	sentence := f.Public
	if f.Hint != "" {
		sentence += " Try: " + f.Hint
	}
	trace, correlation := ids(r)
	stamp := d.now().UTC().Format("2006-01-02 15:04:05Z")
	unstored(w, r)
	// Nothing is left to be done about an answer that cannot be written.
	_ = httpkit.WriteJSON(w, how.status, refusal{
		Error: how.oauth,
		Description: fmt.Sprintf("%s%d: %s Trace ID: %s Correlation ID: %s Timestamp: %s",
			prefix, code, sentence, trace, correlation, stamp),
		Codes: []int{code}, Timestamp: stamp, Trace: trace, Correlation: correlation,
		URI: fmt.Sprintf("%s/error?code=%d", d.base(r), code),
	})
}

// spelled gives the code of a fault and how it looks on the wire.
func spelled(f *fault.Error) (int, spelling) {
	code := number(f)
	how := spellings(code)
	if !strings.HasPrefix(f.Code, prefix) {
		how.status = f.Kind.Status()
	}
	if f.Kind == fault.Internal {
		how.oauth = "server_error"
	}
	return code, how
}

// unstored sets the headers of every answer that must not be cached (RFC 6749 section 5.1).
func unstored(w http.ResponseWriter, r *http.Request) {
	trace, correlation := ids(r)
	h := w.Header()
	h.Set("Cache-Control", "no-store, no-cache")
	h.Set("Pragma", "no-cache")
	h.Set("x-ms-request-id", trace)
	if strings.EqualFold(r.Header.Get("return-client-request-id"), "true") {
		h.Set("client-request-id", correlation)
	}
}

// ids gives the id under which the request is logged, and the one that the client gave it: in a
// header, or in the query as MSAL Node does.
func ids(r *http.Request) (trace, correlation string) {
	trace = httpkit.Correlation(r.Context())
	if trace == "" {
		id, err := cloud.NewID(rand.Reader)
		if err != nil {
			panic(err) // crypto/rand never fails on the systems Go supports
		}
		trace = id
	}
	for _, given := range []string{r.Header.Get("client-request-id"), r.URL.Query().Get("client-request-id")} {
		if cloud.IsGUID(given) {
			return trace, given
		}
	}
	return trace, trace
}
