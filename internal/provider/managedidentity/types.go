// Package managedidentity describes user-assigned identities and shows system-assigned ones.
//
// It must not know which resources wear an identity, nor how tokens are made.
package managedidentity

import (
	"context"
	"net/http"

	"lanyard/internal/arm"
	"lanyard/internal/cloud"
	"lanyard/internal/fault"
	"lanyard/internal/provider"
	"lanyard/internal/store"
)

// The types of this namespace.
const (
	UserAssigned   = "Microsoft.ManagedIdentity/userAssignedIdentities"
	Federated      = "Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials"
	SystemAssigned = "Microsoft.ManagedIdentity/identities"
)

// Directory makes and ends the principals of identities.
type Directory interface {
	Enroll(kind cloud.Kind, name string, resource cloud.ID) (cloud.Principal, store.Change, error)
	Retire(cloud.Principal) store.Change
	Principal(cloud.PrincipalID) (cloud.Principal, bool)
	ByResource(cloud.ID) (cloud.Principal, bool)
}

// Deps is what the rows need.
type Deps struct {
	provider.Deps
	Directory Directory
	// FederatedLimit is how many federated credentials one identity may have: 0 means Azure's 20, a
	// negative number sets no limit.
	FederatedLimit int
}

var versions = []string{
	"2025-05-31-preview", "2025-01-31-preview", "2024-11-30", "2023-07-31-preview", "2023-01-31", "2022-01-31-preview", "2021-09-30-preview",
	"2018-11-30", "2015-08-31-preview",
}

// Rows gives the rows of Microsoft.ManagedIdentity, in all api-versions that Azure has described.
func Rows(d Deps) []arm.Row {
	return []arm.Row{
		{
			Type:      UserAssigned,
			Versions:  versions,
			Name:      identityName,
			At:        arm.InGroup,
			Tracked:   true,
			Behaviour: userAssigned{directory: d.Directory},
			Actions: map[string]arm.Action{
				"listassociatedresources": notOffered("listAssociatedResources"),
				"revoketokens":            notOffered("revokeTokens"),
			},
		},
		{
			Type:      Federated,
			Versions:  versions[:6], // they came with 2022-01-31-preview
			Name:      federatedName,
			Behaviour: federated{Deps: d},
		},
		{Type: "Microsoft.ManagedIdentity/operations", Absent: true},
		{
			Type:      SystemAssigned,
			Versions:  versions,
			At:        arm.Extension,
			Behaviour: systemAssigned{directory: d.Directory, host: d.Resources.Document},
		},
	}
}

// notOffered is a POST operation that Azure has, refused by its name.
func notOffered(name string) arm.Action {
	return arm.Action{
		Needs: UserAssigned + "/" + name + "/action",
		Do: func(context.Context, *arm.Document, http.ResponseWriter, *http.Request) error {
			return fault.New(fault.NotOffered, "NotOffered", "The operation '%s' is not offered in this world.", name)
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

// trust is what goes in a federated credential's properties (wire-facts: "Federated identity credential
// rules").
type trust struct {
	Issuer    string   `json:"issuer"`
	Subject   string   `json:"subject"`
	Audiences []string `json:"audiences"`
}
