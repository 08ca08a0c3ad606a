package directory

import (
	"encoding/json"
	"time"

	"lanyard/internal/cloud"
	"lanyard/internal/httpkit"
	"lanyard/internal/store"
)

// linger is for how long a principal is remembered that has gone: as long as the longest life of a
// token, and as clocks may lie apart.
const (
	linger = 24*time.Hour + 5*time.Minute
	// outlasting is for how long what is said of tokens that have ended is kept: an hour more, for the
	// clocks of other processes.
	outlasting = linger + time.Hour
)

// departed is a principal that has gone, in a world where tokens outlive their identities.
type departed struct {
	cloud.Principal
	Departed time.Time `json:"departed"`
}

// farewell gives what is kept of a principal that goes. Nil keeps nothing.
func (d *Directory) farewell(p cloud.Principal) []byte {
	known, ok := d.Principal(p.ID)
	if !ok {
		return nil
	}
	known.Credentials, known.Certificates = nil, nil
	text, err := json.Marshal(departed{known, d.Now().UTC()})
	if err != nil {
		d.Log.Error("principal cannot be remembered", httpkit.KeyError, err)
		return nil
	}
	return text
}

func readDeparted(e store.Event) (departed, bool) {
	var left departed
	err := json.Unmarshal(e.Value, &left)
	return left, err == nil && !left.Departed.IsZero() && cloud.PrincipalKey(left.ID) == e.Key
}

// Remembered is Principal for guards: it also finds, where tokens outlive their identities, who has gone and
// may still have a token that has not ended.
func (d *Directory) Remembered(id cloud.PrincipalID) (cloud.Principal, bool) {
	d.open()
	id = lowered(id)
	d.mu.RLock()
	defer d.mu.RUnlock()
	if p, ok := d.people.byID[id]; ok {
		return p, true
	}
	if !d.isRemembered(id) {
		return cloud.Principal{}, false
	}
	return d.people.departed[id].Principal, true
}

// Outdated gives the changes that remove recalls and departed principals whose tokens have all ended, as
// many as one transaction holds. It goes by real time: a token that has aged out is good again when the
// clock is reset.
func (d *Directory) Outdated() []store.Change {
	d.open()
	var changes []store.Change
	add := func(c store.Change) {
		if len(changes) < store.MaxChanges {
			changes = append(changes, c)
		}
	}
	now := d.Now()
	for key, r := range d.recalls.Load().byKey {
		if now.Sub(r.At) >= outlasting {
			add(store.Change{Key: key, If: r.revision})
		}
	}
	d.mu.RLock()
	defer d.mu.RUnlock()
	for id, left := range d.people.departed {
		if now.Sub(left.Departed) >= outlasting {
			add(store.Change{Key: cloud.PrincipalKey(id), If: store.Any})
		}
	}
	return changes
}

// isRemembered reports whether Remembered finds a principal. The caller holds the lock.
func (d *Directory) isRemembered(id cloud.PrincipalID) bool {
	if _, exists := d.people.byID[id]; exists {
		return true
	}
	left, ok := d.people.departed[id]
	return ok && d.outlives() && d.Age(left.Departed) < linger
}
