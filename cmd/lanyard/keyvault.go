package main

import (
	"net/http"

	"github.com/spf13/cobra"
)

const vaultType = "Microsoft.KeyVault/vaults"

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
	remove := a.verb("delete", "Delete a vault", "lanyard keyvault delete -n shop-kv -g shop", func(c *client, cmd *cobra.Command) (any, error) {
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
	return vault
}
