package keyvault

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"lanyard/internal/cloud"
	"lanyard/internal/store"
)

// Sweeper takes away the secrets of vaults that are gone. A vault can hold more than one
// transaction does, so they go after it: each transaction depends on the vault's absence, and what
// is broken off is resumed at the next start, or when a vault of the same id is made.
type Sweeper struct {
	Store store.Store
	Log   *slog.Logger // nil discards
}

// Run sweeps whatever is left from before, and then after each vault that goes, until ctx ends.
// It returns nil: what could not be swept is tried again at the next start.
func (s Sweeper) Run(ctx context.Context) error {
	log := s.Log
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	for batch := range s.Store.Watch(ctx, cloud.KeysARM+"/", 0) {
		var gone []cloud.ID
		if batch.Reset {
			left, err := s.left(ctx)
			if err != nil && ctx.Err() == nil {
				log.Error("find secrets of vaults that are gone", "error", err)
			}
			gone = left
		}
		for _, e := range batch.Events {
			id, err := cloud.ParseID(strings.TrimPrefix(e.Key, cloud.KeysARM))
			if err == nil && e.Value == nil && id.Is(Vaults) {
				gone = append(gone, id)
			}
		}
		for _, id := range gone {
			if err := s.sweep(ctx, id); err != nil && ctx.Err() == nil && !errors.Is(err, store.ErrConflict) {
				log.Error("sweep secrets", "scope", id.String(), "error", err)
			}
		}
	}
	return nil
}

// left gives the vaults that have secrets but no document.
func (s Sweeper) left(ctx context.Context) ([]cloud.ID, error) {
	entries, _, err := s.Store.List(ctx, cloud.KeysVault+"/")
	if err != nil {
		return nil, fmt.Errorf("list secrets: %w", err)
	}
	var gone []cloud.ID
	last := cloud.ID{}
	for _, e := range entries {
		id, ok := vaultOf(e.Key)
		if !ok || id.Equal(last) {
			continue
		}
		last = id
		document, err := s.Store.Get(ctx, cloud.DocumentKey(id))
		if err != nil {
			return gone, fmt.Errorf("read vault: %w", err)
		}
		if document.Revision == 0 {
			gone = append(gone, id)
		}
	}
	return gone, nil
}

// vaultOf gives the vault under whose id a key lies.
func vaultOf(key string) (cloud.ID, bool) {
	const segments = 8 // /subscriptions/{s}/resourceGroups/{g}/providers/{namespace}/vaults/{name}
	parts := strings.Split(strings.TrimPrefix(key, cloud.KeysVault+"/"), "/")
	if len(parts) <= segments {
		return cloud.ID{}, false
	}
	id, err := cloud.ParseID("/" + strings.Join(parts[:segments], "/"))
	return id, err == nil && id.Is(Vaults)
}

// sweep deletes all there is of a vault that does not exist. It fails with store.ErrConflict when
// the vault has come to exist, or its secrets change, meanwhile.
func (s Sweeper) sweep(ctx context.Context, vault cloud.ID) error {
	entries, _, err := s.Store.List(ctx, cloud.KeysVault+vault.Key()+"/")
	if err != nil {
		return fmt.Errorf("list secrets: %w", err)
	}
	for len(entries) > 0 {
		n := min(len(entries), store.MaxChanges-1)
		changes := []store.Change{{Key: cloud.DocumentKey(vault), Check: true}}
		for _, e := range entries[:n] {
			changes = append(changes, store.Change{Key: e.Key, If: e.Revision})
		}
		if _, err := s.Store.Commit(ctx, changes...); err != nil {
			return fmt.Errorf("delete secrets of %s: %w", vault, err)
		}
		entries = entries[n:]
	}
	return nil
}
