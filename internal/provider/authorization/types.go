// Package authorization describes roles, role assignments, deny assignments and management locks.
//
// It must not know how access is decided, nor how locks are enforced.
package authorization

import (
	"context"
	"net/http"
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
	Locks       = "Microsoft.Authorization/locks"
	Permissions = "Microsoft.Authorization/permissions"
)

// Directory is who exists, which roles there are, built-in and custom, and who was granted what.
type Directory interface {
	// Holder finds whom roles can be granted to: a principal, or a group.
	Holder(cloud.PrincipalID) (cloud.Principal, bool)
	// WithinGroups gives the groups that somebody is in at any remove.
	WithinGroups(cloud.PrincipalID) []cloud.PrincipalID
	Granted(cloud.PrincipalID) []cloud.Assignment
	Role(guid string) (cloud.Role, bool)
	Roles() []cloud.Role
}

// Resources finds stored documents.
type Resources interface {
	Document(cloud.ID) (*arm.Document, bool)
	Documents(prefix cloud.ID, resourceType string) []*arm.Document
	At(scope cloud.ID, resourceType string) []*arm.Document
	Count(prefix cloud.ID, resourceType string) int
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

// Rows gives the rows of Microsoft.Authorization: for each type the api-versions that Azure's API
// descriptions, its SDKs, az and Terraform use (wire-facts: "Role assignments").
func Rows(d Deps) []arm.Row {
	rows := []arm.Row{
		{
			Type: Definitions,
			Versions: []string{"2022-05-01-preview", "2022-04-01", "2018-07-01", "2018-01-01-preview", "2017-10-01-preview",
				"2015-07-01", "2015-06-01", "2014-10-01-preview", "2014-07-01-preview"},
			Name:      definitionName,
			At:        arm.Extension,
			Behaviour: definition{Deps: d},
			Anew:      true,
			Echo:      true,
			Missing: func(id cloud.ID) *fault.Error {
				return fault.New(fault.NotFound, "RoleDefinitionDoesNotExist", "The specified role definition with ID '%s' does not exist.", id.Name())
			},
		},
		{
			Type: Assignments,
			Versions: []string{"2022-04-01", "2021-04-01-preview", "2020-10-01-preview", "2020-08-01-preview", "2020-04-01-preview",
				"2020-03-01-preview", "2018-12-01-preview", "2018-09-01-preview", "2018-07-01", "2018-01-01-preview", "2017-10-01-preview",
				"2015-07-01", "2015-06-01", "2014-10-01-preview", "2014-07-01-preview"},
			Name:      assignmentName,
			At:        arm.Extension,
			Ask:       d.sameTenant,
			Behaviour: assignment{Deps: d},
			Echo:      true,
			Missing: func(id cloud.ID) *fault.Error {
				return fault.New(fault.NotFound, "RoleAssignmentNotFound", "The role assignment '%s' is not found.", id.Name())
			},
		},
		{
			Type:      Denials,
			Versions:  []string{"2024-07-01-preview", "2022-04-01", "2019-03-01-preview", "2018-07-01-preview", "2018-07-01"},
			Name:      denialName,
			At:        arm.Extension,
			Behaviour: denial{},
			Missing: func(id cloud.ID) *fault.Error {
				return fault.New(fault.NotFound, "DenyAssignmentNotFound", "The deny assignment '%s' is not found.", id.Name())
			},
		},
		{
			Type:      Locks,
			Versions:  []string{"2020-05-01", "2017-04-01", "2016-09-01", "2015-06-01", "2015-05-01-preview", "2015-01-01"},
			Name:      lockName,
			At:        arm.Extension,
			Behaviour: lock{},
			Missing: func(id cloud.ID) *fault.Error {
				return fault.New(fault.NotFound, "LockNotFound", "The lock '%s' could not be found.", id.Name())
			},
		},
		{
			Type:     Permissions,
			Versions: []string{"2022-05-01-preview", "2022-04-01", "2018-07-01", "2018-01-01-preview", "2016-07-01", "2015-07-01", "2014-10-01-preview"},
			At:       arm.Extension,
			Calls:    map[string]arm.Call{http.MethodGet: {Needs: Permissions + "/read", Do: d.permissions}},
		},
	}
	for _, name := range absent {
		rows = append(rows, arm.Row{Type: "Microsoft.Authorization/" + name, Absent: true})
	}
	return rows
}

// absent are the types that Azure has and this world has not: just-in-time access and its policies,
// access reviews, the catalogue of operations, classic administrators, and policy.
var absent = []string{
	"operations", "providerOperations", "elevateAccess", "classicAdministrators", "eligibleChildResources",
	"privateLinkAssociations", "resourceManagementPrivateLinks",
	"roleAssignmentSchedules", "roleAssignmentScheduleInstances", "roleAssignmentScheduleRequests",
	"roleEligibilitySchedules", "roleEligibilityScheduleInstances", "roleEligibilityScheduleRequests",
	"roleManagementPolicies", "roleManagementPolicyAssignments", "roleManagementAlerts",
	"accessReviewScheduleDefinitions", "accessReviewHistoryDefinitions", "attributeNamespaces",
	"policyAssignments", "policyDefinitions", "policySetDefinitions", "policyExemptions",
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
	Actions          []string `json:"actions"`
	NotActions       []string `json:"notActions"`
	DataActions      []string `json:"dataActions"`
	NotDataActions   []string `json:"notDataActions"`
	Condition        string   `json:"condition,omitempty"`
	ConditionVersion string   `json:"conditionVersion,omitempty"`
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
	CreatedOn                          string  `json:"createdOn,omitempty"`
	UpdatedOn                          string  `json:"updatedOn,omitempty"`
	CreatedBy                          string  `json:"createdBy,omitempty"`
	UpdatedBy                          string  `json:"updatedBy,omitempty"`
	DelegatedManagedIdentityResourceID *string `json:"delegatedManagedIdentityResourceId"`
}

// lockProperties are what goes in a lock's properties.
type lockProperties struct {
	Level  string      `json:"level"`
	Notes  string      `json:"notes,omitempty"`
	Owners []lockOwner `json:"owners,omitempty"`
}

type lockOwner struct {
	ApplicationID string `json:"applicationId"`
}
