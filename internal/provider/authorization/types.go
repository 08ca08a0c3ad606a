// Package authorization describes role definitions, role assignments and deny assignments.
//
// It must not know how access is decided.
package authorization

import (
	"context"
	"time"

	"lanyard/internal/arm"
	"lanyard/internal/cloud"
	"lanyard/internal/fault"
	"lanyard/internal/store"
)

// The types of this namespace.
const (
	Definitions = "Microsoft.Authorization/roleDefinitions"
	Assignments = "Microsoft.Authorization/roleAssignments"
	Denials     = "Microsoft.Authorization/denyAssignments"
)

// Directory is who exists and which roles there are, built-in and custom.
type Directory interface {
	Principal(cloud.PrincipalID) (cloud.Principal, bool)
	Role(guid string) (cloud.Role, bool)
	Roles() []cloud.Role
}

// Resources finds stored documents.
type Resources interface {
	Document(cloud.ID) (*arm.Document, bool)
	Documents(prefix cloud.ID, resourceType string) []*arm.Document
}

// Entries reads the store itself: what has to be unique is held against its present state.
type Entries interface {
	Get(ctx context.Context, key string) (store.Entry, error)
}

// Deps is what the rows need.
type Deps struct {
	Directory Directory
	Resources Resources
	Store     Entries
	Tenant    cloud.TenantID
	Now       func() time.Time // nil means time.Now
}

func (d Deps) now() time.Time {
	if d.Now == nil {
		return time.Now().UTC()
	}
	return d.Now().UTC()
}

// Rows gives the rows of Microsoft.Authorization.
func Rows(d Deps) []arm.Row {
	return []arm.Row{
		{
			Type:      Definitions,
			Versions:  []string{"2022-05-01-preview", "2022-04-01", "2018-01-01-preview", "2018-07-01", "2015-07-01"},
			Name:      definitionName,
			At:        arm.Extension,
			Behaviour: definition{Deps: d},
			Echo:      true,
			Missing: func(id cloud.ID) *fault.Error {
				return fault.New(fault.NotFound, "RoleDefinitionDoesNotExist", "The specified role definition with ID '%s' does not exist.", id.Name())
			},
		},
		{
			Type: Assignments,
			Versions: []string{"2022-04-01", "2020-10-01-preview", "2020-08-01-preview", "2020-04-01-preview", "2020-03-01-preview",
				"2018-09-01-preview", "2018-07-01", "2018-01-01-preview", "2017-10-01-preview", "2015-07-01"},
			Name:      assignmentName,
			At:        arm.Extension,
			Behaviour: assignment{Deps: d},
			Echo:      true,
			Missing: func(id cloud.ID) *fault.Error {
				return fault.New(fault.NotFound, "RoleAssignmentNotFound", "The role assignment '%s' is not found.", id.Name())
			},
		},
		{
			Type:      Denials,
			Versions:  []string{"2022-04-01", "2019-03-01-preview", "2018-07-01-preview", "2018-07-01"},
			Name:      denialName,
			At:        arm.Extension,
			Behaviour: denial{},
			Missing: func(id cloud.ID) *fault.Error {
				return fault.New(fault.NotFound, "DenyAssignmentNotFound", "The deny assignment '%s' is not found.", id.Name())
			},
		},
	}
}

// definitionProperties are what goes in a role definition's properties.
type definitionProperties struct {
	RoleName         string            `json:"roleName"`
	Type             string            `json:"type"`
	Description      string            `json:"description"`
	AssignableScopes []string          `json:"assignableScopes"`
	Permissions      []wirePermissions `json:"permissions"`
	CreatedOn        string            `json:"createdOn,omitempty"`
	UpdatedOn        string            `json:"updatedOn,omitempty"`
	CreatedBy        string            `json:"createdBy,omitempty"`
	UpdatedBy        string            `json:"updatedBy,omitempty"`
}

type wirePermissions struct {
	Actions        []string `json:"actions"`
	NotActions     []string `json:"notActions"`
	DataActions    []string `json:"dataActions"`
	NotDataActions []string `json:"notDataActions"`
}

// assignmentProperties are what goes in a role assignment's properties.
type assignmentProperties struct {
	RoleDefinitionID                   string  `json:"roleDefinitionId"`
	PrincipalID                        string  `json:"principalId"`
	PrincipalType                      string  `json:"principalType"`
	Scope                              string  `json:"scope"`
	Description                        *string `json:"description"`
	Condition                          *string `json:"condition"`
	ConditionVersion                   *string `json:"conditionVersion"`
	CreatedOn                          string  `json:"createdOn"`
	UpdatedOn                          string  `json:"updatedOn"`
	CreatedBy                          string  `json:"createdBy"`
	UpdatedBy                          string  `json:"updatedBy"`
	DelegatedManagedIdentityResourceID *string `json:"delegatedManagedIdentityResourceId"`
}
