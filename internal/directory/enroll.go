package directory

import (
	"encoding/json"
	"errors"
	"fmt"

	"lanyard/internal/cloud"
	"lanyard/internal/store"
)

// draws is how often a fresh id is drawn before the source of randomness is given up.
const draws = 8

// Enroll makes a new principal with ids that nobody has or had: it gives the principal and the
// change that creates it, and writes nothing. Managed identities belong to a resource (ID-1, ID-3),
// applications to none.
func (d *Directory) Enroll(kind cloud.Kind, name string, resource cloud.ID) (cloud.Principal, store.Change, error) {
	d.open()
	known := kind.IsManaged() || kind == cloud.Application
	if !known || name == "" || kind.IsManaged() == resource.IsZero() {
		return cloud.Principal{}, store.Change{}, fmt.Errorf("enroll %q: a %q cannot belong to %q", name, kind, resource)
	}
	principal, client, err := d.draw()
	if err != nil {
		return cloud.Principal{}, store.Change{}, fmt.Errorf("enroll %q: %w", name, err)
	}
	p := cloud.Principal{
		ID: principal, Tenant: d.Tenant, Client: client,
		Kind: kind, Name: name, Created: d.Now().UTC(), Resource: resource,
	}
	text, err := json.Marshal(p)
	if err != nil {
		return cloud.Principal{}, store.Change{}, fmt.Errorf("enroll %q: %w", name, err)
	}
	return p, store.Change{Key: cloud.PrincipalKey(p.ID), Value: text, If: 0}, nil
}

// Retire gives the change that takes a principal out of the directory. Its role assignments stay
// behind as orphans (ID-2).
func (d *Directory) Retire(p cloud.Principal) store.Change {
	return store.Change{Key: cloud.PrincipalKey(p.ID), If: store.Any}
}

// draw gives fresh ids. An id that an orphaned assignment or a denial still names is as good as
// taken: whoever got it would inherit what was granted to someone else (T26).
func (d *Directory) draw() (cloud.PrincipalID, cloud.ClientID, error) {
	for range draws {
		first, err := cloud.NewID(d.Rand)
		if err != nil {
			return "", "", err
		}
		second, err := cloud.NewID(d.Rand)
		if err != nil {
			return "", "", err
		}
		principal, client := cloud.PrincipalID(first), cloud.ClientID(second)
		if first != second && d.isFree(principal, client) {
			return principal, client, nil
		}
	}
	return "", "", errors.New("the source of randomness repeats itself")
}

func (d *Directory) isFree(p cloud.PrincipalID, c cloud.ClientID) bool {
	d.mu.RLock()
	defer d.mu.RUnlock()
	_, enrolled := d.people.byID[p]
	_, used := d.people.byClient[c]
	_, granted := d.rights.keys[p]
	_, denied := d.rights.denied[p]
	return !enrolled && !used && !granted && !denied
}
