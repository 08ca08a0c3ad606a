// Package msi is the endpoint at which an app asks for tokens of its identities.
//
// It must not know how replicas are run, how tokens are signed, or what they open.
//
// It speaks the protocol of App Service and Container Apps, api-version 2019-08-01 (wire-facts 1.3
// to 1.7). Every refusal is decided from memory before any signing (T1).
package msi

import (
	"context"
	"log/slog"
	"time"

	"lanyard/internal/cloud"
	"lanyard/internal/directory"
	"lanyard/internal/host"
	"lanyard/internal/issuer"
)

// Issuer mints tokens.
type Issuer interface {
	Mint(ctx context.Context, o issuer.Order) (issuer.Minted, error)
}

// Directory knows who exists.
type Directory interface {
	Principal(id cloud.PrincipalID) (cloud.Principal, bool)
	ByResource(id cloud.ID) (cloud.Principal, bool)
	// Audience reports whether a resource is one that tokens can be for.
	Audience(resource string) (directory.Resource, bool)
}

// Door answers replicas that ask for a token at /r/{replica}/msi/token.
type Door struct {
	// Replica gives a living replica by its name.
	Replica   func(name string) (*host.Replica, bool)
	Issuer    Issuer
	Directory Directory
	// Address is where the platform listens, host:port. The Host header must name it; where it is a
	// loopback address any of 127.0.0.1, localhost and [::1] with its port will do.
	Address string
	Now     func() time.Time // nil means time.Now
	Log     *slog.Logger     // nil discards

	shelves shelves
}

func (d *Door) now() time.Time {
	if d.Now != nil {
		return d.Now()
	}
	return time.Now()
}
