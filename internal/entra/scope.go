package entra

import (
	"slices"
	"strings"

	"lanyard/internal/fault"
)

// The scopes of OpenID Connect Core sections 5.4 and 11: they ask for no resource.
const (
	scopeOpenID  = "openid"
	scopeOffline = "offline_access"
)

func isOpenIDs(scope string) bool {
	return slices.Contains([]string{scopeOpenID, scopeOffline, "profile", "email"}, scope)
}

// target gives the resource that a scope asks for. The scopes of OpenID Connect are passed over,
// as MSAL Go sends them with every request; exactly "/.default" is taken away, so that a resource
// that ends in a slash keeps it.
func target(scope string) (string, error) {
	var resource string
	for _, one := range strings.Fields(scope) {
		if isOpenIDs(one) {
			continue
		}
		if resource != "" {
			return "", refuse(70011, "The provided value for the input parameter 'scope' is not valid. The scope %s names more than one resource.", fault.Clip(scope))
		}
		before, found := strings.CutSuffix(one, "/.default")
		if !found || before == "" {
			return "", refuse(1002012, "The provided value for scope %s is not valid. Client credential flows must have a scope value with /.default suffixed to the resource identifier (application ID URI).", fault.Clip(one))
		}
		resource = before
	}
	if resource == "" {
		return "", refuse(70011, "The provided value for the input parameter 'scope' is not valid. The scope %s names no resource.", fault.Clip(scope))
	}
	return resource, nil
}

// wish is what an app wants of the person who signs in to it.
type wish struct {
	Resource string `json:"resource"`
	// Scopes are those that were asked for, as they were spelled.
	Scopes []string `json:"scopes"`
}

// microsoftGraph is the resource of scopes that name none: User.Read, or those of OpenID alone.
const microsoftGraph = "https://graph.microsoft.com"

// delegated reads the scopes of a request in a person's name. Each is a resource, a slash and a
// permission; all of one resource (wire-facts: "Token requests as sent").
func delegated(scope string) (wish, error) {
	w := wish{Scopes: strings.Fields(scope)}
	if len(w.Scopes) > maxParameters {
		return wish{}, refuse(70011, "The provided value for the input parameter 'scope' is not valid. It has more than %d scopes.", maxParameters)
	}
	for _, one := range w.Scopes {
		if isOpenIDs(one) {
			continue
		}
		resource, permission := microsoftGraph, one
		if at := strings.LastIndexByte(one, '/'); at >= 0 {
			resource, permission = one[:at], one[at+1:]
		}
		if resource == "" || permission == "" {
			return wish{}, refuse(70011, "The provided value for the input parameter 'scope' is not valid. The scope %s is not valid.", fault.Clip(one))
		}
		if w.Resource != "" && w.Resource != resource {
			return wish{}, refuse(28000, "Provided value for the input parameter scope is not valid because it contains more than one resource. Scope %s is not valid.", fault.Clip(scope))
		}
		w.Resource = resource
	}
	if w.Resource == "" {
		w.Resource = microsoftGraph
	}
	return w, nil
}

// within refuses what goes beyond what a person was asked for: the resource is the same one, and no
// scope comes on top. Clients send the same scopes both times (wire-facts: "Token requests as sent");
// other resources are for the refresh token to open.
func (w wish) within(asked wish) error {
	if strings.TrimSuffix(w.Resource, "/") != strings.TrimSuffix(asked.Resource, "/") {
		return refuse(70011, "The provided value for the input parameter 'scope' is not valid. The code was asked for %s, not for %s.", fault.Clip(asked.Resource), fault.Clip(w.Resource)).
			Try("the refresh token that comes of the code")
	}
	for _, scope := range w.Scopes {
		if !slices.Contains(asked.Scopes, scope) {
			return refuse(70011, "The provided value for the input parameter 'scope' is not valid. The scope %s was not among those that the code was asked for with.", fault.Clip(scope))
		}
	}
	return nil
}

// has reports whether a scope was asked for.
func (w wish) has(scope string) bool { return slices.Contains(w.Scopes, scope) }

// rights are what an app may do in a person's name: with every resource, whatever that person may.
// The names are Azure's own.
func (w wish) rights() []string {
	if strings.TrimSuffix(w.Resource, "/") == microsoftGraph || w.Resource == "00000003-0000-0000-c000-000000000000" {
		return []string{"Directory.AccessAsUser.All", "User.Read"}
	}
	return []string{"user_impersonation"}
}

// granted spells the scopes of an answer: those that were asked for, which MSAL Go wants to find
// there, and what they amount to.
func (w wish) granted() []string {
	all := slices.Clone(w.Scopes)
	for _, right := range w.rights() {
		if full := w.Resource + "/" + right; !slices.Contains(all, full) {
			all = append(all, full)
		}
	}
	return all
}
