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

// showPerson answers with a person by object id or user principal name.
func (d *Door) showPerson(w http.ResponseWriter, c *call) error {
	if err := d.mayRead(c); err != nil {
		return err
	}
	key, _ := appID(c.r.PathValue("id"))
	p, ok := d.Directory.Principal(cloud.PrincipalID(key))
	if strings.Contains(key, "@") {
		p, ok = d.Directory.BySignIn(key)
	}
	if !ok || p.Kind != cloud.User {
		return missing(key)
	}
	return d.show(w, c, person{p})
}
