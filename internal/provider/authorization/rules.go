package authorization

import (
	"encoding/json"
	"regexp"
	"strings"

	"lanyard/internal/cloud"
	"lanyard/internal/fault"
	"lanyard/internal/provider"
)

// Azure's bounds (wire-facts: "Limits").
const (
	maxDescription = 2048
	maxRoleName    = 512
	maxScopes      = 2000
)

const (
	builtIn = "BuiltInRole"
	custom  = "CustomRole"
)

// timeLayout is how createdOn and updatedOn are written.
const timeLayout = "2006-01-02T15:04:05.0000000Z"

func definitionName(name string) error {
	return guidName(name, "InvalidRoleDefinitionId", "role definition")
}

func assignmentName(name string) error {
	return guidName(name, "InvalidRoleAssignmentId", "role assignment")
}

func denialName(name string) error {
	return guidName(name, "InvalidDenyAssignmentId", "deny assignment")
}

func guidName(name, code, noun string) error {
	if cloud.IsGUID(name) {
		return nil
	}
	return fault.New(fault.Invalid, code, "The %s ID '%s' is not valid. The %s ID must be a GUID.", noun, name, noun)
}

// action is one entry of a permission: provider and operation, with wildcards.
var action = regexp.MustCompile(`^(\*|[A-Za-z0-9.*]+(/[A-Za-z0-9.*_$-]+)+)$`)

// readDefinition holds a custom role's properties against Azure's rules and gives them with the
// scopes at which the role can be assigned.
func readDefinition(raw json.RawMessage) (p definitionProperties, scopes []cloud.ID, err error) {
	m, err := provider.Read("properties", raw)
	if err != nil {
		return p, nil, err
	}
	m.Drop("createdOn", "updatedOn", "createdBy", "updatedBy")
	if err := m.Close("properties", "roleName", "type", "description", "assignableScopes", "permissions"); err != nil {
		return p, nil, err
	}
	var entries []json.RawMessage
	for name, v := range map[string]any{"roleName": &p.RoleName, "type": &p.Type, "description": &p.Description,
		"assignableScopes": &p.AssignableScopes, "permissions": &entries} {
		if err := m.Decode("properties", name, v); err != nil {
			return p, nil, err
		}
	}
	if p.Type != "" && !strings.EqualFold(p.Type, custom) {
		return p, nil, fault.New(fault.Invalid, "InvalidRoleDefinitionType", "The role type '%s' cannot be written: clients make roles of type '%s' only.", p.Type, custom)
	}
	p.Type = custom
	if p.RoleName == "" || len(p.RoleName) > maxRoleName {
		return p, nil, fault.New(fault.Invalid, "InvalidRoleDefinitionName", "'properties.roleName' must have 1 to %d characters.", maxRoleName)
	}
	if len(p.Description) > maxDescription {
		return p, nil, tooLong("description", maxDescription)
	}
	if p.Permissions, err = readPermissions(entries); err != nil {
		return p, nil, err
	}
	scopes, err = readScopes(p.AssignableScopes)
	return p, scopes, err
}

func readPermissions(entries []json.RawMessage) ([]wirePermissions, error) {
	if len(entries) == 0 {
		return nil, fault.New(fault.Invalid, "InvalidRoleDefinitionPermissions", "'properties.permissions' must have at least one entry.")
	}
	var all []wirePermissions
	for _, raw := range entries {
		const path = "properties.permissions"
		m, err := provider.Read(path, raw)
		if err != nil {
			return nil, err
		}
		if err := m.Close(path, "actions", "notActions", "dataActions", "notDataActions"); err != nil {
			return nil, err
		}
		var p wirePermissions
		for name, list := range map[string]*[]string{"actions": &p.Actions, "notActions": &p.NotActions,
			"dataActions": &p.DataActions, "notDataActions": &p.NotDataActions} {
			if err := m.Decode(path, name, list); err != nil {
				return nil, err
			}
			if err := checkActions(*list); err != nil {
				return nil, err
			}
			if *list == nil {
				*list = []string{}
			}
		}
		all = append(all, p)
	}
	return all, nil
}

func checkActions(list []string) error {
	for _, a := range list {
		if !action.MatchString(a) {
			return fault.New(fault.Invalid, "InvalidActionOrNotAction", "'%s' does not match any of the actions supported by the providers.", a)
		}
	}
	return nil
}

// readScopes reads where a custom role can be assigned: never at the root.
func readScopes(texts []string) ([]cloud.ID, error) {
	if len(texts) == 0 || len(texts) > maxScopes {
		return nil, fault.New(fault.Invalid, "InvalidRoleDefinitionAssignableScopes", "'properties.assignableScopes' must name 1 to %d scopes.", maxScopes)
	}
	var scopes []cloud.ID
	for _, text := range texts {
		id, err := cloud.ParseID(text)
		if err != nil || !(id.Is("Microsoft.Resources/subscriptions") || id.Is("Microsoft.Resources/resourceGroups")) {
			return nil, fault.New(fault.Invalid, "InvalidRoleDefinitionAssignableScopes",
				"The assignable scope '%s' is neither a subscription nor a resource group.", text).Because(err)
		}
		scopes = append(scopes, id)
	}
	return scopes, nil
}

func tooLong(field string, bound int) error {
	return fault.New(fault.Invalid, "InvalidRequestContent", "'properties.%s' is longer than %d bytes.", field, bound)
}

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
		return p, role, fault.New(fault.Invalid, "InvalidRoleDefinitionId", "'properties.roleDefinitionId' must be the id of a role definition, not '%s'.", p.RoleDefinitionID).
			Because(err).Try("lanyard role definition list --query '[].{name:roleName, id:id}'")
	}
	if !cloud.IsGUID(p.PrincipalID) {
		return p, role, fault.New(fault.Invalid, "InvalidPrincipalId", "A valid principal ID must be provided for role assignment, not '%s'.", p.PrincipalID)
	}
	p.PrincipalID = strings.ToLower(p.PrincipalID)
	if p.Description != nil && len(*p.Description) > maxDescription {
		return p, role, tooLong("description", maxDescription)
	}
	p.PrincipalType, err = principalType(p.PrincipalType)
	return p, role, err
}

// principalType gives Azure's spelling of a type that a client sent (wire-facts: "Role assignments").
func principalType(sent string) (string, error) {
	all := []string{"User", "Group", "ServicePrincipal", "ForeignGroup", "Device"}
	if sent == "" {
		return "", nil
	}
	for _, t := range all {
		if strings.EqualFold(t, sent) {
			return t, nil
		}
	}
	return "", fault.New(fault.Invalid, "InvalidPrincipalType", "The principal type '%s' is none of %s.", sent, strings.Join(all, ", "))
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
