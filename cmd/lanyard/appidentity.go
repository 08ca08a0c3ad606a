package main

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"

	"github.com/spf13/cobra"
)

func appIdentityCommand(a *app) *cobra.Command {
	var t target
	var system bool
	var user []string
	assign := a.verb("assign", "Give an app identities; nothing restarts", "lanyard containerapp identity assign -n hello -g shop --system-assigned", func(c *client, cmd *cobra.Command) (any, error) {
		return c.wear(cmd.Context(), t, system, user, true)
	})
	remove := a.verb("remove", "Take identities off an app; nothing restarts", "lanyard containerapp identity remove -n hello -g shop --system-assigned", func(c *client, cmd *cobra.Command) (any, error) {
		return c.wear(cmd.Context(), t, system, user, false)
	})
	show := a.verb("show", "Show an app's identities", "lanyard containerapp identity show -n hello -g shop", func(c *client, cmd *cobra.Command) (any, error) {
		return c.identityOf(cmd.Context(), t)
	})
	for _, verb := range []*cobra.Command{assign, remove} {
		verb.Flags().BoolVar(&system, "system-assigned", false, "the app's own identity")
		verb.Flags().StringSliceVar(&user, "user-assigned", nil, "names or ids of user-assigned identities")
	}
	for _, verb := range []*cobra.Command{assign, remove, show} {
		t.flags(verb, "app")
	}
	cmd := parent("identity", "Manage an app's identities", "lanyard containerapp identity show -n hello -g shop")
	cmd.AddCommand(assign, remove, show)
	return cmd
}

// worn is the identity block as the management API shows it.
type worn struct {
	Type      string                    `json:"type"`
	Principal string                    `json:"principalId,omitempty"`
	Tenant    string                    `json:"tenantId,omitempty"`
	User      map[string]map[string]any `json:"userAssignedIdentities,omitempty"`
}

func (c *client) identityOf(ctx context.Context, t target) (worn, error) {
	doc, err := c.arm(ctx, http.MethodGet, c.in(t.group, appType, t.name), appsVersion, nil)
	if err != nil {
		return worn{}, err
	}
	var app struct {
		Identity worn `json:"identity"`
	}
	if err := json.Unmarshal(doc, &app); err != nil {
		return worn{}, err
	}
	if app.Identity.Type == "" {
		app.Identity.Type = "None"
	}
	return app.Identity, nil
}

// wear puts identities on an app or takes them off, by one PATCH of its identity block.
func (c *client) wear(ctx context.Context, t target, system bool, user []string, on bool) (any, error) {
	if !system && len(user) == 0 {
		return nil, hinted{"say which identity: --system-assigned or --user-assigned", "lanyard containerapp identity assign -n " + t.name + " -g " + t.group + " --system-assigned"}
	}
	now, err := c.identityOf(ctx, t)
	if err != nil {
		return nil, err
	}
	hasSystem := strings.Contains(now.Type, "SystemAssigned")
	if system {
		hasSystem = on
	}
	change := map[string]any{}
	left := map[string]bool{}
	for id := range now.User {
		left[strings.ToLower(id)] = true
	}
	for _, u := range user {
		id := c.identityID(t.group, u)
		if on {
			change[id] = map[string]any{}
			left[strings.ToLower(id)] = true
		} else {
			change[id] = nil
			delete(left, strings.ToLower(id))
		}
	}
	block := map[string]any{"type": identityTypes(hasSystem, len(left) > 0)}
	if len(left) > 0 && len(change) > 0 {
		block["userAssignedIdentities"] = change
	}
	if _, err := c.arm(ctx, http.MethodPatch, c.in(t.group, appType, t.name), appsVersion, map[string]any{"identity": block}); err != nil {
		return nil, err
	}
	return c.identityOf(ctx, t)
}

func identityTypes(system, user bool) string {
	switch {
	case system && user:
		return "SystemAssigned, UserAssigned"
	case system:
		return "SystemAssigned"
	case user:
		return "UserAssigned"
	}
	return "None"
}
