package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"lanyard/internal/arm"
	"lanyard/internal/cloud"
	"lanyard/internal/fault"
	"lanyard/internal/httpkit"
	"lanyard/internal/provider"
	"lanyard/internal/store"
)

// maxAttempts bounds how often a switch is tried anew when others change the app meanwhile.
const maxAttempts = 16

func (a containerApp) actions() map[string]arm.Action {
	all := map[string]arm.Action{
		"stop":        {Needs: Apps + "/stop/action", Do: a.turn(stopped)},
		"start":       {Needs: Apps + "/start/action", Do: a.turn(running)},
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
	shown := wire(d)
	shown["properties"] = map[string]any{"token": token, "expires": expires.UTC().Truncate(time.Second)}
	return httpkit.WriteJSON(w, http.StatusOK, shown)
}

// listSecrets answers with an app's secrets: there are none.
func listSecrets(_ context.Context, _ *arm.Document, w http.ResponseWriter, _ *http.Request) error {
	return httpkit.WriteJSON(w, http.StatusOK, map[string]any{"value": []any{}})
}

// turn gives the action that brings an app into a running state. The document keeps the state, so
// that a later change of the app does not start what was stopped.
func (a containerApp) turn(state string) func(context.Context, *arm.Document, http.ResponseWriter, *http.Request) error {
	return func(ctx context.Context, d *arm.Document, w http.ResponseWriter, _ *http.Request) error {
		for range maxAttempts {
			now, revision, err := a.attempt(ctx, d.ID, state)
			if errors.Is(err, store.ErrConflict) {
				continue
			}
			if err != nil {
				return err
			}
			if err := a.See(ctx, revision); err != nil {
				return fmt.Errorf("await %s: %w", d.ID, err)
			}
			if err := a.Show(ctx, now); err != nil {
				return err
			}
			return httpkit.WriteJSON(w, http.StatusOK, wire(now))
		}
		return fault.New(fault.Conflict, "ContainerAppOperationInProgress", "Cannot modify a container app '%s' because there is another operation in progress.", d.Name)
	}
}

// wire gives an app's document as the management API shows it.
func wire(d *arm.Document) map[string]any {
	shown := map[string]any{"id": d.ID, "name": d.Name, "type": d.Type, "location": d.Location,
		"properties": d.Properties, "systemData": d.SystemData}
	if d.Tags != nil {
		shown["tags"] = d.Tags
	}
	if worn := d.Identity; worn != nil {
		identity := map[string]any{"type": worn.Type}
		if worn.Principal != "" {
			identity["principalId"], identity["tenantId"] = worn.Principal, worn.Tenant
		}
		if worn.User != nil {
			identity["userAssignedIdentities"] = worn.User
		}
		shown["identity"] = identity
	}
	return shown
}

func (a containerApp) attempt(ctx context.Context, id cloud.ID, state string) (*arm.Document, int64, error) {
	entry, err := a.Store.Get(ctx, cloud.DocumentKey(id))
	if err != nil {
		return nil, 0, fmt.Errorf("read app: %w", err)
	}
	d := &arm.Document{}
	if entry.Revision == 0 {
		return nil, 0, fault.New(fault.NotFound, "ResourceNotFound", "The Resource '%s/%s' under resource group '%s' was not found.", Apps, id.Name(), id.Group())
	}
	if err := json.Unmarshal(entry.Value, d); err != nil {
		return nil, 0, fmt.Errorf("read %s: %w", id, err)
	}
	m, err := provider.Read("properties", d.Properties)
	if err != nil {
		return nil, 0, err
	}
	m.Set("runningStatus", state)
	d.Properties = m.Raw()
	app, err := a.describe(d)
	if err != nil {
		return nil, 0, err
	}
	document, err := json.Marshal(d)
	if err != nil {
		return nil, 0, fmt.Errorf("write %s: %w", id, err)
	}
	described, err := json.Marshal(app)
	if err != nil {
		return nil, 0, fmt.Errorf("write app: %w", err)
	}
	revision, err := a.Store.Commit(ctx, store.Change{Key: entry.Key, Value: document, If: entry.Revision},
		store.Change{Key: cloud.AppKey(id), Value: described, If: store.Any})
	return d, revision, err
}
