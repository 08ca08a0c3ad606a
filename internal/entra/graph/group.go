package graph

import (
	"net/http"
	"strings"

	"lanyard/internal/cloud"
)

// listGroups answers that there are none, which is so: nobody can make one.
func (d *Door) listGroups(w http.ResponseWriter, c *call) error {
	if err := d.mayRead(c); err != nil {
		return err
	}
	return d.page(w, c, groups, nil)
}

func (d *Door) noGroup(_ http.ResponseWriter, c *call) error {
	if err := d.mayRead(c); err != nil {
		return err
	}
	return missing(c.r.PathValue("id"))
}

// memberGroups answers in which groups somebody is, of all or of some: in none.
func (d *Door) memberGroups(w http.ResponseWriter, c *call) error {
	key := c.r.PathValue("id")
	e, ok := d.object(key)
	if strings.Contains(key, "@") {
		var p cloud.Principal
		p, ok = d.Directory.BySignIn(key)
		e = person{p}
	}
	if !ok || e.id() != string(c.caller.ID) {
		if err := d.mayRead(c); err != nil {
			return err
		}
	}
	if !ok {
		return missing(key)
	}
	var body struct {
		GroupIDs            []string `json:"groupIds"`
		SecurityEnabledOnly *bool    `json:"securityEnabledOnly"`
	}
	if err := c.read(&body); err != nil {
		return err
	}
	if check := strings.HasSuffix(c.r.URL.Path, "/checkmembergroups"); check && (body.GroupIDs == nil || body.SecurityEnabledOnly != nil) || !check && body.GroupIDs != nil {
		return badRequest("One or more parameters of the operation are missing, or are those of another.")
	}
	return c.say(w, http.StatusOK, map[string]any{"@odata.context": c.context(d, "Collection(Edm.String)"), "value": []string{}})
}

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
