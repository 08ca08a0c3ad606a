// Package vault is the Key Vault secrets service: one door for all vaults of a world.
//
// It must not know how vaults are made, how tokens are minted, or how roles are granted.
package vault

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"lanyard/guard"
	"lanyard/internal/cloud"
	"lanyard/internal/fault"
	"lanyard/internal/httpkit"
	"lanyard/internal/secret"
	"lanyard/internal/store"
)

// maxBody bounds a request's body in bytes: the largest value with every byte of it escaped, and
// its tags.
const maxBody = 256 << 10

// AppID is Key Vault's own application id, which tokens may have as their audience instead of its
// URL (wire-facts: "Key Vault").
const AppID = "cfa8b339-82a2-471a-a3c9-0fc0be7a4093"

// Audiences are the aud values that mean Key Vault in a cloud, in the order in which refusals name them.
func Audiences(p cloud.Profile) []string { return []string{resource(p), AppID} }

// resource is what a challenge tells clients to ask a token for: no slash at its end, for clients
// append "/.default" and the service refuses the slash (wire-facts: "Key Vault").
func resource(p cloud.Profile) string { return "https://" + p.VaultSuffix }

// Vault is what the door has to know about one vault.
type Vault struct {
	ID       cloud.ID
	Name     string
	Location string
	// RetentionDays is how long a deleted secret can be recovered, 7 to 90; 0 means 90.
	RetentionDays int
	// PurgeProtected keeps anyone from purging before that time is over.
	PurgeProtected bool
	// Revision is that of the vault's document: every write is made only while it still has it.
	Revision int64
}

// Door serves the secrets of every vault, told apart by the Host of a request.
type Door struct {
	Store store.Store
	// View follows Store on cloud.KeysVault; every read is answered from it.
	View *store.View
	Box  *secret.Box
	// Guard accepts Audiences.
	Guard *guard.Guard
	// Vault gives the vault that has a host name, in lower case and without a port.
	Vault func(host string) (Vault, bool)
	// Await returns when Vault shows what the store had at a revision; nil waits for nothing.
	Await   func(ctx context.Context, revision int64) error
	Profile cloud.Profile
	Tenant  cloud.TenantID
	Age     func(born time.Time) time.Duration // by the world's clock; nil means the real time since then
	Now     func() time.Time                   // nil means time.Now
	Rand    io.Reader                          // nil means crypto/rand
	Log     *slog.Logger                       // nil discards
}

// call is one request that may go ahead.
type call struct {
	vault   Vault
	host    string // as the client spelled it, with its port
	path    string // likewise, still escaped
	version string // of the API
	query   url.Values
	name    string // of the secret; "" where the route names none
	caller  cloud.Caller
	action  string // the right it takes; "" takes none
}

// handler answers a call.
type handler func(w http.ResponseWriter, r *http.Request, c *call) error

// enter makes a handler out of what follows once the vault is known, the caller verified, the
// api-version understood and the action allowed. Without an action, nothing but being someone is asked.
func (d *Door) enter(action string, next handler) httpkit.Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		stamp(w, r)
		v, known := d.vaultOf(r.Host)
		if !known {
			return noVault()
		}
		w.Header().Set("x-ms-keyvault-region", v.Location)
		caller, err := d.Guard.Identify(r)
		if err != nil {
			return d.spell(err, v)
		}
		c, err := newCall(r, v)
		if err != nil {
			return err
		}
		c.caller, c.action = caller, action
		if err := d.permit(r.Context(), c); err != nil {
			return err
		}
		return next(w, r, c)
	}
}

// permit refuses what the caller may not do with the secret, or the vault, that the call is about.
func (d *Door) permit(ctx context.Context, c *call) error {
	if c.action == "" {
		return nil
	}
	at := c.vault.ID
	if c.name != "" {
		var err error
		if at, err = at.Child("secrets", c.name); err != nil {
			return badName(c.name)
		}
	}
	return d.spell(d.Guard.Permit(ctx, c.caller, c.action, true, at), c.vault)
}

// readmit looks at the vault once more after a conflict: it may be another by now, or gone, or the
// caller's right to it may be.
func (d *Door) readmit(ctx context.Context, c *call) error {
	_, revision, err := d.Store.List(ctx, cloud.DocumentKey(c.vault.ID))
	if err != nil {
		return fmt.Errorf("read revision: %w", err)
	}
	if d.Await != nil {
		if err := d.Await(ctx, revision); err != nil {
			return fmt.Errorf("await vault: %w", err)
		}
	}
	v, known := d.vaultOf(c.host)
	if !known || !v.ID.Equal(c.vault.ID) {
		return noVault()
	}
	c.vault = v
	return d.permit(ctx, c)
}

func noVault() *fault.Error {
	return fault.New(fault.NotFound, "VaultNotFound", "No vault of this world has the host name of this request.")
}

func (d *Door) vaultOf(host string) (Vault, bool) {
	if d.Vault == nil {
		return Vault{}, false
	}
	return d.Vault(d.Profile.Public(cloud.HostName(host)))
}

// newCall reads what all operations have in common.
func newCall(r *http.Request, v Vault) (*call, error) {
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, badParameter("The query of the request cannot be read.")
	}
	version, err := apiVersion(query)
	if err != nil {
		return nil, err
	}
	c := &call{vault: v, host: r.Host, path: r.URL.EscapedPath(), version: version, query: query, name: r.PathValue("name")}
	if c.name != "" && !isName(c.name) {
		return nil, badName(c.name)
	}
	return c, nil
}

// base is the vault's URL, under which its objects have their ids.
func (d *Door) base(v Vault) string { return "https://" + d.Profile.VaultHost(v.Name) }

func (d *Door) now() time.Time {
	if d.Now != nil {
		return d.Now()
	}
	return time.Now()
}

func (d *Door) random() io.Reader {
	if d.Rand != nil {
		return d.Rand
	}
	return rand.Reader
}
