package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/url"

	"github.com/spf13/cobra"

	"lanyard/internal/cloud"
	"lanyard/internal/platform"
)

func logsCommand(a *app) *cobra.Command {
	var follow bool
	var tail int
	cmd := &cobra.Command{
		Use: "logs APP", Short: "Print an app's console; list activity and sign-ins", Example: "  lanyard logs hello --follow", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := a.connect()
			if err != nil {
				return err
			}
			id, err := c.appID(cmd.Context(), args[0], "")
			if err != nil {
				return err
			}
			return c.streamLogs(cmd.Context(), a, id, tail, follow)
		},
	}
	cmd.Flags().BoolVarP(&follow, "follow", "f", false, "go on as lines come")
	cmd.Flags().IntVarP(&tail, "tail", "n", 20, "how many past lines")
	cmd.AddCommand(activityCommand(a), signInsCommand(a))
	return cmd
}

func appLogsCommand(a *app) *cobra.Command {
	var t target
	var follow bool
	var tail int
	show := &cobra.Command{
		Use: "show", Short: "Print an app's console logs", Example: "  lanyard containerapp logs show -n hello -g shop --tail 50", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := a.connect()
			if err != nil {
				return err
			}
			id, err := c.appID(cmd.Context(), t.name, t.group)
			if err != nil {
				return err
			}
			return c.streamLogs(cmd.Context(), a, id, tail, follow)
		},
	}
	show.Flags().BoolVar(&follow, "follow", false, "go on as lines come")
	show.Flags().IntVar(&tail, "tail", 20, "how many past lines")
	t.flags(show, "app")
	cmd := parent("logs", "Read an app's logs", "lanyard containerapp logs show -n hello -g shop")
	cmd.AddCommand(show)
	return cmd
}

// appID gives the id of an app by its id, by its name in a group, or, without a group, by a name that no
// other app of the subscription has.
func (c *client) appID(ctx context.Context, app, group string) (cloud.ID, error) {
	if id, err := cloud.ParseID(app); err == nil {
		return id, nil
	}
	switch {
	case app == "":
		return cloud.ID{}, hinted{"--resource-group says where the app of --app is", "lanyard containerapp list -g " + group + " --output table"}
	case group != "":
		return cloud.ParseID(c.in(group, appType, app))
	}
	docs, err := c.list(ctx, c.collection("", appType), appsVersion)
	if err != nil {
		return cloud.ID{}, err
	}
	var found []cloud.ID
	for _, d := range docs {
		var doc struct {
			ID cloud.ID `json:"id"`
		}
		if err := json.Unmarshal(d, &doc); err != nil {
			return cloud.ID{}, err
		}
		if doc.ID.Name() == app {
			found = append(found, doc.ID)
		}
	}
	switch len(found) {
	case 0:
		return cloud.ID{}, hinted{fmt.Sprintf("there is no container app named %q", app), "lanyard containerapp list --output table"}
	case 1:
		return found[0], nil
	}
	return cloud.ID{}, hinted{fmt.Sprintf("%d container apps are named %q; give the full id", len(found), app), "lanyard containerapp list --query '[].id'"}
}

// streamLogs prints lines as they come; without follow the platform ends the stream.
func (c *client) streamLogs(ctx context.Context, a *app, id cloud.ID, tail int, follow bool) error {
	q := url.Values{"tail": {fmt.Sprint(tail)}, "follow": {fmt.Sprint(follow)}}
	resp, err := c.open(ctx, id.String()+"/listConsoleLogs?"+q.Encode()+"&api-version="+appsVersion, struct{}{})
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	lines := bufio.NewScanner(resp.Body)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var l platform.Line
		if err := json.Unmarshal(lines.Bytes(), &l); err != nil {
			return fmt.Errorf("read log line: %w", err)
		}
		fmt.Fprintf(a.std.out, "%s %s %s\n", l.Time.Format("2006-01-02T15:04:05.000Z07:00"), l.Replica, l.Text)
	}
	if ctx.Err() != nil {
		return nil // the user ended it
	}
	return lines.Err()
}
