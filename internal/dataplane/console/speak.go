package console

import (
	"net/http"

	"lanyard/internal/fault"
	"lanyard/internal/httpkit"
)

// Speak spells a fault as the management API does, whose callers read the streams.
func Speak(w http.ResponseWriter, _ *http.Request, f *fault.Error) {
	_ = httpkit.WriteJSON(w, f.Kind.Status(), map[string]any{"error": map[string]string{"code": f.Code, "message": f.Public}}) // a client that has gone is no error of ours
}
