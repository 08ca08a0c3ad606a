package keyvault

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"lanyard/internal/arm"
	"lanyard/internal/cloud"
	"lanyard/internal/fault"
	"lanyard/internal/provider"
)

// secret is a secret as templates write it. The vault's own words are the truth about it; the
// document holds neither the value nor anything else that the vault's own API can change.
type secret struct {
	arm.Plain
	Deps
}

// Shape checks what the client sent; it stays in the change until Place seals it.
func (s secret) Shape(_ context.Context, c *arm.Change) error {
	_, err := readSecret(c.After.Properties)
	return err
}

// Place seals a value into a new version, and otherwise changes what is said of the current one.
func (s secret) Place(ctx context.Context, c *arm.Change) error {
	p, err := readSecret(c.After.Properties)
	if err != nil {
		return err
	}
	tags := c.After.Tags
	c.After.Properties, c.After.Tags = json.RawMessage(`{}`), nil
	vault, name := c.ID.Parent(), c.ID.Name()
	at := stand{Store: s.Store}
	if err := at.load(ctx, vault, name); err != nil {
		return err
	}
	if at.exists() && !at.head.Deleted.IsZero() {
		return fault.New(fault.Conflict, "Conflict", "Secret %s is currently in a deleted but recoverable state, and its name cannot be reused; in this state, the secret can only be recovered or purged.", name).
			Within("ObjectIsDeletedButRecoverable")
	}
	version := at.version
	switch {
	case p.Value != nil:
		if version, err = s.seal(c.ID, *p.Value); err != nil {
			return err
		}
		at.turn(vault, name, version.Version)
	case !at.exists():
		return badRequest("'properties.value' is required to make the secret '%s'.", name)
	}
	p.describe(&version)
	if tags != nil {
		version.Tags = tags
	}
	version.Updated = s.Time()
	return at.write(c, version)
}

// seal makes a new version of a secret.
func (s secret) seal(id cloud.ID, value string) (cloud.SecretVersion, error) {
	guid, err := cloud.NewID(s.Random())
	if err != nil {
		return cloud.SecretVersion{}, err
	}
	v := cloud.SecretVersion{Version: strings.ReplaceAll(guid, "-", ""), Created: s.Time()}
	v.Value, err = s.Box.Seal([]byte(value), cloud.VersionKey(id.Parent(), id.Name(), v.Version))
	if err != nil {
		return v, fmt.Errorf("seal secret: %w", err)
	}
	return v, nil
}

// describe lays what was said over a version.
func (p secretProperties) describe(v *cloud.SecretVersion) {
	if p.ContentType != nil {
		v.ContentType = *p.ContentType
	}
	if p.Attributes == nil {
		return
	}
	if p.Attributes.Enabled != nil {
		v.Disabled = !*p.Attributes.Enabled
	}
	if p.Attributes.NotBefore != nil {
		v.NotBefore = *p.Attributes.NotBefore
	}
	if p.Attributes.Expires != nil {
		v.Expires = *p.Attributes.Expires
	}
}

// Remove refuses: the management API deletes no secrets. With its vault a secret goes.
func (s secret) Remove(_ context.Context, c *arm.Change) error {
	if !c.Going.Equal(c.ID) {
		return nil
	}
	return fault.New(fault.WrongMethod, "MethodNotAllowed", "The management API does not delete secrets; the vault does.").
		With("Allow", "GET, HEAD, PUT, PATCH").
		Try("lanyard keyvault secret delete --vault-name %s --name %s", c.ID.Parent().Name(), c.ID.Name())
}

// Show gives what the vault knows of the secret, and never its value.
func (s secret) Show(ctx context.Context, d *arm.Document) error {
	at := stand{Store: s.Store}
	if err := at.load(ctx, d.ID.Parent(), d.ID.Name()); err != nil {
		return err
	}
	if !at.exists() || !at.head.Deleted.IsZero() {
		return fault.New(fault.NotFound, "SecretNotFound", "The secret '%s' was not found in vault '%s'.", d.ID.Name(), d.ID.Parent().Name())
	}
	uri := "https://" + s.Profile.VaultHost(d.ID.Parent().Name()) + "/secrets/" + at.head.Name
	stated := map[string]any{"enabled": !at.version.Disabled, "created": at.version.Created.Unix(), "updated": at.version.Updated.Unix()}
	if at.version.NotBefore != 0 {
		stated["nbf"] = at.version.NotBefore
	}
	if at.version.Expires != 0 {
		stated["exp"] = at.version.Expires
	}
	m := provider.Members{}
	m.Set("attributes", stated)
	m.Set("secretUri", uri)
	m.Set("secretUriWithVersion", uri+"/"+at.version.Version)
	if at.version.ContentType != "" {
		m.Set("contentType", at.version.ContentType)
	}
	d.Properties, d.Tags = m.Raw(), at.version.Tags
	if v, ok := s.Resources.Document(d.ID.Parent()); ok {
		d.Location = v.Location
	}
	return nil
}

// Find gives a secret that was made by the vault's own API.
func (s secret) Find(ctx context.Context, id cloud.ID) (*arm.Document, error) {
	at := stand{Store: s.Store}
	if err := at.load(ctx, id.Parent(), id.Name()); err != nil {
		return nil, err
	}
	if !at.exists() || !at.head.Deleted.IsZero() {
		return nil, nil
	}
	return document(id.Parent(), at.head.Name)
}

// List gives a vault's secrets, however they were made.
func (s secret) List(ctx context.Context, q arm.Query) ([]*arm.Document, error) {
	if q.Filter != "" {
		return nil, provider.NotOffered("$filter")
	}
	entries, _, err := s.Store.List(ctx, cloud.SecretPrefix(q.Scope))
	if err != nil {
		return nil, fmt.Errorf("list secrets: %w", err)
	}
	var found []*arm.Document
	for _, e := range entries {
		var head cloud.Secret
		if err := json.Unmarshal(e.Value, &head); err != nil {
			return nil, fmt.Errorf("read secret: %w", err)
		}
		if !head.Deleted.IsZero() {
			continue
		}
		d, err := document(q.Scope, head.Name)
		if err != nil {
			return nil, err
		}
		found = append(found, d)
	}
	return found, nil
}

func document(vault cloud.ID, name string) (*arm.Document, error) {
	id, err := vault.Child("secrets", name)
	if err != nil {
		return nil, fmt.Errorf("name secret: %w", err)
	}
	return &arm.Document{ID: id, Name: id.Name(), Type: Secrets, Properties: json.RawMessage(`{}`)}, nil
}
