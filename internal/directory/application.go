package directory

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"lanyard/internal/cloud"
	"lanyard/internal/store"
)

// Application is what was registered under a client id, apart from the principal that acts for it:
// a service principal is made from it, signs in by its credentials, and goes when it goes.
type Application struct {
	ID      string         `json:"id"` // of the registration as an object; no token names it
	Client  cloud.ClientID `json:"client"`
	Name    string         `json:"name"`
	Created time.Time      `json:"created"`
	// Principal is its service principal, empty while it has none. Whoever makes or removes that
	// principal writes it in the same transaction, so that there are never two.
	Principal cloud.PrincipalID `json:"principal,omitempty"`
	// URIs name the application where tokens for it are asked for. Nobody else has them.
	URIs   []string            `json:"uris,omitempty"`
	Owners []cloud.PrincipalID `json:"owners,omitempty"`
	// Credentials and Certificates are its service principal's too: see CheckSecret, Certificates.
	Credentials  []cloud.Credential  `json:"credentials,omitempty"`
	Certificates []cloud.Certificate `json:"certificates,omitempty"`
	// Federated are its service principal's too: see Federated.
	Federated []cloud.FederatedCredential `json:"federated,omitempty"`
	// Roles are those that it defines for who calls it.
	Roles []AppRole `json:"roles,omitempty"`
	// GroupClaims says whether tokens for it name groups: empty for no, or SecurityGroup or All, which
	// are the same here.
	GroupClaims string `json:"groupClaims,omitempty"`
	// Version is that of the tokens it takes; empty stands for VersionOne.
	Version string `json:"version,omitempty"`
	// Properties are what else Microsoft Graph keeps of it, a JSON object.
	Properties json.RawMessage `json:"properties,omitempty"`
}

// ApplicationKey gives the key of a registration.
func ApplicationKey(id string) string { return cloud.KeysRegistered + strings.ToLower(id) }

// URIKey gives the key under which an application claims one of its URIs.
func URIKey(uri string) string { return keysURI + strings.ToLower(uri) }

const (
	// keysDirectory holds principals and registrations: both are followed by one view, so that no
	// reader sees half of a change to both.
	keysDirectory = "/directory/"
	keysURI       = keysDirectory + "uris/"
)

// Register makes a new application with ids that nobody has or had. It writes nothing.
func (d *Directory) Register(name string) (Application, error) {
	d.open()
	if name == "" {
		return Application{}, errors.New("register application: it has no name")
	}
	object, client, err := d.draw()
	if err != nil {
		return Application{}, fmt.Errorf("register %q: %w", name, err)
	}
	return Application{ID: string(object), Client: client, Name: name, Created: d.Now().UTC()}, nil
}

// EnrollFor is Enroll for an application's service principal: it names the principal in *a, and
// gives the change that creates it. The caller has still to write *a, in the same transaction.
func (d *Directory) EnrollFor(a *Application) (cloud.Principal, store.Change, error) {
	d.open()
	if a.Principal != "" {
		return cloud.Principal{}, store.Change{}, fmt.Errorf("enroll %q: it has the service principal %s", a.Name, a.Principal)
	}
	p, change, err := d.enroll(cloud.Principal{Kind: cloud.Application, Name: a.Name, Client: a.Client})
	if err == nil {
		a.Principal = p.ID
	}
	return p, change, err
}

// Application finds a registration by its object id.
func (d *Directory) Application(id string) (Application, bool) {
	d.open()
	d.mu.RLock()
	defer d.mu.RUnlock()
	a, ok := d.people.registered[strings.ToLower(id)]
	return a, ok
}

// ApplicationOf finds a registration by its client id.
func (d *Directory) ApplicationOf(client cloud.ClientID) (Application, bool) {
	d.open()
	d.mu.RLock()
	defer d.mu.RUnlock()
	return d.people.applicationOf(client)
}

// Applications gives all registrations, by object id.
func (d *Directory) Applications() []Application {
	d.open()
	d.mu.RLock()
	defer d.mu.RUnlock()
	all := make([]Application, 0, len(d.people.registered))
	for _, a := range d.people.registered {
		all = append(all, a)
	}
	slices.SortFunc(all, func(a, b Application) int { return strings.Compare(a.ID, b.ID) })
	return all
}

// byURI finds the application that is a resource by one of its URIs, and is enrolled.
func (d *Directory) byURI(uri string) (Application, bool) {
	d.open()
	d.mu.RLock()
	defer d.mu.RUnlock()
	a, ok := d.people.registered[d.people.byURI[uri]]
	_, enrolled := d.people.byID[a.Principal]
	return a, ok && enrolled
}

func (p *people) applicationOf(client cloud.ClientID) (Application, bool) {
	a, ok := p.registered[p.byAppID[cloud.ClientID(strings.ToLower(string(client)))]]
	return a, ok
}

func readApplication(e store.Event) (Application, error) {
	var a Application
	if err := json.Unmarshal(e.Value, &a); err != nil {
		return a, fmt.Errorf("decode application: %w", err)
	}
	if a.Client == "" || ApplicationKey(a.ID) != e.Key {
		return a, fmt.Errorf("decode application: it calls itself %q of client %q", a.ID, a.Client)
	}
	return a, nil
}

func (p *people) addApplication(a Application) {
	p.registered[a.ID] = a
	p.byAppID[a.Client] = a.ID
	for _, uri := range a.URIs {
		p.byURI[uri] = a.ID
	}
}

func (p *people) forgetApplication(id string) {
	a := p.registered[id]
	delete(p.registered, id)
	if p.byAppID[a.Client] == id {
		delete(p.byAppID, a.Client)
	}
	for _, uri := range a.URIs {
		if p.byURI[uri] == id {
			delete(p.byURI, uri)
		}
	}
}
