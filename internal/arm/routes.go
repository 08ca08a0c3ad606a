package arm

import (
	"net/http"

	"lanyard/internal/cloud"
	"lanyard/internal/fault"
	"lanyard/internal/httpkit"
)

// ServeHTTP answers the management API. Mount the engine itself by host name, not under a
// ServeMux pattern: a mux redirects unclean paths, which ARM refuses.
func (e *Engine) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	e.setup()
	httpkit.Door{Name: "arm", Speak: Speak, Log: e.Log, Now: e.Now}.Serve(e.serve).ServeHTTP(w, r)
}

// Routes mounts the engine at everything a mux has no other handler for.
func (e *Engine) Routes(mux *http.ServeMux) { mux.Handle("/", e) }

type answer func(*Engine, http.ResponseWriter, *http.Request, call) error

// call is one request, routed and admitted.
type call struct {
	route
	caller cloud.Caller
}

// routes are all there are: what a path means, and what can be asked of it.
var routes = map[meaning]map[string]answer{
	resource: {
		http.MethodGet:    (*Engine).read,
		http.MethodHead:   (*Engine).probe,
		http.MethodPut:    (*Engine).put,
		http.MethodPatch:  (*Engine).patch,
		http.MethodDelete: (*Engine).remove,
	},
	collection: {http.MethodGet: (*Engine).list},       // …/providers/{ns}/{type}, /subscriptions, …/resourceGroups
	action:     {http.MethodPost: (*Engine).act},       // …/{type}/{name}/{action}
	everything: {http.MethodGet: (*Engine).listAll},    // …/resources
	result:     {http.MethodGet: (*Engine).result},     // /subscriptions/{s}/operationresults/{id}
	status:     {http.MethodGet: (*Engine).status},     // /subscriptions/{s}/operationstatuses/{id}
	providers:  {http.MethodGet: (*Engine).providers},  // [/subscriptions/{s}]/providers
	namespace:  {http.MethodGet: (*Engine).namespace},  // [/subscriptions/{s}]/providers/{ns}
	register:   {http.MethodPost: (*Engine).namespace}, // /subscriptions/{s}/providers/{ns}/register
}

func (e *Engine) serve(w http.ResponseWriter, r *http.Request) error {
	if err := e.head(w, r); err != nil {
		return err
	}
	caller, err := e.admit(r)
	if err != nil {
		return err
	}
	rt, err := e.route(r)
	if err != nil {
		return err
	}
	if rt.row != nil && rt.row.Absent {
		return fault.New(fault.NotOffered, "NotOffered", "Resources of type '%s' are not offered in this world.", rt.row.Type)
	}
	do, ok := routes[rt.meaning][r.Method]
	if !ok {
		return fault.New(fault.WrongMethod, "MethodNotAllowed",
			"The requested resource does not support http method '%s'.", r.Method).With("Allow", rt.meaning.methods())
	}
	if rt.row != nil {
		if err := checkVersion(r, rt.row.Type, rt.row.Versions); err != nil {
			return err
		}
		if rt.row.Ask != nil {
			if err := rt.row.Ask(r.URL.Query()); err != nil {
				return err
			}
		}
	} else if err := checkVersion(r, typeGroup, e.resourcesVersions()); err != nil {
		return err
	}
	return do(e, w, r, call{route: rt, caller: caller})
}
