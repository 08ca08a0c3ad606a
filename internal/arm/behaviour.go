package arm

import (
	"context"

	"lanyard/internal/cloud"
	"lanyard/internal/fault"
	"lanyard/internal/store"
)

// Behaviour is what a type does beyond being stored. Its methods run before the transaction
// commits and may run again when it has to be retried: they change only the Change they are given.
type Behaviour interface {
	// Shape holds the new document against the type's rules and fills its defaults.
	Shape(ctx context.Context, c *Change) error
	// Place adds to c what else has to be written with the document.
	Place(ctx context.Context, c *Change) error
	// Remove adds to c what else has to be written when the document goes.
	Remove(ctx context.Context, c *Change) error
	// Show completes a document for the wire: what is computed or must not be shown.
	Show(ctx context.Context, d *Document) error
}

// Plain is the Behaviour that does nothing; types embed it and override what they need.
type Plain struct{}

// Shape accepts everything.
func (Plain) Shape(context.Context, *Change) error { return nil }

// Place adds nothing.
func (Plain) Place(context.Context, *Change) error { return nil }

// Remove adds nothing.
func (Plain) Remove(context.Context, *Change) error { return nil }

// Show changes nothing.
func (Plain) Show(context.Context, *Document) error { return nil }

// Change is one resource on its way from one state to the next.
type Change struct {
	ID cloud.ID
	// Caller is who asked for it; zero when the platform acts by itself: for what a world begins
	// with, and for what goes along with a resource that somebody deletes.
	Caller cloud.Caller
	Before *Document // nil on create
	After  *Document // nil on delete
	// Tries is how often others got in between of this write, which is tried anew each time.
	Tries int
	// Going is set on delete: what the client deletes, which is ID itself or what it lies in.
	Going cloud.ID
	// Writes are made in the same transaction as the document itself.
	Writes []store.Change
	// Hosts are the DNS names the resource claims in this world, without regard to case; a name
	// another resource holds is a conflict. The engine releases those it held before and no longer names.
	// On delete it names those that stay claimed (a soft-deleted vault keeps its own).
	Hosts []string
	// HostTaken is what is said when another resource holds one of Hosts; nil says Conflict.
	HostTaken *fault.Error
	// Demands are further rights the caller needs besides the one on the document itself, e.g.
	// userAssignedIdentities/assign/action on each identity newly attached. On a write they are
	// asked for when Shape returns, before anything that it refuses is said.
	Demands []Demand
}

// Demand is one further right that a change needs.
type Demand struct {
	Action string
	Scope  cloud.ID
}

// Finder is a Behaviour some of whose documents are computed, not stored: built-in roles, the
// identity of a scope. It is asked when the store has none.
type Finder interface {
	// Find gives the document of that id; nil and no error when there is none.
	Find(ctx context.Context, id cloud.ID) (*Document, error)
}

// Keeper is a Behaviour whose resources are the same at every scope: a role definition has one
// name in the tenant, and can be read and written by it at whichever scope it is asked for.
type Keeper interface {
	// Home gives the id under which the resource that id names is stored. If the type is a Finder
	// too, that says at which scopes the resource is seen.
	Home(id cloud.ID) cloud.ID
	// Reach gives the scopes at which the stored resource counts: locks at any of them, and above,
	// hold it by whichever path it is asked for.
	Reach(d *Document) ([]cloud.ID, error)
}

// Lister is a Behaviour with a say in what its collections hold: computed documents, those that
// are inherited from above, and a $filter of its own.
type Lister interface {
	// List gives the documents a collection holds, before the caller's rights are considered.
	List(ctx context.Context, q Query) ([]*Document, error)
}

// Filterer is a Behaviour whose collections take a $filter in terms of its own.
type Filterer interface {
	// Filter reports whether the filter holds for a document of a collection at scope.
	Filter(ctx context.Context, scope cloud.ID, filter string, d *Document) (bool, error)
}

// Query is what a collection is asked for.
type Query struct {
	Scope  cloud.ID
	Caller cloud.Caller
	Filter string // $filter as sent, unescaped
	// Below are the stored documents of the type at the scope and under it, in key order.
	Below []*Document
	// Above are those of the type that lie directly at scopes containing this one, outermost first;
	// only extension types have them.
	Above []*Document
}
