// Package msi is the endpoint at which an app asks for tokens of its identities.
//
// It must not know how replicas are run, how processes are told apart, how tokens are signed, what they
// open, or where records are kept.
//
// It speaks the protocols of App Service and Container Apps, of IMDS and of Arc; protocol.go has the table
// (wire-facts: "Managed identity sources"). Every refusal is decided from memory before any signing (T1).
package msi

import (
	"context"
	"crypto/rand"
	"io"
	"log/slog"
	"sync"
	"time"

	"lanyard/internal/cloud"
	"lanyard/internal/directory"
	"lanyard/internal/drill"
	"lanyard/internal/host"
	"lanyard/internal/httpkit"
	"lanyard/internal/issuer"
)

// Issuer mints tokens.
type Issuer interface {
	Mint(ctx context.Context, o issuer.Order) (issuer.Minted, error)
}

// Directory knows who exists, and what is said of them.
type Directory interface {
	Principal(id cloud.PrincipalID) (cloud.Principal, bool)
	ByResource(id cloud.ID) (cloud.Principal, bool)
	// Audience reports whether a resource is one that tokens can be for.
	Audience(resource string) (directory.Resource, bool)
	// Belonging gives what a token for a resource says of a principal now.
	Belonging(of cloud.PrincipalID, resource directory.Resource) (groups, roles []string)
	// Recalled reports whether a token was taken back.
	Recalled(token string, of cloud.PrincipalID, app cloud.ID, minted time.Time) bool
}

// Hosts knows the replicas, and whose process calls.
type Hosts interface {
	// Replica gives a living replica by its name, ByWay by its way.
	Replica(name string) (*host.Replica, bool)
	ByWay(way string) (*host.Replica, bool)
	// Attest fails with host.ErrStranger or host.ErrUnattestable.
	Attest(ctx context.Context, r *host.Replica, c *httpkit.Connection) (cloud.Process, error)
	Whose(ctx context.Context, c *httpkit.Connection) (*host.Replica, cloud.Process, error)
}

// Keys lays keys where processes of one user alone can read them.
type Keys interface {
	// Place writes a key to a file that nobody can guess, and gives its path.
	Place(key []byte, uid int) (path string, err error)
	Remove(path string) error
}

// Door answers replicas that ask for a token: at /r/{replica}/msi/token with their header, and at
// /metadata/identity/... below /r/{way}, or without it for those whose process tells who they are.
type Door struct {
	Hosts     Hosts
	Issuer    Issuer
	Directory Directory
	// Address is where the platform listens, host:port. The Host header must name it; where it is a
	// loopback address any of 127.0.0.1, localhost and [::1] with its port will do.
	Address string
	// Names are further Host headers that name the endpoint.
	Names []string
	// Keys are Arc's; nil refuses Arc.
	Keys Keys
	// Record keeps the record of a token that was minted; what it returns an error for is not given
	// out. Delivered counts deliveries from memory, Refused keeps the record of a refusal. nil keeps none.
	Record    func(context.Context, cloud.SignIn) error
	Delivered func(replica string, of cloud.PrincipalID, n int)
	Refused   func(cloud.Refused)
	// Drills gives the drills that are on; nil means that none ever is.
	Drills func() drill.Set
	// Timing says for how long a token is given out again; nil means cloud.Instant.
	Timing func() cloud.Timing
	Age    func(born time.Time) time.Duration // nil means real time since born
	// Limits are those of a replica that asks as on a virtual machine; the zero Limits are Azure's.
	Limits Limits
	Now    func() time.Time // nil means time.Now
	Rand   io.Reader        // nil means crypto/rand
	Log    *slog.Logger     // nil discards

	cache   cache
	keyring keyring
	meters  meters
	once    sync.Once
	turns   chan struct{} // to sign
	calls   sync.Pool     // of *call, which are large
}

func (d *Door) now() time.Time {
	if d.Now != nil {
		return d.Now()
	}
	return time.Now()
}

// age says how old something is that came to be at born.
func (d *Door) age(born time.Time) time.Duration {
	if d.Age != nil {
		return d.Age(born)
	}
	return d.now().Sub(born)
}

func (d *Door) timing() cloud.Timing {
	if d.Timing != nil {
		return d.Timing()
	}
	return cloud.Instant
}

func (d *Door) rand() io.Reader {
	if d.Rand != nil {
		return d.Rand
	}
	return rand.Reader
}
