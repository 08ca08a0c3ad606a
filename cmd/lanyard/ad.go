package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/spf13/cobra"

	"lanyard/internal/cloud"
)

func adCommand(a *app) *cobra.Command {
	cmd := parent("ad", "Manage the directory's applications, service principals and groups", "lanyard ad sp list --all --output table")
	cmd.AddCommand(spCommand(a), registrationCommand(a), userCommand(a), securityGroupCommand(a))
	return cmd
}

func userCommand(a *app) *cobra.Command {
	cmd := parent("user", "See the directory's people", "lanyard ad user list")
	cmd.AddCommand(a.verb("list", "List people", "lanyard ad user list --output table", func(c *client, cmd *cobra.Command) (any, error) {
		return c.graphList(cmd.Context(), "/users", "")
	}))
	var id string
	var secure bool
	within := a.verb("get-member-groups", "List the groups that somebody is in, at any remove", "lanyard ad user get-member-groups --id owner@lanyard.localhost",
		func(c *client, cmd *cobra.Command) (any, error) {
			return c.memberGroups(cmd.Context(), "/users/"+url.PathEscape(id), secure)
		})
	within.Flags().StringVar(&id, "id", "", "object id or name to sign in by")
	within.Flags().BoolVar(&secure, "security-enabled-only", false, "security groups alone; there are no others")
	must(within, "id")
	cmd.AddCommand(within)
	return cmd
}

// noun is a kind of directory object with the verbs that az has for it.
type noun struct {
	use, collection, what string
	id, name              string
	all                   bool
}

// fewObjects is how many a list holds without --all, as in az.
const fewObjects = 100

// verbs gives list, show and delete of a kind of object.
func (n *noun) verbs(a *app) []*cobra.Command {
	list := a.verb("list", "List "+n.what+"s", "lanyard ad "+n.use+" list --output table", func(c *client, cmd *cobra.Command) (any, error) {
		filter := ""
		if n.name != "" {
			filter = "startswith(displayName," + quoted(n.name) + ")"
		}
		found, err := c.graphList(cmd.Context(), n.collection, filter)
		if !n.all && len(found) > fewObjects {
			fmt.Fprintf(a.std.err, "The first %d of %d; --all lists them all.\n", fewObjects, len(found))
			found = found[:fewObjects]
		}
		if err != nil {
			return nil, err
		}
		return a.inBrief(found)
	})
	list.Flags().StringVar(&n.name, "display-name", "", "what the name begins with")
	list.Flags().BoolVar(&n.all, "all", false, fmt.Sprintf("list all, not only the first %d", fewObjects))
	show := a.verb("show", "Show a "+n.what, "lanyard ad "+n.use+" show --id $APP_ID", func(c *client, cmd *cobra.Command) (any, error) {
		return c.object(cmd.Context(), n.collection, n.id)
	})
	remove := a.verb("delete", "Delete a "+n.what, "lanyard ad "+n.use+" delete --id $APP_ID", func(c *client, cmd *cobra.Command) (any, error) {
		found, err := c.object(cmd.Context(), n.collection, n.id)
		if err != nil {
			return nil, err
		}
		return c.graph(cmd.Context(), http.MethodDelete, n.collection+"/"+objectID(found), nil)
	})
	for _, verb := range []*cobra.Command{show, remove} {
		verb.Flags().StringVar(&n.id, "id", "", "client id, object id, or an identifier URI")
		must(verb, "id")
	}
	return []*cobra.Command{list, show, remove}
}

// brief is what a table shows of a directory object, as in az.
type brief struct {
	DisplayName     string            `json:"displayName"`
	ID              cloud.PrincipalID `json:"id"`
	AppID           cloud.ClientID    `json:"appId,omitempty"`
	CreatedDateTime string            `json:"createdDateTime"`
}

// inBrief gives directory objects as a table shows them, unless they are printed otherwise.
func (a *app) inBrief(docs []json.RawMessage) (any, error) {
	if !a.tabular() {
		return docs, nil
	}
	rows := make([]brief, len(docs))
	for i, d := range docs {
		if err := json.Unmarshal(d, &rows[i]); err != nil {
			return nil, fmt.Errorf("read directory object: %w", err)
		}
	}
	return rows, nil
}

// object finds a directory object by client id, object id or one of its URIs.
func (c *client) object(ctx context.Context, collection, id string) (json.RawMessage, error) {
	filter := "identifierUris/any(s:s eq " + quoted(id) + ")"
	switch {
	case cloud.IsGUID(id):
		filter = "appId eq " + quoted(id)
	case collection == "/servicePrincipals":
		filter = "servicePrincipalNames/any(c:c eq " + quoted(id) + ")"
	}
	found, err := c.graphList(ctx, collection, filter)
	if err != nil {
		return nil, err
	}
	if len(found) > 0 {
		return found[0], nil
	}
	if !cloud.IsGUID(id) {
		return nil, hinted{fmt.Sprintf("nothing in %s goes by %q", strings.TrimPrefix(collection, "/"), id), "lanyard ad sp list --display-name " + id}
	}
	return c.graph(ctx, http.MethodGet, collection+"/"+id, nil)
}

func objectID(doc json.RawMessage) string {
	var m member
	if json.Unmarshal(doc, &m) != nil {
		return ""
	}
	return string(m.ID)
}

func registrationCommand(a *app) *cobra.Command {
	n := &noun{use: "app", collection: "/applications", what: "application"}
	var name string
	var uris []string
	create := a.verb("create", "Register an application", "lanyard ad app create --display-name billing", func(c *client, cmd *cobra.Command) (any, error) {
		body := map[string]any{"displayName": name}
		if len(uris) > 0 {
			body["identifierUris"] = uris
		}
		return c.graph(cmd.Context(), http.MethodPost, "/applications", body)
	})
	create.Flags().StringVar(&name, "display-name", "", "name of the application")
	create.Flags().StringSliceVar(&uris, "identifier-uris", nil, "URIs that name it as a resource")
	must(create, "display-name")
	cmd := parent("app", "Manage applications", "lanyard ad app list --output table")
	cmd.AddCommand(append(n.verbs(a), create, credentialCommand(a, n), appFederatedCommand(a))...)
	return cmd
}

func spCommand(a *app) *cobra.Command {
	n := &noun{use: "sp", collection: "/servicePrincipals", what: "service principal"}
	var id string
	create := a.verb("create", "Give an application a service principal", "lanyard ad sp create --id $APP_ID", func(c *client, cmd *cobra.Command) (any, error) {
		found, err := c.object(cmd.Context(), "/applications", id)
		if err != nil {
			return nil, err
		}
		var m member
		if err := json.Unmarshal(found, &m); err != nil {
			return nil, err
		}
		return c.graph(cmd.Context(), http.MethodPost, "/servicePrincipals", map[string]any{"appId": m.AppID})
	})
	create.Flags().StringVar(&id, "id", "", "client id, object id or URI of the application")
	must(create, "id")
	cmd := parent("sp", "Manage service principals", "lanyard ad sp list --all --output table")
	cmd.AddCommand(append(n.verbs(a), create, forRBACCommand(a), credentialCommand(a, n))...)
	return cmd
}
