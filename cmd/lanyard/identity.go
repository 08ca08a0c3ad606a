package main

import (
	"net/http"

	"github.com/spf13/cobra"
)

const identityType = "Microsoft.ManagedIdentity/userAssignedIdentities"

func identityCommand(a *app) *cobra.Command {
	identity := parent("identity", "Manage user-assigned identities", "lanyard identity create --name billing --resource-group shop")
	var name, group, location string
	var tags []string
	create := a.verb("create", "Create a user-assigned identity", "lanyard identity create -n billing -g shop", func(c *client, cmd *cobra.Command) (any, error) {
		at, err := c.location(cmd.Context(), group, location)
		if err != nil {
			return nil, err
		}
		body := map[string]any{"location": at}
		if err := putTags(body, tags); err != nil {
			return nil, err
		}
		return flat(c.arm(cmd.Context(), http.MethodPut, c.in(group, identityType, name), identitiesVersion, body))
	})
	create.Flags().StringVarP(&location, "location", "l", "", "location; the group's when left out")
	create.Flags().StringSliceVar(&tags, "tags", nil, "tags as key=value")
	show := a.verb("show", "Show an identity with its principal and client id", "lanyard identity show -n billing -g shop --query principalId -o tsv", func(c *client, cmd *cobra.Command) (any, error) {
		return flat(c.arm(cmd.Context(), http.MethodGet, c.in(group, identityType, name), identitiesVersion, nil))
	})
	remove := a.verb("delete", "Delete an identity; apps that wear it keep a dangling reference", "lanyard identity delete -n billing -g shop", func(c *client, cmd *cobra.Command) (any, error) {
		return c.arm(cmd.Context(), http.MethodDelete, c.in(group, identityType, name), identitiesVersion, nil)
	})
	list := a.verb("list", "List identities of a group, or of the subscription", "lanyard identity list --output table", func(c *client, cmd *cobra.Command) (any, error) {
		return c.flatList(cmd.Context(), c.collection(group, identityType), identitiesVersion)
	})
	for _, verb := range []*cobra.Command{create, show, remove} {
		verb.Flags().StringVarP(&name, "name", "n", "", "name of the identity")
		verb.Flags().StringVarP(&group, "resource-group", "g", "", "resource group")
		must(verb, "name", "resource-group")
	}
	list.Flags().StringVarP(&group, "resource-group", "g", "", "resource group")
	identity.AddCommand(create, show, list, remove, federatedCommand(a))
	return identity
}
