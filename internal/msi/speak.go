package msi

import (
	"encoding/json"
	"net/http"
	"strconv"

	"lanyard/internal/fault"
	"lanyard/internal/httpkit"
)

// The codes that decide how a fault is spelled.
const codeVersion = "UnsupportedApiVersion"

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

// Speak spells a fault as Container Apps does (wire-facts: "Errors"). It never answers 404 or
// 410, which clients take for a reason to wait and try again (wire-facts: "Retries").
func Speak(w http.ResponseWriter, r *http.Request, f *fault.Error) {
	status := f.Kind.Status()
	if f.Kind == fault.NotFound {
		status = http.StatusBadRequest
	}
	message := f.Public
	if f.Hint != "" {
		message += " Try: " + f.Hint
	}
	correlation := httpkit.Correlation(r.Context())
	var body any = refusal{StatusCode: status, Message: message, Correlation: correlation}
	if f.Code == codeVersion {
		var v versionRefusal
		v.Error.Code, v.Error.Message = f.Code, message
		body = v
	}
	text, err := json.Marshal(body)
	if err != nil {
		panic(err) // strings and a number always marshal
	}
	h := w.Header()
	h.Set("Content-Type", "application/json; charset=utf-8")
	h.Set("Content-Length", strconv.Itoa(len(text)))
	h.Set("Cache-Control", "no-store")
	h.Set("X-Correlation-Id", correlation)
	w.WriteHeader(status)
	w.Write(text) // a client that has gone needs no answer
}
