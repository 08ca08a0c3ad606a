package entra

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"lanyard/internal/cloud"
	"lanyard/internal/httpkit"
	"lanyard/internal/store"
)

// Where sign-ins lie in the store. Nothing there lets its reader sign in: of codes and tokens there
// are hashes alone, and what is hashed has 256 random bits.
const (
	keysDevice  = cloud.KeysSession + "devices/"  // followed by a user code
	keysCode    = cloud.KeysSession + "codes/"    // followed by the hash of an authorization code
	keysSession = cloud.KeysSession + "sessions/" // followed by the id of a session
	keysSpent   = cloud.KeysSession + "spent/"    // followed by the hash of a foreign token that was exchanged
)

// sweepPeriod is how often what has ended is removed.
const sweepPeriod = 10 * time.Minute

// expiring is what every document of this door has in common.
type expiring struct {
	Since time.Time `json:"since,omitzero"` // when its life began
	Ends  time.Time `json:"ends"`
}

// lasting begins a life.
func (d *Door) lasting(life time.Duration) expiring {
	now := d.now().UTC()
	return expiring{now, now.Add(life)}
}

// ended reports whether something is over, in the world's own time.
func (d *Door) ended(e expiring) bool {
	if d.Age == nil || e.Since.IsZero() {
		return !d.now().Before(e.Ends)
	}
	return d.Age(e.Since) >= e.Ends.Sub(e.Since)
}

// draw gives n random bytes in base64url.
func (d *Door) draw(n int) (string, error) {
	b := make([]byte, n)
	if _, err := io.ReadFull(d.random(), b); err != nil {
		return "", fmt.Errorf("draw code: %w", err)
	}
	return base64.RawURLEncoding.EncodeToString(b), nil
}

func hash(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:])
}

// create writes a document that is not there yet.
func (d *Door) create(ctx context.Context, key string, document any) error {
	value, err := json.Marshal(document)
	if err != nil {
		return err
	}
	_, err = d.Store.Commit(ctx, store.Change{Key: key, Value: value})
	return err
}

// rewrite changes a document that is still at a revision, and gives its new one.
func (d *Door) rewrite(ctx context.Context, key string, revision int64, document any) (int64, error) {
	value, err := json.Marshal(document)
	if err != nil {
		return 0, err
	}
	return d.Store.Commit(ctx, store.Change{Key: key, Value: value, If: revision})
}

// fetch reads a document; its revision is 0 when there is none.
func fetch[T any](ctx context.Context, s store.Store, key string) (document T, revision int64, err error) {
	entry, err := s.Get(ctx, key)
	if err != nil || entry.Revision == 0 {
		return document, 0, err
	}
	if err := json.Unmarshal(entry.Value, &document); err != nil {
		return document, 0, fmt.Errorf("decode %s: %w", key, err)
	}
	return document, entry.Revision, nil
}

// Run removes what has ended until ctx does.
func (d *Door) Run(ctx context.Context) error {
	tick := time.NewTicker(sweepPeriod)
	defer tick.Stop()
	for {
		if err := d.sweep(ctx); err != nil && ctx.Err() == nil && d.Log != nil {
			d.Log.Error("sweep sign-ins", httpkit.KeyError, err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// sweep removes the codes and sessions that have ended. One that was changed meanwhile is left. It goes
// by real time: what has aged out is good again when the world's clock is reset.
func (d *Door) sweep(ctx context.Context) error {
	entries, _, err := d.Store.List(ctx, cloud.KeysSession)
	if err != nil {
		return err
	}
	now := d.now()
	for _, e := range entries {
		var m expiring
		if err := json.Unmarshal(e.Value, &m); err != nil || now.Before(m.Ends) {
			continue // what cannot be read is nobody's to remove
		}
		if _, err := d.Store.Commit(ctx, store.Change{Key: e.Key, If: e.Revision}); err != nil && !errors.Is(err, store.ErrConflict) {
			return err
		}
	}
	return nil
}
