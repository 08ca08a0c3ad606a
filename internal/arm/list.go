package arm

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"lanyard/internal/cloud"
	"lanyard/internal/fault"
)

// list answers with a collection: the resources of one type at a scope.
func (e *Engine) list(w http.ResponseWriter, r *http.Request, c call) error {
	ctx := r.Context()
	all, err := e.gather(ctx, c, c.options["$filter"])
	if err != nil {
		return err
	}
	readable, err := e.readable(ctx, c, right(c.row.Type, "read"), all)
	if err != nil {
		return err
	}
	return e.page(w, r, c.page(readable, func(d *Document) (map[string]any, error) {
		return e.show(ctx, c.row, d)
	}))
}

// gather gives what a collection holds, before rights are considered.
func (e *Engine) gather(ctx context.Context, c call, filter string) ([]*Document, error) {
	below := e.Documents(c.id, c.row.Type)
	lister, ok := c.row.Behaviour.(Lister)
	if !ok {
		return e.choose(ctx, c, below, filter)
	}
	q := Query{Scope: c.id, Caller: c.caller, Filter: filter, Below: below}
	for at := c.id; c.row.At == Extension && !at.Equal(cloud.Root); {
		at = at.Parent()
		q.Above = append(e.At(at, c.row.Type), q.Above...)
	}
	return lister.List(ctx, q)
}

// choose keeps the documents for which a $filter holds, in the type's own terms if it has any.
func (e *Engine) choose(ctx context.Context, c call, all []*Document, filter string) ([]*Document, error) {
	own, ok := c.row.Behaviour.(Filterer)
	if !ok || filter == "" {
		return selectWhere(all, filter)
	}
	var chosen []*Document
	for _, d := range all {
		holds, err := own.Filter(ctx, c.id, filter, d)
		if err != nil {
			return nil, err
		}
		if holds {
			chosen = append(chosen, d)
		}
	}
	return chosen, nil
}

// quiet is a request's context without its event: the rights of each of a list's many entries are
// no facts about the request.
type quiet struct{ context.Context }

// Value hides the event.
func (quiet) Value(any) any { return nil }

// readable leaves what the caller may read. What is inherited from above is read at the scope it
// was asked for. Where nothing is left, the right to read the scope decides between an empty list
// and a refusal; only then is it said whether the scope exists.
func (e *Engine) readable(ctx context.Context, c call, needs string, all []*Document) ([]*Document, error) {
	atScope := e.permit(ctx, c.caller, needs, c.id)
	if atScope != nil && !fault.Is(atScope, fault.Forbidden) {
		return nil, atScope
	}
	var left []*Document
	open := e.opened(c)
	for _, d := range all {
		allowed := atScope
		if c.id.Contains(d.ID) {
			action := needs
			if c.row == nil {
				action = right(d.Type, "read")
			}
			if allowed = e.Permit(quiet{ctx}, c.caller, action, d.ID); allowed != nil && !fault.Is(allowed, fault.Forbidden) {
				return nil, allowed
			}
		}
		if allowed == nil || open(d.ID) {
			left = append(left, d)
		}
	}
	if len(left) == 0 && atScope != nil && !c.id.Equal(cloud.Root) {
		return nil, atScope
	}
	return left, e.exists(ctx, c.id)
}

// opened tells which subscriptions and groups are listed to a caller who may not read them: those
// in which something was granted, so that az's sign-in finds the way there (wire-facts 4.5).
func (e *Engine) opened(c call) func(cloud.ID) bool {
	if e.Granted == nil || c.row == nil || c.row.Type != typeSubscription && c.row.Type != typeGroup {
		return func(cloud.ID) bool { return false }
	}
	given := e.Granted(c.caller.Principal)
	return func(id cloud.ID) bool {
		return slices.ContainsFunc(given, func(a cloud.Assignment) bool { return id.Contains(a.Scope) })
	}
}

// exists says what is missing where a collection's scope does not exist.
func (e *Engine) exists(ctx context.Context, scope cloud.ID) error {
	if scope.Equal(cloud.Root) {
		return nil
	}
	if _, err := e.ancestors(ctx, scope); err != nil {
		return err
	}
	d, err := e.known(ctx, scope)
	if d == nil && err == nil {
		err = e.orphan(scope)
	}
	return err
}

// listAll answers with the tracked resources in a subscription or group, without properties.
func (e *Engine) listAll(w http.ResponseWriter, r *http.Request, c call) error {
	show, err := briefly(c.options["$expand"])
	if err != nil {
		return err
	}
	all := slices.DeleteFunc(e.Documents(c.id, ""), func(d *Document) bool {
		row := e.rows[strings.ToLower(d.Type)]
		return row == nil || !row.Tracked || d.ID.Is(typeGroup) || d.ID.Is(typeSubscription)
	})
	all, err = selectWhere(all, c.options["$filter"])
	if err != nil {
		return err
	}
	readable, err := e.readable(r.Context(), c, right(typeSubscription, "resources/read"), all)
	if err != nil {
		return err
	}
	return e.page(w, r, c.page(readable, show))
}
