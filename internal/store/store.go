// Package store keeps revisioned documents that can be watched.
//
// It must not know what the documents mean.
package store

import (
	"context"
	"errors"
)

// Entry is one document at one revision.
type Entry struct {
	Key      string
	Value    []byte
	Revision int64 // of the store when the document was last written; 0 means it does not exist
}

// Change is one write of a transaction, with the condition under which it is made.
type Change struct {
	Key   string
	Value []byte // nil deletes
	// If is the revision the document must have for the whole transaction to be made: 0 means it
	// must not exist, Any means whatever it is.
	If int64
	// Check makes the change a condition only: nothing is written under Key.
	Check bool
}

// Any in Change.If sets no condition.
const Any int64 = -1

// Event is one change as a watcher sees it. A deleted document has a nil Value.
type Event struct {
	Key      string
	Value    []byte
	Revision int64
}

// Batch is what one transaction changed under a watched prefix, in one piece, or the whole state
// of the prefix at one revision.
type Batch struct {
	Revision int64
	Events   []Event
	// Reset says that Events is all there is under the prefix: whatever a watcher held before is
	// void. It comes first when a watch starts from 0, and again when the revision asked for, or
	// the watcher's place, has been compacted away.
	Reset bool
}

// Store is the seam between Lanyard and what keeps its state. Both drivers pass storetest.
type Store interface {
	// Get gives the document under key; a missing one has Revision 0 and no error.
	Get(ctx context.Context, key string) (Entry, error)
	// List gives the documents whose keys start with prefix, in key order, all of one revision,
	// and that revision.
	List(ctx context.Context, prefix string) ([]Entry, int64, error)
	// Commit makes all changes or none, and gives the store's revision afterwards. It fails with
	// ErrConflict when a condition does not hold. Keys must be distinct.
	Commit(ctx context.Context, changes ...Change) (int64, error)
	// Watch sends what changes under prefix after revision from; from 0 begins with a Reset.
	// The channel closes when ctx ends or the store closes.
	Watch(ctx context.Context, prefix string, from int64) <-chan Batch
	// Close releases the store; what was committed stays.
	Close() error
}

// MaxChanges is how many changes one transaction may hold; larger work is split and resumed.
const MaxChanges = 120

var (
	// ErrConflict says that a document was not at the revision a transaction asked for.
	ErrConflict = errors.New("store: a document has changed since it was read")
	// ErrTooMany says that a transaction holds more than MaxChanges.
	ErrTooMany = errors.New("store: too many changes in one transaction")
	// ErrClosed says that the store has been closed.
	ErrClosed = errors.New("store: closed")
)
