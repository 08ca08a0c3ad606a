package graph

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"lanyard/internal/cloud"
	"lanyard/internal/directory"
	"lanyard/internal/fault"
)

const (
	maxCredentials = 100 // of one kind at one object
	passwordYears  = 2   // how long a password holds when nothing is said (Microsoft Graph v1.0, "addPassword")
)

// newPassword is the body of addPassword.
type newPassword struct {
	Credential struct {
		DisplayName *string    `json:"displayName"`
		Start       *time.Time `json:"startDateTime"`
		End         *time.Time `json:"endDateTime"`
	} `json:"passwordCredential"`
}

// oldPassword is the body of removePassword.
type oldPassword struct {
	KeyID string `json:"keyId"`
}

// draw makes the password that a body asks for.
func (d *Door) draw(all []cloud.Credential, asked newPassword) (cloud.Credential, cloud.Sealed, error) {
	term := directory.Term{Ends: d.now().AddDate(passwordYears, 0, 0)}
	if len(all) >= maxCredentials {
		return cloud.Credential{}, cloud.Sealed{}, tooMany()
	}
	if s := asked.Credential.DisplayName; s != nil {
		if term.Name = *s; !isName(term.Name, 120) {
			return cloud.Credential{}, cloud.Sealed{}, badRequest("Invalid value specified for property 'displayName' of resource 'PasswordCredential'.")
		}
	}
	if t := asked.Credential.Start; t != nil {
		term.Starts = *t
	}
	if t := asked.Credential.End; t != nil {
		term.Ends = *t
	}
	if starts := term.Starts; !term.Ends.After(d.now()) || !term.Ends.After(starts) || term.Ends.Year() > 9999 {
		return cloud.Credential{}, cloud.Sealed{}, badRequest("Password credential end date is invalid: it is past, or before the start date.")
	}
	return d.Directory.NewSecret(term)
}

// tell answers with a new password: the one time that its text is shown.
func (d *Door) tell(w http.ResponseWriter, c *call, made cloud.Credential, secret cloud.Sealed) error {
	shape := password(made)
	shape["secretText"] = secret.Open()
	shape["@odata.context"] = c.context(d, "microsoft.graph.passwordCredential")
	return c.say(w, http.StatusOK, shape)
}

func without(all []cloud.Credential, keyID string) ([]cloud.Credential, error) {
	rest := slices.DeleteFunc(slices.Clone(all), func(c cloud.Credential) bool { return strings.EqualFold(c.KeyID, keyID) })
	if len(rest) == len(all) {
		return nil, badRequest("No password credential found with keyId '%s'.", fault.Clip(keyID))
	}
	return rest, nil
}

func (d *Door) addApplicationPassword(w http.ResponseWriter, c *call) error {
	var asked newPassword
	var made cloud.Credential
	var secret cloud.Sealed
	err := d.change(c, func(r *record) (err error) {
		made, secret, err = d.draw(r.application.Credentials, asked)
		r.application.Credentials = append(r.application.Credentials, made)
		return err
	}, &asked)
	if err != nil {
		return err
	}
	return d.tell(w, c, made, secret)
}

func (d *Door) removeApplicationPassword(w http.ResponseWriter, c *call) error {
	var asked oldPassword
	err := d.change(c, func(r *record) (err error) {
		r.application.Credentials, err = without(r.application.Credentials, asked.KeyID)
		return err
	}, &asked)
	if err != nil {
		return err
	}
	return c.say(w, http.StatusNoContent, nil)
}

func (d *Door) addPrincipalPassword(w http.ResponseWriter, c *call) error {
	var asked newPassword
	var made cloud.Credential
	var secret cloud.Sealed
	err := d.changePrincipal(c, func(r *record) (err error) {
		made, secret, err = d.draw(r.principal.Credentials, asked)
		r.principal.Credentials = append(r.principal.Credentials, made)
		return err
	}, &asked)
	if err != nil {
		return err
	}
	return d.tell(w, c, made, secret)
}

func (d *Door) removePrincipalPassword(w http.ResponseWriter, c *call) error {
	var asked oldPassword
	err := d.changePrincipal(c, func(r *record) (err error) {
		r.principal.Credentials, err = without(r.principal.Credentials, asked.KeyID)
		return err
	}, &asked)
	if err != nil {
		return err
	}
	return c.say(w, http.StatusNoContent, nil)
}

// passwords shows what is known of secrets: never the secrets.
func passwords(all []cloud.Credential) []map[string]any {
	shown := []map[string]any{}
	for _, c := range all {
		shown = append(shown, password(c))
	}
	return shown
}

func password(c cloud.Credential) map[string]any {
	return map[string]any{
		"keyId": c.KeyID, "displayName": orNull(c.Name), "hint": c.Hint, "secretText": nil, "customKeyIdentifier": nil,
		"startDateTime": stamp(c.Starts), "endDateTime": stamp(c.Ends),
	}
}

func tooMany() error {
	return badRequest("The object has %d credentials of this kind, and none more can be added.", maxCredentials)
}

func notThatWay() error {
	return badRequest("Property 'passwordCredentials' cannot be set: use addPassword and removePassword.")
}
