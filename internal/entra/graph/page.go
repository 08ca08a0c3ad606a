package graph

import (
	"cmp"
	"encoding/base64"
	"net/http"
	"slices"

	"lanyard/internal/cloud"
	"lanyard/internal/fault"
)

// entity is a directory object as Microsoft Graph sees it.
type entity interface {
	id() string
	// values gives those of a property that filters can name.
	values(property string) []string
	// shape gives all that is shown of it.
	shape() map[string]any
}

// noun is one kind of entity.
type noun struct {
	set  string // the entity set: applications
	at   string // the path of a collection that lies elsewhere than its set: groups/{id}/members
	kind string // the type, without microsoft.graph: application
	// forms are the properties that filters can name.
	forms map[string]form
	// mixed says that its objects are of several kinds, each of which is shown with its type.
	mixed bool
	// shown are the properties of an answer without $select; nil stands for all.
	shown []string
}

func (n noun) odataType() string { return "#microsoft.graph." + n.kind }

// path is where a collection of it lies below the version.
func (n noun) path() string {
	if n.at != "" {
		return n.at
	}
	return n.set
}

// page answers with those of all for which the filter holds, a page at a time, in the order of
// their ids: an object that comes or goes between two pages moves no other.
func (d *Door) page(w http.ResponseWriter, c *call, n noun, all []entity) error {
	q := c.query
	if q.filter != "" {
		holds, advanced, err := parseFilter(q.filter, n.kind, n.forms)
		if err != nil {
			return err
		}
		if advanced && !(q.eventual && q.count) {
			return unsupported("Operators 'ne' and 'not' are supported only with $count=true and the header ConsistencyLevel: eventual.")
		}
		all = slices.DeleteFunc(all, func(e entity) bool { return !holds(e.values) })
	}
	slices.SortFunc(all, func(a, b entity) int { return cmp.Compare(a.id(), b.id()) })
	body := map[string]any{"@odata.context": c.context(d, n.set)}
	if q.count {
		body["@odata.count"] = len(all)
	}
	from, found := slices.BinarySearchFunc(all, q.after, func(e entity, id string) int { return cmp.Compare(e.id(), id) })
	if found {
		from++
	}
	rest := all[from:]
	if len(rest) > q.top {
		rest = rest[:q.top]
		body["@odata.nextLink"] = d.base(c.r) + "/" + n.path() + "?" + q.next(rest[q.top-1].id())
	}
	value := []map[string]any{}
	for _, e := range rest {
		shape, err := q.see(n, e)
		if err != nil {
			return err
		}
		value = append(value, shape)
	}
	body["value"] = value
	return c.say(w, http.StatusOK, body)
}

// show answers with one object.
func (d *Door) show(w http.ResponseWriter, c *call, e entity) error {
	if err := c.query.onlySelects(); err != nil {
		return err
	}
	return d.answer(w, c, e, http.StatusOK)
}

func (d *Door) answer(w http.ResponseWriter, c *call, e entity, status int) error {
	n := nounOf(e)
	shape, err := c.query.choose(n, e.shape())
	if err != nil {
		return err
	}
	shape["@odata.context"] = c.context(d, n.set+"/$entity")
	return c.say(w, status, shape)
}

// several answers with objects of any kind, each with its type, as collections of directoryObject do.
func (d *Door) several(w http.ResponseWriter, c *call, all []entity) error {
	value := []map[string]any{}
	for _, e := range all {
		value = append(value, typed(e))
	}
	return c.say(w, http.StatusOK, map[string]any{"@odata.context": c.context(d, "directoryObjects"), "value": value})
}

func typed(e entity) map[string]any {
	shape := e.shape()
	shape["@odata.type"] = nounOf(e).odataType()
	return shape
}

func (c *call) context(d *Door, of string) string { return d.base(c.r) + "/$metadata#" + of }

// see gives what is shown of one object of a collection. Where there are several kinds, $select may name
// what only some of them have.
func (q query) see(n noun, e entity) (map[string]any, error) {
	if !n.mixed {
		return q.choose(n, e.shape())
	}
	own, all := nounOf(e), typed(e)
	if q.selected == nil {
		own.shown = nil
		return q.choose(own, all)
	}
	chosen := map[string]any{"@odata.type": all["@odata.type"]}
	for _, name := range q.selected {
		if value, ok := all[name]; ok {
			chosen[name] = value
		}
	}
	return chosen, nil
}

// choose keeps the properties that $select names, or those that are shown without it.
func (q query) choose(n noun, all map[string]any) (map[string]any, error) {
	names := q.selected
	if names == nil {
		names = n.shown
	}
	if names == nil {
		return all, nil
	}
	chosen := map[string]any{}
	for _, name := range names {
		if name == "*" {
			return all, nil
		}
		value, ok := all[name]
		if !ok {
			return nil, fault.New(fault.Invalid, "BadRequest",
				"Parsing OData Select and Expand failed: Could not find a property named '%s' on type 'microsoft.graph.%s'.", fault.Clip(name), n.kind)
		}
		chosen[name] = value
	}
	return chosen, nil
}

func writeToken(id string) string { return base64.RawURLEncoding.EncodeToString([]byte(id)) }

func readToken(token string) (string, error) {
	id, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil || !cloud.IsGUID(string(id)) {
		return "", fault.New(fault.Invalid, "Directory_ExpiredPageToken",
			"The specified page token value has expired and can no longer be included in your request.")
	}
	return string(id), nil
}
