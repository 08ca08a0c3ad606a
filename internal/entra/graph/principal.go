package graph

import (
	"encoding/json"
	"net/http"

	"lanyard/internal/cloud"
	"lanyard/internal/fault"
)

func (d *Door) listPrincipals(w http.ResponseWriter, c *call) error {
	if err := d.mayRead(c); err != nil {
		return err
	}
	var all []entity
	for _, p := range d.Directory.Principals() {
		if p.Kind != cloud.User {
			all = append(all, d.principal(p))
		}
	}
	return d.page(w, c, principals, all)
}

// principal gives a service principal with its application.
func (d *Door) principal(p cloud.Principal) principal {
	if p.Kind == cloud.Application {
		if a, ok := d.Directory.ApplicationOf(p.Client); ok {
			return principal{p, &a}
		}
	}
	return principal{p, nil}
}

// findPrincipal finds a service principal by a key of a path: its object id or appid='...'.
func (d *Door) findPrincipal(key string) (principal, bool) {
	id, byClient := appID(key)
	p, ok := d.Directory.Principal(cloud.PrincipalID(id))
	if byClient {
		p, ok = d.Directory.ByClient(cloud.ClientID(id))
	}
	if !ok || p.Kind == cloud.User {
		return principal{}, false
	}
	return d.principal(p), true
}

func (d *Door) showPrincipal(w http.ResponseWriter, c *call) error {
	p, ok := d.findPrincipal(c.r.PathValue("id"))
	if err := d.mayReadOne(c, p.of, &p.Principal); err != nil {
		return err
	}
	if !ok {
		return missing(c.r.PathValue("id"))
	}
	return d.show(w, c, p)
}

func (d *Door) createPrincipal(w http.ResponseWriter, c *call) error {
	var sent map[string]json.RawMessage
	if err := c.read(&sent); err != nil {
		return err
	}
	var client cloud.ClientID
	if json.Unmarshal(sent["appId"], &client) != nil || client == "" {
		return badRequest("A value is required for property 'appId' of resource 'ServicePrincipal'.")
	}
	a, ok := d.Directory.ApplicationOf(client)
	if err := d.mayChange(c, &a); err != nil {
		return err
	}
	if !ok {
		return badRequest("The appId '%s' of the service principal does not reference a valid application object.", fault.Clip(string(client)))
	}
	var made cloud.Principal
	err := d.revise(c.r.Context(), target{application: a.ID}, func(r *record) error {
		if r.principal != nil {
			return fault.New(fault.Conflict, "Request_MultipleObjectsWithSameKeyValue",
				"The service principal cannot be created, updated, or restored because the service principal name %s is already in use.", a.Client)
		}
		var err error
		r.application.Principal = ""
		if made, _, err = d.Directory.EnrollFor(r.application); err != nil {
			return err
		}
		r.principal = &made
		return d.describePrincipal(r, sent)
	})
	if err != nil {
		return err
	}
	w.Header().Set("Location", d.base(c.r)+"/servicePrincipals/"+string(made.ID))
	return d.answer(w, c, d.principal(made), http.StatusCreated)
}

// describePrincipal lays what a request says of a service principal over what it is. All but the
// certificates follow from the application, so that the rest can only be confirmed.
func (d *Door) describePrincipal(r *record, sent map[string]json.RawMessage) error {
	usual := principal{*r.principal, r.application}.shape()
	for name, value := range sent {
		is, known := usual[name]
		switch {
		case name == "keyCredentials":
			all, err := d.certificates(r.principal.Certificates, value)
			if err != nil {
				return err
			}
			r.principal.Certificates = all
		case name == "passwordCredentials":
			if !same(value, is) {
				return notThatWay()
			}
		case name == "@odata.type":
		case !known:
			return badRequest("Invalid property '%s'.", fault.Clip(name))
		case !same(value, is):
			return fault.New(fault.NotOffered, "NotImplemented",
				"Lanyard does not offer the property '%s' of service principals with another value than %s.", name, asText(is))
		}
	}
	return nil
}

func asText(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		return "it has"
	}
	return fault.Clip(string(text))
}

func (d *Door) updatePrincipal(w http.ResponseWriter, c *call) error {
	var sent map[string]json.RawMessage
	err := d.changePrincipal(c, func(r *record) error { return d.describePrincipal(r, sent) }, &sent)
	if err != nil {
		return err
	}
	return c.say(w, http.StatusNoContent, nil)
}

// deletePrincipal takes a service principal out of the directory and leaves its application. What was
// granted to it stays behind and is nobody's: whoever comes next has other ids (T26).
func (d *Door) deletePrincipal(w http.ResponseWriter, c *call) error {
	err := d.changePrincipal(c, func(r *record) error {
		if r.principal.ID == d.Founder {
			return d.founderStays()
		}
		if r.principal = nil; r.application != nil {
			r.application.Principal = ""
		}
		return nil
	}, nil)
	if err != nil {
		return err
	}
	return c.say(w, http.StatusNoContent, nil)
}

// changePrincipal is change for a service principal. Those of managed identities belong to their
// resources, and nobody changes them here.
func (d *Door) changePrincipal(c *call, edit func(*record) error, body any) error {
	key := c.r.PathValue("id")
	p, ok := d.findPrincipal(key)
	if err := d.mayChange(c, p.of); err != nil {
		return err
	}
	switch {
	case !ok:
		return missing(key)
	case p.Kind.IsManaged():
		return denied("The service principal of a managed identity is changed and deleted with " + p.Resource.String() + ".")
	}
	if body != nil {
		if err := c.read(body); err != nil {
			return err
		}
	}
	at := target{principal: p.ID}
	if p.of != nil {
		at.application = p.of.ID
	}
	return d.revise(c.r.Context(), at, func(r *record) error {
		if err := d.mayChange(c, r.application); err != nil {
			return err
		}
		return edit(r)
	})
}
