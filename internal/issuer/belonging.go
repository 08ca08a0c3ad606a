package issuer

import (
	"lanyard/internal/cloud"
	"lanyard/internal/token"
)

// The versions of access tokens (wire-facts: "Managed identity access token").
const (
	versionOne = "1.0"
	versionTwo = "2.0"
)

const (
	// maxGroups is how many groups a token names; of more it says where to ask (same heading).
	maxGroups = 200
	// maxRoles and maxRole bound the app roles in a token, and the bytes of one (Microsoft Graph v1.0, "appRole").
	maxRoles = 200
	maxRole  = 120
	// managedRelation is one of the values that xms_idrel has in tokens of managed identities.
	managedRelation = "7 10"
)

// belong says in which groups a principal is and which app roles it has.
func (i *Issuer) belong(c *token.Claims, o Order) {
	c.Roles = o.Roles
	if len(o.Groups) <= maxGroups {
		c.Groups = o.Groups
		return
	}
	kind := "servicePrincipals"
	if o.Principal.Kind == cloud.User {
		kind = "users"
	}
	const source = "src1"
	c.Elsewhere = map[string]string{"groups": source}
	c.Sources = map[string]token.Source{source: {Endpoint: i.Graph + "/" + kind + "/" + string(o.Principal.ID) + "/getMemberObjects"}}
}

// rename gives claims the names that they have in v2.0 tokens, and takes away what those do not have.
func rename(c *token.Claims) {
	c.Party, c.PartyAuth, c.Preferred = c.Client, c.ClientAuth, c.SignIn
	c.Client, c.ClientAuth, c.SignIn, c.UniqueName = "", "", "", ""
	c.IdentityProvider, c.Methods = "", nil
}
