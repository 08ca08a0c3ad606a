package msi

import (
	"fmt"
	"strings"

	"lanyard/internal/cloud"
	"lanyard/internal/fault"
	"lanyard/internal/host"
)

// choose gives the identity of a replica that an ask selects, and who it is in the directory.
func (d *Door) choose(p *protocol, r *host.Replica, a ask) (cloud.Principal, error) {
	id, ok, err := p.pick(a, d.worn(r), r.Init)
	if err != nil {
		return cloud.Principal{}, err
	}
	if !ok {
		return cloud.Principal{}, d.unassigned(p, r, a)
	}
	if !id.Lifecycle.Opens(r.Init) {
		kind := "a main"
		if r.Init {
			kind = "an init"
		}
		return cloud.Principal{}, p.missing("the identity %s has the lifecycle %s, and this is %s container", id.Resource, id.Lifecycle, kind).
			Try("set its lifecycle to All in configuration.identitySettings of the app")
	}
	who, ok := d.Directory.Principal(id.Principal)
	if !ok || who.Kind != id.Kind {
		// ID-4: what the app still names is no more.
		return cloud.Principal{}, p.missing("the identity %s is attached but no longer exists", id.Resource).Try(
			"lanyard containerapp identity remove --name %s --resource-group %s --user-assigned %s", r.App.Name(), r.App.Group(), id.Resource)
	}
	if who.Tenant != id.Tenant { // ID-11
		return cloud.Principal{}, p.missing("the identity %s belongs to the tenant %s", id.Resource, who.Tenant).Try("make it anew in this tenant, and attach it")
	}
	return who, nil
}

// pick gives the one of several identities that an ask of a container means, if it means one.
func (p *protocol) pick(a ask, among []cloud.Identity, init bool) (cloud.Identity, bool, error) {
	for _, id := range among {
		if p.selects(a, id) {
			return id, true, nil
		}
	}
	if p.sole && a.by == "" {
		return sole(among, init)
	}
	return cloud.Identity{}, false, nil
}

// selects reports whether an ask means an identity. Selectors mean user-assigned ones, in most
// protocols; without one the system-assigned is meant (wire-facts: "Requests").
func (p *protocol) selects(a ask, id cloud.Identity) bool {
	if a.by == "" {
		return id.Kind == cloud.SystemAssigned
	}
	return (id.Kind == cloud.UserAssigned || p.either) && p.names(a, id)
}

// names reports whether an ask's selector fits an identity.
func (p *protocol) names(a ask, id cloud.Identity) bool {
	switch p.selectors[a.by] {
	case clientID:
		return strings.EqualFold(a.value, string(id.Client))
	case objectID:
		return strings.EqualFold(a.value, string(id.Principal))
	case resourceID:
		return strings.EqualFold(strings.TrimSuffix(a.value, "/"), id.Resource.Key())
	}
	return false
}

// sole gives the only user-assigned identity of several that is open to a container.
func sole(among []cloud.Identity, init bool) (only cloud.Identity, found bool, err error) {
	for _, id := range among {
		if id.Kind != cloud.UserAssigned || !id.Lifecycle.Opens(init) {
			continue
		}
		if found {
			return only, false, fault.New(fault.Invalid, codeMissing,
				"Multiple user assigned identities exist, please specify the clientId / resourceId of the identity in the token request").
				Try("set AZURE_CLIENT_ID=%s in the app", only.Client)
		}
		only, found = id, true
	}
	return only, found, nil
}

// unassigned refuses an ask that selects nothing, and says what would mend it.
func (d *Door) unassigned(p *protocol, r *host.Replica, a ask) *fault.Error {
	if f := d.withheld(p, r, a); f != nil {
		return f
	}
	assign := fmt.Sprintf("lanyard containerapp identity assign --name %s --resource-group %s", r.App.Name(), r.App.Group())
	var own []string
	for _, id := range d.worn(r) {
		if id.Kind == cloud.UserAssigned {
			own = append(own, string(id.Client))
		}
		if id.Kind == cloud.SystemAssigned && p.names(a, id) {
			return p.missing("%s names the system-assigned identity", a.by).Try("ask without %s: the system-assigned identity is the default", a.by)
		}
	}
	switch {
	case a.by == "" && len(own) > 0:
		return p.missing("the app has no system-assigned identity, and no selector was given").
			Try("set AZURE_CLIENT_ID=%s in the app, or run: %s --system-assigned", own[0], assign)
	case a.by == "":
		return p.missing("the app has no identity").Try("%s --system-assigned", assign)
	}
	wanted := "ID"
	if p.selectors[a.by] == resourceID {
		id, err := cloud.ParseID(a.value)
		if err != nil {
			return p.missing("%s is not a resource id", a.by).Because(err).Try("%s --user-assigned <resource id>", assign)
		}
		if _, exists := d.Directory.ByResource(id); !exists {
			return p.missing("there is no identity %s", id).Try("lanyard identity create --name %s --resource-group %s", id.Name(), id.Group())
		}
		wanted = id.String()
	}
	return p.missing("no user-assigned identity of the app has %s %s", a.by, fault.Clip(a.value)).Try("%s --user-assigned %s", assign, wanted)
}

// missing says to the client what clients know, and to the log why.
func (p *protocol) missing(format string, args ...any) *fault.Error {
	return fault.New(fault.Invalid, codeMissing, "%s", p.absent).Because(fmt.Errorf(format, args...))
}
