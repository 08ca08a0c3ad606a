package authorization

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"lanyard/internal/arm"
	"lanyard/internal/cloud"
	"lanyard/internal/fault"
	"lanyard/internal/provider"
)

// definition is a role: the built-in ones are there at every scope without being stored, custom
// ones are the tenant's, and seen where they can be assigned.
type definition struct {
	arm.Plain
	Deps
}

// Home gives the one id that a role has in the tenant: assignments know it by its GUID alone.
func (definition) Home(id cloud.ID) cloud.ID {
	home, err := cloud.Root.In(Definitions, id.Name())
	if err != nil {
		return id // it cannot be: the name has stood in an id
	}
	return home
}

// Reach gives a custom role's assignable scopes.
func (definition) Reach(d *arm.Document) ([]cloud.ID, error) {
	_, scopes, err := definitionOf(d)
	return scopes, err
}

// Shape checks a custom role. Who writes it needs the right at each of its assignable scopes, those
// it has and those it will have.
func (d definition) Shape(_ context.Context, c *arm.Change) error {
	if err := d.refuseBuiltIn(c.ID); err != nil {
		return err
	}
	lift(c.After, "roleName", "description", "assignableScopes", "permissions")
	p, scopes, err := readDefinition(c.After.Properties)
	if err != nil {
		return err
	}
	demand(c, "write", scopes)
	for _, at := range scopes {
		if _, ok := d.Resources.Document(at); !ok {
			return fault.New(fault.Invalid, "LinkedInvalidPropertyId", "The assignable scope '%s' does not exist.", at)
		}
	}
	at, by := d.now().Format(timeLayout), string(c.Caller.Principal)
	p.CreatedOn, p.CreatedBy, p.UpdatedOn, p.UpdatedBy = at, by, at, by
	if c.Before == nil {
		return d.complete(c, p)
	}
	before, earlier, err := definitionOf(c.Before)
	if err != nil {
		return err
	}
	demand(c, "write", earlier)
	if err := d.keepAssigned(c.ID.Name(), earlier, scopes); err != nil {
		return err
	}
	p.CreatedOn, p.CreatedBy = before.CreatedOn, before.CreatedBy
	return setProperties(c.After, p)
}

// keepAssigned refuses to take a role from scopes at which it is assigned. One that is assigned at
// the same moment grants nothing there: the directory does not bind it.
func (d definition) keepAssigned(guid string, before, after []cloud.ID) error {
	uses, err := d.uses(guid)
	if err != nil {
		return err
	}
	for _, use := range uses {
		at, lost := use.Scope(), cloud.ID{}
		for _, scope := range before {
			if scope.Contains(at) {
				lost = scope
			}
		}
		if !lost.IsZero() && !slices.ContainsFunc(after, func(scope cloud.ID) bool { return scope.Contains(at) }) {
			return fault.New(fault.Invalid, "RoleScopeBeingRemovedContainsAssignments",
				"Role assignments found under scope '%s' which is being removed. Removing this scope from the role will orphan these assignments. Delete these assignments before removing the scope.", lost).
				Try("lanyard role assignment delete --ids %s", use)
		}
	}
	return nil
}

// uses gives the ids of the assignments by a role.
func (d definition) uses(guid string) ([]cloud.ID, error) {
	var found []cloud.ID
	for _, each := range d.Resources.Documents(cloud.Root, Assignments) {
		_, role, err := grantOf(each)
		if err != nil {
			return nil, err
		}
		if strings.EqualFold(role, guid) {
			found = append(found, each.ID)
		}
	}
	return found, nil
}

// complete is for a new role: a tenant has so many and no more.
func (d definition) complete(c *arm.Change, p definitionProperties) error {
	count := 0
	for _, role := range d.Directory.Roles() {
		if role.Custom {
			count++
		}
	}
	if count >= maxRoles {
		return fault.New(fault.Invalid, "RoleDefinitionLimitExceeded", "Role definition limit exceeded. No more role definitions can be created.")
	}
	return setProperties(c.After, p)
}

func demand(c *arm.Change, operation string, scopes []cloud.ID) {
	for _, at := range scopes {
		c.Demands = append(c.Demands, arm.Demand{Action: Definitions + "/" + operation, Scope: at})
	}
}

func (d definition) refuseBuiltIn(id cloud.ID) error {
	if role, ok := d.Directory.Role(strings.ToLower(id.Name())); ok && !role.Custom {
		return fault.New(fault.Invalid, "RoleDefinitionUpdateNotPermitted", "The role '%s' is built in: it cannot be changed or deleted.", role.Name)
	}
	return nil
}

// Place claims the name in the whole tenant and lets go of an earlier one.
func (d definition) Place(ctx context.Context, c *arm.Change) error {
	p, _, err := definitionOf(c.After)
	if err != nil {
		return err
	}
	key := cloud.RoleNameKey(p.RoleName)
	name, rival, err := claim(ctx, d.Store, key, c.ID)
	if err != nil {
		return err
	}
	if !rival.IsZero() || d.builtInNamed(p.RoleName) {
		return fault.New(fault.Conflict, "RoleDefinitionWithSameNameExists", "A role with the name '%s' already exists in this directory. Use a different name.", fault.Clip(p.RoleName))
	}
	c.Writes = append(c.Writes, name)
	if c.Before == nil {
		return nil
	}
	before, _, err := definitionOf(c.Before)
	if err != nil || cloud.RoleNameKey(before.RoleName) == key {
		return err
	}
	released, err := release(ctx, d.Store, c.ID, cloud.RoleNameKey(before.RoleName))
	c.Writes = append(c.Writes, released...)
	return err
}

func (d definition) builtInNamed(name string) bool {
	for _, r := range d.Directory.Roles() {
		if !r.Custom && strings.EqualFold(r.Name, name) {
			return true
		}
	}
	return false
}

// Remove refuses while something is assigned by the role. Who deletes it needs the right at each
// of its assignable scopes.
func (d definition) Remove(ctx context.Context, c *arm.Change) error {
	if err := d.refuseBuiltIn(c.ID); err != nil {
		return err
	}
	before, scopes, err := definitionOf(c.Before)
	if err != nil {
		return err
	}
	demand(c, "delete", scopes)
	uses, err := d.uses(c.ID.Name())
	if err != nil {
		return err
	}
	for _, use := range uses {
		if !c.Going.Contains(use) {
			return fault.New(fault.Invalid, "RoleDefinitionHasAssignments", "There are existing role assignments referencing role (code: RoleDefinitionHasAssignments).").
				Try("lanyard role assignment delete --ids %s", use)
		}
	}
	released, err := release(ctx, d.Store, c.ID, cloud.RoleNameKey(before.RoleName))
	c.Writes = append(c.Writes, released...)
	return err
}

// Show writes a custom role's id with the subscription in which it can be assigned first.
func (definition) Show(_ context.Context, d *arm.Document) error {
	stored := d.Revision != 0
	unsigned(d)
	if !stored || !d.ID.Scope().Equal(cloud.Root) {
		return nil
	}
	_, scopes, err := definitionOf(d)
	if err != nil || len(scopes) == 0 {
		return err
	}
	d.ID, err = seen(d.Name, scopes[0])
	return err
}

// unsigned takes systemData and the entity tag off what is shown: Azure's answers have neither
// here, and the clients made from their description misread the properties beside them.
func unsigned(d *arm.Document) { d.SystemData, d.Revision = nil, 0 }

// Find gives a role by its GUID at any scope where it can be assigned, there or below.
func (d definition) Find(_ context.Context, id cloud.ID) (*arm.Document, error) {
	role, ok := d.Directory.Role(strings.ToLower(id.Name()))
	if !ok || !assignableAt(role, id.Scope()) && !assignableBelow(role, id.Scope()) {
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

// document gives a role as seen from a scope: the stored document of a custom one, nil when it has
// just gone; a built-in one is made up.
func (d definition) document(role cloud.Role, at cloud.ID) (*arm.Document, error) {
	id, err := seen(role.ID.Name(), at)
	if err != nil {
		return nil, err
	}
	if role.Custom {
		doc, ok := d.Resources.Document(role.ID)
		if !ok {
			return nil, nil
		}
		doc.ID = id
		return doc, nil
	}
	doc := &arm.Document{ID: id, Name: id.Name(), Type: Definitions}
	p := definitionProperties{RoleName: role.Name, Type: builtIn, Description: role.Description, AssignableScopes: []string{"/"}, Permissions: []wirePermissions{}}
	for _, each := range role.Permissions {
		p.Permissions = append(p.Permissions, shownPermission(each))
	}
	if err := setProperties(doc, p); err != nil {
		return nil, fmt.Errorf("show role: %w", err)
	}
	return doc, nil
}
