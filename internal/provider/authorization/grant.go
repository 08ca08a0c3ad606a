package authorization

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"lanyard/internal/arm"
	"lanyard/internal/cloud"
	"lanyard/internal/fault"
	"lanyard/internal/provider"
)

// The types of principal, in the words of the API (API description of role assignments, 2022-04-01).
const (
	typeUser             = "User"
	typeGroup            = "Group"
	typeServicePrincipal = "ServicePrincipal"
	typeUnknown          = "Unknown" // of one that is gone
)

var principalTypes = []string{typeUser, typeGroup, typeServicePrincipal, "ForeignGroup", "Device"}

// readAssignment holds a role assignment's properties against Azure's rules.
func readAssignment(raw json.RawMessage) (p assignmentProperties, role cloud.ID, err error) {
	m, err := provider.Read("properties", raw)
	if err != nil {
		return p, role, err
	}
	m.Drop("scope", "createdOn", "updatedOn", "createdBy", "updatedBy")
	if err := m.Close("properties", "roleDefinitionId", "principalId", "principalType", "description"); err != nil {
		return p, role, err
	}
	for name, v := range map[string]any{"roleDefinitionId": &p.RoleDefinitionID, "principalId": &p.PrincipalID,
		"principalType": &p.PrincipalType, "description": &p.Description} {
		if err := m.Decode("properties", name, v); err != nil {
			return p, role, err
		}
	}
	role, err = cloud.ParseID(p.RoleDefinitionID)
	if err != nil || !role.Is(Definitions) || !cloud.IsGUID(role.Name()) {
		return p, role, fault.New(fault.Invalid, "InvalidRoleDefinitionId", "'properties.roleDefinitionId' must be the id of a role definition, not '%s'.", fault.Clip(p.RoleDefinitionID)).
			Because(err).Try("lanyard role definition list --query '[].{name:roleName, id:id}'")
	}
	if !cloud.IsGUID(p.PrincipalID) {
		return p, role, fault.New(fault.Invalid, "InvalidPrincipalId", "A valid principal ID must be provided for role assignment, not '%s'.", fault.Clip(p.PrincipalID))
	}
	p.PrincipalID = strings.ToLower(p.PrincipalID)
	if p.Description != nil && len(*p.Description) > maxDescription {
		return p, role, tooLong("description", maxDescription)
	}
	p.PrincipalType, err = principalType(p.PrincipalType)
	return p, role, err
}

// principalType gives Azure's spelling of a type that a client sent. What an orphan is shown with
// may be sent back, and says nothing.
func principalType(sent string) (string, error) {
	if sent == "" || strings.EqualFold(sent, typeUnknown) {
		return "", nil
	}
	i := slices.IndexFunc(principalTypes, func(t string) bool { return strings.EqualFold(t, sent) })
	if i < 0 {
		return "", fault.New(fault.Invalid, "InvalidPrincipalType", "The principal type '%s' is none of %s.", fault.Clip(sent), strings.Join(principalTypes, ", "))
	}
	return principalTypes[i], nil
}

// sameAssignment refuses an update that would give something else, or to somebody else.
func sameAssignment(before, after assignmentProperties) error {
	old, err := cloud.ParseID(before.RoleDefinitionID)
	role, err2 := cloud.ParseID(after.RoleDefinitionID)
	if err == nil && err2 == nil && strings.EqualFold(old.Name(), role.Name()) && before.PrincipalID == after.PrincipalID {
		return nil
	}
	return updateNotPermitted()
}

func updateNotPermitted() error {
	return fault.New(fault.Invalid, "RoleAssignmentUpdateNotPermitted", "Tenant ID, application ID, principal ID, and scope are not allowed to be updated.")
}

func assignmentOf(d *arm.Document) (p assignmentProperties, err error) {
	if err := json.Unmarshal(d.Properties, &p); err != nil {
		return p, fmt.Errorf("read %s: %w", d.ID, err)
	}
	return p, nil
}

// grantOf reads a stored assignment, with the GUID of its role in lower case.
func grantOf(d *arm.Document) (p assignmentProperties, role string, err error) {
	if p, err = assignmentOf(d); err != nil {
		return p, "", err
	}
	id, err := cloud.ParseID(p.RoleDefinitionID)
	if err != nil {
		return p, "", fmt.Errorf("read role of %s: %w", d.ID, err)
	}
	return p, strings.ToLower(id.Name()), nil
}

// List gives the assignments at, below and above a scope; atScope() leaves out those below. All
// write the id of their role in the same way, as definitions do.
func (a assignment) List(_ context.Context, q arm.Query) ([]*arm.Document, error) {
	terms, err := provider.ParseFilter(q.Filter)
	if err != nil {
		return nil, err
	}
	groups := a.groupsAsked(terms)
	var chosen []*arm.Document
	for _, d := range append(q.Above, q.Below...) {
		p, role, err := grantOf(d)
		if err != nil {
			return nil, err
		}
		ok, err := p.meets(asked{d.ID.Scope(), q.Scope, groups}, terms)
		if err != nil {
			return nil, err
		}
		if !ok {
			continue
		}
		id, err := seen(role, q.Scope)
		if err != nil {
			return nil, err
		}
		if p.RoleDefinitionID = id.String(); setProperties(d, p) == nil {
			chosen = append(chosen, d)
		}
	}
	return chosen, nil
}

// groupsAsked gives the groups of whom a list asks for by assignedTo(): what was granted to them was
// assigned to that one (API description of role assignments, 2022-04-01).
func (a assignment) groupsAsked(terms []provider.Term) []cloud.PrincipalID {
	for _, t := range terms {
		if t.Name == "assignedto" && t.Call {
			return a.Directory.WithinGroups(cloud.PrincipalID(t.Argument))
		}
	}
	return nil
}

// asked is what a list asks of an assignment.
type asked struct {
	own, at cloud.ID            // where the assignment lies, and where the list is asked for
	groups  []cloud.PrincipalID // of whom it asks for
}

// meets reports whether an assignment is asked for by a list.
func (p assignmentProperties) meets(q asked, terms []provider.Term) (bool, error) {
	ok := true
	for _, t := range terms {
		switch {
		case t.Name == "atscope" && t.Call && t.Argument == "":
			ok = ok && q.own.Contains(q.at)
		case t.Name == "principalid" && !t.Call:
			ok = ok && strings.EqualFold(p.PrincipalID, t.Argument)
		case t.Name == "assignedto" && t.Call:
			ok = ok && (strings.EqualFold(p.PrincipalID, t.Argument) || slices.Contains(q.groups, cloud.PrincipalID(strings.ToLower(p.PrincipalID))))
		default:
			return false, provider.UnknownTerm(t)
		}
	}
	return ok, nil
}
