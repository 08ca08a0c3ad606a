package app

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"

	"lanyard/internal/arm"
	"lanyard/internal/cloud"
	"lanyard/internal/fault"
	"lanyard/internal/provider"
	"lanyard/internal/store"
)

// containerApp is an app: its document says what a client wants, a cloud.App beside it what should run.
type containerApp struct {
	arm.Plain
	Deps
}

// join is the right on an environment that it takes to make an app in it.
const join = Environments + "/join/action"

// Shape holds an app against the rules. Its environment must exist, and stays the same.
func (a containerApp) Shape(_ context.Context, c *arm.Change) error {
	m, env, err := shapeApp(c.After)
	if err != nil {
		return err
	}
	m.Set("runningStatus", running)
	if c.Before == nil {
		c.Demands = append(c.Demands, arm.Demand{Action: join, Scope: env})
	} else {
		before, err := propertiesOf(c.Before)
		if err != nil {
			return err
		}
		if !strings.EqualFold(before.EnvironmentID, env.String()) {
			return fault.New(fault.Conflict, "PropertyChangeNotAllowed", "Changing property 'properties.environmentId' is not allowed.")
		}
		m.Set("runningStatus", before.RunningStatus)
	}
	if d, ok := a.Resources.Document(env); !ok || d.Deleting != "" {
		return fault.New(fault.Invalid, "ManagedEnvironmentNotFound", "The environment '%s' does not exist.", env)
	}
	m.Set("provisioningState", "Succeeded")
	c.After.Properties = m.Raw()
	return nil
}

// Place names the revision and writes what should run, as long as the environment is there.
func (a containerApp) Place(_ context.Context, c *arm.Change) error {
	p, err := a.revise(c)
	if err != nil {
		return err
	}
	env, err := cloud.ParseID(p.EnvironmentID)
	if err != nil {
		return fmt.Errorf("read environment of %s: %w", c.ID, err)
	}
	if d, ok := a.Resources.Document(env); ok {
		c.Writes = append(c.Writes, store.Change{Key: cloud.DocumentKey(env), If: d.Revision, Check: true})
	}
	return a.run(c)
}

// run writes what should run for an app.
func (a containerApp) run(c *arm.Change) error {
	app, err := a.describe(c.After)
	if err != nil {
		return err
	}
	value, err := json.Marshal(app)
	if err != nil {
		return fmt.Errorf("write app: %w", err)
	}
	c.Writes = append(c.Writes, store.Change{Key: cloud.AppKey(c.ID), Value: value, If: store.Any})
	return nil
}

// revise names a new revision exactly when the template has changed (ID-7), and keeps which identities
// the app wore when it was made (ID-9).
func (a containerApp) revise(c *arm.Change) (appProperties, error) {
	after, err := propertiesOf(c.After)
	if err != nil {
		return after, err
	}
	name, created, worn := "", "", []cloud.PrincipalID(nil)
	if c.Before != nil {
		before, err := propertiesOf(c.Before)
		if err != nil {
			return after, err
		}
		if sameTemplate(before.Template, after.Template) {
			name, created, worn = before.LatestRevisionName, before.RevisionCreatedTime, before.RevisionIdentities
		} else if suffix := after.Template.RevisionSuffix; suffix != "" && c.ID.Name()+"--"+suffix == before.LatestRevisionName {
			return after, invalidField("template.revisionSuffix", "Invalid value: %q: the revision with this suffix has another template", suffix)
		}
	}
	if name == "" {
		if name, err = a.newRevision(c.ID.Name(), after.Template.RevisionSuffix); err != nil {
			return after, err
		}
		created = a.Time().Format("2006-01-02T15:04:05+00:00")
		worn = []cloud.PrincipalID{}
		for _, id := range a.identities(c.After, after.Configuration.IdentitySettings) {
			worn = append(worn, id.Principal)
		}
	}
	m, err := provider.Read("properties", c.After.Properties)
	if err != nil {
		return after, err
	}
	m.Set("latestRevisionName", name)
	m.Set("latestReadyRevisionName", name)
	m.Set("revisionCreatedTime", created)
	m.Set("revisionIdentities", worn)
	c.After.Properties = m.Raw()
	return after, nil
}

// sameTemplate compares what two templates ask to run; a suffix that is left out asks for nothing.
func sameTemplate(before, after template) bool {
	if after.RevisionSuffix == "" {
		before.RevisionSuffix = ""
	}
	return reflect.DeepEqual(before, after)
}

func (a containerApp) newRevision(app, suffix string) (string, error) {
	if suffix == "" {
		var b [4]byte
		if _, err := io.ReadFull(a.Random(), b[:]); err != nil {
			return "", fmt.Errorf("draw revision name: %w", err)
		}
		suffix = fmt.Sprintf("%x", b)[:7]
	}
	return app + "--" + suffix, nil
}

// describe says what should run for an app, and with which identities.
func (a containerApp) describe(d *arm.Document) (cloud.App, error) {
	p, err := propertiesOf(d)
	if err != nil {
		return cloud.App{}, err
	}
	if len(p.Template.Containers) != 1 {
		return cloud.App{}, fmt.Errorf("describe %s: it has %d containers", d.ID, len(p.Template.Containers))
	}
	first := p.Template.Containers[0]
	app := cloud.App{
		ID:       d.ID,
		Revision: p.LatestRevisionName,
		Replicas: replicas(p),
		Container: cloud.Container{Name: first.Name, Image: first.Image, Command: first.Command, Args: first.Args,
			Env: []cloud.Variable{}},
		Identities: a.identities(d, p.Configuration.IdentitySettings),
		Since:      p.RevisionIdentities,
	}
	for _, v := range first.Env {
		app.Container.Env = append(app.Container.Env, cloud.Variable(v))
	}
	return app, nil
}

func replicas(p appProperties) int {
	if p.RunningStatus == stopped {
		return 0
	}
	return or(p.Template.Scale.MinReplicas, 1)
}

// identities gives those that the app wears and that exist; a dangling one is no identity (ID-4).
func (a containerApp) identities(d *arm.Document, settings []setting) []cloud.Identity {
	worn := []cloud.Identity{}
	if d.Identity == nil {
		return worn
	}
	if d.Identity.Principal != "" {
		worn = append(worn, cloud.Identity{Kind: cloud.SystemAssigned, Resource: d.ID, Tenant: a.Tenant,
			Client: d.Identity.Client, Principal: d.Identity.Principal, Lifecycle: lifecycleOf(settings, ownIdentity)})
	}
	for text, u := range d.Identity.User {
		id, err := cloud.ParseID(text)
		if err != nil || u == nil || u.Principal == "" {
			continue
		}
		if _, ok := a.Resources.Document(id); ok {
			worn = append(worn, cloud.Identity{Kind: cloud.UserAssigned, Resource: id, Tenant: a.Tenant, Client: u.Client, Principal: u.Principal,
				Lifecycle: lifecycleOf(settings, text)})
		}
	}
	slices.SortFunc(worn, func(x, y cloud.Identity) int {
		return strings.Compare(string(x.Kind)+x.Resource.Key(), string(y.Kind)+y.Resource.Key())
	})
	return worn
}

// Remove ends what runs.
func (a containerApp) Remove(_ context.Context, c *arm.Change) error {
	c.Writes = append(c.Writes, store.Change{Key: cloud.AppKey(c.ID), If: store.Any})
	return nil
}
