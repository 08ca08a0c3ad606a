package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/spf13/cobra"

	"lanyard/internal/cloud"
)

// role gives the full id of a role by name, GUID or id.
func (c *client) role(ctx context.Context, scope, role string) (string, error) {
	if strings.HasPrefix(role, "/") {
		return role, nil
	}
	at := c.seat.Scope().String() + "/providers/" + definitionType
	if cloud.IsGUID(role) {
		return at + "/" + role, nil
	}
	filter := url.QueryEscape("roleName eq " + quoted(role))
	docs, err := c.list(ctx, strings.TrimSuffix(scope, "/")+"/providers/"+definitionType+"?$filter="+filter, rolesVersion)
	if err != nil {
		return "", err
	}
	if len(docs) == 0 {
		return "", hinted{fmt.Sprintf("there is no role named %q", role), "lanyard role definition list --query '[].roleName'"}
	}
	return at + "/" + nameOf(docs[0]), nil
}

func definitionCommand(a *app) *cobra.Command {
	var name, definition string
	var custom bool
	list := a.verb("list", "List role definitions", "lanyard role definition list --name 'Key Vault Secrets User'", func(c *client, cmd *cobra.Command) (any, error) {
		filter := ""
		if name != "" {
			filter = "?$filter=" + url.QueryEscape("roleName eq "+quoted(name))
		} else if custom {
			filter = "?$filter=" + url.QueryEscape("type eq 'CustomRole'")
		}
		return c.flatList(cmd.Context(), c.seat.Scope().String()+"/providers/"+definitionType+filter, rolesVersion)
	})
	list.Flags().BoolVar(&custom, "custom-role-only", false, "leave out the built-in ones")
	create := a.verb("create", "Create a custom role", `lanyard role definition create --role-definition @role.json`, func(c *client, cmd *cobra.Command) (any, error) {
		return c.createRole(cmd.Context(), definition)
	})
	create.Flags().StringVar(&definition, "role-definition", "", "JSON, or @file: Name, Actions, DataActions, AssignableScopes, ...")
	must(create, "role-definition")
	remove := a.verb("delete", "Delete a custom role", "lanyard role definition delete --name Reviewer", func(c *client, cmd *cobra.Command) (any, error) {
		id, err := c.role(cmd.Context(), c.seat.Scope().String(), name)
		if err != nil {
			return nil, err
		}
		return c.arm(cmd.Context(), http.MethodDelete, id, rolesVersion, nil)
	})
	for _, verb := range []*cobra.Command{list, remove} {
		verb.Flags().StringVarP(&name, "name", "n", "", "name of the role")
	}
	must(remove, "name")
	cmd := parent("definition", "Manage role definitions", "lanyard role definition list --custom-role-only")
	cmd.AddCommand(list, create, remove)
	return cmd
}

// createRole takes az's form of a role definition.
func (c *client) createRole(ctx context.Context, definition string) (any, error) {
	text, err := contents(definition)
	if err != nil {
		return nil, err
	}
	var d struct {
		Name, Description                                string
		Actions, NotActions, DataActions, NotDataActions []string
		AssignableScopes                                 []string
	}
	if err := json.Unmarshal(text, &d); err != nil {
		return nil, hinted{fmt.Sprintf("--role-definition is not valid JSON: %v", err), `--role-definition '{"Name":"Reviewer","Actions":["*/read"],"AssignableScopes":["/subscriptions/..."]}'`}
	}
	if len(d.AssignableScopes) == 0 {
		d.AssignableScopes = []string{c.seat.Scope().String()}
	}
	name, err := cloud.NewID(rand.Reader)
	if err != nil {
		return nil, err
	}
	return flat(c.arm(ctx, http.MethodPut, d.AssignableScopes[0]+"/providers/"+definitionType+"/"+name, rolesVersion, map[string]any{
		"properties": map[string]any{
			"roleName": d.Name, "description": d.Description, "type": "CustomRole", "assignableScopes": d.AssignableScopes,
			"permissions": []any{map[string]any{"actions": d.Actions, "notActions": d.NotActions, "dataActions": d.DataActions, "notDataActions": d.NotDataActions}},
		},
	}))
}
