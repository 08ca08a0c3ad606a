package app

import (
	"context"
	"fmt"
	"strings"

	"lanyard/internal/arm"
	"lanyard/internal/cloud"
	"lanyard/internal/provider"
)

// revision is what an app's template made: the latest one, as only one is active at a time and
// earlier ones are not kept.
type revision struct {
	arm.Plain
	resources provider.Resources
}

// Shape refuses: revisions come from changes of the app's template.
func (revision) Shape(context.Context, *arm.Change) error { return provider.ReadOnly(Revisions) }

// Find gives the app's revision of that name.
func (r revision) Find(_ context.Context, id cloud.ID) (*arm.Document, error) {
	d, err := r.latest(id.Parent())
	if d == nil || err != nil || !strings.EqualFold(d.Name, id.Name()) {
		return nil, err
	}
	return d, nil
}

// List gives the app's revisions.
func (r revision) List(_ context.Context, q arm.Query) ([]*arm.Document, error) {
	d, err := r.latest(q.Scope)
	if d == nil || err != nil {
		return nil, err
	}
	return []*arm.Document{d}, nil
}

func (r revision) latest(app cloud.ID) (*arm.Document, error) {
	d, ok := r.resources.Document(app)
	if !ok || !d.ID.Is(Apps) {
		return nil, nil
	}
	p, err := propertiesOf(d)
	if err != nil {
		return nil, err
	}
	id, err := d.ID.Child("revisions", p.LatestRevisionName)
	if err != nil {
		return nil, fmt.Errorf("name revision: %w", err)
	}
	whole, err := provider.Read("properties", d.Properties)
	if err != nil {
		return nil, err
	}
	m := provider.Members{}
	if m["template"], err = showTemplate(whole["template"]); err != nil {
		return nil, err
	}
	m.Set("active", true)
	m.Set("createdTime", p.RevisionCreatedTime)
	m.Set("provisioningState", "Provisioned")
	m.Set("replicas", replicas(p))
	m.Set("runningState", p.RunningStatus)
	m.Set("trafficWeight", 100)
	return &arm.Document{ID: id, Name: id.Name(), Type: Revisions, Properties: m.Raw()}, nil
}
