package keyvault

import (
	"context"
	"fmt"
	"strings"

	"lanyard/internal/arm"
	"lanyard/internal/cloud"
	"lanyard/internal/fault"
	"lanyard/internal/store"
)

// vault is a key vault: its name is a host name of this world.
type vault struct {
	arm.Plain
	Deps
}

// Shape holds a vault against the rules and gives it its address. What recovers a vault says
// nothing of its own: the vault becomes what it was.
func (v vault) Shape(_ context.Context, c *arm.Change) error {
	m, err := shapeVault(c, v.Tenant)
	if err != nil {
		return err
	}
	m.Set("vaultUri", "https://"+v.Profile.VaultHost(c.ID.Name())+"/")
	m.Set("provisioningState", "Succeeded")
	c.After.Properties = m.Raw()
	return nil
}

// Place claims the vault's host name. A new vault starts empty: what an earlier one of this id
// left behind goes first, so that it is never seen again.
func (v vault) Place(ctx context.Context, c *arm.Change) error {
	host := v.Profile.VaultHost(c.ID.Name())
	c.Hosts, c.HostTaken = []string{host}, alreadyExists(c.ID.Name())
	recovers, err := takeMode(c.After)
	if err != nil {
		return err
	}
	if c.Before != nil {
		if recovers {
			return alreadyExists(c.ID.Name())
		}
		return nil
	}
	g, err := find(ctx, v.Store, host)
	if err != nil {
		return err
	}
	if g != nil && v.lapsed(g) {
		revision, err := g.clear(ctx, v.Store)
		if err != nil {
			return err
		}
		if err := v.See(ctx, revision); err != nil {
			return fmt.Errorf("await purge: %w", err)
		}
		g = nil
	}
	switch {
	case g != nil && !strings.EqualFold(g.Vault.ID.Subscription(), c.ID.Subscription()):
		return c.HostTaken
	case recovers:
		return g.recover(c)
	case g != nil:
		return fault.New(fault.Conflict, "ConflictError",
			"A vault with the same name already exists in deleted state. You need to either recover or purge existing key vault. Follow this link https://go.microsoft.com/fwlink/?linkid=2149745 for more information on soft delete.")
	}
	return Sweeper{Store: v.Store, Profile: v.Profile}.sweep(ctx, c.ID)
}

// recover makes the vault what it was when it was deleted, with the secrets that it has kept.
func (g *grave) recover(c *arm.Change) error {
	switch {
	case g == nil:
		return missing(c.ID)
	case !g.Vault.ID.Equal(c.ID) || g.Location != c.After.Location:
		return badRequest("The deleted vault '%s' can only be recovered where it was: as '%s' in location '%s'.", c.ID.Name(), g.VaultID, g.Location)
	}
	now := c.After.SystemData
	c.After.Properties, c.After.Tags, c.After.Rest, c.After.SystemData = g.Vault.Properties, g.Vault.Tags, g.Vault.Rest, g.Vault.SystemData
	if was := c.After.SystemData; was != nil && now != nil {
		was.LastModifiedBy, was.LastModifiedByType, was.LastModifiedAt = now.LastModifiedBy, now.LastModifiedByType, now.LastModifiedAt
	}
	c.Writes = append(c.Writes, store.Change{Key: g.entry.Key, If: g.entry.Revision})
	return nil
}

// Remove puts the vault into its grave, and leaves its name claimed. The claim is written anew, so
// that whoever makes a vault of this name meanwhile has to look again.
func (v vault) Remove(_ context.Context, c *arm.Change) error {
	dug, err := dig(c.Before, v.Time())
	if err != nil {
		return err
	}
	c.Hosts = c.Before.Hosts
	c.Writes = append(c.Writes, dug)
	for _, host := range c.Before.Hosts {
		c.Writes = append(c.Writes, store.Change{Key: cloud.NameKey(host), Value: []byte(c.ID.String()), If: store.Any})
	}
	return nil
}

// alreadyExists is Azure's refusal of a name that is taken.
func alreadyExists(name string) *fault.Error {
	return fault.New(fault.Conflict, "VaultAlreadyExists",
		"The vault name '%s' is already in use. Vault names are globally unique so it is possible that the name is already taken. If you are sure that the vault name was not taken then it is possible that a vault with the same name was recently deleted but not purged after being placed in a recoverable state. If the vault is in a recoverable state then the vault will need to be purged before reusing the name. For more information about VaultAlreadyExists, soft delete and purging a vault follow this link https://go.microsoft.com/fwlink/?linkid=2147740.", name)
}
