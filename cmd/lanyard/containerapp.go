package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"github.com/spf13/cobra"
)

const (
	appType = "Microsoft.App/containerApps"
	envType = "Microsoft.App/managedEnvironments"
)

func containerappCommand(a *app) *cobra.Command {
	cmd := parent("containerapp", "Manage container apps", "lanyard containerapp list --output table")
	cmd.AddCommand(appCreate(a), appShow(a), appList(a), appUpdate(a), appDelete(a),
		appEnvCommand(a), appIdentityCommand(a), appLogsCommand(a), revisionCommand(a), replicaCommand(a))
	return cmd
}

// target holds the flags that name a resource in a group.
type target struct{ name, group string }

func (t *target) flags(cmd *cobra.Command, what string) *cobra.Command {
	cmd.Flags().StringVarP(&t.name, "name", "n", "", "name of the "+what)
	cmd.Flags().StringVarP(&t.group, "resource-group", "g", "", "resource group")
	must(cmd, "name", "resource-group")
	return cmd
}

// template holds the flags that describe what an app runs.
type templateFlags struct {
	image         string
	command, args []string
	env           []string
	minReplicas   int
	suffix        string
}

func (t *templateFlags) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&t.image, "image", "", "container image")
	f.StringSliceVar(&t.command, "command", nil, "command, its words separated by commas or in several flags")
	f.StringSliceVar(&t.args, "args", nil, "arguments of the command")
	f.StringVar(&t.suffix, "revision-suffix", "", "end of the revision's name; another one makes a new revision")
	f.IntVar(&t.minReplicas, "min-replicas", 1, "how many replicas run")
}

// put writes the flags that were given into a container and a template.
func (t *templateFlags) put(cmd *cobra.Command, container, template map[string]any) error {
	for name, value := range map[string]any{"image": t.image, "command": t.command, "args": t.args} {
		if cmd.Flags().Changed(name) {
			container[name] = value
		}
	}
	template["revisionSuffix"] = t.suffix // that of the last revision is not the next one's
	if cmd.Flags().Changed("min-replicas") {
		template["scale"] = map[string]any{"minReplicas": t.minReplicas, "maxReplicas": max(1, t.minReplicas)}
	}
	known, _ := container["env"].([]any)
	for _, pair := range t.env {
		k, v, ok := strings.Cut(pair, "=")
		if !ok || k == "" {
			return hinted{fmt.Sprintf("environment variable %q is not NAME=VALUE", pair), cmd.CommandPath() + " ... NAME=VALUE"}
		}
		known = append(without(known, k), map[string]any{"name": k, "value": v})
	}
	if len(known) > 0 {
		container["env"] = known
	}
	return nil
}

func without(env []any, name string) []any {
	var left []any
	for _, e := range env {
		if m, ok := e.(map[string]any); !ok || m["name"] != name {
			left = append(left, e)
		}
	}
	return left
}

func appCreate(a *app) *cobra.Command {
	var t target
	var f templateFlags
	var environment string
	var system bool
	var user []string
	cmd := a.verb("create", "Create a container app", "lanyard containerapp create -n hello -g shop --environment local --system-assigned --command bin/hello", func(c *client, cmd *cobra.Command) (any, error) {
		env := environment
		if !strings.HasPrefix(env, "/") {
			env = c.in(t.group, envType, environment)
		}
		at, err := c.location(cmd.Context(), t.group, "")
		if err != nil {
			return nil, err
		}
		container := map[string]any{"name": t.name, "image": "local/" + t.name}
		template := map[string]any{"containers": []any{container}}
		if err := f.put(cmd, container, template); err != nil {
			return nil, err
		}
		body := map[string]any{"location": at, "properties": map[string]any{"environmentId": env, "template": template}}
		if identity := c.identityBlock(t.group, system, user); identity != nil {
			body["identity"] = identity
		}
		return c.arm(cmd.Context(), http.MethodPut, c.in(t.group, appType, t.name), appsVersion, body)
	})
	f.flags(cmd)
	cmd.Flags().StringSliceVar(&f.env, "env-vars", nil, "environment variables as NAME=VALUE")
	cmd.Flags().StringVar(&environment, "environment", "", "name or id of the environment")
	cmd.Flags().BoolVar(&system, "system-assigned", false, "give it an identity of its own")
	cmd.Flags().StringSliceVar(&user, "user-assigned", nil, "names or ids of user-assigned identities")
	must(t.flags(cmd, "app"), "environment")
	return cmd
}

// identityBlock gives the block for a new app, or nil when it gets no identity.
func (c *client) identityBlock(group string, system bool, user []string) map[string]any {
	var types []string
	block := map[string]any{}
	if system {
		types = append(types, "SystemAssigned")
	}
	if len(user) > 0 {
		types = append(types, "UserAssigned")
		worn := map[string]any{}
		for _, u := range user {
			worn[c.identityID(group, u)] = map[string]any{}
		}
		block["userAssignedIdentities"] = worn
	}
	if len(types) == 0 {
		return nil
	}
	block["type"] = strings.Join(types, ", ")
	return block
}

// identityID gives the id of a user-assigned identity named, or already spelt out.
func (c *client) identityID(group, nameOrID string) string {
	if strings.HasPrefix(nameOrID, "/") {
		return nameOrID
	}
	return c.in(group, identityType, nameOrID)
}

func appShow(a *app) *cobra.Command {
	var t target
	return t.flags(a.verb("show", "Show a container app", "lanyard containerapp show -n hello -g shop --query identity", func(c *client, cmd *cobra.Command) (any, error) {
		return c.arm(cmd.Context(), http.MethodGet, c.in(t.group, appType, t.name), appsVersion, nil)
	}), "app")
}

func appList(a *app) *cobra.Command {
	var group string
	cmd := a.verb("list", "List container apps", "lanyard containerapp list --output table", func(c *client, cmd *cobra.Command) (any, error) {
		return c.list(cmd.Context(), c.collection(group, appType), appsVersion)
	})
	cmd.Flags().StringVarP(&group, "resource-group", "g", "", "resource group")
	return cmd
}

func appUpdate(a *app) *cobra.Command {
	var t target
	var f templateFlags
	cmd := a.verb("update", "Change what a container app runs; makes a new revision", "lanyard containerapp update -n hello -g shop --set-env-vars LEVEL=debug", func(c *client, cmd *cobra.Command) (any, error) {
		id := c.in(t.group, appType, t.name)
		doc, err := c.arm(cmd.Context(), http.MethodGet, id, appsVersion, nil)
		if err != nil {
			return nil, err
		}
		var app struct {
			Properties struct {
				Template map[string]any `json:"template"`
			} `json:"properties"`
		}
		if err := json.Unmarshal(doc, &app); err != nil {
			return nil, err
		}
		template := app.Properties.Template
		containers, _ := template["containers"].([]any)
		if len(containers) == 0 {
			return nil, fmt.Errorf("app %s has no container", t.name)
		}
		if err := f.put(cmd, containers[0].(map[string]any), template); err != nil {
			return nil, err
		}
		return c.arm(cmd.Context(), http.MethodPatch, id, appsVersion, map[string]any{"properties": map[string]any{"template": template}})
	})
	f.flags(cmd)
	cmd.Flags().StringSliceVar(&f.env, "set-env-vars", nil, "environment variables as NAME=VALUE")
	return t.flags(cmd, "app")
}

func appDelete(a *app) *cobra.Command {
	var t target
	cmd := a.verb("delete", "Delete a container app and its system-assigned identity", "lanyard containerapp delete -n hello -g shop --yes", func(c *client, cmd *cobra.Command) (any, error) {
		if err := a.confirm(cmd, "container app "+t.name); err != nil {
			return nil, err
		}
		return c.deleted(cmd.Context(), c.in(t.group, appType, t.name), appsVersion)
	})
	acceptYes(cmd)
	return t.flags(cmd, "app")
}

func appEnvCommand(a *app) *cobra.Command {
	var t target
	var location, listGroup string
	create := a.verb("create", "Create an environment", "lanyard containerapp env create -n local -g shop", func(c *client, cmd *cobra.Command) (any, error) {
		at, err := c.location(cmd.Context(), t.group, location)
		if err != nil {
			return nil, err
		}
		return c.arm(cmd.Context(), http.MethodPut, c.in(t.group, envType, t.name), appsVersion, map[string]any{"location": at, "properties": map[string]any{}})
	})
	create.Flags().StringVarP(&location, "location", "l", "", "location; the group's when left out")
	show := a.verb("show", "Show an environment", "lanyard containerapp env show -n local -g shop", func(c *client, cmd *cobra.Command) (any, error) {
		return c.arm(cmd.Context(), http.MethodGet, c.in(t.group, envType, t.name), appsVersion, nil)
	})
	remove := a.verb("delete", "Delete an environment", "lanyard containerapp env delete -n local -g shop --yes", func(c *client, cmd *cobra.Command) (any, error) {
		if err := a.confirm(cmd, "environment "+t.name); err != nil {
			return nil, err
		}
		return c.deleted(cmd.Context(), c.in(t.group, envType, t.name), appsVersion)
	})
	acceptYes(remove)
	list := a.verb("list", "List environments", "lanyard containerapp env list", func(c *client, cmd *cobra.Command) (any, error) {
		return c.list(cmd.Context(), c.collection(listGroup, envType), appsVersion)
	})
	list.Flags().StringVarP(&listGroup, "resource-group", "g", "", "resource group")
	for _, verb := range []*cobra.Command{create, show, remove} {
		t.flags(verb, "environment")
	}
	cmd := parent("env", "Manage environments", "lanyard containerapp env list")
	cmd.AddCommand(create, show, list, remove)
	return cmd
}

// location gives the location asked for, or the group's.
func (c *client) location(ctx context.Context, group, asked string) (string, error) {
	if asked != "" {
		return asked, nil
	}
	doc, err := c.arm(ctx, http.MethodGet, c.group(group), groupsVersion, nil)
	if err != nil {
		return "", err
	}
	var g struct {
		Location string `json:"location"`
	}
	return g.Location, json.Unmarshal(doc, &g)
}
