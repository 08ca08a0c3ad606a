package app

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"lanyard/internal/arm"
	"lanyard/internal/cloud"
	"lanyard/internal/fault"
	"lanyard/internal/provider"
)

// environment is what container apps lie in.
type environment struct {
	arm.Plain
	Deps
}

// Shape leaves what an environment can have, and gives it its domain.
func (e environment) Shape(_ context.Context, c *arm.Change) error {
	m, err := shapeEnvironment(c.After)
	if err != nil {
		return err
	}
	var before environmentProperties
	if c.Before != nil {
		if err := json.Unmarshal(c.Before.Properties, &before); err != nil {
			return fmt.Errorf("read %s: %w", c.ID, err)
		}
	}
	if before.DefaultDomain == "" {
		var b [4]byte
		if _, err := io.ReadFull(e.Random(), b[:]); err != nil {
			return fmt.Errorf("draw domain: %w", err)
		}
		before.DefaultDomain = fmt.Sprintf("lanyard-%x.%s.azurecontainerapps.io", b, c.After.Location)
	}
	m.Set("defaultDomain", before.DefaultDomain)
	c.After.Properties = m.Raw()
	return nil
}

// Remove refuses while apps lie in the environment, other than those that go with it.
func (e environment) Remove(_ context.Context, c *arm.Change) error {
	left := 0
	for _, d := range e.Resources.Documents(cloud.Root, Apps) {
		p, err := propertiesOf(d)
		if err != nil {
			return err
		}
		if strings.EqualFold(p.EnvironmentID, c.ID.String()) && d.Deleting == "" && !c.Going.Contains(d.ID) {
			left++
		}
	}
	if left == 0 {
		return nil
	}
	return fault.New(fault.Conflict, "ManagedEnvironmentHasContainerApps",
		"The specified environment %s cannot be deleted because it still contains %d ContainerApps.", c.ID.Name(), left)
}

func propertiesOf(d *arm.Document) (p appProperties, err error) {
	if err := json.Unmarshal(d.Properties, &p); err != nil {
		return p, fmt.Errorf("read %s: %w", d.ID, err)
	}
	return p, nil
}

// shapeEnvironment leaves what an environment can have here: nothing but its existence, and
// Consumption profiles.
func shapeEnvironment(d *arm.Document) (provider.Members, error) {
	if d.Kind != "" {
		return nil, provider.NotOffered("kind: " + d.Kind)
	}
	m, err := provider.Read("properties", d.Properties)
	if err != nil {
		return nil, err
	}
	m.Drop("provisioningState", "deploymentErrors", "defaultDomain", "staticIp", "eventStreamEndpoint", "kedaConfiguration", "daprConfiguration")
	if err := m.Close("properties", "workloadProfiles", "publicNetworkAccess", "appLogsConfiguration"); err != nil {
		return nil, err
	}
	if access := m.Text("publicNetworkAccess"); access != "" && !strings.EqualFold(access, "Enabled") {
		return nil, provider.NotOffered("properties.publicNetworkAccess: " + access)
	}
	m.Set("publicNetworkAccess", "Enabled")
	if err := shapeLogs(m); err != nil {
		return nil, err
	}
	m.Set("provisioningState", "Succeeded")
	return m, shapeProfiles(m)
}

// shapeLogs accepts that logs go nowhere but to the console that this world keeps.
func shapeLogs(m provider.Members) error {
	const path = "properties.appLogsConfiguration"
	logs, err := provider.Read(path, m["appLogsConfiguration"])
	if err != nil {
		return err
	}
	if to := logs.Text("destination"); to != "" && !strings.EqualFold(to, "none") {
		return provider.NotOffered(path + ".destination: " + to)
	}
	if err := logs.Close(path, "destination"); err != nil {
		return err
	}
	delete(m, "appLogsConfiguration")
	return nil
}

// shapeProfiles keeps the profiles that name a consumption plan, on which nothing is set.
func shapeProfiles(m provider.Members) error {
	const path = "properties.workloadProfiles"
	var sent []json.RawMessage
	if err := m.Decode("properties", "workloadProfiles", &sent); err != nil {
		return err
	}
	profiles := []map[string]string{}
	for _, raw := range sent {
		p, err := provider.Read(path, raw)
		if err != nil {
			return err
		}
		if err := p.Close(path, "name", "workloadProfileType"); err != nil {
			return err
		}
		if kind := p.Text("workloadProfileType"); !strings.EqualFold(kind, "Consumption") {
			return provider.NotOffered(path + ": " + kind)
		}
		profiles = append(profiles, map[string]string{"name": p.Text("name"), "workloadProfileType": "Consumption"})
	}
	if len(profiles) > 0 {
		m.Set("workloadProfiles", profiles)
	}
	return nil
}
