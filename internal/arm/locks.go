package arm

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"lanyard/internal/cloud"
	"lanyard/internal/fault"
	"lanyard/internal/store"
)

const typeLock = "Microsoft.Authorization/locks"

// The operations that locks stop, in the words of their refusals.
const (
	toWrite  = "write"
	toDelete = "delete"
)

// fence is the key that every making and changing of a lock writes, and that every other write
// depends on: a lock that is made at the same moment fails the transaction, and the next attempt
// sees it. Locks are documents of their own, so that comparing what exists would not notice them.
const fence = cloud.KeysGate + "locks"

// checkLocks refuses an operation on a resource that a lock stops, at the resource or at any scope
// above it; what is deleted is held by the locks on all that lies in it, too, and what a Keeper
// keeps by those at each scope that it reaches. Locks do not stop changes of locks. The condition that it gives keeps things so until the write is made.
func (e *Engine) checkLocks(ctx context.Context, id cloud.ID, operation string) ([]store.Change, error) {
	entry, _ := e.gates.Get(fence)
	if err := e.docs.Await(ctx, entry.Revision); err != nil { // locks are read from what is at least as new
		return nil, err
	}
	if id.Is(typeLock) {
		if operation == toDelete {
			return nil, nil
		}
		return []store.Change{{Key: fence, Value: []byte(id.Key()), If: entry.Revision}}, nil
	}
	locks := e.At(id, typeLock)
	if operation == toDelete {
		locks = e.Documents(id, typeLock)
	}
	reached, err := e.reach(id)
	if err != nil {
		return nil, err
	}
	for _, scope := range append(reached, id.Parent()) {
		for at := scope; !at.IsZero(); at = at.Parent() {
			locks = append(locks, e.At(at, typeLock)...)
		}
	}
	locks = slices.DeleteFunc(locks, func(lock *Document) bool { return !lock.stops(operation) })
	if len(locks) > 0 {
		var scopes []string
		for _, lock := range locks {
			scopes = append(scopes, lock.ID.Scope().String())
		}
		slices.Sort(scopes)
		return nil, fault.New(fault.Conflict, "ScopeLocked",
			"The scope '%s' cannot perform %s operation because following scope(s) are locked: '%s'. Please remove the lock and try again.",
			id, operation, strings.Join(slices.Compact(scopes), ",")).Try("lanyard lock delete --ids %s", locks[0].ID)
	}
	return []store.Change{{Key: fence, If: entry.Revision, Check: true}}, nil
}

// reach gives the scopes besides its own at which a resource counts.
func (e *Engine) reach(id cloud.ID) ([]cloud.ID, error) {
	row := e.rows[strings.ToLower(id.Type())]
	if row == nil {
		return nil, nil
	}
	keeper, keeps := row.Behaviour.(Keeper)
	d, ok := e.Document(id)
	if !keeps || !ok {
		return nil, nil
	}
	scopes, err := keeper.Reach(d)
	if err != nil {
		return nil, fmt.Errorf("find what %s reaches: %w", id, err)
	}
	return scopes, nil
}

// stops reports whether a lock stops an operation: each level stops what it names, and ReadOnly
// everything that is no reading.
func (d *Document) stops(operation string) bool {
	var lock struct {
		Level string `json:"level"`
	}
	if json.Unmarshal(d.Properties, &lock) != nil {
		return true // a lock that cannot be read is no reason to go on
	}
	return strings.EqualFold(lock.Level, "ReadOnly") || strings.EqualFold(lock.Level, "CanNotDelete") && operation == toDelete
}
