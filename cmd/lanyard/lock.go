package main

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/spf13/cobra"
)

const (
	lockType     = "Microsoft.Authorization/locks"
	locksVersion = "2020-05-01"
)

// lock holds the flags that name a lock and what it lies on.
type lock struct {
	name, level, notes                                   string
	group, resource, resourceType, namespace, parentPath string
}

func lockCommand(a *app) *cobra.Command {
	var l lock
	var ids []string
	create := a.verb("create", "Keep a subscription, group or resource from deletion or change",
		"lanyard lock create -n keep -g shop --lock-type CanNotDelete", func(c *client, cmd *cobra.Command) (any, error) {
			return c.putLock(cmd, &l, nil)
		})
	update := a.verb("update", "Change a lock's level or notes", "lanyard lock update -n keep -g shop --notes 'until June'",
		func(c *client, cmd *cobra.Command) (any, error) {
			path, err := c.lockPath(&l)
			if err != nil {
				return nil, err
			}
			now, err := flat(c.arm(cmd.Context(), http.MethodGet, path, locksVersion, nil))
			if err != nil {
				return nil, err
			}
			return c.putLock(cmd, &l, now)
		})
	show := a.verb("show", "Show a lock", "lanyard lock show -n keep -g shop", func(c *client, cmd *cobra.Command) (any, error) {
		path, err := c.lockPath(&l)
		if err != nil {
			return nil, err
		}
		return flat(c.arm(cmd.Context(), http.MethodGet, path, locksVersion, nil))
	})
	list := a.verb("list", "List locks at a scope and below it", "lanyard lock list --output table", func(c *client, cmd *cobra.Command) (any, error) {
		scope, err := c.lockScope(&l)
		if err != nil {
			return nil, err
		}
		return c.flatList(cmd.Context(), scope+"/providers/"+lockType, locksVersion)
	})
	remove := a.verb("delete", "Take a lock away", "lanyard lock delete -n keep -g shop", func(c *client, cmd *cobra.Command) (any, error) {
		paths := ids
		if len(paths) == 0 {
			path, err := c.lockPath(&l)
			if err != nil {
				return nil, err
			}
			paths = []string{path}
		}
		for _, path := range paths {
			if _, err := c.arm(cmd.Context(), http.MethodDelete, path, locksVersion, nil); err != nil {
				return nil, err
			}
		}
		return nil, nil
	})
	remove.Flags().StringSliceVar(&ids, "ids", nil, "ids of locks")
	for _, verb := range []*cobra.Command{create, update} {
		verb.Flags().StringVarP(&l.level, "lock-type", "t", "", "CanNotDelete or ReadOnly")
		verb.Flags().StringVar(&l.notes, "notes", "", "why it is there")
	}
	for _, verb := range []*cobra.Command{create, update, show, list, remove} {
		l.flags(verb)
	}
	must(create, "name", "lock-type")
	must(update, "name")
	must(show, "name")
	cmd := parent("lock", "Manage locks", "lanyard lock list --output table")
	cmd.AddCommand(create, update, show, list, remove)
	return cmd
}

func (l *lock) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVarP(&l.name, "name", "n", "", "name of the lock")
	f.StringVarP(&l.group, "resource-group", "g", "", "resource group; the subscription when left out")
	f.StringVar(&l.resource, "resource", "", "id of a resource, or its name beside --resource-type")
	f.StringVar(&l.resourceType, "resource-type", "", "type of the resource, with or without its namespace")
	f.StringVar(&l.namespace, "namespace", "", "namespace of the resource's type")
	f.StringVar(&l.parentPath, "parent", "", "path of the resource's parent: type/name")
}

// lockScope gives what a lock lies on, from the flags in az's manner.
func (c *client) lockScope(l *lock) (string, error) {
	if strings.HasPrefix(l.resource, "/") {
		return strings.TrimSuffix(l.resource, "/"), nil
	}
	switch {
	case l.resource == "" && l.group == "":
		return c.seat.Scope().String(), nil
	case l.resource == "":
		return c.group(l.group), nil
	case l.group == "" || l.resourceType == "":
		return "", hinted{"a resource's name needs --resource-group and --resource-type beside it", "lanyard lock list --resource $RESOURCE_ID"}
	}
	full := l.resourceType
	if l.namespace != "" {
		full = strings.Trim(l.namespace+"/"+l.parentPath, "/") + "/" + l.resourceType
	}
	return c.in(l.group, full, l.resource), nil
}

func (c *client) lockPath(l *lock) (string, error) {
	if l.name == "" {
		return "", hinted{"say which lock: --name, or --ids", "lanyard lock list --query '[].id'"}
	}
	scope, err := c.lockScope(l)
	return scope + "/providers/" + lockType + "/" + l.name, err
}

// putLock writes a lock; what the flags leave open is taken from the lock as it is now.
func (c *client) putLock(cmd *cobra.Command, l *lock, now []byte) (any, error) {
	path, err := c.lockPath(l)
	if err != nil {
		return nil, err
	}
	var kept struct{ Level, Notes string }
	if err := decode(now, &kept); err != nil {
		return nil, fmt.Errorf("read lock: %w", err)
	}
	if l.level != "" {
		kept.Level = l.level
	}
	if cmd.Flags().Changed("notes") {
		kept.Notes = l.notes
	}
	properties := map[string]any{"level": kept.Level}
	if kept.Notes != "" {
		properties["notes"] = kept.Notes
	}
	return flat(c.arm(cmd.Context(), http.MethodPut, path, locksVersion, map[string]any{"properties": properties}))
}
