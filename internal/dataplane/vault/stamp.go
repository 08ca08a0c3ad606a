package vault

import (
	"net/http"

	"lanyard/internal/fault"
	"lanyard/internal/httpkit"
)

// serviceVersion is this service's own, in the form that Key Vault's has.
const serviceVersion = "1.0.0.0"

// maxEcho bounds the client's request id that is sent back, in bytes.
const maxEcho = 128

// stamp sets what every answer carries, refusals too (wire-facts: "Key Vault"). What a vault
// answers is kept by nobody.
func stamp(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Cache-Control", "no-cache")
	h.Set("Pragma", "no-cache")
	h.Set("Expires", "-1")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("x-ms-request-id", httpkit.Correlation(r.Context()))
	h.Set("x-ms-keyvault-service-version", serviceVersion)
	if id := r.Header.Get("x-ms-client-request-id"); id != "" && len(id) <= maxEcho && fault.Clip(id) == id {
		h.Set("x-ms-client-request-id", id)
	}
}
