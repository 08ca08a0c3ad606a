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

// requestedScopes are what an app wants of the person who signs in to it.
type requestedScopes struct {
	Resource string `json:"resource"`
	// Scopes are those that were asked for, as they were spelled.
	Scopes []string `json:"scopes"`
}

// microsoftGraph is the resource of scopes that name none: User.Read, or those of OpenID alone.
const microsoftGraph = "https://graph.microsoft.com"

// delegated reads the scopes of a request in a person's name. Each is a resource, a slash and a
// permission; all of one resource (wire-facts: "Token requests as sent").
func delegated(scope string) (requestedScopes, error) {
	s := requestedScopes{Scopes: strings.Fields(scope)}
	if len(s.Scopes) > maxParameters {
		return requestedScopes{}, refuse(70011, "The provided value for the input parameter 'scope' is not valid. It has more than %d scopes.", maxParameters)
	}
	for _, one := range s.Scopes {
		if isOpenIDs(one) {
			continue
		}
		resource, permission := microsoftGraph, one
		if at := strings.LastIndexByte(one, '/'); at >= 0 {
			resource, permission = one[:at], one[at+1:]
		}
		if resource == "" || permission == "" {
			return requestedScopes{}, refuse(70011, "The provided value for the input parameter 'scope' is not valid. The scope %s is not valid.", fault.Clip(one))
		}
		if s.Resource != "" && s.Resource != resource {
			return requestedScopes{}, refuse(28000, "Provided value for the input parameter scope is not valid because it contains more than one resource. Scope %s is not valid.", fault.Clip(scope))
		}
		s.Resource = resource
	}
	if s.Resource == "" {
		s.Resource = microsoftGraph
	}
	return s, nil
}

// within refuses what goes beyond what a person was asked for: the resource is the same one, and no
// scope comes on top. Clients send the same scopes both times (wire-facts: "Token requests as sent");
// other resources are for the refresh token to open.
func (s requestedScopes) within(asked requestedScopes) error {
	if strings.TrimSuffix(s.Resource, "/") != strings.TrimSuffix(asked.Resource, "/") {
		return refuse(70011, "The provided value for the input parameter 'scope' is not valid. The code was asked for %s, not for %s.", fault.Clip(asked.Resource), fault.Clip(s.Resource)).
			Try("redeeming the code with the scopes it was asked for with, and then its refresh token with others")
	}
	for _, scope := range s.Scopes {
		if !slices.Contains(asked.Scopes, scope) {
			return refuse(70011, "The provided value for the input parameter 'scope' is not valid. The scope %s was not among those that the code was asked for with.", fault.Clip(scope))
		}
	}
	return nil
}

// has reports whether a scope was asked for.
func (s requestedScopes) has(scope string) bool { return slices.Contains(s.Scopes, scope) }

// rights are what an app may do in a person's name: with every resource, whatever that person may.
// The names are Azure's own.
func (s requestedScopes) rights() []string {
	if strings.TrimSuffix(s.Resource, "/") == microsoftGraph || s.Resource == "00000003-0000-0000-c000-000000000000" {
		return []string{"Directory.AccessAsUser.All", "User.Read"}
	}
	return []string{"user_impersonation"}
}

// granted spells the scopes of an answer: those that were asked for, which MSAL Go wants to find
// there, and what they amount to.
func (s requestedScopes) granted() []string {
	all := slices.Clone(s.Scopes)
	for _, right := range s.rights() {
		if full := s.Resource + "/" + right; !slices.Contains(all, full) {
			all = append(all, full)
		}
	}
	return all
}
