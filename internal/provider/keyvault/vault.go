package keyvault

import (
	"context"

	"lanyard/internal/arm"
	"lanyard/internal/fault"
)

// vault is a key vault: its name is a host name of this world.
type vault struct {
	arm.Plain
	Deps
}

// Shape holds a vault against the rules and gives it its address.
func (v vault) Shape(_ context.Context, c *arm.Change) error {
	m, err := shapeVault(c.After, v.Tenant)
	if err != nil {
		return err
	}
	m.Set("vaultUri", "https://"+v.Profile.VaultHost(c.ID.Name())+"/")
	m.Set("provisioningState", "Succeeded")
	c.After.Properties = m.Raw()
	if c.Before == nil {
		return nil
	}
	return keptRetention(c.Before.Properties, c.After.Properties)
}

// Place claims the vault's host name. A new vault starts empty: what an earlier one of this id
// left behind goes first, so that it is never seen again.
func (v vault) Place(ctx context.Context, c *arm.Change) error {
	c.Hosts = []string{v.Profile.VaultHost(c.ID.Name())}
	c.HostTaken = fault.New(fault.Conflict, "VaultAlreadyExists",
		"The vault name '%s' is already in use. Vault names are globally unique so it is possible that the name is already taken.", c.ID.Name())
	if c.Before != nil {
		return nil
	}
	return Sweeper{Store: v.Store}.sweep(ctx, c.ID)
}
