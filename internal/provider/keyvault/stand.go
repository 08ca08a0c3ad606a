package keyvault

import (
	"context"
	"encoding/json"
	"fmt"

	"lanyard/internal/arm"
	"lanyard/internal/cloud"
	"lanyard/internal/store"
)

// stand is how a secret stands in the store.
type stand struct {
	Store           reader
	key             string
	vault           cloud.ID
	head            cloud.Secret
	version         cloud.SecretVersion
	revision        int64 // of the head; 0 when there is no such secret
	versionRevision int64
}

func (s *stand) exists() bool { return s.revision != 0 }

// load reads a secret's head and its current version.
func (s *stand) load(ctx context.Context, vault cloud.ID, name string) error {
	s.vault, s.key = vault, cloud.SecretKey(vault, name)
	entry, err := s.Store.Get(ctx, s.key)
	if err != nil {
		return fmt.Errorf("read secret: %w", err)
	}
	if s.revision = entry.Revision; s.revision == 0 {
		return nil
	}
	if err := json.Unmarshal(entry.Value, &s.head); err != nil {
		return fmt.Errorf("read secret: %w", err)
	}
	entry, err = s.Store.Get(ctx, cloud.VersionKey(vault, name, s.head.Current))
	if err != nil {
		return fmt.Errorf("read secret version: %w", err)
	}
	s.versionRevision = entry.Revision
	if entry.Revision == 0 {
		return fmt.Errorf("read secret version: %s has no version %s", name, s.head.Current)
	}
	if err := json.Unmarshal(entry.Value, &s.version); err != nil {
		return fmt.Errorf("read secret version: %w", err)
	}
	return nil
}

// turn makes another version the current one. The name keeps the spelling it was first written in.
func (s *stand) turn(vault cloud.ID, name, version string) {
	if !s.exists() {
		s.head = cloud.Secret{Vault: vault, Name: name}
	}
	s.head.Current, s.versionRevision = version, 0
}

// write adds to c the changes that make the secret's head and a version what they are now.
func (s *stand) write(c *arm.Change, version cloud.SecretVersion) error {
	head, err := json.Marshal(s.head)
	if err != nil {
		return fmt.Errorf("write secret: %w", err)
	}
	value, err := json.Marshal(version)
	if err != nil {
		return fmt.Errorf("write secret version: %w", err)
	}
	c.Writes = append(c.Writes,
		store.Change{Key: s.key, Value: head, If: s.revision},
		store.Change{Key: cloud.VersionKey(s.vault, s.head.Name, version.Version), Value: value, If: s.versionRevision})
	return nil
}
