package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"lanyard/internal/cloud"
)

// securityGroups holds the flags of the commands about security groups, which are az's.
type securityGroups struct {
	group, member, owner        string
	name, nickname, description string
	filter                      string
	anew, secure                bool
}

func securityGroupCommand(a *app) *cobra.Command {
	g := &securityGroups{}
	create := a.verb("create", "Create a security group; one of the same names is taken as it is",
		"lanyard ad group create --display-name readers --mail-nickname readers", g.create)
	create.Flags().StringVar(&g.name, "display-name", "", "name of the group")
	create.Flags().StringVar(&g.nickname, "mail-nickname", "", "name without blanks")
	create.Flags().StringVar(&g.description, "description", "", "what it is for")
	create.Flags().BoolVar(&g.anew, "force", false, "create another one of the same names")
	must(create, "display-name", "mail-nickname")
	list := a.verb("list", "List groups", "lanyard ad group list --output table", func(c *client, cmd *cobra.Command) (any, error) {
		var filters []string
		if g.filter != "" {
			filters = append(filters, g.filter)
		}
		if g.name != "" {
			filters = append(filters, "startswith(displayName,"+quoted(g.name)+")")
		}
		found, err := c.graphList(cmd.Context(), "/groups", strings.Join(filters, " and "))
		if err != nil {
			return nil, err
		}
		return a.inBrief(found)
	})
	list.Flags().StringVar(&g.name, "display-name", "", "what the name begins with")
	list.Flags().StringVar(&g.filter, "filter", "", "OData filter")
	show := g.verb(a, "show", "Show a group", func(ctx context.Context, c *client, group string) (any, error) {
		return c.graph(ctx, http.MethodGet, "/groups/"+group, nil)
	})
	remove := g.verb(a, "delete", "Delete a group; what was granted to it stays behind", func(ctx context.Context, c *client, group string) (any, error) {
		return c.graph(ctx, http.MethodDelete, "/groups/"+group, nil)
	})
	within := g.verb(a, "get-member-groups", "List the groups that a group is in, at any remove", func(ctx context.Context, c *client, group string) (any, error) {
		return c.memberGroups(ctx, "/groups/"+group, g.secure)
	})
	within.Flags().BoolVar(&g.secure, "security-enabled-only", false, "security groups alone; there are no others")
	cmd := parent("group", "Manage security groups", "lanyard ad group list --output table")
	cmd.AddCommand(create, list, show, remove, within, g.memberCommand(a), g.ownerCommand(a))
	return cmd
}

// did is what a command does with the group that it was given, by its object id.
type did func(ctx context.Context, c *client, group string) (any, error)

// verb is a command about one group; words are those behind "lanyard ad group".
func (g *securityGroups) verb(a *app, words, what string, do did) *cobra.Command {
	use := words[strings.LastIndexByte(words, ' ')+1:]
	example := "lanyard ad group " + words + " -g readers"
	cmd := a.verb(use, what, example, func(c *client, cmd *cobra.Command) (any, error) {
		id, err := c.groupID(cmd.Context(), g.group)
		if err != nil {
			return nil, err
		}
		return do(cmd.Context(), c, id)
	})
	cmd.Flags().StringVarP(&g.group, "group", "g", "", "object id or name of the group")
	must(cmd, "group")
	return cmd
}

// list is a verb that lists what lies below a group.
func (g *securityGroups) list(a *app, noun, what string) *cobra.Command {
	return g.verb(a, noun+" list", what, func(ctx context.Context, c *client, group string) (any, error) {
		found, err := c.graphList(ctx, "/groups/"+group+"/"+noun+"s", "")
		if err != nil {
			return nil, err
		}
		return a.inBrief(found)
	})
}

func (g *securityGroups) create(c *client, cmd *cobra.Command) (any, error) {
	if !g.anew {
		found, err := c.graphList(cmd.Context(), "/groups", "displayName eq "+quoted(g.name)+" and mailNickname eq "+quoted(g.nickname))
		switch {
		case err != nil:
			return nil, err
		case len(found) == 1:
			return found[0], nil
		case len(found) > 1:
			return nil, hinted{fmt.Sprintf("%d groups have the names %q and %q", len(found), g.name, g.nickname), "lanyard ad group list --display-name " + g.name}
		}
	}
	body := map[string]any{"displayName": g.name, "mailNickname": g.nickname, "mailEnabled": false, "securityEnabled": true}
	if g.description != "" {
		body["description"] = g.description
	}
	return c.graph(cmd.Context(), http.MethodPost, "/groups", body)
}

func (g *securityGroups) memberCommand(a *app) *cobra.Command {
	add := g.verb(a, "member add", "Put somebody into a group", func(ctx context.Context, c *client, group string) (any, error) {
		return c.graph(ctx, http.MethodPost, "/groups/"+group+"/members/$ref", reference(g.member))
	})
	remove := g.verb(a, "member remove", "Take somebody out of a group", func(ctx context.Context, c *client, group string) (any, error) {
		return c.graph(ctx, http.MethodDelete, "/groups/"+group+"/members/"+url.PathEscape(g.member)+"/$ref", nil)
	})
	check := g.verb(a, "member check", "Tell whether somebody is in a group, at any remove", func(ctx context.Context, c *client, group string) (any, error) {
		body, err := c.graph(ctx, http.MethodPost, "/directoryObjects/"+url.PathEscape(g.member)+"/checkMemberGroups", map[string]any{"groupIds": []string{group}})
		if err != nil {
			return nil, err
		}
		in, err := readIDs(body)
		return map[string]bool{"value": slices.Contains(in, group)}, err
	})
	for _, verb := range []*cobra.Command{add, remove, check} {
		verb.Flags().StringVar(&g.member, "member-id", "", "object id of a user, group or service principal")
		must(verb, "member-id")
	}
	cmd := parent("member", "Manage who is in a group", "lanyard ad group member list -g readers")
	cmd.AddCommand(add, remove, check, g.list(a, "member", "List the members of a group"))
	return cmd
}

func (g *securityGroups) ownerCommand(a *app) *cobra.Command {
	add := g.verb(a, "owner add", "Let somebody change a group", func(ctx context.Context, c *client, group string) (any, error) {
		return c.graph(ctx, http.MethodPost, "/groups/"+group+"/owners/$ref", reference(g.owner))
	})
	remove := g.verb(a, "owner remove", "Take the right to change a group away", func(ctx context.Context, c *client, group string) (any, error) {
		return c.graph(ctx, http.MethodDelete, "/groups/"+group+"/owners/"+url.PathEscape(g.owner)+"/$ref", nil)
	})
	for _, verb := range []*cobra.Command{add, remove} {
		verb.Flags().StringVar(&g.owner, "owner-object-id", "", "object id of a user or service principal")
		must(verb, "owner-object-id")
	}
	cmd := parent("owner", "Manage who may change a group", "lanyard ad group owner list -g readers")
	cmd.AddCommand(add, remove, g.list(a, "owner", "List the owners of a group"))
	return cmd
}

func reference(id string) map[string]any {
	return map[string]any{"@odata.id": "https://" + cloud.Azure.Graph + "/v1.0/directoryObjects/" + id}
}

// groupID finds a group by its object id, by its name, or by what only its name begins with, as az does.
func (c *client) groupID(ctx context.Context, group string) (string, error) {
	if cloud.IsGUID(group) {
		return strings.ToLower(group), nil
	}
	for _, filter := range []string{"displayName eq " + quoted(group), "startswith(displayName," + quoted(group) + ")"} {
		found, err := c.graphList(ctx, "/groups", filter)
		switch {
		case err != nil:
			return "", err
		case len(found) == 1:
			return objectID(found[0]), nil
		case len(found) > 1:
			return "", hinted{fmt.Sprintf("%d groups match the name %q; use an object id", len(found), group), "lanyard ad group list --display-name " + group}
		}
	}
	return "", hinted{fmt.Sprintf("no group matches the name %q", group), "lanyard ad group list"}
}

// memberGroups gives the ids of the groups that somebody at a path is in, at any remove.
func (c *client) memberGroups(ctx context.Context, at string, secure bool) ([]string, error) {
	body, err := c.graph(ctx, http.MethodPost, at+"/getMemberGroups", map[string]any{"securityEnabledOnly": secure})
	if err != nil {
		return nil, err
	}
	return readIDs(body)
}

func readIDs(body json.RawMessage) ([]string, error) {
	var answer struct {
		Value []string `json:"value"`
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		return nil, fmt.Errorf("read ids: %w", err)
	}
	return answer.Value, nil
}
