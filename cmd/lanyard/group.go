package main

import (
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/spf13/cobra"
)

// The api-versions that the commands speak.
const (
	groupsVersion     = "2021-04-01"
	identitiesVersion = "2024-11-30"
	appsVersion       = "2025-01-01"
	rolesVersion      = "2022-04-01"
	vaultsVersion     = "2024-11-01"
)

func groupCommand(a *app) *cobra.Command {
	group := parent("group", "Manage resource groups", "lanyard group create --name shop --location westeurope")
	var name, location string
	var tags []string
	create := a.verb("create", "Create a resource group", "lanyard group create -n shop -l westeurope", func(c *client, cmd *cobra.Command) (any, error) {
		body := map[string]any{"location": location}
		if err := putTags(body, tags); err != nil {
			return nil, err
		}
		return c.arm(cmd.Context(), http.MethodPut, c.group(name), groupsVersion, body)
	})
	create.Flags().StringSliceVar(&tags, "tags", nil, "tags as key=value")
	create.Flags().StringVarP(&location, "location", "l", "", "location, e.g. westeurope")
	show := a.verb("show", "Show a resource group", "lanyard group show -n shop", func(c *client, cmd *cobra.Command) (any, error) {
		return c.arm(cmd.Context(), http.MethodGet, c.group(name), groupsVersion, nil)
	})
	remove := a.verb("delete", "Delete a resource group and all in it", "lanyard group delete -n shop --yes", func(c *client, cmd *cobra.Command) (any, error) {
		if err := a.confirm(cmd, "group "+name); err != nil {
			return nil, err
		}
		return c.deleted(cmd.Context(), c.group(name), groupsVersion)
	})
	acceptYes(remove)
	list := a.verb("list", "List resource groups", "lanyard group list --output table", func(c *client, cmd *cobra.Command) (any, error) {
		return c.list(cmd.Context(), c.seat.Scope().String()+"/resourceGroups", groupsVersion)
	})
	exists := a.verb("exists", "Tell whether a resource group exists", "lanyard group exists -n shop", func(c *client, cmd *cobra.Command) (any, error) {
		_, err := c.arm(cmd.Context(), http.MethodGet, c.group(name), groupsVersion, nil)
		if h := (hinted{}); errors.As(err, &h) && strings.HasPrefix(h.text, "ResourceGroupNotFound") {
			return false, nil
		}
		return err == nil, err
	})
	for _, verb := range []*cobra.Command{create, show, remove, exists} {
		verb.Flags().StringVarP(&name, "name", "n", "", "name of the group")
		must(verb, "name")
	}
	must(create, "location")
	group.AddCommand(create, show, list, remove, exists)
	return group
}

// parent makes a command that only holds others.
func parent(use, short, example string) *cobra.Command {
	return &cobra.Command{Use: use, Short: short, Example: "  " + example, Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() }}
}

// verb makes a command that calls the running platform and prints what comes back.
func (a *app) verb(use, short, example string, do func(*client, *cobra.Command) (any, error)) *cobra.Command {
	return &cobra.Command{Use: use, Short: short, Example: "  " + example, Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := a.connect()
			if err != nil {
				return err
			}
			result, err := do(c, cmd)
			if err != nil {
				return err
			}
			return a.print(result)
		}}
}

// must marks flags as required; it panics on a name that is not a flag of the command.
func must(cmd *cobra.Command, flags ...string) {
	for _, f := range flags {
		if err := cmd.MarkFlagRequired(f); err != nil {
			panic(err)
		}
	}
}

func acceptYes(cmd *cobra.Command) { cmd.Flags().BoolP("yes", "y", false, "do not ask") }

// confirm asks before something is lost, unless --yes was given.
func (a *app) confirm(cmd *cobra.Command, what string) error {
	if yes, err := cmd.Flags().GetBool("yes"); err != nil || yes {
		return err
	}
	fmt.Fprintf(a.std.err, "Delete %s? (y/n): ", what)
	var answer string
	if _, err := fmt.Fscanln(a.std.in, &answer); err != nil || !strings.HasPrefix(strings.ToLower(answer), "y") {
		return hinted{"nothing was deleted", cmd.CommandPath() + " --yes"}
	}
	return nil
}

func putTags(body map[string]any, tags []string) error {
	if len(tags) == 0 {
		return nil
	}
	m := map[string]string{}
	for _, t := range tags {
		k, v, _ := strings.Cut(t, "=")
		if k == "" {
			return fmt.Errorf("tag %q has no name before its equals sign", t)
		}
		m[k] = v
	}
	body["tags"] = m
	return nil
}

func (c *client) group(name string) string {
	return c.seat.Scope().String() + "/resourceGroups/" + name
}

// in gives the path of a resource in a group.
func (c *client) in(group, resourceType, name string) string {
	return c.group(group) + "/providers/" + resourceType + "/" + name
}

// collection gives the path of a type's collection in a group, or in the subscription when no
// group is named.
func (c *client) collection(group, resourceType string) string {
	if group == "" {
		return c.seat.Scope().String() + "/providers/" + resourceType
	}
	return c.group(group) + "/providers/" + resourceType
}
