// Package entra is the login host: discovery, keys and tokens for applications.
//
// It must not know how keys are kept, how the directory is stored, or what a token opens.
package entra

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"time"

	"lanyard/internal/cloud"
	"lanyard/internal/directory"
	"lanyard/internal/issuer"
)

// Door answers for the authority of one tenant (wire-facts: "Entra (STS) endpoints"). It keeps
// nothing between requests.
type Door struct {
	Issuer    keys
	Directory people
	Profile   cloud.Profile
	Tenant    cloud.TenantID
	Now       func() time.Time // nil means time.Now
	Log       *slog.Logger     // nil discards
}

// keys are what tokens are made and verified with.
type keys interface {
	Mint(ctx context.Context, o issuer.Order) (issuer.Minted, error)
	KeySet() []byte
}

// people are who may ask for tokens, and what for.
type people interface {
	ByClient(id cloud.ClientID) (cloud.Principal, bool)
	CheckSecret(p cloud.Principal, secret string) error
	Audience(resource string) (directory.Resource, bool)
}

func (d *Door) now() time.Time {
	if d.Now == nil {
		return time.Now()
	}
	return d.Now()
}

// base gives the authority as the caller knows it, since clients compare it with the issuer of
// the discovery document, port and all: the local name that it was called by, or the public one.
// No other Host header finds its way into a document.
func (d *Door) base(r *http.Request) string { return d.authority(r.Host) }

func (d *Door) authority(hostport string) string {
	hostport = strings.ToLower(hostport)
	host, _, err := net.SplitHostPort(hostport)
	if err != nil {
		host = hostport
	}
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
	if named != string(d.Tenant) && named != common && named != organizations {
		return "", refuse(90002, "Tenant '%s' not found. Check to make sure you have the correct tenant ID and are signing into the correct cloud.", clip(named)).
			Try("the tenant of this world, %s", d.Tenant)
	}
	return named, nil
}
