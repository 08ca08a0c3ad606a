package arm

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"lanyard/internal/cloud"
	"lanyard/internal/fault"
	"lanyard/internal/httpkit"
	"lanyard/internal/store"
)

// within gives the documents at id and below it in the order in which they go: the deepest first,
// id itself last.
func (e *Engine) within(id cloud.ID) []*Document {
	all := e.Documents(id, "")
	slices.SortStableFunc(all, func(a, b *Document) int {
		return cmp.Compare(strings.Count(b.ID.Key(), "/"), strings.Count(a.ID.Key(), "/"))
	})
	return all
}

// share gives as much of a deletion as one transaction holds, and whether that is all of it.
// Every share depends on the mark, so that a deletion that others have finished, or that was
// called off, takes nothing more.
func (e *Engine) share(ctx context.Context, marked *Document, caller cloud.Caller) ([]store.Change, bool, error) {
	own := store.Change{Key: cloud.DocumentKey(marked.ID), If: marked.Revision, Check: true}
	changes := []store.Change{own}
	for _, d := range e.within(marked.ID) {
		removal, err := e.removal(ctx, d, marked.ID, caller)
		if err != nil {
			return nil, false, err
		}
		removal, clash := fresh(changes, removal)
		if clash || len(changes)+len(removal) > store.MaxChanges {
			if len(changes) == 1 {
				return nil, false, fmt.Errorf("remove %s: %w", d.ID, store.ErrTooMany)
			}
			return changes, false, nil
		}
		changes = append(changes, removal...)
	}
	changes, err := distinct(changes)
	return changes, true, err
}

// fresh leaves out of a removal what an earlier one in the same transaction does already. It
// reports a clash when both write one key to different ends: then they go one after the other.
func fresh(earlier, removal []store.Change) (left []store.Change, clash bool) {
	for _, c := range removal {
		i := slices.IndexFunc(earlier, func(o store.Change) bool { return o.Key == c.Key && !o.Check && !c.Check })
		switch {
		case i < 0:
			left = append(left, c)
		case !bytes.Equal(earlier[i].Value, c.Value) || earlier[i].If != c.If:
			return removal, true
		}
	}
	return left, false
}

// finish takes a marked resource and all that lies in it away, in as many transactions as that
// needs, unless it is to be done in one or not at all. It reports whether all is gone, and can be
// called again wherever it was broken off.
func (e *Engine) finish(ctx context.Context, marked *Document, caller cloud.Caller, inOne bool) (bool, error) {
	for tries := 0; tries < maxAttempts; {
		now, ok := e.Document(marked.ID)
		if !ok || now.Deleting != marked.Deleting {
			return true, nil
		}
		changes, whole, err := e.share(ctx, now, caller)
		if err != nil {
			return false, e.callOff(ctx, now, err)
		}
		if inOne && !whole {
			return false, nil
		}
		revision, err := e.Store.Commit(ctx, changes...)
		switch {
		case errors.Is(err, store.ErrConflict):
			tries++
			if err := e.catchUp(ctx); err != nil {
				return false, err
			}
			continue
		case err != nil:
			return false, fmt.Errorf("delete in %s: %w", marked.ID, err)
		}
		if err := e.Await(ctx, revision); err != nil {
			return false, err
		}
		if whole {
			return true, nil
		}
	}
	return false, contended(marked.ID)
}

// callOff takes the mark away again when a type has refused, so that what is left stays usable.
func (e *Engine) callOff(ctx context.Context, marked *Document, refusal error) error {
	if fault.Of(refusal).Kind == fault.Internal {
		return refusal
	}
	if err := e.spare(ctx, marked); err != nil && !errors.Is(err, store.ErrConflict) {
		return errors.Join(refusal, err)
	}
	return refusal
}

// nudge tells Run that a deletion waits to be finished.
func (e *Engine) nudge() {
	select {
	case e.wake <- struct{}{}:
	default:
	}
}

// sweepPause is how long a deletion that could not be finished waits for the next attempt.
const sweepPause = 5 * time.Second

// sweep finishes deletions: those that an earlier life of the engine left behind, then those it
// is told of, and once more those that it could not finish.
func (e *Engine) sweep(ctx context.Context) error {
	if err := e.Ready(ctx); err != nil {
		return nil // ctx has ended
	}
	e.nudge()
	var again <-chan time.Time
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-e.wake:
		case <-again:
		}
		again = nil
		for _, d := range e.Documents(cloud.Root, "") {
			if _, busy := e.attended.Load(d.Deleting); d.Deleting == "" || busy {
				continue
			}
			if !e.conclude(ctx, d) {
				again = time.After(sweepPause)
			}
		}
	}
}

// conclude finishes one deletion and records how it ended; false when it has yet to be finished.
func (e *Engine) conclude(ctx context.Context, d *Document) bool {
	_, err := e.finish(ctx, d, cloud.Caller{}, false)
	if err != nil && ctx.Err() == nil {
		e.log().Error("finish deletion", httpkit.KeyScope, d.ID.String(), httpkit.KeyError, err)
	}
	if left, ok := e.Document(d.ID); err != nil && ok && left.Deleting == d.Deleting {
		return false
	}
	e.departed(d, err)
	return true
}
