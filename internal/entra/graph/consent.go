package graph

import "net/http"

// consents are what nobody can give, so that the list of them is empty.
var consents = noun{set: "oauth2PermissionGrants", kind: "oAuth2PermissionGrant", forms: map[string]form{
	"clientId": text, "resourceId": text, "principalId": text, "consentType": text, "scope": text,
}}

func (d *Door) listConsents(w http.ResponseWriter, c *call) error {
	if err := d.mayRead(c); err != nil {
		return err
	}
	return d.page(w, c, consents, nil)
}
