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
	p, roleID, err := readAssignment(c.After.Properties)
	if err != nil {
		return err
	}
	if c.Before != nil {
		return a.update(c, p)
	}
	role, ok := a.Directory.Role(strings.ToLower(roleID.Name()))
	if !ok {
		return fault.New(fault.Invalid, "RoleDefinitionDoesNotExist", "The specified role definition with ID '%s' does not exist.", roleID.Name())
	}
	if !assignableAt(role, c.ID.Scope()) {
		return fault.New(fault.Invalid, "RoleDefinitionDoesNotExist", "The role definition '%s' cannot be assigned at '%s': none of its assignable scopes contains it.", role.Name, c.ID.Scope())
	}
	if err := a.checkPrincipal(&p); err != nil {
		return err
	}
	at, by := a.now().Format(timeLayout), string(c.Caller.Principal)
	p.Scope, p.CreatedOn, p.UpdatedOn, p.CreatedBy, p.UpdatedBy = c.ID.Scope().String(), at, at, by, by
	return setProperties(c.After, p)
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

func said(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// checkPrincipal wants the principal to exist. A client that says what type it has is believed,
// as in Azure, where the directory may not have caught up yet.
func (a assignment) checkPrincipal(p *assignmentProperties) error {
	_, ok := a.Directory.Principal(cloud.PrincipalID(p.PrincipalID))
	switch {
	case !ok && p.PrincipalType == "":
		return fault.New(fault.Invalid, "PrincipalNotFound",
			"Principal %s does not exist in the directory %s. Check that you have the correct principal ID. If you are creating this principal and then immediately assigning a role, this error might be related to a replication delay. In this case, set the role assignment principalType property to a value, such as ServicePrincipal, User, or Group.  See https://aka.ms/docs-principaltype", p.PrincipalID, a.Tenant)
	case !ok:
		return nil
	case p.PrincipalType == "":
		p.PrincipalType = "ServicePrincipal"
	case p.PrincipalType != "ServicePrincipal":
		return fault.New(fault.Invalid, "UnmatchedPrincipalType",
			"The PrincipalId '%s' has type 'ServicePrincipal', which is different from specified PrincipalType '%s'.", p.PrincipalID, p.PrincipalType)
	}
	return nil
}

// Place claims the name and the grant, so that neither exists twice, and holds on to a custom role
// until the assignment is written.
func (a assignment) Place(ctx context.Context, c *arm.Change) error {
	if c.Before != nil {
		return nil
	}
	p, err := assignmentOf(c.After)
	if err != nil {
		return err
	}
	role, err := cloud.ParseID(p.RoleDefinitionID)
	if err != nil {
		return fmt.Errorf("read role of %s: %w", c.ID, err)
	}
	named, rival, err := claim(ctx, a.Store, claimAssignment+strings.ToLower(c.ID.Name()), c.ID)
	if err != nil {
		return err
	}
	if !rival.IsZero() {
		return updateNotPermitted()
	}
	granted, rival, err := claim(ctx, a.Store, grantKey(c.ID.Scope(), p.PrincipalID, role.Name()), c.ID)
	if err != nil {
		return err
	}
	if !rival.IsZero() {
		return fault.New(fault.Conflict, "RoleAssignmentExists", "The role assignment already exists. The ID of the existing role assignment is %s.", strings.ReplaceAll(rival.Name(), "-", ""))
	}
	c.Writes = append(c.Writes, named, granted)
	return a.holdRole(ctx, c, role.Name())
}

// holdRole makes the assignment depend on a custom role that it names.
func (a assignment) holdRole(ctx context.Context, c *arm.Change, guid string) error {
	role, ok := a.Directory.Role(strings.ToLower(guid))
	if !ok || !role.Custom {
		return nil
	}
	entry, err := a.Store.Get(ctx, cloud.DocumentKey(role.ID))
	if err != nil {
		return fmt.Errorf("read role: %w", err)
	}
	if entry.Revision == 0 {
		return fault.New(fault.Invalid, "RoleDefinitionDoesNotExist", "The specified role definition with ID '%s' does not exist.", guid)
	}
	c.Writes = append(c.Writes, store.Change{Key: entry.Key, If: entry.Revision, Check: true})
	return nil
}

// Remove releases the name and the grant.
func (a assignment) Remove(ctx context.Context, c *arm.Change) error {
	p, err := assignmentOf(c.Before)
	if err != nil {
		return err
	}
	role, err := cloud.ParseID(p.RoleDefinitionID)
	if err != nil {
		return fmt.Errorf("read role of %s: %w", c.ID, err)
	}
	changes, err := release(ctx, a.Store, c.ID, claimAssignment+strings.ToLower(c.ID.Name()),
		grantKey(c.ID.Scope(), p.PrincipalID, role.Name()))
	c.Writes = append(c.Writes, changes...)
	return err
}

// Show marks assignments whose principal is gone: they stay, as orphans (ID-2).
func (a assignment) Show(_ context.Context, d *arm.Document) error {
	p, err := assignmentOf(d)
	if err != nil {
		return err
	}
	if _, ok := a.Directory.Principal(cloud.PrincipalID(p.PrincipalID)); !ok {
		p.PrincipalType = "Unknown"
	}
	return setProperties(d, p)
}

// List gives the assignments at, below and above a scope; atScope() leaves out those below.
func (a assignment) List(_ context.Context, q arm.Query) ([]*arm.Document, error) {
	terms, err := provider.ParseFilter(q.Filter)
	if err != nil {
		return nil, err
	}
	var chosen []*arm.Document
	for _, d := range append(q.Above, q.Below...) {
		ok, err := choose(d, q.Scope, terms)
		if err != nil {
			return nil, err
		}
		if ok {
			chosen = append(chosen, d)
		}
	}
	return chosen, nil
}

func choose(d *arm.Document, at cloud.ID, terms []provider.Term) (bool, error) {
	p, err := assignmentOf(d)
	if err != nil {
		return false, err
	}
	meets := true
	for _, t := range terms {
		switch {
		case t.Name == "atscope" && t.Call && t.Argument == "":
			meets = meets && d.ID.Scope().Contains(at)
		case t.Name == "principalid" && !t.Call, t.Name == "assignedto" && t.Call:
			meets = meets && strings.EqualFold(p.PrincipalID, t.Argument)
		default:
			return false, provider.UnknownTerm(t)
		}
	}
	return meets, nil
}

func assignmentOf(d *arm.Document) (p assignmentProperties, err error) {
	if err := json.Unmarshal(d.Properties, &p); err != nil {
		return p, fmt.Errorf("read %s: %w", d.ID, err)
	}
	return p, nil
}

func setProperties(d *arm.Document, v any) error {
	raw, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("write %s: %w", d.ID, err)
	}
	d.Properties = raw
	return nil
}
