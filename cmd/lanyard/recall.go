package main

import (
	"context"
	"net/http"

	"github.com/spf13/cobra"

	"lanyard/internal/cloud"
)

// recallCommand takes tokens back, or has caches drop them.
func recallCommand(a *app, use, short string) *cobra.Command {
	var s selected
	cmd := a.verb(use, short, "lanyard token "+use+" --identity billing", func(c *client, cmd *cobra.Command) (any, error) {
		selection, err := s.selection(cmd.Context(), c)
		if err != nil {
			return nil, err
		}
		return c.control(cmd.Context(), http.MethodPost, "/tokens/"+use, selection)
	})
	f := cmd.Flags()
	f.StringVar(&s.identity, "identity", "", "name, client id or principal id of whom the tokens speak for")
	f.StringVar(&s.app, "app", "", "name or resource id of the app that they were minted for")
	f.StringVarP(&s.group, "resource-group", "g", "", "resource group of the app")
	f.StringVar(&s.id, "id", "", "id of one token, its uti")
	f.BoolVar(&s.all, "all", false, "every token of the world")
	cmd.MarkFlagsOneRequired("identity", "app", "id", "all")
	cmd.MarkFlagsMutuallyExclusive("identity", "id", "all")
	cmd.MarkFlagsMutuallyExclusive("app", "id", "all")
	return cmd
}

// selected names tokens as people do. An identity and an app together mean what the one got for the other.
type selected struct {
	identity, app, group, id string
	all                      bool
}

func (s selected) selection(ctx context.Context, c *client) (map[string]any, error) {
	selection := map[string]any{}
	if s.all {
		selection["all"] = true
	}
	if s.id != "" {
		selection["id"] = s.id
	}
	if s.identity != "" {
		who, err := c.member(ctx, s.identity)
		switch {
		case err == nil:
			selection["principal"] = who.ID
		case cloud.IsGUID(s.identity): // one that has gone may still have tokens
			selection["principal"] = s.identity
		default:
			return nil, err
		}
	}
	if s.app != "" || s.group != "" {
		app, err := c.appID(ctx, s.app, s.group)
		if err != nil {
			return nil, err
		}
		selection["app"] = app
	}
	return selection, nil
}
