package arm

import (
	"context"

	"lanyard/internal/cloud"
)

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
