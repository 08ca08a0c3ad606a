package graph

import (
	"encoding/json"
	"net/http"
	"strings"
	"unicode"
	"unicode/utf8"

	"lanyard/internal/cloud"
	"lanyard/internal/directory"
)

func (d *Door) listApplications(w http.ResponseWriter, c *call) error {
	if err := d.mayRead(c); err != nil {
		return err
	}
	var all []entity
	for _, a := range d.Directory.Applications() {
		all = append(all, application{a, d.Profile.Domain})
	}
	return d.page(w, c, applications, all)
}

func (d *Door) showApplication(w http.ResponseWriter, c *call) error {
	a, ok := d.findApplication(c.r.PathValue("id"))
	if err := d.mayReadOne(c, a, nil); err != nil {
		return err
	}
	if !ok {
		return missing(c.r.PathValue("id"))
	}
	return d.show(w, c, application{*a, d.Profile.Domain})
}

// findApplication finds a registration by a key of a path: its object id or appid='...'.
func (d *Door) findApplication(key string) (*directory.Application, bool) {
	id, byClient := appID(key)
	a, ok := d.Directory.Application(id)
	if byClient {
		a, ok = d.Directory.ApplicationOf(cloud.ClientID(id))
	}
	if !ok {
		return nil, false
	}
	return &a, true
}

// appID reads a key of a path: an object id, bare or quoted, or a client id as the alternate key.
func appID(key string) (id string, byClient bool) {
	if rest, ok := strings.CutPrefix(key, "appid="); ok {
		key, byClient = strings.TrimSpace(rest), true
	}
	if len(key) > 2 && key[0] == '\'' && key[len(key)-1] == '\'' {
		return key[1 : len(key)-1], byClient
	}
	return key, byClient
}

func (d *Door) createApplication(w http.ResponseWriter, c *call) error {
	if err := d.mayAdminister(c); err != nil {
		return err
	}
	var sent map[string]json.RawMessage
	if err := c.read(&sent); err != nil {
		return err
	}
	called, err := displayName(sent["displayName"])
	if err != nil {
		return err
	}
	made, err := d.Directory.Register(called)
	if err != nil {
		return err
	}
	made.Owners = []cloud.PrincipalID{c.caller.ID}
	if err := d.describe(&made, sent); err != nil {
		return err
	}
	err = d.revise(c.r.Context(), target{}, func(r *record) error {
		r.application = &made
		return nil
	})
	if err != nil {
		return err
	}
	w.Header().Set("Location", d.base(c.r)+"/applications/"+made.ID)
	return d.answer(w, c, application{made, d.Profile.Domain}, http.StatusCreated)
}

// describe lays what a request says of an application over what it is.
func (d *Door) describe(a *directory.Application, sent map[string]json.RawMessage) error {
	var err error
	for _, name := range []string{"id", "appId", "createdDateTime", "publisherDomain"} {
		if _, ok := sent[name]; ok {
			return badRequest("Property '%s' is read-only and cannot be set.", name)
		}
	}
	if value, ok := sent["displayName"]; ok {
		if a.Name, err = displayName(value); err != nil {
			return err
		}
	}
	if value, ok := sent["identifierUris"]; ok {
		if a.URIs, err = d.uris(a, value); err != nil {
			return err
		}
	}
	if value, ok := sent["keyCredentials"]; ok {
		if a.Certificates, err = d.certificates(a.Certificates, value); err != nil {
			return err
		}
	}
	if value, ok := sent["appRoles"]; ok {
		if a.Roles, err = appRoles(a.Roles, value); err != nil {
			return err
		}
	}
	if value, ok := sent["passwordCredentials"]; ok && !same(value, passwords(a.Credentials)) {
		return notThatWay()
	}
	rest := map[string]json.RawMessage{}
	for name, value := range sent {
		switch name {
		case "displayName", "identifierUris", "keyCredentials", "passwordCredentials", "appRoles", "@odata.type":
		default:
			rest[name] = value
		}
	}
	if len(rest) == 0 {
		return nil
	}
	if a.Properties, err = merge(a.Properties, rest); err != nil {
		return err
	}
	return heed(a)
}

func displayName(value json.RawMessage) (string, error) {
	var s string
	if len(value) == 0 || json.Unmarshal(value, &s) != nil || s == "" {
		return "", badRequest("A value is required for property 'displayName' of resource 'Application'.")
	}
	if !isName(s, 256) {
		return "", badRequest("Invalid value specified for property 'displayName' of resource 'Application'.")
	}
	return s, nil
}

// isName reports whether a text may name something, in up to so many characters. Those that steer a
// terminal or break a line are no part of a name: it stands in lists and in logs.
func isName(s string, most int) bool {
	return utf8.RuneCountInString(s) <= most && !strings.ContainsFunc(s, unicode.IsControl)
}

func (d *Door) updateApplication(w http.ResponseWriter, c *call) error {
	var sent map[string]json.RawMessage
	err := d.change(c, func(r *record) error {
		if err := d.describe(r.application, sent); err != nil {
			return err
		}
		if r.principal != nil {
			r.principal.Name = r.application.Name
		}
		return nil
	}, &sent)
	if err != nil {
		return err
	}
	return c.say(w, http.StatusNoContent, nil)
}

func (d *Door) deleteApplication(w http.ResponseWriter, c *call) error {
	err := d.change(c, func(r *record) error {
		if r.principal != nil && r.principal.ID == d.Founder {
			return d.founderStays()
		}
		r.application, r.principal = nil, nil
		return nil
	}, nil)
	if err != nil {
		return err
	}
	return c.say(w, http.StatusNoContent, nil)
}

func (d *Door) founderStays() error {
	return denied("This world belongs to that application: without it nobody could open the world again.")
}

// change reads the body, if there is somewhere to put it, and lets edit change the application that
// the path names, once it is clear that the caller may.
func (d *Door) change(c *call, edit func(*record) error, body any) error {
	key := c.r.PathValue("id")
	a, ok := d.findApplication(key)
	if err := d.mayChange(c, a); err != nil {
		return err
	}
	if !ok {
		return missing(key)
	}
	if body != nil {
		if err := c.read(body); err != nil {
			return err
		}
	}
	return d.revise(c.r.Context(), target{application: a.ID}, func(r *record) error {
		if err := d.mayChange(c, r.application); err != nil {
			return err
		}
		return edit(r)
	})
}
