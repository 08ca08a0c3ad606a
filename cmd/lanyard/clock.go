package main

import (
	"net/http"

	"github.com/spf13/cobra"
)

func clockCommand(a *app) *cobra.Command {
	clock := parent("clock", "See and move the world's clock, by which things grow old", "lanyard clock advance 25h")
	clock.Long = `The world's clock adds to the age of what exists: tokens, their caches, signing keys, sign-ins and
what is deleted but can be recovered. No time on the wire changes with it. Only worlds with Azure's own names have one.`
	advance := a.verb("advance SPAN", "Make everything that exists older", "lanyard clock advance 25h", func(c *client, cmd *cobra.Command) (any, error) {
		return c.control(cmd.Context(), http.MethodPost, "/clock/advance", map[string]string{"by": cmd.Flags().Arg(0)})
	})
	advance.Args = cobra.ExactArgs(1)
	advance.Long = "Make everything that exists older by a span of time: 25h, 30m, 7d, 1d12h."
	clock.AddCommand(
		a.verb("show", "Show how the clock was moved", "lanyard clock show", func(c *client, cmd *cobra.Command) (any, error) {
			return c.control(cmd.Context(), http.MethodGet, "/clock", nil)
		}),
		advance,
		a.verb("reset", "Take all advances back", "lanyard clock reset", func(c *client, cmd *cobra.Command) (any, error) {
			return c.control(cmd.Context(), http.MethodPost, "/clock/reset", nil)
		}),
	)
	return clock
}
