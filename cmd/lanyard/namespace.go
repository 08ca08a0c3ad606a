package main

import (
	"net/http"

	"github.com/spf13/cobra"
)

const providersVersion = "2021-04-01"

func providerCommand(a *app) *cobra.Command {
	var namespace string
	at := func(c *client) string { return c.seat.Scope().String() + "/providers/" + namespace }
	list := a.verb("list", "List the namespaces of resource types", "lanyard provider list --query '[].namespace'", func(c *client, cmd *cobra.Command) (any, error) {
		return c.list(cmd.Context(), c.seat.Scope().String()+"/providers", providersVersion)
	})
	show := a.verb("show", "Show a namespace with its types and their api-versions", "lanyard provider show -n Microsoft.App", func(c *client, cmd *cobra.Command) (any, error) {
		return c.arm(cmd.Context(), http.MethodGet, at(c), providersVersion, nil)
	})
	register := a.verb("register", "Register a namespace in the subscription", "lanyard provider register -n Microsoft.App", func(c *client, cmd *cobra.Command) (any, error) {
		return c.arm(cmd.Context(), http.MethodPost, at(c)+"/register", providersVersion, nil)
	})
	unregister := a.verb("unregister", "Take a namespace out of the subscription", "lanyard provider unregister -n Microsoft.App", func(c *client, cmd *cobra.Command) (any, error) {
		return c.arm(cmd.Context(), http.MethodPost, at(c)+"/unregister", providersVersion, nil)
	})
	for _, verb := range []*cobra.Command{show, register, unregister} {
		verb.Flags().StringVarP(&namespace, "namespace", "n", "", "namespace, e.g. Microsoft.App")
		must(verb, "namespace")
	}
	cmd := parent("provider", "Manage the namespaces of resource types", "lanyard provider list --output table")
	cmd.AddCommand(list, show, register, unregister)
	return cmd
}
