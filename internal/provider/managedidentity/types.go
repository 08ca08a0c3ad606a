// Package managedidentity describes user-assigned identities and shows system-assigned ones.
//
// It must not know which resources wear an identity, nor how tokens are made.
package managedidentity

import (
	"lanyard/internal/arm"
	"lanyard/internal/cloud"
	"lanyard/internal/store"
)

// The types of this namespace.
const (
	UserAssigned   = "Microsoft.ManagedIdentity/userAssignedIdentities"
	SystemAssigned = "Microsoft.ManagedIdentity/identities"
)

// Directory makes and ends the principals of identities.
type Directory interface {
	Enroll(kind cloud.Kind, name string, resource cloud.ID) (cloud.Principal, store.Change, error)
	Retire(cloud.Principal) store.Change
	Principal(cloud.PrincipalID) (cloud.Principal, bool)
	ByResource(cloud.ID) (cloud.Principal, bool)
}

var versions = []string{
	"2025-01-31-preview", "2024-11-30", "2023-07-31-preview", "2023-01-31", "2022-01-31-preview", "2021-09-30-preview",
	"2018-11-30", "2015-08-31-preview",
}

// Rows gives the rows of Microsoft.ManagedIdentity.
func Rows(directory Directory) []arm.Row {
	return []arm.Row{
		{
			Type:      UserAssigned,
			Versions:  versions,
			Name:      identityName,
			At:        arm.InGroup,
			Tracked:   true,
			Behaviour: userAssigned{directory: directory},
		},
		{
			Type:      SystemAssigned,
			Versions:  versions,
			At:        arm.Extension,
			Behaviour: systemAssigned{directory: directory},
		},
	}
}

// properties are what goes in an identity's properties (wire-facts: "UAMI").
type properties struct {
	TenantID       cloud.TenantID    `json:"tenantId"`
	PrincipalID    cloud.PrincipalID `json:"principalId"`
	ClientID       cloud.ClientID    `json:"clientId"`
	IsolationScope string            `json:"isolationScope,omitempty"`
}
