package managedidentity

import (
	"context"
	"encoding/json"
	"fmt"

	"lanyard/internal/arm"
	"lanyard/internal/cloud"
	"lanyard/internal/provider"
	"lanyard/internal/store"
)

// userAssigned is an identity that is a resource of its own (ID-3). Its principal is enrolled and
// retired in the transactions that make and delete it; resources that still wear it then have a
// dangling reference (ID-4).
type userAssigned struct {
	arm.Plain
	directory Directory
}

// Shape keeps what the directory gave the identity, whatever the client sent.
func (u userAssigned) Shape(_ context.Context, c *arm.Change) error {
	scope, err := isolation(c.After.Properties)
	if err != nil {
		return err
	}
	p := properties{}
	if c.Before != nil {
		if p, err = propertiesOf(c.Before); err != nil {
			return err
		}
	}
	p.IsolationScope = scope
	return set(c.After, p)
}

// Place enrolls the principal of a new identity.
func (u userAssigned) Place(_ context.Context, c *arm.Change) error {
	if c.Before != nil {
		return nil
	}
	p, err := propertiesOf(c.After)
	if err != nil {
		return err
	}
	principal, enroll, err := u.directory.Enroll(cloud.UserAssigned, c.ID.Name(), c.ID)
	if err != nil {
		return fmt.Errorf("enroll %s: %w", c.ID, err)
	}
	p.TenantID, p.PrincipalID, p.ClientID = principal.Tenant, principal.ID, principal.Client
	c.Writes = append(c.Writes, enroll)
	return set(c.After, p)
}

// Remove retires the principal. Its role assignments stay behind as orphans.
func (u userAssigned) Remove(_ context.Context, c *arm.Change) error {
	p, err := propertiesOf(c.Before)
	if err != nil {
		return err
	}
	if principal, ok := u.directory.Principal(p.PrincipalID); ok {
		c.Writes = append(c.Writes, u.directory.Retire(principal))
	}
	c.Writes = append(c.Writes, store.Change{Key: gate(c.ID), If: store.Any})
	return nil
}

// systemAssigned shows the identity of whatever it is asked at, under the name "default"
// (wire-facts: "UAMI"). Nothing of it is stored.
type systemAssigned struct {
	arm.Plain
	directory Directory
	host      func(cloud.ID) (*arm.Document, bool)
}

// Shape refuses: a resource's own identity is switched on in its identity block.
func (systemAssigned) Shape(context.Context, *arm.Change) error {
	return provider.ReadOnly(SystemAssigned)
}

// Find gives the system-assigned identity of the scope, where that is.
func (s systemAssigned) Find(_ context.Context, id cloud.ID) (*arm.Document, error) {
	p, ok := s.directory.ByResource(id.Scope())
	if id.Name() != "default" || !ok || p.Kind != cloud.SystemAssigned {
		return nil, nil
	}
	d := &arm.Document{ID: id, Name: "default", Type: SystemAssigned}
	if host, ok := s.host(id.Scope()); ok {
		d.Location = host.Location
	}
	return d, set(d, properties{TenantID: p.Tenant, PrincipalID: p.ID, ClientID: p.Client})
}

func propertiesOf(d *arm.Document) (p properties, err error) {
	if err := json.Unmarshal(d.Properties, &p); err != nil {
		return p, fmt.Errorf("read %s: %w", d.ID, err)
	}
	return p, nil
}

func set(d *arm.Document, p properties) error {
	raw, err := json.Marshal(p)
	if err != nil {
		return fmt.Errorf("write %s: %w", d.ID, err)
	}
	d.Properties = raw
	return nil
}
