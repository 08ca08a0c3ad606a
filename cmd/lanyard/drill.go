package main

import (
	"context"
	"net/http"

	"github.com/spf13/cobra"
)

func drillCommand(a *app) *cobra.Command {
	drill := parent("drill", "Switch on a fault by name, for practice and tests", "lanyard drill start late-identity --app hello")
	drill.Long = `A drill breaks one thing in the way in which it breaks in Azure, for one app or for every app, until it is
stopped. What is refused because of a drill names it, and lanyard status shows those that are on.`
	drill.AddCommand(
		a.verb("list", "List the drills there are, and which are on", "lanyard drill list", func(c *client, cmd *cobra.Command) (any, error) {
			return c.control(cmd.Context(), http.MethodGet, "/drills", nil)
		}),
		drillSwitch(a, "start", "Switch a drill on"),
		drillSwitch(a, "stop", "Switch a drill off, for every app or for one that it was started for"),
	)
	return drill
}

// drillSwitch switches a drill on or off.
func drillSwitch(a *app, use, short string) *cobra.Command {
	var app, group string
	cmd := a.verb(use+" NAME", short, "lanyard drill "+use+" late-identity --app hello", func(c *client, cmd *cobra.Command) (any, error) {
		order, err := drillOrder(cmd.Context(), c, app, group)
		if err != nil {
			return nil, err
		}
		order["name"] = cmd.Flags().Arg(0)
		return c.control(cmd.Context(), http.MethodPost, "/drills/"+use, order)
	})
	cmd.Args = cobra.ExactArgs(1)
	f := cmd.Flags()
	f.StringVar(&app, "app", "", "name or resource id of an app; without it every app is meant")
	f.StringVarP(&group, "resource-group", "g", "", "resource group of the app")
	return cmd
}

// drillOrder names the app that a drill is for, or none.
func drillOrder(ctx context.Context, c *client, app, group string) (map[string]any, error) {
	order := map[string]any{}
	if app == "" && group == "" {
		return order, nil
	}
	id, err := c.appID(ctx, app, group)
	if err != nil {
		return nil, err
	}
	order["app"] = id
	return order, nil
}
