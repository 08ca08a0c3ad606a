package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"github.com/spf13/cobra"
)

const (
	vaultType        = "Microsoft.KeyVault/vaults"
	deletedVaultType = "Microsoft.KeyVault/deletedVaults"
)

func keyvaultCommand(a *app) *cobra.Command {
	vault := parent("keyvault", "Manage vaults and their secrets", "lanyard keyvault create --name shop-kv --resource-group shop")
	var name, group, location string
	create := a.verb("create", "Create a vault", "lanyard keyvault create -n shop-kv -g shop", func(c *client, cmd *cobra.Command) (any, error) {
		at, err := c.location(cmd.Context(), group, location)
		if err != nil {
			return nil, err
		}
		return c.arm(cmd.Context(), http.MethodPut, c.in(group, vaultType, name), vaultsVersion, map[string]any{
			"location": at,
			"properties": map[string]any{
				"tenantId": c.seat.Tenant, "sku": map[string]any{"family": "A", "name": "standard"}, "enableRbacAuthorization": true,
			},
		})
	})
	create.Flags().StringVarP(&location, "location", "l", "", "location; the group's when left out")

	show := a.verb("show", "Show a vault", "lanyard keyvault show -n shop-kv -g shop", func(c *client, cmd *cobra.Command) (any, error) {
		return c.arm(cmd.Context(), http.MethodGet, c.in(group, vaultType, name), vaultsVersion, nil)
	})
	remove := a.verb("delete", "Delete a vault; it can be recovered", "lanyard keyvault delete -n shop-kv -g shop", func(c *client, cmd *cobra.Command) (any, error) {
		return c.arm(cmd.Context(), http.MethodDelete, c.in(group, vaultType, name), vaultsVersion, nil)
	})
	list := a.verb("list", "List vaults of a group, or of the subscription", "lanyard keyvault list -o table", func(c *client, cmd *cobra.Command) (any, error) {
		return c.list(cmd.Context(), c.collection(group, vaultType), vaultsVersion)
	})
	for _, verb := range []*cobra.Command{create, show, remove} {
		verb.Flags().StringVarP(&name, "name", "n", "", "name of the vault")
		verb.Flags().StringVarP(&group, "resource-group", "g", "", "resource group")
		must(verb, "name", "resource-group")
	}
	list.Flags().StringVarP(&group, "resource-group", "g", "", "resource group")
	vault.AddCommand(create, show, list, remove, secretCommand(a))
	vault.AddCommand(deletedVaultCommands(a)...)
	return vault
}

// deletedVaultCommands are the verbs for vaults that were deleted and are still kept.
func deletedVaultCommands(a *app) []*cobra.Command {
	var name, location string
	list := a.verb("list-deleted", "List deleted vaults that can be recovered", "lanyard keyvault list-deleted -o table", func(c *client, cmd *cobra.Command) (any, error) {
		return c.list(cmd.Context(), c.collection("", deletedVaultType), vaultsVersion)
	})
	show := a.verb("show-deleted", "Show a deleted vault", "lanyard keyvault show-deleted -n shop-kv", func(c *client, cmd *cobra.Command) (any, error) {
		found, _, err := c.deletedVault(cmd.Context(), name, location)
		return found, err
	})
	recoverVerb := a.verb("recover", "Bring a deleted vault back with its secrets", "lanyard keyvault recover -n shop-kv", func(c *client, cmd *cobra.Command) (any, error) {
		_, gone, err := c.deletedVault(cmd.Context(), name, location)
		if err != nil {
			return nil, err
		}
		return c.arm(cmd.Context(), http.MethodPut, gone.Properties.Vault, vaultsVersion, map[string]any{
			"location": gone.Properties.Location,
			"properties": map[string]any{
				"tenantId": c.seat.Tenant, "sku": map[string]any{"family": "A", "name": "standard"}, "createMode": "recover",
			},
		})
	})
	purge := a.verb("purge", "Remove a deleted vault for good", "lanyard keyvault purge -n shop-kv", func(c *client, cmd *cobra.Command) (any, error) {
		_, gone, err := c.deletedVault(cmd.Context(), name, location)
		if err != nil {
			return nil, err
		}
		return c.arm(cmd.Context(), http.MethodPost, gone.ID+"/purge", vaultsVersion, nil)
	})
	for _, verb := range []*cobra.Command{show, recoverVerb, purge} {
		verb.Flags().StringVarP(&name, "name", "n", "", "name of the vault")
		verb.Flags().StringVarP(&location, "location", "l", "", "its location; found when left out")
		must(verb, "name")
	}
	return []*cobra.Command{list, show, recoverVerb, purge}
}

// deletedVault is a vault that was deleted and is kept for its retention.
type deletedVault struct {
	ID         string `json:"id"`
	Name       string `json:"name"`
	Properties struct {
		Vault    string `json:"vaultId"`
		Location string `json:"location"`
	} `json:"properties"`
}

// deletedVault finds a deleted vault by its name, and its location if one is given.
func (c *client) deletedVault(ctx context.Context, name, location string) (json.RawMessage, deletedVault, error) {
	docs, err := c.list(ctx, c.collection("", deletedVaultType), vaultsVersion)
	if err != nil {
		return nil, deletedVault{}, err
	}
	for _, doc := range docs {
		var d deletedVault
		if err := json.Unmarshal(doc, &d); err != nil {
			return nil, deletedVault{}, fmt.Errorf("read deleted vault: %w", err)
		}
		if strings.EqualFold(d.Name, name) && (location == "" || strings.EqualFold(d.Properties.Location, location)) {
			return doc, d, nil
		}
	}
	return nil, deletedVault{}, hinted{fmt.Sprintf("no deleted vault is named %q", name), "lanyard keyvault list-deleted"}
}
