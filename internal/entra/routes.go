package entra

import (
	"net/http"

	"lanyard/internal/fault"
	"lanyard/internal/httpkit"
)

// maxBody bounds a token request in bytes.
const maxBody = 64 << 10

// Routes mounts the door; the mux is the login host's own.
func (d *Door) Routes(mux *http.ServeMux) {
	door := httpkit.Door{Name: "entra", Speak: d.Speak, Log: d.Log, Now: d.Now, MaxBody: maxBody}
	for pattern, handler := range map[string]httpkit.Handler{
		"GET /{tenant}/v2.0/.well-known/openid-configuration": d.discover,
		"GET /{tenant}/.well-known/openid-configuration":      d.discoverV1,
		"GET /{tenant}/discovery/v2.0/keys":                   d.keySet,
		"GET /{tenant}/discovery/keys":                        d.keySet,
		"GET /common/discovery/instance":                      d.discoverInstance,
		"POST /{tenant}/oauth2/v2.0/token":                    d.grant,
		"POST /{tenant}/oauth2/token":                         d.grantV1,
		"/{tenant}/oauth2/v2.0/token":                         d.onlyPost,
		"/{tenant}/oauth2/token":                              d.onlyPost,
		"/":                                                   d.elsewhere,
	} {
		mux.Handle(pattern, door.Serve(handler))
	}
}

func (d *Door) onlyPost(_ http.ResponseWriter, r *http.Request) error {
	return refuse(900561, "The endpoint only accepts POST requests. Received a %s request.", clip(r.Method)).With("Allow", "POST")
}

// elsewhere names what the authority has in Azure and not here, rather than seem broken.
func (d *Door) elsewhere(_ http.ResponseWriter, r *http.Request) error {
	return fault.New(fault.NotFound, "NotFound", "Lanyard does not offer %s %s. It offers OpenID and instance discovery, key sets, and client_credentials tokens.",
		clip(r.Method), clip(r.URL.Path))
}
