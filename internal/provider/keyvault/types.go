// Package keyvault describes vaults and the secrets that templates put into them.
//
// It must not know how secrets are served or who may read them.
package keyvault

import (
	"context"
	"net/http"
	"time"

	"lanyard/internal/arm"
	"lanyard/internal/cloud"
	"lanyard/internal/provider"
	"lanyard/internal/store"
)

// The types of this namespace that others name.
const (
	Vaults        = "Microsoft.KeyVault/vaults"
	Secrets       = "Microsoft.KeyVault/vaults/secrets"
	DeletedVaults = "Microsoft.KeyVault/locations/deletedVaults"
)

const (
	locations = "Microsoft.KeyVault/locations"
	deleted   = "Microsoft.KeyVault/deletedVaults" // all of a subscription, wherever they were
	names     = "Microsoft.KeyVault/checkNameAvailability"
)

// Sealer seals values at rest; context binds a value to the key it is stored under.
type Sealer interface {
	Seal(plain []byte, context string) ([]byte, error)
}

// Deps is what the rows need.
type Deps struct {
	provider.Deps
	Box     Sealer
	Profile cloud.Profile
	// Age says how old something is by the world's clock; nil means the real time since then.
	Age func(born time.Time) time.Duration
}

var versions = []string{
	"2026-02-01", "2025-05-01", "2024-12-01-preview", "2024-11-01", "2024-04-01-preview", "2023-08-01-preview", "2023-07-01",
	"2023-02-01", "2022-11-01", "2022-07-01", "2022-02-01-preview", "2021-11-01-preview", "2021-10-01", "2021-06-01-preview",
	"2021-04-01-preview", "2020-04-01-preview", "2019-09-01", "2018-02-14-preview", "2018-02-14", "2016-10-01", "2015-06-01",
}

// Rows gives the rows of Microsoft.KeyVault.
func Rows(d Deps) []arm.Row {
	gone := deletedVault{Deps: d}
	rows := []arm.Row{
		{
			Type:      Vaults,
			Versions:  versions,
			Name:      vaultName,
			At:        arm.InGroup,
			Tracked:   true,
			Behaviour: vault{Deps: d},
		},
		{
			Type:      Secrets,
			Versions:  versions,
			Name:      secretName,
			Behaviour: secret{Deps: d},
		},
		{
			Type:      locations,
			Versions:  versions,
			At:        arm.InSubscription,
			Behaviour: location{},
		},
		{
			Type:      DeletedVaults,
			Versions:  versions,
			Behaviour: gone,
			Missing:   missing,
			Actions: map[string]arm.Action{
				"purge": {Needs: DeletedVaults + "/purge/action", Do: gone.purge},
			},
		},
		{
			Type:      deleted,
			Versions:  versions,
			At:        arm.InSubscription,
			Behaviour: deletedVaults{gone},
		},
		{
			Type:     names,
			Versions: versions,
			At:       arm.InSubscription,
			Calls:    map[string]arm.Call{http.MethodPost: {Needs: names + "/read", Do: d.checkName}},
		},
	}
	for _, name := range absent {
		rows = append(rows, arm.Row{Type: name, Absent: true})
	}
	return rows
}

// absent are the types of this namespace that are known here by name only.
var absent = []string{
	"Microsoft.KeyVault/checkMhsmNameAvailability", "Microsoft.KeyVault/deletedManagedHSMs", "Microsoft.KeyVault/locations/deletedManagedHSMs",
	"Microsoft.KeyVault/managedHSMs", "Microsoft.KeyVault/operations", Vaults + "/accessPolicies", Vaults + "/keys", Vaults + "/keys/versions",
	Vaults + "/privateEndpointConnections", Vaults + "/privateLinkResources",
}

// sku is a vault's price class.
type sku struct {
	Family string `json:"family"`
	Name   string `json:"name"`
}

// vaultProperties are what a vault keeps once it is set.
type vaultProperties struct {
	Retention int  `json:"softDeleteRetentionInDays"` // days
	Protected bool `json:"enablePurgeProtection"`
}

// secretProperties are what a template says about a secret.
type secretProperties struct {
	Value       *string     `json:"value"`
	ContentType *string     `json:"contentType"`
	Attributes  *attributes `json:"attributes"`
}

// attributes are times in seconds since 1970.
type attributes struct {
	Enabled   *bool  `json:"enabled"`
	NotBefore *int64 `json:"nbf"`
	Expires   *int64 `json:"exp"`
}

// reader is the part of the store that reading takes.
type reader interface {
	Get(ctx context.Context, key string) (store.Entry, error)
	List(ctx context.Context, prefix string) ([]store.Entry, int64, error)
}
