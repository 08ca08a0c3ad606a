package msi

import (
	"fmt"
	"strings"

	"lanyard/internal/cloud"
	"lanyard/internal/fault"
	"lanyard/internal/host"
)

// noIdentity is the sentence that clients know (azure-sdk-for-net#43691).
const noIdentity = "Unable to load the proper Managed Identity."

// choose gives the identity of a replica that an ask selects, and who it is in the directory.
func (d *Door) choose(r *host.Replica, a ask) (cloud.Principal, error) {
	for _, id := range r.Identities() {
		if !a.selects(id) {
			continue
		}
		who, ok := d.Directory.Principal(id.Principal)
		if !ok || who.Kind != id.Kind {
			// ID-4: what the app still names is no more.
			return cloud.Principal{}, missing("the identity %s is attached but no longer exists", id.Resource).Try(
				"lanyard containerapp identity remove --name %s --resource-group %s --user-assigned %s", r.App.Name(), r.App.Group(), id.Resource)
		}
		return who, nil
	}
	return cloud.Principal{}, d.unassigned(r, a)
}

// selects reports whether an ask means an identity. Selectors mean user-assigned ones; without
// one the system-assigned is meant, never "the only one there is" (wire-facts 1.3).
func (a ask) selects(id cloud.Identity) bool {
	if a.by == "" {
		return id.Kind == cloud.SystemAssigned
	}
	if id.Kind != cloud.UserAssigned {
		return false
	}
	switch a.by {
	case byClient:
		return strings.EqualFold(a.value, string(id.Client))
	case byPrincipal, byObject:
		return strings.EqualFold(a.value, string(id.Principal))
	default:
		return strings.EqualFold(strings.TrimSuffix(a.value, "/"), id.Resource.Key())
	}
}

// unassigned refuses an ask that selects nothing, and says what would mend it.
func (d *Door) unassigned(r *host.Replica, a ask) *fault.Error {
	assign := fmt.Sprintf("lanyard containerapp identity assign --name %s --resource-group %s", r.App.Name(), r.App.Group())
	var own []string
	for _, id := range r.Identities() {
		if id.Kind == cloud.UserAssigned {
			own = append(own, string(id.Client))
		}
	}
	switch {
	case a.by == "" && len(own) > 0:
		return missing("the app has no system-assigned identity, and no selector was given").
			Try("set AZURE_CLIENT_ID=%s in the app, or run: %s --system-assigned", own[0], assign)
	case a.by == "":
		return missing("the app has no identity").Try("%s --system-assigned", assign)
	case d.system(r, a):
		return missing("%s names the system-assigned identity", a.by).Try("ask without %s: the system-assigned identity is the default", a.by)
	}
	wanted := "ID"
	if a.by == byResource || a.by == byResource2 {
		id, err := cloud.ParseID(a.value)
		if err != nil {
			return missing("%s is not a resource id", a.by).Because(err).Try("%s --user-assigned <resource id>", assign)
		}
		if _, exists := d.Directory.ByResource(id); !exists {
			return missing("there is no identity %s", id).Try("lanyard identity create --name %s --resource-group %s", id.Name(), id.Group())
		}
		wanted = id.String()
	}
	return missing("no user-assigned identity of the app has %s %s", a.by, fault.Clip(a.value)).Try("%s --user-assigned %s", assign, wanted)
}

// system reports whether a selector names the app's own system-assigned identity.
func (d *Door) system(r *host.Replica, a ask) bool {
	for _, id := range r.Identities() {
		if id.Kind == cloud.SystemAssigned {
			id.Kind = cloud.UserAssigned
			return a.selects(id)
		}
	}
	return false
}

// missing says to the client what clients know, and to the log why.
func missing(format string, args ...any) *fault.Error {
	return fault.New(fault.Invalid, "ManagedIdentityNotFound", noIdentity).Because(fmt.Errorf(format, args...))
}
