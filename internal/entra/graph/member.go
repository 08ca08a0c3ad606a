package graph

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"

	"lanyard/internal/cloud"
	"lanyard/internal/directory"
)

// maxBound is how many members or owners one request adds by @odata.bind (Microsoft Graph v1.0, "group:
// update").
const maxBound = 20

// objects is a collection of directory objects of several kinds. Filters on it can name what all have.
func objects(at string) noun {
	return noun{set: "directoryObjects", at: at, kind: "directoryObject", mixed: true, forms: map[string]form{"id": text, "displayName": text}}
}

// entities gives those of some objects that are there.
func (d *Door) entities(ids []cloud.PrincipalID) []entity {
	var all []entity
	for _, id := range ids {
		if e, ok := d.object(string(id)); ok {
			all = append(all, e)
		}
	}
	return all
}

// among answers with those of all that are of the kind which the path ends with, if it does: a cast,
// such as /microsoft.graph.user.
func (d *Door) among(w http.ResponseWriter, c *call, path string, all []entity) error {
	n := objects(path)
	if cast := c.r.PathValue("cast"); cast != "" {
		kinds := []noun{people, groups, principals, applications}
		at := slices.IndexFunc(kinds, func(k noun) bool { return strings.EqualFold(cast, "microsoft.graph."+k.kind) })
		if at < 0 {
			return elsewhere(w, c)
		}
		n = kinds[at]
		n.at, n.shown = path+"/microsoft.graph."+n.kind, nil
		all = slices.DeleteFunc(all, func(e entity) bool { return nounOf(e).kind != n.kind })
	}
	return d.page(w, c, n, all)
}

func (d *Door) listMembers(w http.ResponseWriter, c *call) error {
	g, err := d.findGroup(c)
	if err != nil {
		return err
	}
	return d.among(w, c, "groups/"+string(g.ID)+"/members", d.entities(g.Members))
}

func (d *Door) listMembersBelow(w http.ResponseWriter, c *call) error {
	g, err := d.findGroup(c)
	if err != nil {
		return err
	}
	return d.among(w, c, "groups/"+string(g.ID)+"/transitiveMembers", d.entities(d.Directory.MembersBelow(g.ID)))
}

func (d *Door) listGroupOwners(w http.ResponseWriter, c *call) error {
	g, err := d.findGroup(c)
	if err != nil {
		return err
	}
	return d.among(w, c, "groups/"+string(g.ID)+"/owners", d.entities(g.Owners))
}

// reference is the body by which one object is put into a collection of another.
type reference struct {
	ID string `json:"@odata.id"`
}

func (d *Door) addMember(w http.ResponseWriter, c *call) error {
	var body reference
	return d.changeGroup(w, c, &body, func(g *directory.Group) error { return d.put(&g.Members, "members", g.ID, body.ID) })
}

func (d *Door) addGroupOwner(w http.ResponseWriter, c *call) error {
	var body reference
	return d.changeGroup(w, c, &body, func(g *directory.Group) error { return d.put(&g.Owners, "owners", g.ID, body.ID) })
}

func (d *Door) removeMember(w http.ResponseWriter, c *call) error {
	return d.changeGroup(w, c, nil, func(g *directory.Group) error { return take(&g.Members, c.r.PathValue("member")) })
}

// removeGroupOwner leaves a group with one owner at least, once it has had one (Microsoft Graph v1.0,
// "Remove group owner").
func (d *Door) removeGroupOwner(w http.ResponseWriter, c *call) error {
	return d.changeGroup(w, c, nil, func(g *directory.Group) error {
		if err := take(&g.Owners, c.r.PathValue("owner")); err != nil {
			return err
		}
		if len(g.Owners) == 0 {
			return badRequest("The group must have at least one owner, hence this owner cannot be removed.")
		}
		return nil
	})
}

// put adds the object that a reference names to a group's list.
func (d *Door) put(list *[]cloud.PrincipalID, of string, group cloud.PrincipalID, ref string) error {
	parts := strings.Split(ref, "/")
	key := parts[len(parts)-1]
	who, ok := d.Directory.Holder(cloud.PrincipalID(key))
	if !ok && strings.Contains(key, "@") {
		who, ok = d.Directory.BySignIn(key)
	}
	switch {
	case !ok || len(parts) < 2:
		return missing(key)
	case who.ID == group, of == "owners" && who.Kind == cloud.Group:
		return badRequest("An invalid operation was included in the following modified references: '%s'.", of)
	case slices.Contains(*list, who.ID):
		return badRequest("One or more added object references already exist for the following modified properties: '%s'.", of)
	}
	if len(*list) >= directory.MaxMembers { // those who are gone make room
		*list = slices.DeleteFunc(*list, func(id cloud.PrincipalID) bool { _, there := d.Directory.Holder(id); return !there })
	}
	if len(*list) >= directory.MaxMembers {
		return badRequest("The group has %d %s, and Lanyard lets none have more.", directory.MaxMembers, of)
	}
	*list = append(*list, who.ID)
	return nil
}

// bind is put for all references of an @odata.bind.
func (d *Door) bind(list *[]cloud.PrincipalID, of string, group cloud.PrincipalID, value json.RawMessage) error {
	var refs []string
	if json.Unmarshal(value, &refs) != nil || len(refs) > maxBound {
		return badRequest("'%s@odata.bind' must be a list of %d references at most.", of, maxBound)
	}
	for _, ref := range refs {
		if err := d.put(list, of, group, ref); err != nil {
			return err
		}
	}
	return nil
}

func take(list *[]cloud.PrincipalID, id string) error {
	rest := slices.DeleteFunc(slices.Clone(*list), func(m cloud.PrincipalID) bool { return string(m) == id })
	if len(rest) == len(*list) {
		return missing(id)
	}
	*list = rest
	return nil
}
