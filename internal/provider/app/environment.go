package app

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"lanyard/internal/arm"
	"lanyard/internal/cloud"
	"lanyard/internal/fault"
)

// environment is what container apps lie in.
type environment struct {
	arm.Plain
	Deps
}

// Shape leaves what an environment can have.
func (environment) Shape(_ context.Context, c *arm.Change) error {
	m, err := shapeEnvironment(c.After)
	if err != nil {
		return err
	}
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
