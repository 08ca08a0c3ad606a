package graph

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"lanyard/internal/cloud"
	"lanyard/internal/directory"
	"lanyard/internal/fault"
	"lanyard/internal/store"
)

func (d *Door) listGroups(w http.ResponseWriter, c *call) error {
	if err := d.mayRead(c); err != nil {
		return err
	}
	var all []entity
	for _, g := range d.Directory.Groups() {
		all = append(all, group{g})
	}
	return d.page(w, c, groups, all)
}

// findGroup finds the group that a path names, once it is clear that the caller may read it.
func (d *Door) findGroup(c *call) (directory.Group, error) {
	key, _ := appID(c.r.PathValue("id"))
	g, ok := d.Directory.Group(cloud.PrincipalID(key))
	if !ok || !slices.Contains(g.Owners, c.caller.ID) {
		if err := d.mayRead(c); err != nil {
			return g, err
		}
	}
	if !ok {
		return g, missing(key)
	}
	return g, nil
}

func (d *Door) showGroup(w http.ResponseWriter, c *call) error {
	g, err := d.findGroup(c)
	if err != nil {
		return err
	}
	return d.show(w, c, group{g})
}

// createGroup makes a security group. A person who makes one owns it.
func (d *Door) createGroup(w http.ResponseWriter, c *call) error {
	if err := d.mayAdminister(c); err != nil {
		return err
	}
	var sent map[string]json.RawMessage
	if err := c.read(&sent); err != nil {
		return err
	}
	for _, name := range []string{"displayName", "mailNickname", "mailEnabled", "securityEnabled"} {
		if value, ok := sent[name]; !ok || string(value) == "null" {
			return badRequest("A value is required for property '%s' of resource 'Group'.", name)
		}
	}
	made, err := d.Directory.NewGroup("new", "new")
	if err != nil {
		return err
	}
	if c.caller.Kind == cloud.User {
		made.Owners = []cloud.PrincipalID{c.caller.ID}
	}
	if err := d.describeGroup(&made, sent); err != nil {
		return err
	}
	text, err := json.Marshal(made)
	if err != nil {
		return err
	}
	if err := d.commit(c.r.Context(), store.Change{Key: directory.GroupKey(made.ID), Value: text}); err != nil {
		return err
	}
	w.Header().Set("Location", d.base(c.r)+"/groups/"+string(made.ID))
	return d.answer(w, c, group{made}, http.StatusCreated)
}

// describeGroup lays what a request says of a group over what it is. All groups are security groups,
// so that what makes others can only be confirmed.
func (d *Door) describeGroup(g *directory.Group, sent map[string]json.RawMessage) error {
	usual := group{*g}.shape()
	for name, value := range sent {
		var err error
		is, known := usual[name]
		switch {
		case name == "displayName":
			g.Name, err = groupText(name, value, 256, false)
		case name == "mailNickname":
			if g.Nickname, err = groupText(name, value, 64, false); err == nil && strings.ContainsAny(g.Nickname, `@()\[]";:<>, `) {
				err = invalidOfGroup(name)
			}
		case name == "description":
			g.Description, err = groupText(name, value, 1024, true)
		case name == "members@odata.bind":
			err = d.bind(&g.Members, "members", g.ID, value)
		case name == "owners@odata.bind":
			err = d.bind(&g.Owners, "owners", g.ID, value)
		case name == "@odata.type", name == "isAssignableToRole" && string(value) == "false", known && same(value, is):
		case name == "id", name == "createdDateTime", name == "securityIdentifier":
			err = badRequest("Property '%s' is read-only and cannot be set.", name)
		case !known:
			err = badRequest("Invalid property '%s'.", fault.Clip(name))
		default:
			err = fault.New(fault.NotOffered, "NotImplemented",
				"Lanyard does not offer the property '%s' of groups with another value than %s: it has security groups alone.", name, asText(is))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// groupText reads a text of a group, which can be empty or null if it is optional.
func groupText(name string, value json.RawMessage, most int, optional bool) (string, error) {
	var s *string
	if json.Unmarshal(value, &s) != nil || !optional && (s == nil || *s == "") || s != nil && !isName(*s, most) {
		return "", invalidOfGroup(name)
	}
	if s == nil {
		return "", nil
	}
	return *s, nil
}

func invalidOfGroup(name string) error {
	return badRequest("Invalid value specified for property '%s' of resource 'Group'.", name)
}

func (d *Door) updateGroup(w http.ResponseWriter, c *call) error {
	var sent map[string]json.RawMessage
	return d.changeGroup(w, c, &sent, func(g *directory.Group) error { return d.describeGroup(g, sent) })
}

// deleteGroup takes a group out of the directory. What was granted to it stays behind and is nobody's.
func (d *Door) deleteGroup(w http.ResponseWriter, c *call) error {
	return d.changeGroup(w, c, nil, func(g *directory.Group) error {
		g.ID = ""
		return nil
	})
}

// changeGroup reads the body, if there is somewhere to put it, lets edit change the group that the path
// names, once it is clear that the caller may, and answers when readers see it. A group without an id is
// deleted. Edit may run several times.
func (d *Door) changeGroup(w http.ResponseWriter, c *call, body any, edit func(*directory.Group) error) error {
	id := cloud.PrincipalID(c.r.PathValue("id"))
	seen, ok := d.Directory.Group(id)
	if err := d.mayChangeGroup(c, &seen); err != nil {
		return err
	}
	if !ok {
		return missing(string(id))
	}
	if body != nil {
		if err := c.read(body); err != nil {
			return err
		}
	}
	for range tries {
		g, revision, err := read[directory.Group](c.r.Context(), d.Store, directory.GroupKey(id))
		if err != nil {
			return err
		}
		if g == nil {
			return missing(string(id))
		}
		if err := d.mayChangeGroup(c, g); err != nil {
			return err
		}
		if err := edit(g); err != nil {
			return err
		}
		change := store.Change{Key: directory.GroupKey(id), If: revision}
		if g.ID != "" {
			if change.Value, err = json.Marshal(g); err != nil {
				return err
			}
		}
		if err = d.commit(c.r.Context(), change); err == nil {
			return c.say(w, http.StatusNoContent, nil)
		}
		if !errors.Is(err, store.ErrConflict) {
			return err
		}
	}
	return busy()
}

// mayChangeGroup lets a group's owners in, and those who may change anything.
func (d *Door) mayChangeGroup(c *call, g *directory.Group) error {
	if slices.Contains(g.Owners, c.caller.ID) {
		return nil
	}
	return d.mayAdminister(c)
}

// commit writes and returns when readers see it.
func (d *Door) commit(ctx context.Context, changes ...store.Change) error {
	revision, err := d.Store.Commit(ctx, changes...)
	if err != nil {
		return fmt.Errorf("write directory object: %w", err)
	}
	return d.Directory.Await(ctx, revision)
}
