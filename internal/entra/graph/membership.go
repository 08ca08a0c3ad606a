package graph

import (
	"net/http"
	"slices"
	"strings"

	"lanyard/internal/cloud"
)

// maxChecked is how many groups one request asks about (Microsoft Graph v1.0, "directoryObject:
// checkMemberGroups").
const maxChecked = 20

// subject finds the principal or group that a path is about, once it is clear that the caller may read
// it, and gives the path's beginning.
func (d *Door) subject(c *call) (entity, string, error) {
	key, segment := c.r.PathValue("id"), c.segment()
	var e entity
	var ok bool
	switch segment {
	case "me":
		return person{c.caller}, "me", c.isPerson()
	case "users":
		var p cloud.Principal
		p, ok = d.findPerson(key)
		e = person{p}
	case "serviceprincipals":
		segment = principals.set
		e, ok = d.findPrincipal(key)
	case "groups":
		key, _ = appID(key)
		g, there := d.Directory.Group(cloud.PrincipalID(key))
		e, ok = group{g}, there
	default:
		segment = "directoryObjects"
		if e, ok = d.object(key); strings.Contains(key, "@") {
			var p cloud.Principal
			p, ok = d.Directory.BySignIn(key)
			e = person{p}
		}
	}
	if !ok || e.id() != string(c.caller.ID) {
		if err := d.mayRead(c); err != nil {
			return nil, "", err
		}
	}
	if !ok {
		return nil, "", missing(key)
	}
	return e, segment + "/" + e.id(), nil
}

func (d *Door) listMemberOf(w http.ResponseWriter, c *call) error {
	e, at, err := d.subject(c)
	if err != nil {
		return err
	}
	return d.among(w, c, at+"/memberOf", d.entities(d.Directory.MemberOf(cloud.PrincipalID(e.id()))))
}

func (d *Door) listWithin(w http.ResponseWriter, c *call) error {
	e, at, err := d.subject(c)
	if err != nil {
		return err
	}
	return d.among(w, c, at+"/transitiveMemberOf", d.entities(d.Directory.WithinGroups(cloud.PrincipalID(e.id()))))
}

// memberGroups answers in which groups somebody is at any remove: getMemberGroups and getMemberObjects.
// All of them are security groups, and there is nothing else that one could be in.
func (d *Door) memberGroups(w http.ResponseWriter, c *call) error {
	e, _, err := d.subject(c)
	if err != nil {
		return err
	}
	var body struct {
		SecurityEnabledOnly bool `json:"securityEnabledOnly"`
	}
	if err := c.read(&body); err != nil {
		return err
	}
	return d.sayIDs(w, c, d.Directory.WithinGroups(cloud.PrincipalID(e.id())))
}

// checkGroups answers in which of some groups somebody is: checkMemberGroups and checkMemberObjects.
func (d *Door) checkGroups(w http.ResponseWriter, c *call) error {
	e, _, err := d.subject(c)
	if err != nil {
		return err
	}
	var body struct {
		GroupIDs []string `json:"groupIds"`
		IDs      []string `json:"ids"`
	}
	if err := c.read(&body); err != nil {
		return err
	}
	asked, other, name := body.GroupIDs, body.IDs, "groupIds"
	if strings.HasSuffix(strings.TrimSuffix(c.r.URL.Path, "/"), "objects") {
		asked, other, name = other, asked, "ids"
	}
	if asked == nil || other != nil || len(asked) > maxChecked {
		return badRequest("The collection '%s' must be there and have %d identifiers at most.", name, maxChecked)
	}
	in := slices.DeleteFunc(d.Directory.WithinGroups(cloud.PrincipalID(e.id())), func(g cloud.PrincipalID) bool {
		return !slices.ContainsFunc(asked, func(a string) bool { return strings.EqualFold(a, string(g)) })
	})
	return d.sayIDs(w, c, in)
}

func (d *Door) sayIDs(w http.ResponseWriter, c *call, ids []cloud.PrincipalID) error {
	if ids == nil {
		ids = []cloud.PrincipalID{}
	}
	return c.say(w, http.StatusOK, map[string]any{"@odata.context": c.context(d, "Collection(Edm.String)"), "value": ids})
}
