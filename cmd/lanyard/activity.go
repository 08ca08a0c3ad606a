package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"lanyard/internal/cloud"
)

const (
	activityPath    = "/providers/microsoft.insights/eventtypes/management/values"
	activityVersion = "2015-04-01"
)

// period holds the flags that choose activity records, which are those of az monitor activity-log.
type period struct {
	group, resource, caller, correlation, namespace, start, end string
	back                                                        span
	most                                                        int
}

func activityCommand(a *app) *cobra.Command {
	p := period{back: span(6 * time.Hour)}
	cmd := a.verb("activity", "List who wrote what at the management API, newest first", "lanyard logs activity --resource-group shop --offset 24h --output table",
		func(c *client, cmd *cobra.Command) (any, error) {
			if p.most < 1 {
				return nil, hinted{"--max-events is at least 1", "lanyard logs activity --max-events 50"}
			}
			filter, err := p.filter(time.Now())
			if err != nil {
				return nil, err
			}
			return c.activity(cmd.Context(), filter, p.most)
		})
	f := cmd.Flags()
	f.StringVarP(&p.group, "resource-group", "g", "", "resource group")
	f.StringVar(&p.resource, "resource-id", "", "id of a resource")
	f.StringVar(&p.namespace, "namespace", "", "namespace, e.g. Microsoft.App")
	f.StringVar(&p.caller, "caller", "", "who: a sign-in name or client id")
	f.StringVar(&p.correlation, "correlation-id", "", "correlation id of a request")
	f.StringVar(&p.start, "start-time", "", "from when, RFC 3339; --offset before --end-time when left out")
	f.StringVar(&p.end, "end-time", "", "until when, RFC 3339; now when left out")
	f.Var(&p.back, "offset", "how far back, e.g. 30m or 7d")
	f.IntVar(&p.most, "max-events", 50, "how many records at most")
	return cmd
}

// filter gives the $filter of the flags. The service takes one of the things that name what is
// looked for, beside the time.
func (p *period) filter(now time.Time) (string, error) {
	end, err := moment(p.end, now)
	if err != nil {
		return "", err
	}
	start, err := moment(p.start, p.back.ago(end))
	if err != nil {
		return "", err
	}
	said := []string{"eventTimestamp ge " + quoted(stamp(start)), "eventTimestamp le " + quoted(stamp(end))}
	for _, x := range []struct{ field, value string }{
		{"resourceGroupName", p.group}, {"resourceUri", p.resource}, {"resourceProvider", p.namespace},
		{"caller", p.caller}, {"correlationId", p.correlation},
	} {
		if x.value != "" {
			said = append(said, x.field+" eq "+quoted(x.value))
		}
	}
	return strings.Join(said, " and "), nil
}

func moment(text string, absent time.Time) (time.Time, error) {
	if text == "" {
		return absent, nil
	}
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return at, hinted{fmt.Sprintf("%q is no time as RFC 3339 writes them", text), "lanyard logs activity --start-time 2026-01-31T08:00:00Z"}
	}
	return at, nil
}

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

// activity lists records, newest first, until there are enough of them.
func (c *client) activity(ctx context.Context, filter string, most int) ([]json.RawMessage, error) {
	found := []json.RawMessage{}
	at := versioned(cloud.Azure.Management, c.seat.Scope().String()+activityPath+"?$filter="+url.QueryEscape(filter), activityVersion)
	for doc, err := range c.values(ctx, at, armResource) {
		if err != nil {
			return nil, err
		}
		if found = append(found, doc); len(found) == most {
			break
		}
	}
	return found, nil
}
