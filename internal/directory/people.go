package directory

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"

	"lanyard/internal/cloud"
	"lanyard/internal/httpkit"
	"lanyard/internal/store"
)

// people are the principals and groups, and the registrations of applications, with the ways to find
// them (ID-17).
type people struct {
	byID       map[cloud.PrincipalID]cloud.Principal
	byClient   map[cloud.ClientID]cloud.PrincipalID
	byResource map[string]cloud.PrincipalID // by ID.Key
	bySignIn   map[string]cloud.PrincipalID // in lower case
	byName     map[string][]cloud.PrincipalID
	departed   map[cloud.PrincipalID]departed // whom nobody but guards finds

	registered map[string]Application // by object id
	byAppID    map[cloud.ClientID]string
	byURI      map[string]string

	groups   *groups
	appRoles *appRoles
}

func newPeople() *people {
	return &people{
		byID:       map[cloud.PrincipalID]cloud.Principal{},
		byClient:   map[cloud.ClientID]cloud.PrincipalID{},
		byResource: map[string]cloud.PrincipalID{},
		bySignIn:   map[string]cloud.PrincipalID{},
		byName:     map[string][]cloud.PrincipalID{},
		departed:   map[cloud.PrincipalID]departed{},
		registered: map[string]Application{},
		byAppID:    map[cloud.ClientID]string{},
		byURI:      map[string]string{},
		groups:     newGroups(),
		appRoles:   newAppRoles(),
	}
}

// apply takes in changes. A document that cannot be read leaves what was known under its key.
func (p *people) apply(events []store.Event, log *slog.Logger) {
	for _, e := range events {
		var err error
		if id, ok := strings.CutPrefix(e.Key, cloud.KeysPrincipal); ok {
			err = p.meet(cloud.PrincipalID(id), e)
		} else if id, ok := strings.CutPrefix(e.Key, cloud.KeysRegistered); ok {
			err = p.register(id, e)
		} else if id, ok := strings.CutPrefix(e.Key, cloud.KeysGroup); ok {
			err = p.groups.set(cloud.PrincipalID(id), e)
		} else if strings.HasPrefix(e.Key, cloud.KeysAppRole) {
			err = p.appRoles.set(e)
		}
		if err != nil {
			log.Error("directory object cannot be read", httpkit.KeyDocument, e.Key, httpkit.KeyError, err)
		}
	}
}

// exists reports whether there is a principal or a group with an id.
func (p *people) exists(id cloud.PrincipalID) bool {
	_, principal := p.byID[id]
	_, group := p.groups.byID[id]
	return principal || group
}

func (p *people) meet(id cloud.PrincipalID, e store.Event) error {
	if e.Value == nil {
		p.forget(id)
		return nil
	}
	if left, ok := readDeparted(e); ok {
		p.forget(id)
		p.departed[id] = left
		return nil
	}
	known, err := readPrincipal(e)
	if err == nil {
		p.forget(id)
		p.add(known)
	}
	return err
}

func (p *people) register(id string, e store.Event) error {
	if e.Value == nil {
		p.forgetApplication(id)
		return nil
	}
	known, err := readApplication(e)
	if err == nil {
		p.forgetApplication(id)
		p.addApplication(known)
	}
	return err
}

func readPrincipal(e store.Event) (cloud.Principal, error) {
	var p cloud.Principal
	if err := json.Unmarshal(e.Value, &p); err != nil {
		return p, fmt.Errorf("decode principal: %w", err)
	}
	if cloud.PrincipalKey(p.ID) != e.Key {
		return p, fmt.Errorf("decode principal: it calls itself %q", p.ID)
	}
	switch isPerson := p.Kind == cloud.User; {
	case isPerson && (p.SignIn == "" || p.Client != ""):
		return p, errors.New("decode principal: a person has a name to sign in by, and no client id")
	case !isPerson && p.Client == "":
		return p, errors.New("decode principal: it has no client id")
	}
	p.ID = lowered(p.ID)
	p.Client = cloud.ClientID(strings.ToLower(string(p.Client)))
	return p, nil
}

func (p *people) add(who cloud.Principal) {
	p.byID[who.ID] = who
	if who.Kind == cloud.User {
		p.bySignIn[strings.ToLower(who.SignIn)] = who.ID
	} else {
		p.byClient[who.Client] = who.ID
	}
	if who.Kind.IsManaged() && !who.Resource.IsZero() {
		p.byResource[who.Resource.Key()] = who.ID
	}
	name := strings.ToLower(who.Name)
	p.byName[name] = append(p.byName[name], who.ID)
}

// forget takes a principal out. What has meanwhile passed to another one stays with that one: in
// one transaction an app can lose an identity and get the next.
func (p *people) forget(id cloud.PrincipalID) {
	delete(p.departed, id)
	who, ok := p.byID[id]
	if !ok {
		return
	}
	delete(p.byID, id)
	if p.byClient[who.Client] == id {
		delete(p.byClient, who.Client)
	}
	if signIn := strings.ToLower(who.SignIn); p.bySignIn[signIn] == id {
		delete(p.bySignIn, signIn)
	}
	if p.byResource[who.Resource.Key()] == id {
		delete(p.byResource, who.Resource.Key())
	}
	name := strings.ToLower(who.Name)
	p.byName[name] = slices.DeleteFunc(p.byName[name], func(other cloud.PrincipalID) bool { return other == id })
	if len(p.byName[name]) == 0 {
		delete(p.byName, name)
	}
}

func byNameThenID(a, b cloud.Principal) int {
	return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.ID, b.ID))
}

// Principal finds a principal by its id, a token's oid.
func (d *Directory) Principal(id cloud.PrincipalID) (cloud.Principal, bool) {
	d.open()
	d.mu.RLock()
	defer d.mu.RUnlock()
	p, ok := d.people.byID[lowered(id)]
	return p, ok
}

// ByClient finds a principal by its client id, a token's appid.
func (d *Directory) ByClient(id cloud.ClientID) (cloud.Principal, bool) {
	d.open()
	d.mu.RLock()
	defer d.mu.RUnlock()
	p, ok := d.people.byID[d.people.byClient[cloud.ClientID(strings.ToLower(string(id)))]]
	return p, ok
}

// ByResource finds the managed identity of a resource: a user-assigned identity by itself, a
// system-assigned one by the resource it belongs to.
func (d *Directory) ByResource(id cloud.ID) (cloud.Principal, bool) {
	d.open()
	d.mu.RLock()
	defer d.mu.RUnlock()
	p, ok := d.people.byID[d.people.byResource[id.Key()]]
	return p, ok
}

// BySignIn finds a person by user principal name, without regard to case.
func (d *Directory) BySignIn(name string) (cloud.Principal, bool) {
	d.open()
	d.mu.RLock()
	defer d.mu.RUnlock()
	p, ok := d.people.byID[d.people.bySignIn[strings.ToLower(name)]]
	return p, ok
}

// ByName finds principals by their name, or a person by the name to sign in by, without regard to
// case; names are not unique.
func (d *Directory) ByName(name string) []cloud.Principal {
	d.open()
	d.mu.RLock()
	defer d.mu.RUnlock()
	name = strings.ToLower(name)
	var found []cloud.Principal
	for _, id := range d.people.byName[name] {
		found = append(found, d.people.byID[id])
	}
	if id, ok := d.people.bySignIn[name]; ok && strings.ToLower(d.people.byID[id].Name) != name {
		found = append(found, d.people.byID[id])
	}
	slices.SortFunc(found, byNameThenID)
	return found
}

// Principals gives everyone, by name.
func (d *Directory) Principals() []cloud.Principal {
	d.open()
	d.mu.RLock()
	defer d.mu.RUnlock()
	return slices.SortedFunc(maps.Values(d.people.byID), byNameThenID)
}
