package vault

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"

	"lanyard/internal/cloud"
	"lanyard/internal/fault"
	"lanyard/internal/httpkit"
	"lanyard/internal/store"
)

// set makes a new version of a secret, and the secret if there was none.
func (d *Door) set(w http.ResponseWriter, r *http.Request, c *call) error {
	p, err := readParameters(r)
	if err != nil {
		return err
	}
	if p.Value == nil {
		return badParameter("The body of the request has no value.")
	}
	version, err := d.newVersion(c, p)
	if err != nil {
		return err
	}
	sealed, err := json.Marshal(version)
	if err != nil {
		return fmt.Errorf("encode version: %w", err)
	}
	var head stored
	err = d.change(r.Context(), c, func() ([]store.Change, error) {
		if head, err = d.usable(r.Context(), c); err != nil {
			return nil, err
		}
		head.Current = version.Version
		written, err := head.write()
		return []store.Change{written, {Key: cloud.VersionKey(c.vault.ID, c.name, version.Version), Value: sealed}}, err
	})
	if err != nil {
		return err
	}
	b := d.show(c.vault, head.Secret, version)
	b.Value = p.Value
	return httpkit.WriteJSON(w, http.StatusOK, b)
}

// usable gives the head under which a version can be written: the present one or a new one. A
// deleted secret keeps its name until it has gone for good.
func (d *Door) usable(ctx context.Context, c *call) (stored, error) {
	head, err := d.stored(ctx, c.vault, c.name)
	if err == nil && d.lapsed(head.Secret) {
		if err = d.erase(ctx, head, c.hold()); err == nil {
			head, err = d.stored(ctx, c.vault, c.name)
		}
	}
	switch {
	case err != nil:
		return head, err
	case head.revision == 0:
		head.Secret = cloud.Secret{Vault: c.vault.ID, Name: c.name}
	case !head.Deleted.IsZero():
		return head, fault.New(fault.Conflict, "Conflict",
			"Secret %s is currently in a deleted but recoverable state, and its name cannot be reused; in this state, the secret can only be recovered or purged.",
			head.Name).Within("ObjectIsDeletedButRecoverable")
	}
	return head, nil
}

// newVersion draws a version and seals its value where it will lie.
func (d *Door) newVersion(c *call, p parameters) (cloud.SecretVersion, error) {
	var drawn [16]byte
	if _, err := io.ReadFull(d.random(), drawn[:]); err != nil {
		return cloud.SecretVersion{}, fmt.Errorf("draw version: %w", err)
	}
	now := d.now().UTC()
	version := cloud.SecretVersion{Version: hex.EncodeToString(drawn[:]), Created: now, Updated: now}
	p.apply(&version)
	var err error
	version.Value, err = d.Box.Seal([]byte(*p.Value), cloud.VersionKey(c.vault.ID, c.name, version.Version))
	return version, err
}

// apply changes what the client named; what it left out stays.
func (p parameters) apply(v *cloud.SecretVersion) {
	if p.ContentType != nil {
		v.ContentType = *p.ContentType
	}
	if p.Tags != nil {
		v.Tags = p.Tags
	}
	if p.Attributes == nil {
		return
	}
	if p.Attributes.Enabled != nil {
		v.Disabled = !*p.Attributes.Enabled
	}
	if p.Attributes.NBF != nil {
		v.NotBefore = *p.Attributes.NBF
	}
	if p.Attributes.Exp != nil {
		v.Expires = *p.Attributes.Exp
	}
}

// get gives a version of a secret, the current one if none is named. As in Azure it works before
// nbf and after exp, which are for the reader to heed; a disabled version stays closed.
func (d *Door) get(w http.ResponseWriter, r *http.Request, c *call) error {
	if c.query.Has("outContentType") {
		return fault.New(fault.NotOffered, "NotImplemented",
			"Lanyard's vaults hold no certificates: outContentType, which converts them, is not offered.")
	}
	head, err := d.head(c.vault, c.name)
	if err != nil {
		return err
	}
	name := r.PathValue("version")
	if name == "" {
		name = head.Current
	}
	version, err := d.version(c.vault, c.name, name)
	if err != nil {
		return err
	}
	if version.Disabled {
		return fault.New(fault.Forbidden, "Forbidden", "Operation get is not allowed on a disabled secret.").Within("SecretDisabled")
	}
	value, err := d.Box.Open(version.Value, cloud.VersionKey(c.vault.ID, c.name, version.Version))
	if err != nil {
		return fmt.Errorf("open secret: %w", err)
	}
	b, text := d.show(c.vault, head, version), string(value)
	b.Value = &text
	return httpkit.WriteJSON(w, http.StatusOK, b)
}

// update changes what is said about a version, never its value.
func (d *Door) update(w http.ResponseWriter, r *http.Request, c *call) error {
	p, err := readParameters(r)
	if err != nil {
		return err
	}
	if p.Value != nil {
		return badParameter("A secret's value cannot be updated; setting it makes a new version.")
	}
	var head stored
	var version cloud.SecretVersion
	err = d.change(r.Context(), c, func() ([]store.Change, error) {
		if head, err = d.stored(r.Context(), c.vault, c.name); err != nil {
			return nil, err
		}
		if head.revision == 0 || !head.Deleted.IsZero() {
			return nil, notFound(c.name)
		}
		name := r.PathValue("version")
		if name == "" {
			name = head.Current
		}
		if !isVersion(name) {
			return nil, notFound(c.name + "/" + fault.Clip(name))
		}
		e, err := d.Store.Get(r.Context(), cloud.VersionKey(c.vault.ID, c.name, name))
		if err != nil {
			return nil, err
		}
		if e.Revision == 0 {
			return nil, notFound(c.name + "/" + name)
		}
		if version, err = decode[cloud.SecretVersion](e); err != nil {
			return nil, err
		}
		p.apply(&version)
		version.Updated = d.now().UTC()
		value, err := json.Marshal(version)
		return []store.Change{head.unchanged(), {Key: e.Key, Value: value, If: e.Revision}}, err
	})
	if err != nil {
		return err
	}
	return httpkit.WriteJSON(w, http.StatusOK, d.show(c.vault, head.Secret, version))
}
