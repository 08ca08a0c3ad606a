package edge

import (
	"io"
	"net/http"

	"lanyard/internal/fault"
)

// The codes that the edge itself answers with.
const (
	codeCredential  = "ProxyCredentialRequired"
	codeMisdirected = "MisdirectedRequest"
	codeDestination = "InvalidDestination"
	codeRefused     = "DestinationRefused"
	codeUnreachable = "DestinationUnreachable"
	codeFolded      = "FoldedHeader"
	codeNotProxied  = "NotProxied"
)

// Speak spells a fault as plain text, since a proxy's refusal has no grammar of its own: a
// sentence, and what to type next. A proxy asks for a credential with 407 (RFC 9110 section
// 15.5.8), owns up to a silent destination with 502, and 421 is for a name that is not on this
// connection (section 15.5.20).
func Speak(w http.ResponseWriter, _ *http.Request, f *fault.Error) {
	status := f.Kind.Status()
	switch f.Code {
	case codeCredential:
		status = http.StatusProxyAuthRequired
	case codeMisdirected:
		status = http.StatusMisdirectedRequest
	case codeUnreachable:
		status = http.StatusBadGateway
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	text := f.Public + "\n"
	if f.Hint != "" {
		text += "try: " + f.Hint + "\n"
	}
	_, _ = io.WriteString(w, text)
}
