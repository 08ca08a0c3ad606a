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
		"GET /{tenant}/discovery/v2.0/keys":                   d.keySetV2,
		"GET /{tenant}/discovery/keys":                        d.keySet,
		"GET /common/discovery/instance":                      d.discoverInstance,
		"GET /common/userrealm/{user}":                        d.realm,
		"GET /common/userrealm":                               d.realm,
		"POST /{tenant}/oauth2/v2.0/token":                    d.grant,
		"POST /{tenant}/oauth2/token":                         d.grantV1,
		"POST /{tenant}/oauth2/v2.0/devicecode":               d.startDevice,
		"POST /{tenant}/oauth2/devicecode":                    d.startDeviceV1,
		"/{tenant}/oauth2/v2.0/token":                         d.onlyPost,
		"/{tenant}/oauth2/token":                              d.onlyPost,
		"/{tenant}/oauth2/v2.0/devicecode":                    d.onlyPost,
		"/{tenant}/oauth2/devicecode":                         d.onlyPost,
		"/":                                                   d.elsewhere,
	} {
		mux.Handle(pattern, door.Serve(handler))
	}
	d.pages(mux)
}

// WorkloadRoutes mounts the issuer of workloads' own tokens, for whoever outside of this world verifies
// them; the mux is its host's own.
func (d *Door) WorkloadRoutes(mux *http.ServeMux) {
	door := httpkit.Door{Name: "workloads", Speak: d.Speak, Log: d.Log, Now: d.Now, MaxBody: maxBody}
	for pattern, handler := range map[string]httpkit.Handler{
		"GET /{tenant}/.well-known/openid-configuration": d.discoverWorkloads,
		"GET /{tenant}" + workloadKeys:                   d.workloadKeySet,
		"/":                                              d.elsewhere,
	} {
		mux.Handle(pattern, door.Serve(handler))
	}
}

// Pages gives what browsers alone ask for, to be served where they trust no local authority. No token
// is given out there.
func (d *Door) Pages() http.Handler {
	mux := http.NewServeMux()
	d.pages(mux)
	door := httpkit.Door{Name: "signin", Speak: d.SpeakPage, Log: d.Log, Now: d.Now, MaxBody: maxBody}
	mux.Handle("/", door.Serve(func(_ http.ResponseWriter, r *http.Request) error {
		return fault.New(fault.NotFound, "NotFound", "There is no such page.").Try("%s", devicePath)
	}))
	return mux
}

func (d *Door) pages(mux *http.ServeMux) {
	door := httpkit.Door{Name: "signin", Speak: d.SpeakPage, Log: d.Log, Now: d.Now, MaxBody: maxBody}
	for pattern, handler := range map[string]httpkit.Handler{
		"GET /{tenant}/oauth2/v2.0/authorize":  d.authorize,
		"POST /{tenant}/oauth2/v2.0/authorize": d.signInHere,
		"GET /{tenant}/oauth2/authorize":       d.authorize,
		"POST /{tenant}/oauth2/authorize":      d.signInHere,
		"GET " + devicePath:                    d.enterCode,
		"POST " + devicePath:                   d.answerCode,
		"GET /common/oauth2/deviceauth":        d.enterCode,
		"POST /common/oauth2/deviceauth":       d.answerCode,
		"GET /{tenant}/oauth2/v2.0/logout":     d.signOut,
		"GET /{tenant}/oauth2/logout":          d.signOut,
	} {
		mux.Handle(pattern, door.Serve(handler))
	}
}

func (d *Door) onlyPost(_ http.ResponseWriter, r *http.Request) error {
	return refuse(900561, "The endpoint only accepts POST requests. Received a %s request.", fault.Clip(r.Method)).With("Allow", "POST")
}

// elsewhere names what the authority has in Azure and not here, rather than seem broken.
func (d *Door) elsewhere(_ http.ResponseWriter, r *http.Request) error {
	return fault.New(fault.NotFound, "NotFound", "Lanyard does not offer %s %s. It offers OpenID and instance discovery, key sets, user realms, sign-in and tokens.",
		fault.Clip(r.Method), fault.Clip(r.URL.Path))
}
