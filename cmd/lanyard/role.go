package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"lanyard/internal/cloud"
)

const (
	assignmentType = "Microsoft.Authorization/roleAssignments"
	definitionType = "Microsoft.Authorization/roleDefinitions"
)

func roleCommand(a *app) *cobra.Command {
	role := parent("role", "Manage role assignments and definitions", "lanyard role assignment list --all --output table")
	role.AddCommand(assignmentCommand(a), definitionCommand(a))
	return role
}

// grant holds the flags that name a role assignment.
type grant struct {
	role, assignee, objectID, principalType, scope, group string
	ids                                                   []string
	groups                                                bool
}

func (g *grant) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&g.role, "role", "", "name or id of the role")
	f.StringVar(&g.assignee, "assignee", "", "name, client id or principal id of the assignee")
	f.StringVar(&g.objectID, "assignee-object-id", "", "principal id of the assignee, not looked up")
	f.StringVar(&g.scope, "scope", "", "scope; the subscription when left out")
	f.StringVarP(&g.group, "resource-group", "g", "", "resource group as the scope")
}

func (c *client) scopeOf(g *grant) string {
	switch {
	case g.scope != "":
		return strings.TrimSuffix(g.scope, "/")
	case g.group != "":
		return c.group(g.group)
	}
	return c.seat.Scope().String()
}

func assignmentCommand(a *app) *cobra.Command {
	var g grant
	var all, inherited bool
	create := a.verb("create", "Grant a role at a scope",
		"lanyard role assignment create --assignee hello --role 'Key Vault Secrets User' --scope $VAULT_ID",
		func(c *client, cmd *cobra.Command) (any, error) { return c.createAssignment(cmd.Context(), &g) })
	create.Flags().StringVar(&g.principalType, "assignee-principal-type", "", "ServicePrincipal, User or Group")
	remove := a.verb("delete", "Take a grant away", "lanyard role assignment delete --assignee hello --role 'Key Vault Secrets User' --scope $VAULT_ID",
		func(c *client, cmd *cobra.Command) (any, error) { return nil, c.deleteAssignments(cmd.Context(), &g) })
	remove.Flags().StringSliceVar(&g.ids, "ids", nil, "ids of role assignments")
	list := a.verb("list", "List grants; those of principals that are gone have no principalName", "lanyard role assignment list --all",
		func(c *client, cmd *cobra.Command) (any, error) {
			found, err := c.findAssignments(cmd.Context(), &g, all, inherited)
			if err != nil {
				return nil, err
			}
			return c.named(cmd.Context(), found)
		})
	list.Flags().BoolVar(&all, "all", false, "all under the subscription, not only those at the scope")
	list.Flags().BoolVar(&g.groups, "include-groups", false, "also those of the groups that the assignee is in")
	list.Flags().BoolVar(&inherited, "include-inherited", false, "also those of the scopes above")
	for _, verb := range []*cobra.Command{create, remove, list} {
		g.flags(verb)
	}
	must(create, "role")
	cmd := parent("assignment", "Manage role assignments", "lanyard role assignment list --all")
	cmd.AddCommand(create, list, remove)
	return cmd
}

func (c *client) createAssignment(ctx context.Context, g *grant) (any, error) {
	principal := g.objectID
	if principal == "" {
		p, err := c.member(ctx, g.assignee)
		if err != nil {
			return nil, err
		}
		principal = string(p.ID)
	}
	scope := c.scopeOf(g)
	role, err := c.role(ctx, scope, g.role)
	if err != nil {
		return nil, err
	}
	properties := map[string]any{"roleDefinitionId": role, "principalId": principal}
	if g.principalType != "" {
		properties["principalType"] = g.principalType
	}
	name, err := cloud.NewID(rand.Reader)
	if err != nil {
		return nil, err
	}
	return flat(c.arm(ctx, http.MethodPut, scope+"/providers/"+assignmentType+"/"+name, rolesVersion, map[string]any{"properties": properties}))
}

func (c *client) deleteAssignments(ctx context.Context, g *grant) error {
	if len(g.ids) == 0 {
		if g.role == "" && g.assignee == "" && g.objectID == "" && g.scope == "" && g.group == "" {
			return hinted{"say which role assignments: --ids, or --assignee, --role and --scope", "lanyard role assignment list --all"}
		}
		found, err := c.findAssignments(ctx, g, false, false)
		if err != nil {
			return err
		}
		for _, doc := range found {
			g.ids = append(g.ids, doc.ID.String())
		}
		if len(g.ids) == 0 {
			return hinted{"no role assignment matches", "lanyard role assignment list --all"}
		}
	}
	for _, id := range g.ids {
		if _, err := c.arm(ctx, http.MethodDelete, id, rolesVersion, nil); err != nil {
			return err
		}
	}
	return nil
}

// assignment is a listed role assignment, as az prints one.
type assignment struct {
	ID            cloud.ID          `json:"id"`
	Name          string            `json:"name"`
	Principal     cloud.PrincipalID `json:"principalId"`
	PrincipalName string            `json:"principalName"`
	PrincipalType string            `json:"principalType"`
	RoleID        string            `json:"roleDefinitionId"`
	RoleName      string            `json:"roleDefinitionName"`
	Scope         cloud.ID          `json:"scope"`
	Orphan        bool              `json:"orphan"`
}

// findAssignments lists what matches; without all, only what lies at the scope itself and, when
// inherited is asked for, above it.
func (c *client) findAssignments(ctx context.Context, g *grant, all, inherited bool) ([]assignment, error) {
	scope, err := cloud.ParseID(c.scopeOf(g))
	if err != nil {
		return nil, err
	}
	principal := g.objectID
	if principal == "" && g.assignee != "" {
		p, err := c.member(ctx, g.assignee)
		if err != nil {
			return nil, err
		}
		principal = string(p.ID)
	}
	role := ""
	if g.role != "" {
		if role, err = c.role(ctx, scope.String(), g.role); err != nil {
			return nil, err
		}
	}
	at := strings.TrimSuffix(scope.String(), "/") + "/providers/" + assignmentType
	if byGroups := g.groups && principal != ""; byGroups {
		at += "?$filter=" + url.QueryEscape("assignedTo("+quoted(principal)+")")
		principal = "" // who is meant is the service's to say
	}
	docs, err := c.list(ctx, at, rolesVersion)
	if err != nil {
		return nil, err
	}
	found := []assignment{}
	for _, doc := range docs {
		lifted, err := flat(doc, nil)
		if err != nil {
			return nil, err
		}
		var x assignment
		if err := json.Unmarshal(lifted, &x); err != nil {
			return nil, fmt.Errorf("read role assignment: %w", err)
		}
		here := x.Scope.Equal(scope) || all && scope.Contains(x.Scope) || inherited && x.Scope.Contains(scope)
		if here && (principal == "" || strings.EqualFold(string(x.Principal), principal)) && (role == "" || lastSegment(x.RoleID) == lastSegment(role)) {
			found = append(found, x)
		}
	}
	return found, nil
}

func lastSegment(id string) string { return strings.ToLower(id[strings.LastIndex(id, "/")+1:]) }

// named adds the names of principals and roles; a principal that is gone makes the grant an orphan.
func (c *client) named(ctx context.Context, found []assignment) ([]assignment, error) {
	ids := []cloud.PrincipalID{}
	for _, x := range found {
		if !slices.Contains(ids, x.Principal) {
			ids = append(ids, x.Principal)
		}
	}
	members, err := c.membersByID(ctx, ids)
	if err != nil {
		return nil, err
	}
	labels := map[cloud.PrincipalID]string{}
	for _, m := range members {
		labels[m.ID] = m.label()
	}
	roles := map[string]string{}
	for i := range found {
		x := &found[i]
		label, known := labels[x.Principal]
		x.PrincipalName, x.Orphan = label, !known
		if _, seen := roles[x.RoleID]; !seen {
			doc, err := flat(c.arm(ctx, http.MethodGet, x.RoleID, rolesVersion, nil))
			if err != nil {
				return nil, err
			}
			var d struct {
				RoleName string `json:"roleName"`
			}
			if err := json.Unmarshal(doc, &d); err != nil {
				return nil, err
			}
			roles[x.RoleID] = d.RoleName
		}
		x.RoleName = roles[x.RoleID]
	}
	return found, nil
}
