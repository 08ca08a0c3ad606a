package keyvault

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"lanyard/internal/arm"
	"lanyard/internal/cloud"
	"lanyard/internal/store"
)

// grave is a deleted vault that can still be recovered: what clients see of it, and the document
// that it was. It is stored as a resource of its own, so that it outlives the vault's group. The
// vault's host name stays claimed, and its secrets stay where they are.
type grave struct {
	VaultID        string            `json:"vaultId"`
	Location       string            `json:"location"`
	DeletionDate   time.Time         `json:"deletionDate"`
	ScheduledPurge time.Time         `json:"scheduledPurgeDate"`
	Tags           map[string]string `json:"tags,omitempty"`
	PurgeProtected bool              `json:"purgeProtectionEnabled,omitempty"`
	Vault          *arm.Document     `json:"vault,omitempty"` // never shown

	entry store.Entry // under which it lies
}

// lapsed reports whether the time to recover the vault is over, by the world's clock: from then on it
// counts as gone.
func (d Deps) lapsed(g *grave) bool {
	age := d.Time().Sub(g.DeletionDate)
	if d.Age != nil {
		age = d.Age(g.DeletionDate)
	}
	return age >= g.ScheduledPurge.Sub(g.DeletionDate)
}

// readGrave takes the grave out of its stored document.
func readGrave(e store.Entry) (*grave, error) {
	var d arm.Document
	if err := json.Unmarshal(e.Value, &d); err != nil {
		return nil, fmt.Errorf("read %s: %w", e.Key, err)
	}
	g := &grave{entry: e}
	if err := json.Unmarshal(d.Properties, g); err != nil || g.Vault == nil {
		return nil, fmt.Errorf("read %s: it holds no vault: %w", e.Key, errors.Join(err))
	}
	return g, nil
}

// graves gives the deleted vaults of a subscription, those whose time is over among them.
func graves(ctx context.Context, s reader, subscription string) ([]*grave, error) {
	prefix := cloud.KeysARM + strings.ToLower("/subscriptions/"+subscription+"/providers/"+locations) + "/"
	entries, _, err := s.List(ctx, prefix)
	if err != nil {
		return nil, fmt.Errorf("list deleted vaults: %w", err)
	}
	var all []*grave
	for _, e := range entries {
		g, err := readGrave(e)
		if err != nil {
			return nil, err
		}
		all = append(all, g)
	}
	return all, nil
}

// dig gives the change that makes a vault's grave.
func dig(vault *arm.Document, now time.Time) (store.Change, error) {
	p, err := propertiesOf(vault)
	if err != nil {
		return store.Change{}, err
	}
	place := placeOf(vault)
	id, err := cloud.ParseID("/subscriptions/" + vault.ID.Subscription() + "/providers/" + locations + "/" + place + "/deletedVaults/" + vault.Name)
	if err != nil {
		return store.Change{}, fmt.Errorf("name deleted vault: %w", err)
	}
	was := *vault
	was.Deleting = ""
	now = now.Truncate(time.Second)
	properties, err := json.Marshal(grave{VaultID: vault.ID.String(), Location: place, DeletionDate: now,
		ScheduledPurge: now.AddDate(0, 0, p.Retention), Tags: vault.Tags, PurgeProtected: p.Protected, Vault: &was})
	if err != nil {
		return store.Change{}, fmt.Errorf("write deleted vault: %w", err)
	}
	value, err := json.Marshal(arm.Document{ID: id, Name: id.Name(), Type: DeletedVaults, Properties: properties})
	return store.Change{Key: cloud.DocumentKey(id), Value: value, If: store.Any}, err
}

// placeOf gives the location in which a vault's grave lies: its own, or "local" when a world holds
// one that cannot stand in an id.
func placeOf(vault *arm.Document) string {
	const letters, most = "abcdefghijklmnopqrstuvwxyz0123456789", 64
	if n := len(vault.Location); n == 0 || n > most || strings.Trim(vault.Location, letters) != "" {
		return "local"
	}
	return vault.Location
}

// find gives the grave whose vault holds a host name; nil when the name is free, or a vault's that is in use.
func find(ctx context.Context, s reader, host string) (*grave, error) {
	entry, err := s.Get(ctx, cloud.NameKey(host))
	if err != nil || entry.Revision == 0 {
		return nil, err
	}
	holder, err := cloud.ParseID(string(entry.Value))
	if err != nil {
		return nil, fmt.Errorf("read holder of %s: %w", host, err)
	}
	return graveOf(ctx, s, holder)
}

// graveOf gives a vault's grave; nil when it has none.
func graveOf(ctx context.Context, s reader, vault cloud.ID) (*grave, error) {
	all, err := graves(ctx, s, vault.Subscription())
	if err != nil {
		return nil, err
	}
	for _, g := range all {
		if g.Vault.ID.Equal(vault) {
			return g, nil
		}
	}
	return nil, nil
}

// clear takes a grave away for good and frees the vault's name; whatever lies in the vault is
// swept after it. It gives the revision from which on the name is free.
func (g *grave) clear(ctx context.Context, s store.Store) (int64, error) {
	changes := []store.Change{{Key: g.entry.Key, If: g.entry.Revision}, {Key: cloud.DocumentKey(g.Vault.ID), Check: true}}
	for _, host := range g.Vault.Hosts {
		held, err := s.Get(ctx, cloud.NameKey(host))
		if err != nil {
			return 0, fmt.Errorf("read holder of %s: %w", host, err)
		}
		if strings.EqualFold(string(held.Value), g.Vault.ID.String()) {
			changes = append(changes, store.Change{Key: held.Key, If: held.Revision})
		}
	}
	revision, err := s.Commit(ctx, changes...)
	if err != nil {
		return 0, fmt.Errorf("purge %s: %w", g.Vault.ID, err)
	}
	return revision, nil
}
