package directory

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"strings"
	"time"

	"lanyard/internal/cloud"
	"lanyard/internal/httpkit"
	"lanyard/internal/store"
)

// MaxRecalls bounds how many recalls are kept at once. They go by themselves when the tokens that they
// take back have ended.
const MaxRecalls = 10_000

// settling is by how much a recall that goes with a change reaches beyond the moment at which the change
// was made: in between, somebody who has not seen it yet may still mint.
const settling = 500 * time.Millisecond

// ErrTooManyRecalls says that as many recalls are kept as there may be.
var ErrTooManyRecalls = errors.New("directory: too many recalls at once")

// recalls are those in force. They never change once they are made.
type recalls struct {
	byKey    map[string]kept
	every    index // for caches
	refusing index // for guards: only those with Refuse
}

// kept is one recall as it lies in the store.
type kept struct {
	cloud.Recall
	revision int64
}

// index finds the recalls that may cover a token by what they name.
type index struct {
	latest      time.Time // no token from then on is covered by any
	all         time.Time // every token from before is covered
	byToken     map[string][]cloud.Recall
	byPrincipal map[cloud.PrincipalID][]cloud.Recall
	byApp       map[string][]cloud.Recall // by ID.Key
}

// Recalled reports whether caches have to drop a token with that id, of that principal, minted for that
// app at that time. It takes no lock.
func (d *Directory) Recalled(token string, of cloud.PrincipalID, app cloud.ID, minted time.Time) bool {
	d.open()
	return d.recalls.Load().every.covers(token, of, app, minted)
}

// Revoked is Recalled for guards, which refuse such a token: a recall that is for caches alone does not
// count.
func (d *Directory) Revoked(token string, of cloud.PrincipalID, app cloud.ID, minted time.Time) bool {
	d.open()
	return d.recalls.Load().refusing.covers(token, of, app, minted)
}

func (x *index) covers(token string, of cloud.PrincipalID, app cloud.ID, minted time.Time) bool {
	if !minted.Before(x.latest) {
		return false
	}
	if minted.Before(x.all) {
		return true
	}
	for _, r := range x.byToken[token] {
		if r.Covers(token, of, app, minted) {
			return true
		}
	}
	for _, r := range x.byPrincipal[of] {
		if r.Covers(token, of, app, minted) {
			return true
		}
	}
	if len(x.byApp) == 0 || app.IsZero() {
		return false
	}
	for _, r := range x.byApp[app.Key()] {
		if r.Covers(token, of, app, minted) {
			return true
		}
	}
	return false
}

// Recall gives the change that takes tokens back. One that names the same as an earlier one takes its
// place; where another gets in between, the change fails with store.ErrConflict, since that may reach
// further. It writes nothing, and fails with ErrTooManyRecalls.
func (d *Directory) Recall(r cloud.Recall) (cloud.Recall, store.Change, error) {
	d.open()
	if r.At.IsZero() {
		r.At = d.Now()
	}
	r.Principal = lowered(r.Principal)
	known := d.recalls.Load().byKey
	before, again := known[recallKey(nameOf(r))]
	if !again && len(known) >= MaxRecalls {
		return r, store.Change{}, ErrTooManyRecalls
	}
	r, change, err := d.recall(r)
	change.If = before.revision
	return r, change, err
}

func (d *Directory) recall(r cloud.Recall) (cloud.Recall, store.Change, error) {
	r.ID, r.At = nameOf(r), r.At.UTC()
	if before := d.recalls.Load().byKey[recallKey(r.ID)]; r.At.Before(before.At) {
		r.At = before.At
	}
	value, err := json.Marshal(r)
	if err != nil {
		return r, store.Change{}, fmt.Errorf("write recall: %w", err)
	}
	return r, store.Change{Key: recallKey(r.ID), Value: value, If: store.Any}, nil
}

// Detached gives the changes by which the tokens that a principal got for an app go with the detachment
// that they are committed with; no principal means all that the app wore. Tokens that outlive their
// identities need none. Where there are too many recalls, the principal's tokens go for every app.
func (d *Directory) Detached(app cloud.ID, of cloud.PrincipalID) ([]store.Change, error) {
	d.open()
	if d.outlives() {
		return nil, nil
	}
	r := cloud.Recall{At: d.Now().Add(settling), Principal: of, App: app, Refuse: true}
	if of != "" && len(d.recalls.Load().byKey) >= MaxRecalls {
		r.App = cloud.ID{}
	}
	_, change, err := d.recall(r) // whatever the bound: what is taken away goes with its tokens
	return []store.Change{change}, err
}

// Recalls gives the recalls that are kept, in no order.
func (d *Directory) Recalls() []cloud.Recall {
	d.open()
	known := d.recalls.Load().byKey
	all := make([]cloud.Recall, 0, len(known))
	for _, r := range known {
		all = append(all, r.Recall)
	}
	return all
}

func recallKey(id string) string { return cloud.KeysRecall + strings.ToLower(id) }

// nameOf gives a recall the id that all have which name the same (RFC 9562 section 5.8).
func nameOf(r cloud.Recall) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s|%s|%s|%t", r.Token, r.Principal, r.App.Key(), r.Refuse))
	sum[6], sum[8] = sum[6]&0x0f|0x80, sum[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", sum[:4], sum[4:6], sum[6:8], sum[8:10], sum[10:16])
}

func newRecalls() *recalls { return &recalls{byKey: map[string]kept{}} }

// with gives the recalls after a batch; what it gives is the same where the batch has none of them.
func (r *recalls) with(b store.Batch, log *slog.Logger) *recalls {
	next := map[string]kept{}
	if !b.Reset {
		next = r.byKey
	}
	changed := b.Reset
	for _, e := range b.Events {
		if !strings.HasPrefix(e.Key, cloud.KeysRecall) {
			continue
		}
		if !changed {
			next, changed = maps.Clone(next), true
		}
		var one cloud.Recall
		switch err := json.Unmarshal(e.Value, &one); {
		case e.Value == nil:
			delete(next, e.Key)
		case err != nil || recallKey(one.ID) != e.Key:
			log.Error("recall cannot be read", httpkit.KeyDocument, e.Key, httpkit.KeyError, err)
		default:
			next[e.Key] = kept{one, e.Revision}
		}
	}
	if !changed {
		return r
	}
	return arrange(next)
}

func arrange(byKey map[string]kept) *recalls {
	made := &recalls{byKey: byKey}
	for _, r := range byKey {
		made.every.take(r.Recall)
		if r.Refuse {
			made.refusing.take(r.Recall)
		}
	}
	return made
}

// take puts a recall where the narrowest thing that it names is looked for.
func (x *index) take(r cloud.Recall) {
	if x.byToken == nil {
		x.byToken, x.byPrincipal, x.byApp = map[string][]cloud.Recall{}, map[cloud.PrincipalID][]cloud.Recall{}, map[string][]cloud.Recall{}
	}
	if r.At.After(x.latest) {
		x.latest = r.At
	}
	switch {
	case r.Token != "":
		x.byToken[r.Token] = append(x.byToken[r.Token], r)
	case r.Principal != "":
		x.byPrincipal[r.Principal] = append(x.byPrincipal[r.Principal], r)
	case !r.App.IsZero():
		x.byApp[r.App.Key()] = append(x.byApp[r.App.Key()], r)
	case r.At.After(x.all):
		x.all = r.At
	}
}
