package arm

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"lanyard/internal/cloud"
	"lanyard/internal/fault"
	"lanyard/internal/store"
)

// maxAttempts bounds how often a write is tried anew when others keep getting in between.
const maxAttempts = 32

// intent is a write that somebody asked for. It may be tried more than once, against whatever
// state it then meets.
type intent struct {
	id      cloud.ID
	row     *Row
	caller  cloud.Caller
	body    members
	merge   bool // laid over what is there (PATCH), instead of replacing it (PUT)
	when    condition
	trusted bool // the platform's own word: further rights are not demanded
	tries   int  // how often others got in between
}

// write makes the state that in asks for and gives the document as it is stored, and whether it
// is new.
func (e *Engine) write(ctx context.Context, in *intent) (d *Document, created bool, err error) {
	err = e.retry(ctx, in.id, func() (err error) {
		d, created, err = e.attempt(ctx, in)
		in.tries++
		return err
	})
	return d, created, err
}

// retry does something with a resource when its turn has come, and anew as long as writers of
// other resources, or other nodes, get in between: against what the store then holds.
func (e *Engine) retry(ctx context.Context, id cloud.ID, do func() error) error {
	key := id.Key()
	if id.Is(typeLock) {
		key = fence // which all of them write
	}
	done, err := e.turns.take(ctx, key)
	if err != nil {
		return err
	}
	defer done()
	for range maxAttempts {
		err := do()
		if !errors.Is(err, store.ErrConflict) {
			return err
		}
		if err := e.catchUp(ctx); err != nil {
			return err
		}
	}
	return contended(id)
}

func contended(id cloud.ID) error {
	return fault.New(fault.Conflict, "Conflict",
		"The resource '%s' is being changed by others; try again.", id).With("Retry-After", "1")
}

func (e *Engine) attempt(ctx context.Context, in *intent) (*Document, bool, error) {
	line, err := e.ancestors(ctx, in.id)
	if err != nil {
		return nil, false, err
	}
	before, exists := e.Document(in.id)
	if !exists && in.merge {
		return nil, false, e.missing(in.id)
	}
	if err := in.when.check(before); err != nil {
		return nil, false, err
	}
	if exists && before.Deleting != "" {
		return nil, false, beingDeleted(before)
	}
	writes, err := e.gateway(ctx, in.id)
	if err != nil {
		return nil, false, err
	}
	held, err := hold(line)
	if err != nil {
		return nil, false, err
	}
	writes = append(writes, held...)
	parent := cloud.Root
	if len(line) > 0 {
		parent = line[len(line)-1].ID
	}
	if home := e.home(in.id); !home.Equal(in.id) {
		parent = home.Parent()
	}
	c := &Change{ID: in.id, Caller: in.caller, Before: before, Tries: in.tries}
	if c.After, err = e.compose(in, before, parent); err != nil {
		return nil, false, err
	}
	c.ID = c.After.ID
	more, err := e.settle(ctx, c, in)
	if err != nil {
		return nil, false, err
	}
	d, err := e.commit(ctx, c, append(writes, more...))
	return d, !exists, err
}

// gateway gives the conditions that stand before every write: no lock stops it, and its namespace
// is open to its subscription.
func (e *Engine) gateway(ctx context.Context, id cloud.ID) ([]store.Change, error) {
	unlocked, err := e.checkLocks(ctx, id, toWrite)
	if err != nil {
		return nil, err
	}
	open, err := e.checkRegistered(id)
	return append(unlocked, open...), err
}

// settle runs everything that has a say in a change: the identity block, the type's own rules,
// the further rights and the host names. It gives what is to be written besides.
func (e *Engine) settle(ctx context.Context, c *Change, in *intent) ([]store.Change, error) {
	if c.Before == nil && in.row.Name != nil {
		if err := in.row.Name(in.id.Name()); err != nil {
			return nil, badName(in.id, err)
		}
	}
	identity, refusal := e.wear(c, in)
	if refusal == nil {
		refusal = in.row.Behaviour.Shape(ctx, c)
	}
	if !in.trusted { // first, for a refusal may tell what there is where the caller has no right
		if err := e.permitLinked(ctx, c, right(in.row.Type, "write")); err != nil {
			return nil, err
		}
	}
	if refusal != nil {
		return nil, refusal
	}
	if err := in.row.Behaviour.Place(ctx, c); err != nil {
		return nil, err
	}
	claims, err := e.claim(c)
	if err != nil {
		return nil, err
	}
	return append(append(identity, claims...), c.Writes...), nil
}

func badName(id cloud.ID, err error) error {
	var f *fault.Error
	if errors.As(err, &f) {
		return f
	}
	return fault.New(fault.Invalid, "InvalidResourceName", "The resource name '%s' is invalid: %v.", id.Name(), err)
}

// commit writes the document and all that goes with it, and waits until it can be seen.
func (e *Engine) commit(ctx context.Context, c *Change, writes []store.Change) (*Document, error) {
	value, err := json.Marshal(c.After)
	if err != nil {
		return nil, fmt.Errorf("write document: %w", err)
	}
	if len(value) > maxDocument {
		return nil, fault.New(fault.TooLarge, "RequestContentTooLarge", "The resource is larger than %d bytes.", maxDocument)
	}
	own := store.Change{Key: cloud.DocumentKey(c.ID), Value: value}
	if c.Before != nil {
		own.If = c.Before.Revision
	}
	changes, err := distinct(append([]store.Change{own}, writes...))
	if err != nil {
		return nil, err
	}
	revision, err := e.Store.Commit(ctx, changes...)
	if err != nil {
		return nil, fmt.Errorf("commit %s: %w", c.ID, err)
	}
	if err := e.Await(ctx, revision); err != nil {
		return nil, err
	}
	d, _ := e.decode(store.Entry{Key: own.Key, Value: value, Revision: revision})
	return d, nil
}

// distinct joins conditions on a key with the write to it, as transactions name a key once.
func distinct(changes []store.Change) ([]store.Change, error) {
	at := make(map[string]int, len(changes))
	var out []store.Change
	for _, c := range changes {
		i, seen := at[c.Key]
		if !seen {
			at[c.Key] = len(out)
			out = append(out, c)
			continue
		}
		first := out[i]
		if !first.Check && !c.Check {
			return nil, fmt.Errorf("two writes to %s in one transaction", c.Key)
		}
		if first.Check {
			first, c = c, first // first is the write, if there is one; c a condition
		}
		if first.If == store.Any {
			first.If = c.If
		} else if c.If != store.Any && c.If != first.If {
			return nil, store.ErrConflict
		}
		out[i] = first
	}
	return out, nil
}

// Place writes a resource as a PUT would, on the platform's own word: it demands no rights of
// the caller, who is named in systemData. It is for what a world begins with.
func (e *Engine) Place(ctx context.Context, id cloud.ID, caller cloud.Caller, body []byte) (*Document, error) {
	e.setup()
	row, err := e.row(id.Type())
	if err != nil {
		return nil, err
	}
	if err := row.checkPlace(id); err != nil {
		return nil, err
	}
	sent, err := parseMembers(body)
	if err != nil {
		return nil, err
	}
	d, _, err := e.write(ctx, &intent{id: id, row: row, caller: caller, body: sent, trusted: true})
	return d, err
}
