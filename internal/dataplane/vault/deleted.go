package vault

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"lanyard/internal/cloud"
	"lanyard/internal/fault"
	"lanyard/internal/httpkit"
	"lanyard/internal/store"
)

// sweepEvery is how often secrets whose time is over are looked for.
const sweepEvery = time.Hour

// delete takes a secret out of use; it can be recovered until the vault's retention is over.
func (d *Door) delete(w http.ResponseWriter, r *http.Request, c *call) error {
	head, err := d.turn(r.Context(), c, func(head *stored) error {
		if !head.Deleted.IsZero() {
			return notFound(c.name)
		}
		head.Deleted = d.now().UTC()
		head.Purge = c.vault.purgeAfter(head.Deleted)
		return nil
	})
	if err != nil {
		return err
	}
	return d.writeCurrent(w, c, head)
}

// recover takes a deleted secret into use again, with all its versions.
func (d *Door) recover(w http.ResponseWriter, r *http.Request, c *call) error {
	head, err := d.turn(r.Context(), c, func(head *stored) error {
		if head.Deleted.IsZero() || d.lapsed(head.Secret) {
			return deletedNotFound(c.name)
		}
		head.Deleted, head.Purge = time.Time{}, time.Time{}
		return nil
	})
	if fault.Is(err, fault.NotFound) {
		return deletedNotFound(c.name)
	}
	if err != nil {
		return err
	}
	return d.writeCurrent(w, c, head)
}

func (d *Door) getDeleted(w http.ResponseWriter, _ *http.Request, c *call) error {
	head, err := d.deletedHead(c.vault, c.name)
	if err != nil {
		return err
	}
	return d.writeCurrent(w, c, head)
}

// turn changes a secret's head and nothing else.
func (d *Door) turn(ctx context.Context, c *call, how func(*stored) error) (cloud.Secret, error) {
	var head stored
	err := d.change(ctx, c, func() (_ []store.Change, err error) {
		if head, err = d.stored(ctx, c.vault, c.name); err != nil {
			return nil, err
		}
		if head.revision == 0 {
			return nil, notFound(c.name)
		}
		if err := how(&head); err != nil {
			return nil, err
		}
		written, err := head.write()
		return []store.Change{written}, err
	})
	return head.Secret, err
}

// writeCurrent answers with the current version of a secret, without its value.
func (d *Door) writeCurrent(w http.ResponseWriter, c *call, head cloud.Secret) error {
	version, err := d.version(c.vault, head.Name, head.Current)
	if err != nil {
		return fmt.Errorf("read current version of %s: %v", c.name, err)
	}
	return httpkit.WriteJSON(w, http.StatusOK, d.show(c.vault, head, version))
}

// purge removes a deleted secret for good, all versions of it.
func (d *Door) purge(w http.ResponseWriter, r *http.Request, c *call) error {
	head, err := d.stored(r.Context(), c.vault, c.name)
	if err != nil {
		return err
	}
	if head.revision == 0 || head.Deleted.IsZero() || d.lapsed(head.Secret) {
		return deletedNotFound(c.name)
	}
	if c.vault.PurgeProtected {
		return fault.New(fault.Forbidden, "Forbidden",
			"Operation \"purge\" is not allowed because purge protection is enabled for this vault. "+
				"Key Vault service will automatically purge it after the retention period has passed.\r\nVault: %s;location=%s",
			c.vault.Name, c.vault.Location)
	}
	if err := d.erase(r.Context(), head, c.hold()); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// erase removes a secret's versions and then its head. Each transaction holds on to the head as it
// was read, and to whatever else it is given, so that a secret recovered meanwhile keeps its current
// version; one that was cut short is finished by the next.
func (d *Door) erase(ctx context.Context, head stored, holds ...store.Change) error {
	versions, _, err := d.Store.List(ctx, cloud.VersionPrefix(head.Vault, head.Name))
	if err != nil {
		return fmt.Errorf("list versions: %w", err)
	}
	current := cloud.VersionKey(head.Vault, head.Name, head.Current)
	versions = slices.DeleteFunc(versions, func(e store.Entry) bool { return e.Key == current })
	for earlier := range slices.Chunk(versions, store.MaxChanges-1-len(holds)) {
		batch := append(slices.Clone(holds), head.unchanged())
		for _, e := range earlier {
			batch = append(batch, store.Change{Key: e.Key, If: store.Any})
		}
		if _, err := d.Store.Commit(ctx, batch...); err != nil {
			return conflicting(err)
		}
	}
	revision, err := d.Store.Commit(ctx, append(slices.Clone(holds),
		store.Change{Key: head.key, If: head.revision}, store.Change{Key: current, If: store.Any})...)
	if err != nil {
		return conflicting(err)
	}
	return d.View.Await(ctx, revision)
}

// Run removes for good, every hour, the deleted secrets whose time to be recovered is over; until
// then they count as gone already. It goes by real time: what has aged out is there again when the
// world's clock is reset. It ends with ctx.
func (d *Door) Run(ctx context.Context) error {
	tick := time.NewTicker(sweepEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			if err := d.sweep(ctx); err != nil && ctx.Err() == nil && d.Log != nil {
				d.Log.Error("sweep deleted secrets", httpkit.KeyError, err.Error())
			}
		}
	}
}

func (d *Door) sweep(ctx context.Context) error {
	for _, e := range d.View.List(cloud.KeysVault) {
		if !strings.Contains(e.Key, "/secrets/") {
			continue
		}
		head, err := decode[cloud.Secret](e)
		// Of what lies here, a head alone knows its own key.
		if err != nil || cloud.SecretKey(head.Vault, head.Name) != e.Key || head.Deleted.IsZero() || d.now().Before(head.Purge) {
			continue
		}
		if err := d.erase(ctx, stored{Secret: head, key: e.Key, revision: e.Revision}); err != nil && !fault.Is(err, fault.Conflict) {
			return err
		}
	}
	return nil
}
