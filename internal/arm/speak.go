package arm

import (
	"net/http"

	"lanyard/internal/cloud"
	"lanyard/internal/fault"
	"lanyard/internal/httpkit"
)

// Speak spells a fault as ARM does (wire-facts 5.3). What to type next stands in additionalInfo,
// so that messages stay Azure's; what a fault has within is the target of its one detail.
func Speak(w http.ResponseWriter, _ *http.Request, f *fault.Error) {
	code := f.Code
	if code == "" {
		code = "InternalServerError"
	}
	w.Header().Set("x-ms-error-code", code)
	said := wireError{Code: code, Message: f.Public}
	if f.Inner != "" {
		said.Details = []wireError{{Code: code, Target: f.Inner, Message: f.Public}}
	}
	if f.Hint != "" {
		said.AdditionalInfo = []wireHint{{Type: "LanyardHint", Info: map[string]string{"try": f.Hint}}}
	}
	// The answer is on its way: a client that has gone cannot be told.
	_ = httpkit.WriteJSON(w, f.Kind.Status(), map[string]wireError{"error": said})
}

type wireError struct {
	Code           string      `json:"code"`
	Message        string      `json:"message"`
	Target         string      `json:"target,omitempty"`
	Details        []wireError `json:"details,omitempty"`
	AdditionalInfo []wireHint  `json:"additionalInfo,omitempty"`
}

type wireHint struct {
	Type string            `json:"type"`
	Info map[string]string `json:"info"`
}

// head sets the headers that every answer has (wire-facts 5.5).
func (e *Engine) head(w http.ResponseWriter, r *http.Request) error {
	id, err := cloud.NewID(e.rand())
	if err != nil {
		return err
	}
	h := w.Header()
	h.Set("x-ms-request-id", id)
	h.Set("x-ms-correlation-request-id", httpkit.Correlation(r.Context()))
	if said := r.Header.Get("x-ms-client-request-id"); said != "" && r.Header.Get("x-ms-return-client-request-id") == "true" {
		h.Set("x-ms-client-request-id", said)
	}
	h.Set("Cache-Control", "no-cache")
	return nil
}
