package authorization

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"

	"lanyard/internal/arm"
	"lanyard/internal/cloud"
	"lanyard/internal/fault"
	"lanyard/internal/provider"
)

const (
	builtIn = "BuiltInRole"
	custom  = "CustomRole"
)

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
		return p, nil, fault.New(fault.Invalid, "InvalidRoleDefinitionType", "The role type '%s' cannot be written: clients make roles of type '%s' only.", fault.Clip(p.Type), custom)
	}
	p.Type = custom
	if strings.TrimSpace(p.RoleName) == "" || len(p.RoleName) > maxRoleName {
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
			*list = listed(*list)
		}
		all = append(all, p)
	}
	return all, nil
}

func checkActions(list []string) error {
	for _, a := range list {
		if !action.MatchString(a) {
			return fault.New(fault.Invalid, "InvalidActionOrNotAction", "'%s' does not match any of the actions supported by the providers.", fault.Clip(a))
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
		switch {
		case err == nil && id.Is("Microsoft.Management/managementGroups"):
			return nil, provider.NotOffered("properties.assignableScopes: " + text)
		case err != nil, !id.Is("Microsoft.Resources/subscriptions") && !id.Is("Microsoft.Resources/resourceGroups"):
			return nil, fault.New(fault.Invalid, "InvalidRoleDefinitionAssignableScopes",
				"The assignable scope '%s' is neither a subscription nor a resource group.", fault.Clip(text)).Because(err)
		}
		scopes = append(scopes, id)
	}
	return scopes, nil
}

// definitionOf reads a stored role.
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

// assignableAt reports whether a role can be granted at a scope.
func assignableAt(role cloud.Role, at cloud.ID) bool {
	for _, scope := range role.Assignable {
		if scope.Contains(at) {
			return true
		}
	}
	return !role.Custom
}

// assignableBelow reports whether a role can be granted at or under a scope.
func assignableBelow(role cloud.Role, at cloud.ID) bool {
	for _, scope := range role.Assignable {
		if at.Contains(scope) {
			return true
		}
	}
	return false
}
