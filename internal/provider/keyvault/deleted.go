package keyvault

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"lanyard/internal/arm"
	"lanyard/internal/cloud"
	"lanyard/internal/fault"
	"lanyard/internal/provider"
	"lanyard/internal/store"
)

// location is where deleted vaults lie; every name is one, and nobody writes it.
type location struct{ arm.Plain }

// Shape refuses.
func (location) Shape(context.Context, *arm.Change) error { return provider.ReadOnly(locations) }

// Find gives a location whatever its name.
func (location) Find(_ context.Context, id cloud.ID) (*arm.Document, error) {
	return &arm.Document{ID: id, Name: id.Name(), Type: locations}, nil
}

// deletedVault is a vault in its grave, as a resource of its own.
type deletedVault struct {
	arm.Plain
	Deps
}

// Shape refuses: deleting a vault makes one.
func (deletedVault) Shape(context.Context, *arm.Change) error {
	return provider.ReadOnly(DeletedVaults)
}

// Remove refuses what a client asks for; purging is an action.
func (deletedVault) Remove(_ context.Context, c *arm.Change) error {
	return provider.PlatformOnly(c, DeletedVaults)
}

// Show leaves out the document that the vault was. One whose time is over is not there.
func (v deletedVault) Show(_ context.Context, d *arm.Document) error {
	var g grave
	if err := json.Unmarshal(d.Properties, &g); err != nil {
		return fmt.Errorf("read %s: %w", d.ID, err)
	}
	if v.lapsed(&g) {
		return missing(d.ID)
	}
	g.Vault = nil
	shown, err := json.Marshal(g)
	d.Type, d.Properties = deleted, shown
	return err
}

// missing says that there is no such deleted vault.
func missing(id cloud.ID) *fault.Error {
	return fault.New(fault.NotFound, "DeletedVaultNotFound", "The specified deleted vault '%s' does not exist.", id.Name())
}

// purge ends a deleted vault before its time.
func (v deletedVault) purge(ctx context.Context, d *arm.Document, w http.ResponseWriter, _ *http.Request) error {
	entry, err := v.Store.Get(ctx, cloud.DocumentKey(d.ID))
	if err != nil {
		return fmt.Errorf("read deleted vault: %w", err)
	}
	if entry.Revision == 0 {
		return missing(d.ID)
	}
	g, err := readGrave(entry)
	switch {
	case err != nil:
		return err
	case v.lapsed(g):
		return missing(d.ID)
	case g.PurgeProtected:
		return fault.New(fault.WrongMethod, "MethodNotAllowed", "Operation 'DeletedVaultPurge' is not allowed.").With("Allow", "GET, HEAD")
	}
	revision, err := g.clear(ctx, v.Store)
	if errors.Is(err, store.ErrConflict) {
		return fault.New(fault.Conflict, "Conflict", "The deleted vault '%s' is being changed by others; try again.", d.Name)
	}
	if err != nil {
		return err
	}
	w.WriteHeader(http.StatusOK)
	return v.See(ctx, revision)
}

// deletedVaults is the list of a subscription's deleted vaults.
type deletedVaults struct{ deletedVault }

// Find gives none: a deleted vault is addressed by its location.
func (deletedVaults) Find(context.Context, cloud.ID) (*arm.Document, error) { return nil, nil }

// List gives those that can be recovered.
func (v deletedVaults) List(ctx context.Context, q arm.Query) ([]*arm.Document, error) {
	if q.Filter != "" {
		return nil, provider.NotOffered("$filter")
	}
	all, err := graves(ctx, v.Store, q.Scope.Subscription())
	if err != nil {
		return nil, err
	}
	var found []*arm.Document
	for _, g := range all {
		if v.lapsed(g) {
			continue
		}
		d := new(arm.Document)
		if err := json.Unmarshal(g.entry.Value, d); err != nil {
			return nil, fmt.Errorf("read %s: %w", g.entry.Key, err)
		}
		found = append(found, d)
	}
	return found, nil
}
