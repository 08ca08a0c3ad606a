package authorization

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"lanyard/internal/arm"
	"lanyard/internal/cloud"
	"lanyard/internal/fault"
	"lanyard/internal/provider"
)

// definition is a role: the built-in ones are there at every scope without being stored, custom
// ones at the scopes at which they can be assigned.
type definition struct {
	arm.Plain
	Deps
}

// Shape checks a custom role. Who writes it needs the right at each of its assignable scopes.
func (d definition) Shape(_ context.Context, c *arm.Change) error {
	if err := d.refuseBuiltIn(c.ID); err != nil {
		return err
	}
	p, scopes, err := readDefinition(c.After.Properties)
	if err != nil {
		return err
	}
	for _, at := range scopes {
		if _, ok := d.Resources.Document(at); !ok {
			return fault.New(fault.Invalid, "LinkedInvalidPropertyId", "The assignable scope '%s' does not exist.", at)
		}
	}
	demand(c, scopes)
	at, by := d.now().Format(timeLayout), string(c.Caller.Principal)
	p.CreatedOn, p.CreatedBy, p.UpdatedOn, p.UpdatedBy = at, by, at, by
	if c.Before != nil {
		before, earlier, err := definitionOf(c.Before)
		if err != nil {
			return err
		}
		demand(c, earlier)
		p.CreatedOn, p.CreatedBy = before.CreatedOn, before.CreatedBy
	}
	return setProperties(c.After, p)
}

func demand(c *arm.Change, scopes []cloud.ID) {
	for _, at := range scopes {
		c.Demands = append(c.Demands, arm.Demand{Action: Definitions + "/write", Scope: at})
	}
}

func (d definition) refuseBuiltIn(id cloud.ID) error {
	if role, ok := d.Directory.Role(strings.ToLower(id.Name())); ok && !role.Custom {
		return fault.New(fault.Invalid, "RoleDefinitionUpdateNotPermitted", "The role '%s' is built in: it cannot be changed or deleted.", role.Name)
	}
	return nil
}

// Place claims the GUID, by which assignments know the role, and the name in the whole tenant.
func (d definition) Place(ctx context.Context, c *arm.Change) error {
	p, _, err := definitionOf(c.After)
	if err != nil {
		return err
	}
	guid, rival, err := claim(ctx, d.Store, claimRole+strings.ToLower(c.ID.Name()), c.ID)
	if err != nil {
		return err
	}
	if !rival.IsZero() {
		return fault.New(fault.Conflict, "RoleDefinitionExists", "The role definition '%s' exists already, as '%s'.", c.ID.Name(), rival)
	}
	key := roleNameKey(p.RoleName)
	name, rival, err := claim(ctx, d.Store, key, c.ID)
	if err != nil {
		return err
	}
	if !rival.IsZero() || d.builtInNamed(p.RoleName) {
		return fault.New(fault.Conflict, "RoleDefinitionWithSameNameExists", "A role with the name '%s' already exists in this directory. Use a different name.", p.RoleName)
	}
	c.Writes = append(c.Writes, guid, name)
	if c.Before == nil {
		return nil
	}
	before, _, err := definitionOf(c.Before)
	if err != nil || roleNameKey(before.RoleName) == key {
		return err
	}
	released, err := release(ctx, d.Store, c.ID, roleNameKey(before.RoleName))
	c.Writes = append(c.Writes, released...)
	return err
}

func roleNameKey(name string) string { return claimRoleName + strings.ToLower(name) }

func (d definition) builtInNamed(name string) bool {
	for _, r := range d.Directory.Roles() {
		if !r.Custom && strings.EqualFold(r.Name, name) {
			return true
		}
	}
	return false
}

// Remove refuses while something is assigned by the role.
func (d definition) Remove(ctx context.Context, c *arm.Change) error {
	if err := d.refuseBuiltIn(c.ID); err != nil {
		return err
	}
	for _, each := range d.Resources.Documents(cloud.Root, Assignments) {
		p, err := assignmentOf(each)
		if err != nil {
			return err
		}
		role, err := cloud.ParseID(p.RoleDefinitionID)
		if err == nil && strings.EqualFold(role.Name(), c.ID.Name()) && !c.Going.Contains(each.ID) {
			return fault.New(fault.Invalid, "RoleDefinitionHasAssignments", "There are existing role assignments referencing role (code: RoleDefinitionHasAssignments).").
				Try("lanyard role assignment delete --ids %s", each.ID)
		}
	}
	before, _, err := definitionOf(c.Before)
	if err != nil {
		return err
	}
	released, err := release(ctx, d.Store, c.ID, claimRole+strings.ToLower(c.ID.Name()), roleNameKey(before.RoleName))
	c.Writes = append(c.Writes, released...)
	return err
}

// Find gives a role by its GUID at any scope where it can be assigned.
func (d definition) Find(_ context.Context, id cloud.ID) (*arm.Document, error) {
	role, ok := d.Directory.Role(strings.ToLower(id.Name()))
	if !ok || !assignableAt(role, id.Scope()) {
		return nil, nil
	}
	return d.document(role, id.Scope())
}

// List gives the roles that can be assigned at a scope, and with atScopeAndBelow() under it.
func (d definition) List(_ context.Context, q arm.Query) ([]*arm.Document, error) {
	terms, err := provider.ParseFilter(q.Filter)
	if err != nil {
		return nil, err
	}
	var found []*arm.Document
	for _, role := range d.Directory.Roles() {
		ok, err := offered(role, q.Scope, terms)
		if err != nil {
			return nil, err
		}
		if !ok {
			continue
		}
		doc, err := d.document(role, q.Scope)
		if err != nil {
			return nil, err
		}
		if doc != nil {
			found = append(found, doc)
		}
	}
	return found, nil
}

// offered reports whether a list of roles at a scope has this one.
func offered(role cloud.Role, at cloud.ID, terms []provider.Term) (bool, error) {
	meets, below := true, false
	for _, t := range terms {
		switch {
		case t.Name == "rolename" && !t.Call:
			meets = meets && strings.EqualFold(role.Name, t.Argument)
		case t.Name == "type" && !t.Call:
			meets = meets && (strings.EqualFold(t.Argument, custom) && role.Custom || strings.EqualFold(t.Argument, builtIn) && !role.Custom)
		case t.Name == "atscopeandbelow" && t.Call && t.Argument == "":
			below = true
		case t.Name == "atscope" && t.Call && t.Argument == "":
		default:
			return false, provider.UnknownTerm(t)
		}
	}
	return meets && (assignableAt(role, at) || below && assignableBelow(role, at)), nil
}

func assignableAt(role cloud.Role, at cloud.ID) bool {
	for _, scope := range role.Assignable {
		if scope.Contains(at) {
			return true
		}
	}
	return !role.Custom
}

func assignableBelow(role cloud.Role, at cloud.ID) bool {
	for _, scope := range role.Assignable {
		if at.Contains(scope) {
			return true
		}
	}
	return false
}

// document gives a role as seen from a scope: the stored document of a custom one, nil when it has
// just gone; a built-in one has the id that the scope's subscription gives it, as in Azure.
func (d definition) document(role cloud.Role, at cloud.ID) (*arm.Document, error) {
	if role.Custom {
		doc, _ := d.Resources.Document(role.ID)
		return doc, nil
	}
	above := cloud.Root
	if s := at.Subscription(); s != "" {
		var err error
		if above, err = cloud.ParseID("/subscriptions/" + s); err != nil {
			return nil, fmt.Errorf("name subscription: %w", err)
		}
	}
	id, err := above.In(Definitions, role.ID.Name())
	if err != nil {
		return nil, fmt.Errorf("name role: %w", err)
	}
	doc := &arm.Document{ID: id, Name: id.Name(), Type: Definitions}
	p := definitionProperties{RoleName: role.Name, Type: builtIn, Description: role.Description, AssignableScopes: []string{"/"}, Permissions: []wirePermissions{}}
	for _, each := range role.Permissions {
		p.Permissions = append(p.Permissions, wirePermissions{Actions: listed(each.Actions), NotActions: listed(each.NotActions),
			DataActions: listed(each.DataActions), NotDataActions: listed(each.NotDataActions)})
	}
	return doc, setProperties(doc, p)
}

func listed(s []string) []string {
	if s == nil {
		return []string{}
	}
	return s
}

func definitionOf(d *arm.Document) (p definitionProperties, scopes []cloud.ID, err error) {
	if err := json.Unmarshal(d.Properties, &p); err != nil {
		return p, nil, fmt.Errorf("read %s: %w", d.ID, err)
	}
	for _, text := range p.AssignableScopes {
		at, err := cloud.ParseID(text)
		if err != nil {
			return p, nil, fmt.Errorf("read %s: %w", d.ID, err)
		}
		scopes = append(scopes, at)
	}
	return p, scopes, nil
}
