package arm

import (
	"context"
	"strings"

	"lanyard/internal/cloud"
	"lanyard/internal/fault"
	"lanyard/internal/store"
)

// ancestors gives the documents a resource lies in, outermost first, or says in ARM's words
// which of them does not exist.
func (e *Engine) ancestors(ctx context.Context, id cloud.ID) ([]*Document, error) {
	var chain []cloud.ID
	for at := id.Parent(); !at.IsZero() && !at.Equal(cloud.Root); at = at.Parent() {
		chain = append([]cloud.ID{at}, chain...)
	}
	var line []*Document
	for _, at := range chain {
		d, err := e.known(ctx, at)
		if err != nil {
			return nil, err
		}
		if d == nil {
			return nil, e.orphan(at)
		}
		line = append(line, d)
	}
	return line, nil
}

// known gives a resource's document, stored or computed; nil when there is none.
func (e *Engine) known(ctx context.Context, id cloud.ID) (*Document, error) {
	row := e.rows[strings.ToLower(id.Type())]
	if row == nil {
		return nil, nil
	}
	finder, finds := row.Behaviour.(Finder)
	_, keeps := row.Behaviour.(Keeper) // then what is stored need not be known everywhere
	if d, ok := e.Document(id); ok && !(finds && keeps) {
		return d, nil
	}
	if !finds {
		return nil, nil
	}
	return finder.Find(ctx, id)
}

// orphan says that a scope or parent does not exist.
func (e *Engine) orphan(at cloud.ID) error {
	if at.Is(typeSubscription) || at.Is(typeGroup) {
		return e.missing(at)
	}
	return fault.New(fault.NotFound, "ParentResourceNotFound",
		"Can not perform requested operation on nested resource. Parent resource '%s' not found.", at)
}

// missing says that a resource does not exist (wire-facts 5.3).
func (e *Engine) missing(id cloud.ID) error {
	row := e.rows[strings.ToLower(id.Type())]
	switch {
	case id.Is(typeSubscription):
		return fault.New(fault.NotFound, "SubscriptionNotFound", "The subscription '%s' could not be found.", id.Name())
	case id.Is(typeGroup):
		return fault.New(fault.NotFound, "ResourceGroupNotFound", "Resource group '%s' could not be found.", id.Name())
	case row != nil && row.Missing != nil:
		return row.Missing(id)
	}
	group := id.Group()
	if group == "" {
		group = "<null>"
	}
	return fault.New(fault.NotFound, "ResourceNotFound",
		"The Resource '%s' under resource group '%s' was not found. For more details please go to https://aka.ms/ARMResourceNotFoundFix",
		relative(id), group)
}

// relative gives a resource as ARM names it in messages: Microsoft.KeyVault/vaults/kv/secrets/db.
func relative(id cloud.ID) string {
	const providers = "/providers/"
	scope := id.Scope().String()
	if scope == "/" {
		scope = ""
	}
	if rest := id.String()[len(scope):]; len(rest) > len(providers) {
		return rest[len(providers):]
	}
	return id.String()
}

// hold makes a write depend on what it lies in: none of it may go, or begin to go, meanwhile.
func hold(line []*Document) ([]store.Change, error) {
	var checks []store.Change
	for _, d := range line {
		if d.Deleting != "" {
			return nil, beingDeleted(d)
		}
		if d.Revision == 0 {
			continue // computed
		}
		checks = append(checks, store.Change{Key: cloud.DocumentKey(d.ID), If: d.Revision, Check: true})
	}
	return checks, nil
}

func beingDeleted(d *Document) error {
	if d.ID.Is(typeGroup) {
		return fault.New(fault.Conflict, "ResourceGroupBeingDeleted",
			"The resource group '%s' is in deprovisioning state and cannot perform this operation.", d.Name)
	}
	return fault.New(fault.Conflict, "ResourceBeingDeleted",
		"The resource '%s' is being deleted and cannot perform this operation.", d.ID)
}
