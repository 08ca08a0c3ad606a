package arm

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"

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

// answers are what can be asked of a path, by method. Where GET can be asked, so can HEAD.
type answers map[string]answer

type answer struct {
	do func(*Engine, http.ResponseWriter, *http.Request, call) error
	// options are the query options that it takes, by their names in lower case; all others that
	// begin with a dollar sign are refused.
	options []string
	// anyOption leaves it to do to check them.
	anyOption bool
	// operation names what a write is, in the records of activity; nil keeps none.
	operation func(call) string
}

// call is one request, routed and admitted.
type call struct {
	route
	caller  cloud.Caller
	options map[string]string // of the query, by their names in lower case
	when    condition         // what it demands of the state it meets
	record  *cloud.Activity   // what is kept of it; nil when it is no write
}

// What can be asked of a resource, of the collection of a type, and of what hangs on either.
// The paths that belong to no type are the addresses.
var (
	ofResource = answers{
		http.MethodGet:    {do: (*Engine).read},
		http.MethodHead:   {do: (*Engine).probe},
		http.MethodPut:    {do: (*Engine).put, operation: writing},
		http.MethodPatch:  {do: (*Engine).patch, operation: writing},
		http.MethodDelete: {do: (*Engine).remove, operation: removing},
	}
	ofCollection = answers{http.MethodGet: {do: (*Engine).list, options: []string{"$filter", "$top", "$skiptoken"}}}
	ofAction     = answers{http.MethodPost: {do: (*Engine).act, anyOption: true, operation: acting}}
)

func writing(c call) string  { return right(c.row.Type, "write") }
func removing(c call) string { return right(c.row.Type, "delete") }
func acting(c call) string   { return c.row.Actions[c.word].Needs }

func (e *Engine) serve(w http.ResponseWriter, r *http.Request) error {
	if err := e.head(w, r); err != nil {
		return err
	}
	rt, unrouted := e.route(r)
	c := call{route: rt, when: conditionOf(r)}
	if unrouted != nil || rt.address == nil || !rt.address.public {
		caller, err := e.admit(r)
		if err != nil {
			return err
		}
		c.caller = caller
	}
	if unrouted != nil {
		return unrouted
	}
	if rt.row != nil && rt.row.Absent {
		return fault.New(fault.NotOffered, "NotOffered", "Resources of type '%s' are not offered in this world.", rt.row.Type)
	}
	to, err := rt.answers.pick(r.Method)
	if err != nil {
		return err
	}
	if c.options, err = readOptions(r, to); err != nil {
		return err
	}
	if err := e.checkVersion(c); err != nil {
		return err
	}
	if rt.row != nil && rt.row.Ask != nil {
		if err := rt.row.Ask(r.URL.Query()); err != nil {
			return err
		}
	}
	return e.recorded(to, w, r, c)
}

// pick gives the answer for a method.
func (a answers) pick(method string) (answer, error) {
	to, ok := a[method]
	if !ok && method == http.MethodHead {
		to, ok = a[http.MethodGet]
	}
	if ok {
		return to, nil
	}
	var allowed []string
	for each := range a {
		allowed = append(allowed, each)
	}
	if _, ok := a[http.MethodGet]; ok && !slices.Contains(allowed, http.MethodHead) {
		allowed = append(allowed, http.MethodHead)
	}
	slices.Sort(allowed)
	return answer{}, fault.New(fault.WrongMethod, "MethodNotAllowed",
		"The requested resource does not support http method '%s'.", method).With("Allow", strings.Join(allowed, ", "))
}

// calls gives the answers of a type that answers for its collection itself.
func (row *Row) calls() answers {
	all := answers{}
	for method := range row.Calls {
		all[method] = answer{do: (*Engine).visit, anyOption: true}
	}
	return all
}

// visit lets a type answer for its collection.
func (e *Engine) visit(w http.ResponseWriter, r *http.Request, c call) error {
	method := r.Method
	if _, ok := c.row.Calls[method]; !ok {
		method = http.MethodGet // HEAD
	}
	to, v := c.row.Calls[method], Visit{Caller: c.caller, Scope: c.id}
	if to.Needs == "" {
		return errors.New("a call of " + c.row.Type + " names no right that it needs")
	}
	where := c.id
	if to.Where != nil {
		var err error
		if where, err = to.Where(v, r); err != nil {
			return err
		}
	}
	ctx := r.Context()
	if err := e.permit(ctx, c.caller, to.Needs, where); err != nil {
		return err
	}
	if err := e.scopeExists(ctx, c); err != nil {
		return err
	}
	return to.Do(ctx, v, w, r)
}

// scopeExists says what is missing where a call lies. The middle of a nested type's path, such as
// eventtypes/management, is no resource.
func (e *Engine) scopeExists(ctx context.Context, c call) error {
	scope := c.id
	if c.row.nested() {
		scope = scope.Scope()
	}
	return e.exists(ctx, scope)
}
