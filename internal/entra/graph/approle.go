package graph

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"

	"lanyard/internal/cloud"
	"lanyard/internal/directory"
	"lanyard/internal/fault"
)

// Bounds of app roles (Microsoft Graph v1.0, "appRole").
const (
	maxAppRoles  = 200
	maxRoleText  = 1024
	maxRoleValue = 120
)

// appRole is an app role as clients write it.
type appRole struct {
	Members     []string `json:"allowedMemberTypes"`
	Description string   `json:"description"`
	Name        string   `json:"displayName"`
	ID          string   `json:"id"`
	Enabled     *bool    `json:"isEnabled"`
	Origin      *string  `json:"origin"`
	Value       *string  `json:"value"`
}

// appRoles reads the roles that an application is to define in place of those it has. One that is
// enabled is not taken away: it is disabled first.
func appRoles(has []directory.AppRole, value json.RawMessage) ([]directory.AppRole, error) {
	var sent []appRole
	decoder := json.NewDecoder(bytes.NewReader(value))
	decoder.DisallowUnknownFields()
	if decoder.Decode(&sent) != nil || len(sent) > maxAppRoles {
		return nil, badRole()
	}
	var all []directory.AppRole
	for _, s := range sent {
		role, err := s.read()
		if err != nil {
			return nil, err
		}
		if slices.ContainsFunc(all, func(r directory.AppRole) bool {
			return r.ID == role.ID || role.Value != "" && r.Value == role.Value
		}) {
			return nil, badRequest("Request contains a property with duplicate values.")
		}
		all = append(all, role)
	}
	for _, before := range has {
		kept := slices.ContainsFunc(all, func(r directory.AppRole) bool { return r.ID == before.ID })
		if before.Enabled && !kept {
			return nil, fault.New(fault.Invalid, "CannotDeleteOrUpdateEnabledEntitlement", "Permission (scope or role) cannot be deleted or updated unless disabled first.")
		}
	}
	return all, nil
}

func badRole() error {
	return badRequest("Invalid value specified for property 'appRoles' of resource 'Application'.")
}

func (s appRole) read() (directory.AppRole, error) {
	r := directory.AppRole{ID: strings.ToLower(s.ID), Name: s.Name, Description: s.Description, Enabled: s.Enabled == nil || *s.Enabled}
	if s.Value != nil {
		r.Value = *s.Value
	}
	for _, m := range s.Members {
		switch m {
		case "User":
			r.ForPeople = true
		case "Application":
			r.ForApps = true
		default:
			return r, badRole()
		}
	}
	odd := func(c rune) bool { return c <= ' ' || c > '~' || c == '"' || c == '\\' }
	switch {
	case !cloud.IsGUID(s.ID) || r.ID == directory.DefaultAppRole,
		r.Name == "" || !isName(r.Name, 100), r.Description == "" || len(r.Description) > maxRoleText,
		len(r.Value) > maxRoleValue || strings.ContainsFunc(r.Value, odd) || strings.HasPrefix(r.Value, "."),
		!r.ForPeople && !r.ForApps, s.Origin != nil && *s.Origin != "Application":
		return r, badRole()
	}
	return r, nil
}

// shownRoles writes app roles as Microsoft Graph does.
func shownRoles(all []directory.AppRole) []map[string]any {
	shown := []map[string]any{}
	for _, r := range all {
		members := []string{}
		if r.ForPeople {
			members = append(members, "User")
		}
		if r.ForApps {
			members = append(members, "Application")
		}
		shown = append(shown, map[string]any{
			"id": r.ID, "displayName": r.Name, "description": r.Description, "isEnabled": r.Enabled, "value": orNull(r.Value),
			"allowedMemberTypes": members, "origin": "Application",
		})
	}
	return shown
}
