// Package graph is the slice of Microsoft Graph for principals, groups and applications.
//
// It must not know how tokens are verified or minted, or what a role allows.
package graph

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"lanyard/internal/cloud"
	"lanyard/internal/directory"
	"lanyard/internal/store"
)

// Door answers for the directory of one tenant (wire-facts: "Microsoft Graph"). It keeps nothing
// between requests.
type Door struct {
	Store     store.Store
	Directory *directory.Directory
	// Identify gives the caller that a request's bearer token speaks for; it accepts Audiences.
	Identify func(r *http.Request) (cloud.Caller, error)
	// Permit says whether a caller may do an action of the management plane at a scope.
	Permit  func(ctx context.Context, caller cloud.Caller, action string, at cloud.ID) error
	Profile cloud.Profile
	Tenant  cloud.TenantID
	// Founder is the principal that this world belongs to: it is not deleted here, for nobody could
	// open the world again. Empty protects none.
	Founder cloud.PrincipalID
	// FederatedLimit is how many federated credentials an application may have: 0 means Azure's 20, a
	// negative number sets no limit.
	FederatedLimit int
	Now            func() time.Time // nil means time.Now
	Log            *slog.Logger     // nil discards
}

// Audiences are the aud values that mean Microsoft Graph (wire-facts: "Audiences").
func Audiences(p cloud.Profile) []string {
	return []string{"https://" + p.Graph, "https://" + p.Graph + "/", "00000003-0000-0000-c000-000000000000"}
}

func (d *Door) now() time.Time {
	if d.Now != nil {
		return d.Now()
	}
	return time.Now()
}

// base is the URL below which everything has its place, by the local name that the caller used or
// by the public one. No other Host header finds its way into an answer.
func (d *Door) base(r *http.Request) string {
	host := r.Host
	if d.Profile.Public(cloud.HostName(host)) != d.Profile.Graph {
		host = d.Profile.Graph
	}
	return "https://" + host + version
}
