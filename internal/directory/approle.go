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

// AppRole is a role that an application defines for those who call it. What it means is the
// application's own affair: tokens say its value (Microsoft Graph v1.0, "appRole").
type AppRole struct {
	ID          string `json:"id"` // a GUID
	Value       string `json:"value,omitempty"`
	Name        string `json:"name"`
	Description string `json:"description"`
	Enabled     bool   `json:"enabled"`
	// ForPeople and ForApps say who can be assigned it: people and groups, or applications and managed
	// identities.
	ForPeople bool `json:"forPeople,omitempty"`
	ForApps   bool `json:"forApps,omitempty"`
}

// DefaultAppRole is assigned at a resource that defines none: it has no value.
const DefaultAppRole = "00000000-0000-0000-0000-000000000000"

// AppRoleAssignment says that somebody has an app role at a resource.
type AppRoleAssignment struct {
	ID        string            `json:"id"`        // a GUID
	Principal cloud.PrincipalID `json:"principal"` // who has it: a principal or a group
	Resource  cloud.PrincipalID `json:"resource"`  // the service principal of the application that defines it
	Role      string            `json:"role"`      // GUID of the app role
	Created   time.Time         `json:"created"`
}

// Key gives the key of an assignment: nobody has the same role at the same resource twice.
func (a AppRoleAssignment) Key() string {
	return strings.ToLower(cloud.KeysAppRole + string(a.Resource) + "/" + string(a.Principal) + "/" + a.Role)
}

// NewAppRoleAssignment completes an assignment. It writes nothing.
func (d *Directory) NewAppRoleAssignment(a AppRoleAssignment) (AppRoleAssignment, error) {
	d.open()
	var err error
	if a.ID, err = cloud.NewID(d.Rand); err != nil {
		return a, fmt.Errorf("assign app role: %w", err)
	}
	a.Created = d.Now().UTC()
	return a, nil
}

// AppRolesOf gives the app roles that a principal or group was assigned itself, by id.
func (d *Directory) AppRolesOf(id cloud.PrincipalID) []AppRoleAssignment {
	return d.assigned(func(r *appRoles) []string { return r.of[lowered(id)] })
}

// AppRolesAt gives the assignments of a resource's app roles, by id.
func (d *Directory) AppRolesAt(resource cloud.PrincipalID) []AppRoleAssignment {
	return d.assigned(func(r *appRoles) []string { return r.at[lowered(resource)] })
}

// assigned gives assignments whose both ends exist: one that has lost an end is nobody's.
func (d *Directory) assigned(keys func(*appRoles) []string) []AppRoleAssignment {
	d.open()
	d.mu.RLock()
	defer d.mu.RUnlock()
	var all []AppRoleAssignment
	for _, key := range keys(d.people.appRoles) {
		if a := d.people.appRoles.all[key]; d.people.exists(a.Principal) && d.people.exists(a.Resource) {
			all = append(all, a)
		}
	}
	slices.SortFunc(all, func(a, b AppRoleAssignment) int { return strings.Compare(a.ID, b.ID) })
	return all
}

// appRoles are the assignments of app roles, by key.
type appRoles struct {
	all map[string]AppRoleAssignment
	of  map[cloud.PrincipalID][]string
	at  map[cloud.PrincipalID][]string
}

func newAppRoles() *appRoles {
	return &appRoles{all: map[string]AppRoleAssignment{}, of: map[cloud.PrincipalID][]string{}, at: map[cloud.PrincipalID][]string{}}
}

// set takes in a change of one assignment. One that cannot be read leaves what was known.
func (r *appRoles) set(e store.Event) error {
	var known AppRoleAssignment
	if e.Value != nil {
		if err := json.Unmarshal(e.Value, &known); err != nil {
			return fmt.Errorf("decode app role assignment: %w", err)
		}
		if known.Key() != e.Key || known.ID == "" {
			return errors.New("decode app role assignment: it is not the one of its key")
		}
	}
	if before, ok := r.all[e.Key]; ok {
		drop(r.of, before.Principal, e.Key)
		drop(r.at, before.Resource, e.Key)
		delete(r.all, e.Key)
	}
	if e.Value != nil {
		r.all[e.Key] = known
		r.of[known.Principal] = append(r.of[known.Principal], e.Key)
		r.at[known.Resource] = append(r.at[known.Resource], e.Key)
	}
	return nil
}

func drop(index map[cloud.PrincipalID][]string, of cloud.PrincipalID, key string) {
	rest := slices.DeleteFunc(index[of], func(k string) bool { return k == key })
	if index[of] = rest; len(rest) == 0 {
		delete(index, of)
	}
}

// names reports whether an assignment has an id for one of its ends.
func (r *appRoles) names(id cloud.PrincipalID) bool { return len(r.of[id]) > 0 || len(r.at[id]) > 0 }
