package app

import (
	"context"
	"fmt"
	"strings"

	"lanyard/internal/arm"
	"lanyard/internal/cloud"
	"lanyard/internal/provider"
)

// replica is a living run of an app's revision; whoever runs apps knows which there are.
type replica struct {
	arm.Plain
	Deps
}

// Shape refuses: replicas come from the template's scale.
func (replica) Shape(context.Context, *arm.Change) error { return provider.ReadOnly(Replicas) }

// Find gives the replica of that name.
func (r replica) Find(_ context.Context, id cloud.ID) (*arm.Document, error) {
	all, err := r.of(id.Parent())
	if err != nil {
		return nil, err
	}
	for _, d := range all {
		if strings.EqualFold(d.Name, id.Name()) {
			return d, nil
		}
	}
	return nil, nil
}

// List gives a revision's living replicas.
func (r replica) List(_ context.Context, q arm.Query) ([]*arm.Document, error) {
	if q.Filter != "" {
		return nil, provider.NotOffered("$filter")
	}
	return r.of(q.Scope)
}

func (r replica) of(revision cloud.ID) ([]*arm.Document, error) {
	app, ok := r.Resources.Document(revision.Parent())
	if !ok || !app.ID.Is(Apps) {
		return nil, nil
	}
	p, err := propertiesOf(app)
	if err != nil || len(p.Template.Containers) == 0 {
		return nil, err
	}
	at, err := app.ID.Child("revisions", p.LatestRevisionName)
	if err != nil {
		return nil, fmt.Errorf("name revision: %w", err)
	}
	var all []*arm.Document
	for _, each := range r.Replicas(app.ID) {
		if !strings.EqualFold(each.Revision, revision.Name()) {
			continue
		}
		id, err := at.Child("replicas", each.Name)
		if err != nil {
			return nil, fmt.Errorf("name replica: %w", err)
		}
		name := p.Template.Containers[0].Name
		container := map[string]any{"name": name, "ready": true, "started": true, "restartCount": each.Restarts, "runningState": "Running"}
		if r.Streams != nil {
			container["logStreamEndpoint"] = r.streamOf(app) + "/revisions/" + each.Revision + "/replicas/" + each.Name + "/containers/" + name + "/logstream"
		}
		m := provider.Members{}
		m.Set("createdTime", each.Started.UTC())
		m.Set("runningState", "Running")
		m.Set("containers", []any{container})
		m.Set("initContainers", nil)
		all = append(all, &arm.Document{ID: id, Name: id.Name(), Type: Replicas, Properties: m.Raw()})
	}
	return all, nil
}
