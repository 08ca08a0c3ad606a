package app

import (
	"context"
	"net/http"
	"time"

	"lanyard/internal/arm"
	"lanyard/internal/cloud"
	"lanyard/internal/httpkit"
	"lanyard/internal/provider"
)

func (a containerApp) actions() map[string]arm.Action {
	all := map[string]arm.Action{
		"stop":        {Needs: Apps + "/stop/action", Turn: a.turn(stopped)},
		"start":       {Needs: Apps + "/start/action", Turn: a.turn(running)},
		"listsecrets": {Needs: Apps + "/listSecrets/action", Do: listSecrets},
	}
	if a.Attach != nil {
		all["attach"] = arm.Action{Needs: Apps + "/write", Do: onApp(a.Attach)}
	}
	if a.Ticket != nil {
		all["getauthtoken"] = arm.Action{Needs: Apps + "/getAuthToken/action", Do: a.authToken}
	}
	if a.Logs != nil {
		all["listconsolelogs"] = arm.Action{Needs: Apps + "/logstream/action", Do: onApp(a.Logs)}
	}
	return all
}

func onApp(do func(context.Context, cloud.ID, http.ResponseWriter, *http.Request) error) func(context.Context, *arm.Document, http.ResponseWriter, *http.Request) error {
	return func(ctx context.Context, d *arm.Document, w http.ResponseWriter, r *http.Request) error {
		return do(ctx, d.ID, w, r)
	}
}

// authToken answers with a token for the app's log stream (specs: ContainerAppAuthToken).
func (a containerApp) authToken(_ context.Context, d *arm.Document, w http.ResponseWriter, _ *http.Request) error {
	token, expires, err := a.Ticket(d.ID)
	if err != nil {
		return err
	}
	w.Header().Set("Cache-Control", "no-store")
	m := provider.Members{}
	m.Set("token", token)
	m.Set("expires", expires.UTC().Truncate(time.Second))
	return httpkit.WriteJSON(w, http.StatusOK, arm.Document{ID: d.ID, Name: d.Name, Type: d.Type, Location: d.Location,
		Tags: d.Tags, SystemData: d.SystemData, Properties: m.Raw()})
}

// listSecrets answers with an app's secrets: there are none.
func listSecrets(_ context.Context, _ *arm.Document, w http.ResponseWriter, _ *http.Request) error {
	return httpkit.WriteJSON(w, http.StatusOK, map[string]any{"value": []any{}})
}

// turn gives the action that brings an app into a running state. The document keeps the state, so
// that a later change of the app does not start what was stopped.
func (a containerApp) turn(state string) func(context.Context, *arm.Change) error {
	return func(_ context.Context, c *arm.Change) error {
		m, err := provider.Read("properties", c.After.Properties)
		if err != nil {
			return err
		}
		m.Set("runningStatus", state)
		c.After.Properties = m.Raw()
		return a.run(c)
	}
}
