package arm

import (
	"net/http"
	"regexp"
	"strings"

	"lanyard/internal/cloud"
	"lanyard/internal/fault"
)

// route is a path, understood.
type route struct {
	answers answers
	address *address // of a path that belongs to no type; else nil
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
		return route{answers: ofResource, id: id, row: row}, row.checkPlace(id)
	}
	if cut := strings.LastIndexByte(text, '/'); cut > 0 && r.Method == http.MethodPost {
		if id, err := cloud.ParseID(text[:cut]); err == nil {
			word := strings.ToLower(text[cut+1:])
			if row := e.rows[strings.ToLower(id.Type())]; row != nil && row.offers(word) {
				return route{answers: ofAction, id: id, row: row, word: word}, row.checkPlace(id)
			}
		}
	}
	// A path is a collection's exactly when one more segment makes it a resource's.
	member, err := cloud.ParseID(text + "/~")
	if err != nil {
		_, err := cloud.ParseID(text)
		return route{}, unreadable(r, text, err)
	}
	row, err := e.row(member.Type())
	if err != nil {
		return route{}, err
	}
	rt := route{answers: ofCollection, id: member.Parent(), row: row}
	if row.Calls != nil {
		rt.answers = row.calls()
	}
	return rt, row.checkScope(member.Parent())
}

// offers reports whether the type has an action of that name.
func (row *Row) offers(word string) bool {
	_, ok := row.Actions[word]
	return ok
}

// unreadable refuses a path that is neither a resource's nor a collection's. A word behind a scope
// is an operation that Azure may have, such as exportTemplate, and this world has not.
func unreadable(r *http.Request, text string, err error) error {
	cut := strings.LastIndexByte(text, '/')
	if scope, bad := cloud.ParseID(text[:cut]); bad == nil && r.Method == http.MethodPost && !scope.IsZero() {
		return fault.New(fault.NotOffered, "NotOffered", "The operation '%s' is not offered in this world.", fault.Clip(text[cut+1:]))
	}
	return fault.New(fault.Invalid, "InvalidRequestUri",
		"The request's path is neither a resource nor a collection: %v.", err)
}

// noParent is a namespace with an empty segment after it: the descriptions of locks and role
// assignments put {parentResourcePath} there, and az and the SDKs leave it empty for what has none.
var noParent = regexp.MustCompile(`(?i)(/providers/[^/]+)//`)

// escapedScope is a scope that came as one segment: the descriptions of what locks are asked by
// scope do not say that {scope} goes unescaped, so SDKs escape its slashes.
var escapedScope = regexp.MustCompile(`^/(%2f)?subscriptions%2f[^/]+/providers/`)

// path gives the decoded path without a trailing slash, unless its encoding hides a separator or
// a dot segment.
func path(r *http.Request) (string, error) {
	raw := strings.ToLower(r.URL.EscapedPath())
	if escapedScope.MatchString(raw) {
		scope, rest, _ := strings.Cut(raw[1:], "/")
		raw = strings.ReplaceAll(scope, "%2f", "/") + "/" + rest
	}
	for _, hidden := range []string{"%2f", "%5c", "%2e", "%00"} {
		if strings.Contains(raw, hidden) {
			return "", fault.New(fault.Invalid, "InvalidRequestUri",
				"The request's path contains the encoded character '%s', which is not allowed.", hidden)
		}
	}
	if raw == "*" { // OPTIONS * asks about the server, not about a resource (RFC 9112 section 3.2.4)
		return "", fault.New(fault.Invalid, "InvalidRequestUri", "The request's target is no path.")
	}
	text := noParent.ReplaceAllString(strings.TrimSuffix(r.URL.Path, "/"), "$1/")
	if strings.HasPrefix(text, "//") {
		text = text[1:] // SDKs write /{scope}/providers/..., and scopes begin with a slash
	}
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

// row gives the row of a type, or says that there is none. What lies in an absent type is absent,
// too, and so are its operations.
func (e *Engine) row(resourceType string) (*Row, error) {
	if row := e.rows[strings.ToLower(resourceType)]; row != nil {
		return row, nil
	}
	for above := parentType(resourceType); above != ""; above = parentType(above) {
		if row := e.rows[strings.ToLower(above)]; row != nil && row.Absent {
			return row, nil
		}
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

// parentType gives the type in whose resources those of a type lie; "" when that is no type's.
func parentType(resourceType string) string {
	return resourceType[:max(0, strings.LastIndexByte(resourceType, '/'))]
}

// nested reports whether resources of the type lie in a parent resource.
func (row *Row) nested() bool { return strings.Count(row.Type, "/") > 1 }

// liesIn reports whether resources of the type lie in a scope; nested ones lie where their ids say,
// and absent ones are refused wherever they are looked for.
func (row *Row) liesIn(scope cloud.ID) bool {
	if row.Absent || row.nested() {
		return true
	}
	switch row.At {
	case InGroup:
		return scope.Is(typeGroup)
	case InSubscription:
		return scope.Is(typeSubscription)
	case InTenant:
		return scope.Equal(cloud.Root)
	}
	return true
}

// checkPlace refuses a resource where its type cannot lie.
func (row *Row) checkPlace(id cloud.ID) error {
	switch {
	case row.Calls != nil:
		return fault.New(fault.NotFound, "InvalidResourceType", "There are no resources of the type '%s'.", row.Type)
	case !row.liesIn(id.Parent()):
		return row.misplaced(id.Parent())
	}
	return nil
}

// checkScope refuses a collection where there can be none. What lies in groups is listed in their
// subscription, too.
func (row *Row) checkScope(scope cloud.ID) error {
	if row.liesIn(scope) || row.At == InGroup && scope.Is(typeSubscription) {
		return nil
	}
	return row.misplaced(scope)
}

func (row *Row) misplaced(scope cloud.ID) error {
	where := map[Place]string{InGroup: "a resource group", InSubscription: "a subscription", InTenant: "the tenant"}[row.At]
	return fault.New(fault.NotFound, "InvalidResourceType",
		"The resource type '%s' could not be found at scope '%s'.", row.Type, scope).Try("address it in %s", where)
}
