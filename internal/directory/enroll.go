package directory

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"lanyard/internal/cloud"
	"lanyard/internal/store"
)

// draws is how often a fresh id is drawn before the source of randomness is given up.
const draws = 8

// Enroll makes a new principal with ids that nobody has or had: it gives the principal and the
// change that creates it, and writes nothing. Managed identities belong to a resource (ID-1, ID-3),
// applications to none. People come by EnrollPerson.
func (d *Directory) Enroll(kind cloud.Kind, name string, resource cloud.ID) (cloud.Principal, store.Change, error) {
	known := kind.IsManaged() || kind == cloud.Application
	if !known || name == "" || kind.IsManaged() == resource.IsZero() {
		return cloud.Principal{}, store.Change{}, fmt.Errorf("enroll %q: a %q cannot belong to %q", name, kind, resource)
	}
	return d.enroll(cloud.Principal{Kind: kind, Name: name, Resource: resource})
}

// EnrollPerson is Enroll for a person who signs in by a user principal name, which nobody else has.
// A person has no client id: people sign in to applications.
func (d *Directory) EnrollPerson(name, signIn string) (cloud.Principal, store.Change, error) {
	local, domain, ok := strings.Cut(signIn, "@")
	if name == "" || !ok || local == "" || domain == "" || strings.ContainsAny(signIn, "/ '#?%") || strings.Contains(domain, "@") {
		return cloud.Principal{}, store.Change{}, fmt.Errorf("enroll %q: %q is not a user principal name", name, signIn)
	}
	if _, taken := d.BySignIn(signIn); taken {
		return cloud.Principal{}, store.Change{}, fmt.Errorf("enroll %q: somebody signs in as %q already", name, signIn)
	}
	return d.enroll(cloud.Principal{Kind: cloud.User, Name: name, SignIn: signIn})
}

func (d *Directory) enroll(p cloud.Principal) (cloud.Principal, store.Change, error) {
	d.open()
	id, client, err := d.draw()
	if err != nil {
		return cloud.Principal{}, store.Change{}, fmt.Errorf("enroll %q: %w", p.Name, err)
	}
	p.ID, p.Tenant, p.Created = id, d.Tenant, d.Now().UTC()
	if p.Kind != cloud.User && p.Client == "" {
		p.Client = client
	}
	text, err := json.Marshal(p)
	if err != nil {
		return cloud.Principal{}, store.Change{}, fmt.Errorf("enroll %q: %w", p.Name, err)
	}
	return p, store.Change{Key: cloud.PrincipalKey(p.ID), Value: text, If: 0}, nil
}

// Retire gives the change that takes a principal out of the directory. Its role assignments stay
// behind as orphans (ID-2). Where tokens outlive their identities it is remembered until the last of
// them has ended.
func (d *Directory) Retire(p cloud.Principal) store.Change {
	d.open()
	gone := store.Change{Key: cloud.PrincipalKey(p.ID), If: store.Any}
	if d.outlives() {
		gone.Value = d.farewell(p)
	}
	return gone
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
	_, remembered := d.people.departed[p]
	_, used := d.people.byClient[c]
	_, registered := d.people.registered[string(p)]
	_, named := d.people.byAppID[c]
	_, granted := d.rights.keys[p]
	_, denied := d.rights.denied[p]
	for _, a := range d.people.registered {
		if slices.Contains(a.Owners, p) {
			return false // an owner who is gone: whoever got the id would own the application
		}
	}
	if d.people.groups.names(p) || d.people.appRoles.names(p) {
		return false
	}
	return !enrolled && !remembered && !used && !registered && !named && !granted && !denied
}
