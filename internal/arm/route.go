package arm

import (
	"net/http"
	"regexp"
	"slices"
	"strings"

	"lanyard/internal/cloud"
	"lanyard/internal/fault"
)

// meaning is what a path stands for.
type meaning int

const (
	resource meaning = iota
	collection
	action
	everything
	result
	status
	providers
	namespace
	register
)

// methods lists what can be asked of such a path, for the Allow header.
func (m meaning) methods() string {
	var all []string
	for method := range routes[m] {
		all = append(all, method)
	}
	slices.Sort(all)
	return strings.Join(all, ", ")
}

// route is a path, understood.
type route struct {
	meaning meaning
	id      cloud.ID // the resource; for collections the scope or parent
	row     *Row     // of the resource, of the action's resource, of a collection's members; else nil
	word    string   // the action, operation or namespace
}

// route reads the path. Segment names and types compare without regard to case (wire-facts 5.2);
// what could be read in two ways is refused (threats T18).
func (e *Engine) route(r *http.Request) (route, error) {
	text, err := path(r)
	if err != nil {
		return route{}, err
	}
	if rt, ok := special(text); ok {
		return rt, nil
	}
	if id, err := cloud.ParseID(text); err == nil {
		row, err := e.row(id.Type())
		if err != nil {
			return route{}, err
		}
		return route{meaning: resource, id: id, row: row}, row.checkPlace(id)
	}
	if cut := strings.LastIndexByte(text, '/'); cut > 0 && r.Method == http.MethodPost {
		if id, err := cloud.ParseID(text[:cut]); err == nil {
			word := strings.ToLower(text[cut+1:])
			if row := e.rows[strings.ToLower(id.Type())]; row != nil && row.Actions[word].Do != nil {
				return route{meaning: action, id: id, row: row, word: word}, row.checkPlace(id)
			}
		}
	}
	// A path is a collection's exactly when one more segment makes it a resource's.
	member, err := cloud.ParseID(text + "/~")
	if err != nil {
		_, err := cloud.ParseID(text)
		return route{}, fault.New(fault.Invalid, "InvalidRequestUri",
			"The request's path is neither a resource nor a collection: %v.", err)
	}
	row, err := e.row(member.Type())
	if err != nil {
		return route{}, err
	}
	return route{meaning: collection, id: member.Parent(), row: row}, row.checkScope(member.Parent())
}

// noParent is a namespace with an empty segment after it: the descriptions of locks and role
// assignments put {parentResourcePath} there, and az and the SDKs leave it empty for what has none.
var noParent = regexp.MustCompile(`(?i)(/providers/[^/]+)//`)

// path gives the decoded path without a trailing slash, unless its encoding hides a separator or
// a dot segment.
func path(r *http.Request) (string, error) {
	raw := strings.ToLower(r.URL.EscapedPath())
	for _, hidden := range []string{"%2f", "%5c", "%2e", "%00"} {
		if strings.Contains(raw, hidden) {
			return "", fault.New(fault.Invalid, "InvalidRequestUri",
				"The request's path contains the encoded character '%s', which is not allowed.", hidden)
		}
	}
	text := noParent.ReplaceAllString(strings.TrimSuffix(r.URL.Path, "/"), "$1/")
	if text == "" {
		return "", fault.New(fault.NotFound, "MissingSubscription",
			"The request did not have a subscription or a valid tenant level resource provider.")
	}
	for _, s := range strings.Split(text, "/")[1:] {
		if s == "" || s == "." || s == ".." {
			return "", fault.New(fault.Invalid, "InvalidRequestUri",
				"The request's path contains an empty or dot segment, which is not allowed.")
		}
	}
	return text, nil
}

// special recognises the paths that belong to no type.
func special(text string) (route, bool) {
	s := strings.Split(text[1:], "/")
	low := strings.Split(strings.ToLower(text[1:]), "/")
	n := len(s)
	scope := cloud.Root
	if low[0] == "subscriptions" && n > 2 {
		in := 2
		if low[2] == "resourcegroups" && n > 4 {
			in = 4
		}
		id, err := cloud.ParseID("/" + strings.Join(s[:in], "/"))
		if err != nil {
			return route{}, false
		}
		scope, s, low, n = id, s[in:], low[in:], n-in
	}
	inSubscription := scope.Is(typeSubscription)
	switch {
	case n == 1 && low[0] == "resources" && scope != cloud.Root:
		return route{meaning: everything, id: scope}, true
	case n == 2 && low[0] == "operationresults" && inSubscription:
		return route{meaning: result, id: scope, word: s[1]}, true
	case n == 2 && low[0] == "operationstatuses" && inSubscription:
		return route{meaning: status, id: scope, word: s[1]}, true
	case low[0] != "providers" || scope.Is(typeGroup):
		return route{}, false
	case n == 1:
		return route{meaning: providers, id: scope}, true
	case n == 2:
		return route{meaning: namespace, id: scope, word: s[1]}, true
	case n == 3 && low[2] == "register" && inSubscription:
		return route{meaning: register, id: scope, word: s[1]}, true
	}
	return route{}, false
}

// row gives the row of a type, or says that there is none.
func (e *Engine) row(resourceType string) (*Row, error) {
	if row := e.rows[strings.ToLower(resourceType)]; row != nil {
		return row, nil
	}
	space, short, _ := strings.Cut(resourceType, "/")
	for _, row := range e.rows {
		if known, _, _ := strings.Cut(row.Type, "/"); strings.EqualFold(known, space) {
			return nil, fault.New(fault.NotFound, "InvalidResourceType",
				"The resource type '%s' could not be found in the namespace '%s'.", short, space)
		}
	}
	return nil, fault.New(fault.NotFound, "InvalidResourceType",
		"The resource type '%s' could not be found: the resource namespace '%s' is invalid.", short, space)
}

// nested reports whether resources of the type lie in a parent resource.
func (row *Row) nested() bool { return strings.Count(row.Type, "/") > 1 }

// checkPlace refuses a resource where its type cannot lie.
func (row *Row) checkPlace(id cloud.ID) error {
	parent, fits := id.Parent(), true
	if !row.nested() {
		switch row.At {
		case InGroup:
			fits = parent.Is(typeGroup)
		case InSubscription:
			fits = parent.Is(typeSubscription)
		case InTenant:
			fits = parent.Equal(cloud.Root)
		}
	}
	if fits {
		return nil
	}
	return row.misplaced(parent)
}

// checkScope refuses a collection where there can be none.
func (row *Row) checkScope(scope cloud.ID) error {
	fits := true
	if !row.nested() {
		switch row.At {
		case InGroup:
			fits = scope.Is(typeGroup) || scope.Is(typeSubscription)
		case InSubscription:
			fits = scope.Is(typeSubscription)
		case InTenant:
			fits = scope.Equal(cloud.Root)
		}
	}
	if fits {
		return nil
	}
	return row.misplaced(scope)
}

func (row *Row) misplaced(scope cloud.ID) error {
	where := map[Place]string{InGroup: "a resource group", InSubscription: "a subscription", InTenant: "the tenant"}[row.At]
	return fault.New(fault.NotFound, "InvalidResourceType",
		"The resource type '%s' could not be found at scope '%s'.", row.Type, scope).Try("address it in %s", where)
}
