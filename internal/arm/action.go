package arm

import (
	"context"
	"errors"
	"net/http"
)

// act does a POST operation on a resource that exists.
func (e *Engine) act(w http.ResponseWriter, r *http.Request, c call) error {
	do := c.row.Actions[c.word]
	if do.Needs == "" {
		return errors.New("action " + c.word + " of " + c.row.Type + " names no right that it needs")
	}
	ctx := r.Context()
	if err := e.permit(ctx, c.caller, do.Needs, c.id); err != nil {
		return err
	}
	if do.Turn != nil {
		d, err := e.turn(ctx, c, do)
		if err != nil {
			return err
		}
		return e.answer(w, r, http.StatusOK, d)
	}
	d, err := e.existing(ctx, c.id)
	if err != nil {
		return err
	}
	if d.Deleting != "" {
		return beingDeleted(d)
	}
	if _, err := e.checkLocks(ctx, c.id, toWrite); err != nil {
		return err
	}
	return do.Do(ctx, d, w, r)
}

// turn writes what an action makes of its resource, under all that holds for other writes.
func (e *Engine) turn(ctx context.Context, c call, do Action) (d *Document, err error) {
	err = e.retry(ctx, c.id, func() error {
		line, err := e.ancestors(ctx, c.id)
		if err != nil {
			return err
		}
		before, exists := e.Document(c.id)
		if !exists {
			return e.missing(c.id)
		}
		if err := c.when.check(before); err != nil {
			return err
		}
		if before.Deleting != "" {
			return beingDeleted(before)
		}
		writes, err := e.gateway(ctx, c.id)
		if err != nil {
			return err
		}
		held, err := hold(line)
		if err != nil {
			return err
		}
		after := *before
		after.SystemData = e.sign(c.caller, before)
		change := &Change{ID: before.ID, Caller: c.caller, Before: before, After: &after}
		refusal := do.Turn(ctx, change)
		if err := e.permitLinked(ctx, change, do.Needs); err != nil {
			return err
		}
		if refusal != nil {
			return refusal
		}
		d, err = e.commit(ctx, change, append(append(writes, held...), change.Writes...))
		return err
	})
	return d, err
}
