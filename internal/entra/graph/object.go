package graph

import (
	"net/http"
	"slices"
	"strings"

	"lanyard/internal/cloud"
	"lanyard/internal/fault"
)

// maxIDs is how many objects getByIds gives at once (wire-facts: "Microsoft Graph").
const maxIDs = 1000

// object finds a directory object of any kind by its id.
func (d *Door) object(id string) (entity, bool) {
	if p, ok := d.Directory.Principal(cloud.PrincipalID(id)); ok {
		if p.Kind == cloud.User {
			return person{p}, true
		}
		return d.principal(p), true
	}
	if g, ok := d.Directory.Group(cloud.PrincipalID(id)); ok {
		return group{g}, true
	}
	a, ok := d.Directory.Application(id)
	return application{a, d.Profile.Domain}, ok
}

func (d *Door) showObject(w http.ResponseWriter, c *call) error {
	id := c.r.PathValue("id")
	e, ok := d.object(id)
	if !ok || e.id() != string(c.caller.ID) {
		if err := d.mayRead(c); err != nil {
			return err
		}
	}
	if !ok {
		return missing(id)
	}
	if err := c.query.onlySelects(); err != nil {
		return err
	}
	n := nounOf(e)
	n.shown = nil
	shape, err := c.query.choose(n, e.shape())
	if err != nil {
		return err
	}
	shape["@odata.context"] = c.context(d, "directoryObjects/$entity")
	shape["@odata.type"] = n.odataType()
	return c.say(w, http.StatusOK, shape)
}

// objectTypes are the words that getByIds takes; of some there is never an object here.
var objectTypes = []string{
	"directoryobject", "user", "group", "serviceprincipal", "application", "device", "directoryobjectpartnerreference",
}

// getByIDs answers with those of some objects that are there, and of the types asked for.
func (d *Door) getByIDs(w http.ResponseWriter, c *call) error {
	if err := d.mayRead(c); err != nil {
		return err
	}
	var body struct {
		IDs   []string `json:"ids"`
		Types []string `json:"types"`
	}
	if err := c.read(&body); err != nil {
		return err
	}
	if len(body.IDs) == 0 || len(body.IDs) > maxIDs {
		return badRequest("The collection 'ids' must have from 1 to %d identifiers.", maxIDs)
	}
	for n, t := range body.Types {
		if body.Types[n] = strings.ToLower(t); !slices.Contains(objectTypes, body.Types[n]) {
			return badRequest("Invalid value '%s' specified for 'types'.", fault.Clip(t))
		}
	}
	var all []entity
	seen := map[string]bool{}
	for _, id := range body.IDs {
		if !cloud.IsGUID(id) {
			return badRequest("Invalid object identifier '%s'.", fault.Clip(id))
		}
		e, ok := d.object(id)
		if !ok || seen[e.id()] {
			continue
		}
		seen[e.id()] = true
		if len(body.Types) == 0 || slices.Contains(body.Types, "directoryobject") || slices.Contains(body.Types, strings.ToLower(nounOf(e).kind)) {
			all = append(all, e)
		}
	}
	return d.several(w, c, all)
}
