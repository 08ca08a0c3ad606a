package keyvault

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"lanyard/internal/cloud"
	"lanyard/internal/httpkit"
	"lanyard/internal/store"
)

// expireEvery is how often deleted vaults whose time is over are looked for.
const expireEvery = time.Hour

// Sweeper takes away deleted vaults when their time is over, and the secrets of vaults that are
// gone for good. A vault can hold more than one transaction does, so they go after it: each
// transaction depends on the vault's absence, and what is broken off is resumed within the hour, at
// the next start, or when a vault of the same id is made.
type Sweeper struct {
	Store   store.Store
	Profile cloud.Profile
	Now     func() time.Time // nil means time.Now
	Log     *slog.Logger     // nil discards
}

// Run sweeps whatever is left from before, and then after each vault that goes, until ctx ends.
// It returns nil: what could not be swept is tried again within the hour.
func (s Sweeper) Run(ctx context.Context) error {
	if s.Log == nil {
		s.Log = slog.New(slog.DiscardHandler)
	}
	tick := time.NewTicker(expireEvery)
	defer tick.Stop()
	changes := s.Store.Watch(ctx, cloud.KeysARM+"/", 0)
	for {
		select {
		case batch, open := <-changes:
			if !open {
				return nil
			}
			s.follow(ctx, batch)
		case <-tick.C:
			s.expire(ctx)
			s.sweepAll(ctx, s.search(ctx))
		}
	}
}

// follow sweeps after what a batch of changes took away.
func (s Sweeper) follow(ctx context.Context, batch store.Batch) {
	if batch.Reset {
		s.expire(ctx)
	}
	var gone []cloud.ID
	search := batch.Reset
	for _, e := range batch.Events {
		id, err := cloud.ParseID(strings.TrimPrefix(e.Key, cloud.KeysARM))
		if err != nil || e.Value != nil {
			continue
		}
		if id.Is(Vaults) {
			gone = append(gone, id)
		}
		search = search || id.Is(DeletedVaults) // whose vault's id went with it
	}
	if search {
		gone = append(gone, s.search(ctx)...)
	}
	s.sweepAll(ctx, gone)
}

// search gives the vaults that have secrets but no document.
func (s Sweeper) search(ctx context.Context) []cloud.ID {
	gone, err := s.left(ctx)
	s.complain(ctx, "find secrets of vaults that are gone", err)
	return gone
}

func (s Sweeper) sweepAll(ctx context.Context, vaults []cloud.ID) {
	for _, id := range vaults {
		s.complain(ctx, "sweep secrets", s.sweep(ctx, id))
	}
}

// complain logs what went wrong, unless somebody else was faster or the platform ends.
func (s Sweeper) complain(ctx context.Context, what string, err error) {
	if err != nil && ctx.Err() == nil && !errors.Is(err, store.ErrConflict) {
		s.Log.Error(what, httpkit.KeyError, err)
	}
}

// expire clears the graves of the vaults whose time is over. It goes by real time: what has aged out is
// there again when the world's clock is reset.
func (s Sweeper) expire(ctx context.Context) {
	now := time.Now()
	if s.Now != nil {
		now = s.Now()
	}
	entries, _, err := s.Store.List(ctx, cloud.KeysARM+"/subscriptions/")
	s.complain(ctx, "list deleted vaults", err)
	for _, e := range entries {
		id, err := cloud.ParseID(strings.TrimPrefix(e.Key, cloud.KeysARM))
		if err != nil || !id.Is(DeletedVaults) {
			continue
		}
		g, err := readGrave(e)
		if err == nil && !now.Before(g.ScheduledPurge) {
			_, err = g.clear(ctx, s.Store)
		}
		s.complain(ctx, "expire deleted vault", err)
	}
}

// left gives those vaults, as far as they can be read.
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

// sweep deletes all there is of a vault that does not exist and cannot be recovered: one that does
// not hold its host name. It fails with store.ErrConflict when the vault has come to exist, or its
// secrets change, meanwhile.
func (s Sweeper) sweep(ctx context.Context, vault cloud.ID) error {
	name := cloud.NameKey(s.Profile.VaultHost(vault.Name()))
	held, err := s.Store.Get(ctx, name)
	if err != nil {
		return fmt.Errorf("read holder of %s: %w", vault, err)
	}
	if strings.EqualFold(string(held.Value), vault.String()) {
		return nil
	}
	entries, _, err := s.Store.List(ctx, cloud.KeysVault+vault.Key()+"/")
	if err != nil {
		return fmt.Errorf("list secrets: %w", err)
	}
	absent := []store.Change{{Key: cloud.DocumentKey(vault), Check: true}, {Key: name, If: held.Revision, Check: true}}
	for len(entries) > 0 {
		n := min(len(entries), store.MaxChanges-len(absent))
		changes := slices.Clone(absent)
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
