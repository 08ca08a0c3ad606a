// Package entra is the login host: discovery, keys, sign-in and tokens.
//
// It must not know how keys are kept, how the directory is stored, or what a token opens.
package entra

import (
	"context"
	"crypto/rand"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"lanyard/internal/cloud"
	"lanyard/internal/directory"
	"lanyard/internal/fault"
	"lanyard/internal/issuer"
	"lanyard/internal/store"
)

// Door answers for the authority of one tenant (wire-facts: "Entra (STS) endpoints"). What it
// remembers of people's sign-ins lies in the store, so that any process of a world can go on with
// what another began.
type Door struct {
	Issuer    keys
	Directory people
	Store     store.Store
	Profile   cloud.Profile
	Tenant    cloud.TenantID
	// Page is where browsers find the sign-in pages that do not trust the local authority, e.g.
	// http://login.lanyard.localhost:4140. Empty means the authority itself.
	Page string
	// Port is the one at which the authority's local names are served, e.g. 4140.
	Port string
	// Federated gives the credentials by which tokens of other issuers speak for a principal; nil means
	// that nobody has any.
	Federated func(of cloud.PrincipalID) []cloud.FederatedCredential
	// Trusted finds the keys of those issuers; nil means that they have none.
	Trusted foreign
	// ForeignOnce takes each token of those issuers once. Otherwise it may come again while it lasts, as
	// SDKs have it come.
	ForeignOnce bool
	// Revoked reports whether guards refuse a token because it was taken back; nil means that none ever is.
	Revoked func(token string, of cloud.PrincipalID, app cloud.ID, minted time.Time) bool
	// Age says how old something is by the world's clock; nil means the real time since then.
	Age func(born time.Time) time.Duration
	// Belonging gives the groups and app roles that a token of a principal for a resource is to name;
	// nil names none.
	Belonging func(of cloud.PrincipalID, resource directory.Resource) (groups, roles []string)
	// Record keeps the record of a token that was minted; what it returns an error for is not given
	// out. Refused keeps the record of a refusal. nil keeps none.
	Record  func(ctx context.Context, in cloud.SignIn) error
	Refused func(r cloud.Refused)

	Now  func() time.Time // nil means time.Now
	Rand io.Reader        // nil means crypto/rand
	Log  *slog.Logger     // nil discards

	names, codes throttle // wrong guesses at people's passwords and at devices' codes
}

// keys are what tokens are made and verified with.
type keys interface {
	Mint(ctx context.Context, o issuer.Order) (issuer.Minted, error)
	Introduce(ctx context.Context, n issuer.Introduction) (issuer.Minted, error)
	KeySet() []byte
	KeySetOf(issuer string) []byte
}

// people are who may ask for tokens, and what for.
type people interface {
	Principal(id cloud.PrincipalID) (cloud.Principal, bool)
	ByClient(id cloud.ClientID) (cloud.Principal, bool)
	BySignIn(name string) (cloud.Principal, bool)
	CheckSecret(p cloud.Principal, secret string) error
	Certificates(p cloud.Principal) []cloud.Certificate
	Audience(resource string) (directory.Resource, bool)
}

func (d *Door) now() time.Time {
	if d.Now == nil {
		return time.Now()
	}
	return d.Now()
}

// age says how old something is that came to be at born.
func (d *Door) age(born time.Time) time.Duration {
	if d.Age == nil {
		return d.now().Sub(born)
	}
	return d.Age(born)
}

func (d *Door) random() io.Reader {
	if d.Rand == nil {
		return rand.Reader
	}
	return d.Rand
}

// page gives where this door's pages are shown to people.
func (d *Door) page(r *http.Request) string {
	if d.Page != "" {
		return d.Page
	}
	return d.base(r)
}

// base gives the authority as the caller knows it, since clients compare it with the issuer of
// the discovery document, port and all: the local name that it was called by, or the public one.
// No other Host header finds its way into a document.
func (d *Door) base(r *http.Request) string { return d.authority(r.Host) }

func (d *Door) authority(hostport string) string {
	hostport = strings.ToLower(hostport)
	host := cloud.HostName(hostport)
	if host != d.Profile.Authority && d.Profile.Public(host) == d.Profile.Authority {
		return "https://" + hostport
	}
	return "https://" + d.Profile.Authority
}

// The tenant segments that stand for whichever tenant the caller is in.
const (
	common        = "common"
	organizations = "organizations"
)

// home gives the tenant segment of the path as documents repeat it: our tenant's id, or one of
// the two words for any tenant. Other tenants are not found.
func (d *Door) home(r *http.Request) (string, error) {
	return d.tenant(r.PathValue("tenant"))
}

func (d *Door) tenant(named string) (string, error) {
	named = strings.ToLower(named)
	if named == d.Profile.Domain {
		named = string(d.Tenant)
	}
	if named != string(d.Tenant) && named != common && named != organizations {
		return "", refuse(90002, "Tenant '%s' not found. Check to make sure you have the correct tenant ID and are signing into the correct cloud.", fault.Clip(named)).
			Try("the tenant of this world, %s", d.Tenant)
	}
	return named, nil
}
