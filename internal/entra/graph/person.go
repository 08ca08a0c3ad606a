package graph

import (
	"net/http"
	"strings"

	"lanyard/internal/cloud"
	"lanyard/internal/fault"
)

// isPerson refuses tokens of applications where only a person's make sense.
func (c *call) isPerson() error {
	if c.caller.Kind != cloud.User {
		return fault.New(fault.Invalid, "BadRequest", "/me request is only valid with delegated authentication flow.")
	}
	return nil
}

func (d *Door) showMe(w http.ResponseWriter, c *call) error {
	if err := c.isPerson(); err != nil {
		return err
	}
	return d.show(w, c, person{c.caller})
}

func (d *Door) listPeople(w http.ResponseWriter, c *call) error {
	if err := d.mayRead(c); err != nil {
		return err
	}
	var all []entity
	for _, p := range d.Directory.Principals() {
		if p.Kind == cloud.User {
			all = append(all, person{p})
		}
	}
	return d.page(w, c, people, all)
}

func (d *Door) showPerson(w http.ResponseWriter, c *call) error {
	if err := d.mayRead(c); err != nil {
		return err
	}
	key := c.r.PathValue("id")
	p, ok := d.findPerson(key)
	if !ok {
		return missing(key)
	}
	return d.show(w, c, person{p})
}

// findPerson finds a person by a key of a path: object id or user principal name.
func (d *Door) findPerson(key string) (cloud.Principal, bool) {
	key, _ = appID(key)
	p, ok := d.Directory.Principal(cloud.PrincipalID(key))
	if strings.Contains(key, "@") {
		p, ok = d.Directory.BySignIn(key)
	}
	return p, ok && p.Kind == cloud.User
}

// revokeMine lets people end everything that they have signed in to.
func (d *Door) revokeMine(w http.ResponseWriter, c *call) error {
	if err := c.isPerson(); err != nil {
		return err
	}
	return d.revoke(w, c, c.caller.ID)
}

// revokePersons lets owners do it for somebody.
func (d *Door) revokePersons(w http.ResponseWriter, c *call) error {
	key := c.r.PathValue("id")
	p, ok := d.findPerson(key)
	if !ok || p.ID != c.caller.ID {
		if err := d.mayAdminister(c); err != nil {
			return err
		}
	}
	if !ok {
		return missing(key)
	}
	return d.revoke(w, c, p.ID)
}

// revoke voids a person's refresh and access tokens alike (Microsoft Graph v1.0, "user:
// revokeSignInSessions"). When it answers, every reader knows.
func (d *Door) revoke(w http.ResponseWriter, c *call, id cloud.PrincipalID) error {
	if c.r.ContentLength != 0 {
		if err := c.read(&struct{}{}); err != nil {
			return err
		}
	}
	now := d.now()
	err := d.revise(c.r.Context(), target{principal: id}, func(r *record) error {
		r.principal.Revoke(now)
		return nil
	})
	if err != nil {
		return err
	}
	return c.say(w, http.StatusOK, map[string]any{"@odata.context": c.context(d, "Edm.Boolean"), "value": true})
}
