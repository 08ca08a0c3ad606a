package directory

import (
	"slices"

	"lanyard/internal/cloud"
)

// Belonging gives what a token of a principal for a resource says of it at this moment: the ids of the
// groups that it is in, if the resource's application asks for them, and the values of the app roles
// that it was assigned there. Either is nil when there is nothing to say.
//
// A person has the app roles of the groups that list them, but not of those around such a group; an app
// has its own alone (Microsoft identity platform, "Add app roles to your application").
func (d *Directory) Belonging(of cloud.PrincipalID, resource Resource) (groups, roles []string) {
	d.open()
	d.mu.RLock()
	defer d.mu.RUnlock()
	who, known := d.people.byID[lowered(of)]
	app, registered := d.people.applicationOf(resource.App)
	if !known || !registered || resource.App == "" {
		return nil, nil
	}
	if app.GroupClaims != "" {
		for _, id := range d.people.groups.over(who.ID) {
			groups = append(groups, string(id))
		}
	}
	holders := []cloud.PrincipalID{who.ID}
	if who.Kind == cloud.User {
		holders = append(holders, d.people.groups.above[who.ID]...)
	}
	for _, holder := range holders {
		for _, key := range d.people.appRoles.of[holder] {
			a := d.people.appRoles.all[key]
			if value := app.roleValue(a.Role, who.Kind); a.Resource == app.Principal && value != "" {
				roles = append(roles, value)
			}
		}
	}
	slices.Sort(roles)
	return groups, slices.Compact(roles)
}

// roleValue gives the value of an app role, if somebody of that kind can have it.
func (a Application) roleValue(id string, kind cloud.Kind) string {
	for _, role := range a.Roles {
		if role.ID == id && role.Enabled && (kind == cloud.User && role.ForPeople || kind != cloud.User && role.ForApps) {
			return role.Value
		}
	}
	return ""
}
