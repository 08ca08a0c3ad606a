package graph

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"lanyard/internal/cloud"
	"lanyard/internal/fault"
	"lanyard/internal/httpkit"
)

// refusal is Microsoft Graph's error body (Microsoft Graph v1.0, "Error responses").
type refusal struct {
	Error struct {
		Code    string `json:"code"`
		Message string `json:"message"`
		Inner   struct {
			Date    string `json:"date"`
			Request string `json:"request-id"`
			Client  string `json:"client-request-id"`
		} `json:"innerError"`
	} `json:"error"`
}

// codes are what Microsoft Graph calls faults that other packages named for their own protocol.
var codes = map[fault.Kind]string{
	fault.Internal: "Service_InternalServerError", fault.Unauthenticated: "InvalidAuthenticationToken",
	fault.TooLarge: "Request_EntityTooLarge", fault.Unavailable: "Directory_ConcurrencyViolation",
}

// Speak spells a fault as Microsoft Graph does. What to type next stands behind Graph's own sentence,
// for az prints nothing but the message.
func (d *Door) Speak(w http.ResponseWriter, r *http.Request, f *fault.Error) {
	var body refusal
	body.Error.Code, body.Error.Message = f.Code, f.Public
	if code, ok := codes[f.Kind]; ok {
		body.Error.Code = code
	}
	if f.Hint != "" {
		body.Error.Message += " Try: " + f.Hint
	}
	request, client := mark(w, r)
	body.Error.Inner.Date = d.now().UTC().Format("2006-01-02T15:04:05")
	body.Error.Inner.Request, body.Error.Inner.Client = request, client
	// Nothing is left to be done about an answer that cannot be written.
	_ = httpkit.WriteJSON(w, f.Kind.Status(), body)
}

// mark sets the headers that every answer has, and gives the ids of the request: ours and the caller's.
func mark(w http.ResponseWriter, r *http.Request) (request, client string) {
	request = httpkit.Correlation(r.Context())
	client = request
	if id := r.Header.Get("client-request-id"); cloud.IsGUID(id) {
		client = id
	}
	h := w.Header()
	h.Set("request-id", request)
	h.Set("client-request-id", client)
	h.Set("Cache-Control", "no-cache")
	h.Set("OData-Version", "4.0")
	return request, client
}

// say answers with an object, or with 204 and nothing.
func (c *call) say(w http.ResponseWriter, status int, body map[string]any) error {
	mark(w, c.r)
	if body == nil {
		w.WriteHeader(http.StatusNoContent)
		return nil
	}
	return httpkit.WriteJSON(w, status, body)
}

// read decodes the request's body, which must be one JSON object of known members, each given once.
func (c *call) read(into any) error {
	raw, err := httpkit.ReadBody(c.r)
	if err != nil {
		return err
	}
	if err := unambiguous(raw); err != nil {
		return err
	}
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		if name, ok := strings.CutPrefix(err.Error(), "json: unknown field "); ok {
			return badRequest("Invalid property '%s'.", fault.Clip(strings.Trim(name, `"`)))
		}
		return unreadable(err)
	}
	return nil
}

func unreadable(err error) error {
	return fault.New(fault.Invalid, "BadRequest", "Unable to read JSON request payload. Please ensure Content-Type header is set and payload is of valid JSON format.").Because(err)
}

func badRequest(format string, args ...any) *fault.Error {
	return fault.New(fault.Invalid, "Request_BadRequest", format, args...)
}

// missing is the answer for an object that is not there, in the words that az looks for.
func missing(id string) *fault.Error {
	return fault.New(fault.NotFound, "Request_ResourceNotFound",
		"Resource '%s' does not exist or one of its queried reference-property objects are not present.", fault.Clip(id))
}

// stamp spells a time as OData does.
func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05Z") }
