package vault

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"lanyard/internal/cloud"
	"lanyard/internal/fault"
	"lanyard/internal/store"
)

// maxTries bounds how often a change starts over because somebody else was faster.
const maxTries = 16

// head gives a secret that is in use, as reads see it.
func (d *Door) head(v Vault, name string) (cloud.Secret, error) {
	e, ok := d.View.Get(cloud.SecretKey(v.ID, name))
	if !ok {
		return cloud.Secret{}, notFound(name)
	}
	head, err := decode[cloud.Secret](e)
	if err == nil && !head.Deleted.IsZero() {
		err = notFound(name)
	}
	return head, err
}

// deletedHead gives a secret that is deleted and can still be recovered, as reads see it.
func (d *Door) deletedHead(v Vault, name string) (cloud.Secret, error) {
	e, ok := d.View.Get(cloud.SecretKey(v.ID, name))
	if !ok {
		return cloud.Secret{}, deletedNotFound(name)
	}
	head, err := decode[cloud.Secret](e)
	if err == nil && (head.Deleted.IsZero() || d.lapsed(head)) {
		err = deletedNotFound(name)
	}
	return head, err
}

// lapsed reports whether a deleted secret's time to be recovered is over: it counts as gone.
func (d *Door) lapsed(head cloud.Secret) bool {
	if head.Deleted.IsZero() || d.Age == nil {
		return !head.Deleted.IsZero() && !d.now().Before(head.Purge)
	}
	return d.Age(head.Deleted) >= head.Purge.Sub(head.Deleted)
}

// version gives one version of a secret, as reads see it.
func (d *Door) version(v Vault, name, version string) (cloud.SecretVersion, error) {
	if isVersion(version) {
		if e, ok := d.View.Get(cloud.VersionKey(v.ID, name, version)); ok {
			return decode[cloud.SecretVersion](e)
		}
	}
	return cloud.SecretVersion{}, notFound(name + "/" + fault.Clip(version))
}

// stored is a secret's head as it stands in the store, with what a change of it must be held against.
type stored struct {
	cloud.Secret
	key      string
	revision int64 // 0: there is none
}

func (d *Door) stored(ctx context.Context, v Vault, name string) (stored, error) {
	s := stored{key: cloud.SecretKey(v.ID, name)}
	e, err := d.Store.Get(ctx, s.key)
	if err != nil || e.Revision == 0 {
		return s, err
	}
	s.revision = e.Revision
	s.Secret, err = decode[cloud.Secret](e)
	return s, err
}

// write is the change that makes the head what it now says.
func (s stored) write() (store.Change, error) {
	value, err := json.Marshal(s.Secret)
	return store.Change{Key: s.key, Value: value, If: s.revision}, err
}

// unchanged is the condition that nobody has touched the head.
func (s stored) unchanged() store.Change {
	return store.Change{Key: s.key, If: s.revision, Check: true}
}

// hold is the condition that the vault is still the one for which the call was let in.
func (c *call) hold() store.Change {
	return store.Change{Key: cloud.DocumentKey(c.vault.ID), If: c.vault.Revision, Check: true}
}

// change commits what plan asks for, all of it or nothing, as long as the vault is the one for
// which the call was let in, and waits until reads show it. When somebody else was faster, the call
// is let in anew and plan runs again.
func (d *Door) change(ctx context.Context, c *call, plan func() ([]store.Change, error)) error {
	for range maxTries {
		changes, err := plan()
		if err != nil {
			return err
		}
		revision, err := d.Store.Commit(ctx, append(changes, c.hold())...)
		if errors.Is(err, store.ErrConflict) {
			if err := d.readmit(ctx, c); err != nil {
				return err
			}
			continue
		}
		if err != nil {
			return fmt.Errorf("commit secret: %w", err)
		}
		return d.View.Await(ctx, revision)
	}
	return fault.New(fault.Conflict, "Conflict", "The secret is being changed by others at the same time; try again.")
}

func decode[T any](e store.Entry) (T, error) {
	var document T
	if err := json.Unmarshal(e.Value, &document); err != nil {
		return document, fmt.Errorf("decode %s: %w", e.Key, err)
	}
	return document, nil
}

// notFound and deletedNotFound are the service's own sentences (wire-facts: "Key Vault").
func notFound(what string) *fault.Error {
	return fault.New(fault.NotFound, "SecretNotFound",
		"A secret with (name/id) %s was not found in this key vault. If you recently deleted this secret you may be able to recover it "+
			"using the correct recovery command. For help resolving this issue, please see https://go.microsoft.com/fwlink/?linkid=2125182", what)
}

func deletedNotFound(name string) *fault.Error {
	return fault.New(fault.NotFound, "SecretNotFound", "Deleted Secret not found: %s", name)
}

// conflicting tells a race that was lost from a store that failed.
func conflicting(err error) error {
	if errors.Is(err, store.ErrConflict) {
		return fault.New(fault.Conflict, "Conflict", "The secret has been changed by others at the same time; try again.").Because(err)
	}
	return fmt.Errorf("commit secret: %w", err)
}
