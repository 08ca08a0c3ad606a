package authorization

import (
	"context"
	"fmt"
	"strings"

	"lanyard/internal/arm"
	"lanyard/internal/cloud"
	"lanyard/internal/fault"
	"lanyard/internal/store"
)

// assignment grants a role to a principal at the scope it lies at. It is made once: a second PUT
// may change its description only (wire-facts: "Role assignments").
type assignment struct {
	arm.Plain
	Deps
}

// Shape checks that role and principal exist and completes the properties.
func (a assignment) Shape(_ context.Context, c *arm.Change) error {
	lift(c.After, "roleDefinitionId", "principalId", "principalType", "description", "condition", "conditionVersion",
		"delegatedManagedIdentityResourceId")
	p, roleID, err := readAssignment(c.After.Properties)
	if err != nil {
		return err
	}
	if c.Before != nil {
		return a.update(c, p)
	}
	role, ok := a.Directory.Role(strings.ToLower(roleID.Name()))
	if !ok {
		return noRole(roleID.Name())
	}
	if !assignableAt(role, c.ID.Scope()) {
		return fault.New(fault.Invalid, "RoleDefinitionDoesNotExist", "The role definition '%s' cannot be assigned at '%s': none of its assignable scopes contains it.", role.Name, c.ID.Scope())
	}
	if err := a.checkPrincipal(&p); err != nil {
		return err
	}
	if err := a.checkLimit(c.ID); err != nil {
		return err
	}
	named, err := seen(strings.ToLower(roleID.Name()), c.ID)
	if err != nil {
		return err
	}
	at, by := a.now().Format(timeLayout), string(c.Caller.Principal)
	p.RoleDefinitionID, p.Scope = named.String(), c.ID.Scope().String()
	p.CreatedOn, p.UpdatedOn, p.CreatedBy, p.UpdatedBy = at, at, by, by
	return setProperties(c.After, p)
}

func noRole(guid string) error {
	return fault.New(fault.Invalid, "RoleDefinitionDoesNotExist", "The specified role definition with ID '%s' does not exist.", guid)
}

// update keeps what was granted; a PUT that says the same again changes nothing.
func (a assignment) update(c *arm.Change, p assignmentProperties) error {
	before, err := assignmentOf(c.Before)
	if err != nil {
		return err
	}
	if err := sameAssignment(before, p); err != nil {
		return err
	}
	if said(p.Description) != said(before.Description) {
		before.Description = p.Description
		before.UpdatedOn, before.UpdatedBy = a.now().Format(timeLayout), string(c.Caller.Principal)
	}
	return setProperties(c.After, before)
}

// checkPrincipal wants the principal to exist, and to be what the client says it is. A client that
// says so is believed about one that is not there, as in Azure, where the directory may not have caught
// up yet; foreign groups and devices there are none.
func (a assignment) checkPrincipal(p *assignmentProperties) error {
	who, ok := a.Directory.Holder(cloud.PrincipalID(p.PrincipalID))
	if !ok {
		if p.PrincipalType == typeUser || p.PrincipalType == typeServicePrincipal || p.PrincipalType == typeGroup {
			return nil
		}
		return fault.New(fault.Invalid, "PrincipalNotFound",
			"Principal %s does not exist in the directory %s. Check that you have the correct principal ID. If you are creating this principal and then immediately assigning a role, this error might be related to a replication delay. In this case, set the role assignment principalType property to a value, such as ServicePrincipal, User, or Group.  See https://aka.ms/docs-principaltype", p.PrincipalID, a.Tenant)
	}
	is := typeServicePrincipal
	switch who.Kind {
	case cloud.User:
		is = typeUser
	case cloud.Group:
		is = typeGroup
	}
	if p.PrincipalType != "" && p.PrincipalType != is {
		return fault.New(fault.Invalid, "UnmatchedPrincipalType",
			"The PrincipalId '%s' has type '%s' , which is different from specified PrinciaplType '%s'.", p.PrincipalID, is, p.PrincipalType)
	}
	p.PrincipalType = is
	return nil
}

// checkLimit holds a subscription to Azure's number of assignments, those below it included.
func (a assignment) checkLimit(id cloud.ID) error {
	name := id.Subscription()
	if name == "" {
		return nil
	}
	subscription, err := cloud.ParseID("/subscriptions/" + name)
	if err != nil {
		return fmt.Errorf("name subscription: %w", err)
	}
	if a.Resources.Count(subscription, Assignments) < maxAssignments {
		return nil
	}
	return fault.New(fault.Invalid, "RoleAssignmentLimitExceeded", "No more role assignments can be created: the subscription '%s' has %d of them.", name, maxAssignments)
}

// Place claims the name and the grant, so that neither exists twice, and holds on to a custom role
// until the assignment is written.
func (a assignment) Place(ctx context.Context, c *arm.Change) error {
	if c.Before != nil {
		return nil
	}
	p, role, err := grantOf(c.After)
	if err != nil {
		return err
	}
	named, rival, err := claim(ctx, a.Store, cloud.AssignmentKey(c.ID.Name()), c.ID)
	if err != nil {
		return err
	}
	if !rival.IsZero() {
		return updateNotPermitted()
	}
	granted, rival, err := claim(ctx, a.Store, cloud.GrantKey(c.ID.Scope(), cloud.PrincipalID(p.PrincipalID), role), c.ID)
	if err != nil {
		return err
	}
	if !rival.IsZero() {
		return fault.New(fault.Conflict, "RoleAssignmentExists", "The role assignment already exists. The ID of the existing role assignment is %s.", strings.ReplaceAll(rival.Name(), "-", ""))
	}
	c.Writes = append(c.Writes, named, granted)
	return a.holdRole(c, role)
}

// holdRole makes the assignment depend on a custom role that it names, as it is now.
func (a assignment) holdRole(c *arm.Change, guid string) error {
	role, ok := a.Directory.Role(guid)
	if !ok {
		return noRole(guid) // it has gone since Shape
	}
	if !role.Custom {
		return nil
	}
	d, ok := a.Resources.Document(role.ID)
	if !ok || d.Deleting != "" {
		return noRole(guid)
	}
	c.Writes = append(c.Writes, store.Change{Key: cloud.DocumentKey(d.ID), If: d.Revision, Check: true})
	return nil
}

// Remove releases the name and the grant. The last administrator of a subscription or of the
// tenant stays.
func (a assignment) Remove(ctx context.Context, c *arm.Change) error {
	p, role, err := grantOf(c.Before)
	if err != nil {
		return err
	}
	if err := a.keepAdministrator(c, p, role); err != nil {
		return err
	}
	changes, err := release(ctx, a.Store, c.ID, cloud.AssignmentKey(c.ID.Name()),
		cloud.GrantKey(c.ID.Scope(), cloud.PrincipalID(p.PrincipalID), role))
	c.Writes = append(c.Writes, changes...)
	return err
}

// Show marks assignments whose principal is gone: they stay, as orphans (ID-2).
func (a assignment) Show(_ context.Context, d *arm.Document) error {
	p, err := assignmentOf(d)
	if err != nil {
		return err
	}
	if _, ok := a.Directory.Holder(cloud.PrincipalID(p.PrincipalID)); !ok {
		p.PrincipalType = typeUnknown
	}
	unsigned(d)
	return setProperties(d, p)
}
