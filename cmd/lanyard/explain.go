package main

import (
	"encoding/json"
	"net/http"

	"github.com/spf13/cobra"
)

func explainCommand(a *app) *cobra.Command {
	var assignee, action, scope string
	var data bool
	cmd := a.verb("explain", "Say whether a principal may do something, and why",
		"lanyard explain --assignee hello --action Microsoft.KeyVault/vaults/secrets/getSecret/action --data --scope $VAULT_ID",
		func(c *client, cmd *cobra.Command) (any, error) {
			who, err := c.member(cmd.Context(), assignee)
			if err != nil {
				return nil, err
			}
			var answer json.RawMessage
			answer, err = c.control(cmd.Context(), http.MethodPost, "/explain", map[string]any{
				"principal": who.ID, "action": action, "data": data, "scope": scope,
			})
			return answer, err
		})
	cmd.Flags().StringVar(&assignee, "assignee", "", "name, client id or principal id")
	cmd.Flags().StringVar(&action, "action", "", "the action asked about")
	cmd.Flags().StringVar(&scope, "scope", "", "where")
	cmd.Flags().BoolVar(&data, "data", false, "it is a data action")
	must(cmd, "assignee", "action", "scope")
	return cmd
}
