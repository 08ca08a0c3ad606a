package arm

import (
	"context"
	"net/http"

	"lanyard/internal/cloud"
	"lanyard/internal/fault"
	"lanyard/internal/store"
)

// remove deletes a resource and all that lies in it: 200 when it is gone, 204 when there was
// none, 202 with a Location to ask at when a group takes more than one transaction.
func (e *Engine) remove(w http.ResponseWriter, r *http.Request, c call) error {
	ctx := r.Context()
	if err := e.permit(ctx, c.caller, right(c.row.Type, "delete"), c.id); err != nil {
		return err
	}
	if _, err := e.ancestors(ctx, c.id); err != nil && fault.Of(err).Code != "ParentResourceNotFound" {
		return err
	}
	marked, gone, err := e.depart(ctx, c)
	if err != nil {
		return err
	}
	if marked == nil {
		if c.id.Is(typeGroup) || c.id.Is(typeSubscription) {
			return e.missing(c.id)
		}
		w.WriteHeader(http.StatusNoContent)
		return nil
	}
	if !gone {
		w.Header().Set("Location", e.resultURL(r, marked))
		w.Header().Set("Retry-After", "1")
		w.WriteHeader(http.StatusAccepted)
		return nil
	}
	if c.row.Echo {
		marked.Deleting, marked.Departure = "", nil
		return e.answer(w, r, http.StatusOK, marked)
	}
	w.WriteHeader(http.StatusOK)
	return nil
}

// depart marks a resource as going and takes it away, with all that lies in it, as far as one
// request does that. It gives nil when there is no such resource.
func (e *Engine) depart(ctx context.Context, c call) (marked *Document, gone bool, err error) {
	name, err := cloud.NewID(e.rand())
	if err != nil {
		return nil, false, err
	}
	e.attended.Store(name, true)
	defer func() {
		e.attended.Delete(name)
		if marked != nil && !gone {
			e.nudge() // what is left is Run's to finish
		}
	}()
	if marked, err = e.condemn(ctx, c, name); err != nil || marked == nil {
		return nil, false, err
	}
	gone, err = e.finish(ctx, marked, c.caller, c.id.Is(typeGroup))
	return marked, gone, err
}

// condemn marks a resource as going, in a commit of its own: from then on nothing can be made in
// it, so that what the deletion then finds in it is all there will ever be. Whatever a type has
// against the deletion is heard before. It gives nil when there is no such resource.
func (e *Engine) condemn(ctx context.Context, c call, name string) (*Document, error) {
	var marked *Document
	err := e.retry(ctx, c.id, func() error {
		d, ok := e.Document(c.id)
		if err := c.when.check(d); err != nil {
			return err
		}
		if marked = d; !ok {
			return e.objection(ctx, c)
		}
		if d.Deleting != "" {
			return nil
		}
		unlocked, err := e.checkLocks(ctx, c.id, toDelete)
		if err != nil {
			return err
		}
		for _, each := range e.within(d.ID) {
			if _, err := e.removal(ctx, each, d.ID, c.caller); err != nil {
				return err
			}
		}
		d.Deleting, d.Departure = name, c.record
		marked, err = e.commit(ctx, &Change{ID: d.ID, Before: d, After: d}, unlocked)
		return err
	})
	return marked, err
}

// objection is what a type has against the deletion of something computed: a built-in role stays.
func (e *Engine) objection(ctx context.Context, c call) error {
	d, err := e.known(ctx, c.id)
	if d == nil || err != nil {
		return err
	}
	_, err = e.removal(ctx, d, c.id, c.caller)
	return err
}

// spare takes the mark from a resource whose deletion met a refusal half-way.
func (e *Engine) spare(ctx context.Context, marked *Document) error {
	d := *marked
	d.Deleting, d.Departure = "", nil
	_, err := e.commit(ctx, &Change{ID: d.ID, Before: marked, After: &d}, nil)
	return err
}

// removal gives the writes by which one resource goes: its document, its names, its
// system-assigned principal and whatever its type adds; going is what the client deletes. Role
// assignments of the principal stay.
func (e *Engine) removal(ctx context.Context, d *Document, going cloud.ID, caller cloud.Caller) ([]store.Change, error) {
	writes := []store.Change{{Key: cloud.DocumentKey(d.ID), If: d.Revision}}
	if d.Identity != nil && d.Identity.Principal != "" {
		writes = append(writes, e.retire(d.Identity.Principal))
	}
	recalls, err := e.detach(d.ID, d.Identity, nil)
	if err != nil {
		return nil, err
	}
	writes = append(writes, recalls...)
	c := &Change{ID: d.ID, Caller: caller, Before: d, Going: going}
	if row, err := e.row(d.Type); err == nil {
		refusal := row.Behaviour.Remove(ctx, c)
		if caller.Principal == "" {
			c.Demands = nil // the platform finishes what it has begun
		}
		if err := e.permitLinked(ctx, c, right(row.Type, "delete")); err != nil {
			return nil, err
		}
		if refusal != nil {
			return nil, refusal
		}
	}
	released, err := e.claim(c)
	if err != nil {
		return nil, err
	}
	return distinct(append(append(writes, released...), c.Writes...))
}
