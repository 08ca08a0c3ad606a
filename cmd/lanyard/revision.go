package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"

	"github.com/spf13/cobra"
)

func revisionCommand(a *app) *cobra.Command {
	var t target
	var revision string
	list := a.verb("list", "List an app's revisions", "lanyard containerapp revision list -n hello -g shop", func(c *client, cmd *cobra.Command) (any, error) {
		return c.list(cmd.Context(), c.in(t.group, appType, t.name)+"/revisions", appsVersion)
	})
	show := a.verb("show", "Show a revision", "lanyard containerapp revision show -n hello -g shop --revision $REVISION", func(c *client, cmd *cobra.Command) (any, error) {
		return c.arm(cmd.Context(), http.MethodGet, c.in(t.group, appType, t.name)+"/revisions/"+revision, appsVersion, nil)
	})
	t.flags(list, "app")
	t.flags(show, "app")
	show.Flags().StringVar(&revision, "revision", "", "name of the revision")
	must(show, "revision")
	cmd := parent("revision", "See an app's revisions", "lanyard containerapp revision list -n hello -g shop")
	cmd.AddCommand(list, show)
	return cmd
}

func replicaCommand(a *app) *cobra.Command {
	var t target
	var revision, replica string
	list := a.verb("list", "List the replicas of a revision", "lanyard containerapp replica list -n hello -g shop", func(c *client, cmd *cobra.Command) (any, error) {
		at, err := c.replicas(cmd.Context(), t, revision)
		if err != nil {
			return nil, err
		}
		return c.list(cmd.Context(), at, appsVersion)
	})
	show := a.verb("show", "Show a replica", "lanyard containerapp replica show -n hello -g shop --replica $REPLICA", func(c *client, cmd *cobra.Command) (any, error) {
		at, err := c.replicas(cmd.Context(), t, revision)
		if err != nil {
			return nil, err
		}
		return c.arm(cmd.Context(), http.MethodGet, at+"/"+replica, appsVersion, nil)
	})
	for _, verb := range []*cobra.Command{list, show} {
		t.flags(verb, "app")
		verb.Flags().StringVar(&revision, "revision", "", "name of the revision; the latest when left out")
	}
	show.Flags().StringVar(&replica, "replica", "", "name of the replica")
	must(show, "replica")
	cmd := parent("replica", "See an app's replicas", "lanyard containerapp replica list -n hello -g shop")
	cmd.AddCommand(list, show, attestationCommand(a))
	return cmd
}

// attestationCommand is Lanyard's own: in Azure nobody attests.
func attestationCommand(a *app) *cobra.Command {
	var replica string
	var off, on bool
	cmd := a.verb("attestation", "Turn the attestation of a replica's callers off, or on again",
		"lanyard containerapp replica attestation --replica $REPLICA --off", func(c *client, cmd *cobra.Command) (any, error) {
			return c.control(cmd.Context(), http.MethodPost, "/replicas/"+url.PathEscape(replica)+"/attestation", map[string]bool{"attest": on})
		})
	cmd.Long = `Turn the attestation of a running replica's callers off, or on again. While it is off, any process of this
machine that knows the replica's header can use its identities. It is off until the replica ends; status, log and
the records of its tokens say so.`
	cmd.Flags().StringVar(&replica, "replica", "", "name of the replica")
	cmd.Flags().BoolVar(&off, "off", false, "do not attest")
	cmd.Flags().BoolVar(&on, "on", false, "attest again")
	must(cmd, "replica")
	cmd.MarkFlagsMutuallyExclusive("off", "on")
	cmd.MarkFlagsOneRequired("off", "on")
	return cmd
}

// replicas gives the path of a revision's replicas, the latest revision's when none is named.
func (c *client) replicas(ctx context.Context, t target, revision string) (string, error) {
	path := c.in(t.group, appType, t.name)
	if revision == "" {
		doc, err := c.arm(ctx, http.MethodGet, path, appsVersion, nil)
		if err != nil {
			return "", err
		}
		var app struct {
			Properties struct {
				Latest string `json:"latestRevisionName"`
			} `json:"properties"`
		}
		if err := json.Unmarshal(doc, &app); err != nil {
			return "", fmt.Errorf("read app: %w", err)
		}
		revision = app.Properties.Latest
	}
	return path + "/revisions/" + revision + "/replicas", nil
}
