package graph

import (
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"

	"lanyard/internal/cloud"
	"lanyard/internal/directory"
	"lanyard/internal/store"
)

// roleAssignments are the assignments of app roles (Microsoft Graph v1.0, "appRoleAssignment").
var roleAssignments = noun{set: "appRoleAssignments", kind: "appRoleAssignment", forms: map[string]form{
	"id": text, "principalId": text, "resourceId": text, "appRoleId": text, "principalDisplayName": text, "resourceDisplayName": text,
}}

// assigned is an assignment of an app role as an entity, with the names of its two ends.
type assigned struct {
	directory.AppRoleAssignment
	who, where cloud.Principal
}

func (a assigned) id() string { return a.ID }

func (a assigned) values(property string) []string {
	return []string{a.shape()[property].(string)}
}

func (a assigned) shape() map[string]any {
	kind := "ServicePrincipal"
	switch a.who.Kind {
	case cloud.User:
		kind = "User"
	case cloud.Group:
		kind = "Group"
	}
	return map[string]any{
		"id": a.ID, "deletedDateTime": nil, "appRoleId": a.Role, "createdDateTime": stamp(a.Created), "principalType": kind,
		"principalId": string(a.Principal), "principalDisplayName": a.who.Name, "resourceId": string(a.Resource), "resourceDisplayName": a.where.Name,
	}
}

// isAssignedTo tells the two collections apart that an assignment is in: that of where it holds, and that
// of who has it.
func isAssignedTo(c *call) bool { return strings.Contains(c.r.URL.Path+"/", "/approleassignedto/") }

// assignments gives those of the object that the path names, and the path's beginning.
func (d *Door) assignments(c *call) ([]entity, string, error) {
	e, at, err := d.subject(c)
	if err != nil {
		return nil, "", err
	}
	all, name := d.Directory.AppRolesOf(cloud.PrincipalID(e.id())), "/appRoleAssignments"
	if isAssignedTo(c) {
		all, name = d.Directory.AppRolesAt(cloud.PrincipalID(e.id())), "/appRoleAssignedTo"
	}
	var found []entity
	for _, a := range all {
		who, _ := d.Directory.Holder(a.Principal)
		where, _ := d.Directory.Principal(a.Resource)
		found = append(found, assigned{a, who, where})
	}
	return found, at + name, nil
}

func (d *Door) listAssignments(w http.ResponseWriter, c *call) error {
	all, at, err := d.assignments(c)
	if err != nil {
		return err
	}
	n := roleAssignments
	n.at = at
	return d.page(w, c, n, all)
}

func (d *Door) findAssignment(c *call) (assigned, error) {
	all, _, err := d.assignments(c)
	if err != nil {
		return assigned{}, err
	}
	key := c.r.PathValue("assignment")
	for _, e := range all {
		if a, ok := e.(assigned); ok && a.ID == key {
			return a, nil
		}
	}
	return assigned{}, missing(key)
}

func (d *Door) showAssignment(w http.ResponseWriter, c *call) error {
	a, err := d.findAssignment(c)
	if err != nil {
		return err
	}
	return d.show(w, c, a)
}

// assign gives somebody an app role at a resource. Its owners may, and those who may change anything.
func (d *Door) assign(w http.ResponseWriter, c *call) error {
	var body struct {
		Principal cloud.PrincipalID `json:"principalId"`
		Resource  cloud.PrincipalID `json:"resourceId"`
		Role      string            `json:"appRoleId"`
	}
	if err := c.read(&body); err != nil {
		return err
	}
	where, ok := d.findPrincipal(string(body.Resource))
	if err := d.mayChange(c, where.of); err != nil {
		return err
	}
	if !ok || where.of == nil {
		return missing(string(body.Resource))
	}
	who, ok := d.Directory.Holder(body.Principal)
	if !ok {
		return missing(string(body.Principal))
	}
	e, _, err := d.subject(c)
	if err != nil {
		return err
	}
	if isAssignedTo(c) && e.id() != string(where.ID) || !isAssignedTo(c) && e.id() != string(who.ID) {
		return badRequest("The path names another object than the body does.")
	}
	a := directory.AppRoleAssignment{Principal: who.ID, Resource: where.ID, Role: strings.ToLower(body.Role)}
	if !assignable(where.of.Roles, a.Role, who.Kind) {
		return badRequest("Permission being assigned was not found on application '%s'.", where.Client)
	}
	if a, err = d.Directory.NewAppRoleAssignment(a); err != nil {
		return err
	}
	text, err := json.Marshal(a)
	if err != nil {
		return err
	}
	err = d.commit(c.r.Context(), store.Change{Key: a.Key(), Value: text})
	if errors.Is(err, store.ErrConflict) {
		return badRequest("Permission being assigned already exists on the object")
	}
	if err != nil {
		return err
	}
	return d.answer(w, c, assigned{a, who, where.Principal}, http.StatusCreated)
}

// assignable reports whether somebody of a kind can be assigned a role; the one without a value where an
// application defines none.
func assignable(roles []directory.AppRole, id string, kind cloud.Kind) bool {
	if id == directory.DefaultAppRole {
		return len(roles) == 0
	}
	isPerson := kind == cloud.User || kind == cloud.Group
	return slices.ContainsFunc(roles, func(r directory.AppRole) bool {
		return r.ID == id && r.Enabled && (isPerson && r.ForPeople || !isPerson && r.ForApps)
	})
}

func (d *Door) unassign(w http.ResponseWriter, c *call) error {
	a, err := d.findAssignment(c)
	if err != nil {
		return err
	}
	if err := d.mayChange(c, d.principal(a.where).of); err != nil {
		return err
	}
	if err := d.commit(c.r.Context(), store.Change{Key: a.Key(), If: store.Any}); err != nil {
		return err
	}
	return c.say(w, http.StatusNoContent, nil)
}
