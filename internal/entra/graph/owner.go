package graph

import (
	"net/http"
	"slices"
	"strings"

	"lanyard/internal/cloud"
	"lanyard/internal/directory"
)

const maxOwners = 100

func (d *Door) listOwners(w http.ResponseWriter, c *call) error {
	a, ok := d.findApplication(c.r.PathValue("id"))
	if err := d.mayReadOne(c, a, nil); err != nil {
		return err
	}
	if !ok {
		return missing(c.r.PathValue("id"))
	}
	return d.several(w, c, d.owners(a))
}

// listPrincipalOwners answers with the owners of the application: a service principal has the same.
func (d *Door) listPrincipalOwners(w http.ResponseWriter, c *call) error {
	p, ok := d.findPrincipal(c.r.PathValue("id"))
	if err := d.mayReadOne(c, p.of, &p.Principal); err != nil {
		return err
	}
	if !ok {
		return missing(c.r.PathValue("id"))
	}
	return d.several(w, c, d.owners(p.of))
}

// owners gives those that are still there; what nobody registered has none.
func (d *Door) owners(a *directory.Application) []entity {
	if a == nil {
		return nil
	}
	return d.entities(a.Owners)
}

func (d *Door) addOwner(w http.ResponseWriter, c *call) error {
	var body reference
	err := d.change(c, func(r *record) error {
		parts := strings.Split(body.ID, "/")
		who, ok := d.Directory.Principal(cloud.PrincipalID(parts[len(parts)-1]))
		switch {
		case !ok || len(parts) < 2:
			return missing(parts[len(parts)-1])
		case slices.Contains(r.application.Owners, who.ID):
			return badRequest("One or more added object references already exist for the following modified properties: 'owners'.")
		case len(r.application.Owners) >= maxOwners:
			return badRequest("An application has %d owners at most.", maxOwners)
		}
		r.application.Owners = append(r.application.Owners, who.ID)
		return nil
	}, &body)
	if err != nil {
		return err
	}
	return c.say(w, http.StatusNoContent, nil)
}

func (d *Door) removeOwner(w http.ResponseWriter, c *call) error {
	owner := cloud.PrincipalID(c.r.PathValue("owner"))
	err := d.change(c, func(r *record) error {
		if !slices.Contains(r.application.Owners, owner) {
			return missing(string(owner))
		}
		r.application.Owners = slices.DeleteFunc(r.application.Owners, func(o cloud.PrincipalID) bool { return o == owner })
		return nil
	}, nil)
	if err != nil {
		return err
	}
	return c.say(w, http.StatusNoContent, nil)
}

// listOwned answers with what the person who signed in owns.
func (d *Door) listOwned(w http.ResponseWriter, c *call) error {
	if err := c.isPerson(); err != nil {
		return err
	}
	var all []entity
	for _, a := range d.Directory.Applications() {
		if !owns(c.caller, &a) {
			continue
		}
		all = append(all, application{a, d.Profile.Domain})
		if p, ok := d.Directory.Principal(a.Principal); ok {
			all = append(all, principal{p, &a})
		}
	}
	for _, g := range d.Directory.Groups() {
		if slices.Contains(g.Owners, c.caller.ID) {
			all = append(all, group{g})
		}
	}
	return d.several(w, c, all)
}
