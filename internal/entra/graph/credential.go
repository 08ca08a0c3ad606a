package graph

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"lanyard/internal/cloud"
	"lanyard/internal/directory"
	"lanyard/internal/fault"
)

const (
	maxCredentials   = 100 // of one kind at one object
	passwordYears    = 2   // how long a password holds when nothing is said (Microsoft Graph v1.0, "addPassword")
	certificateType  = "AsymmetricX509Cert"
	certificateUsage = "Verify"
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
		if term.Name = *s; utf8.RuneCountInString(term.Name) > 120 {
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
		return nil, badRequest("No password credential found with keyId '%s'.", clip(keyID))
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

// keyCredential is a certificate as clients send it. What they read, they may send back: with the
// same keyId, nothing changed and without the key.
type keyCredential struct {
	Type        string     `json:"@odata.type"`
	KeyID       string     `json:"keyId"`
	DisplayName *string    `json:"displayName"`
	Key         *string    `json:"key"`
	Kind        string     `json:"type"`
	Usage       string     `json:"usage"`
	Thumbprint  *string    `json:"customKeyIdentifier"`
	Start       *time.Time `json:"startDateTime"`
	End         *time.Time `json:"endDateTime"`
}

// certificates gives those that a list of keyCredentials stands for: it replaces the ones before.
func (d *Door) certificates(before []cloud.Certificate, value json.RawMessage) ([]cloud.Certificate, error) {
	var sent []keyCredential
	decoder := json.NewDecoder(strings.NewReader(string(value)))
	decoder.DisallowUnknownFields()
	if decoder.Decode(&sent) != nil {
		return nil, badRequest("Invalid value specified for property 'keyCredentials' of resource 'Application'.")
	}
	if len(sent) > maxCredentials {
		return nil, tooMany()
	}
	var after []cloud.Certificate
	for _, k := range sent {
		known := slices.IndexFunc(before, func(c cloud.Certificate) bool { return strings.EqualFold(c.KeyID, k.KeyID) })
		if slices.ContainsFunc(after, func(c cloud.Certificate) bool { return strings.EqualFold(c.KeyID, k.KeyID) }) {
			return nil, badRequest("There are two key credentials with KeyId '%s'.", clip(k.KeyID))
		}
		if known >= 0 {
			if !k.isStill(before[known]) {
				return nil, fault.New(fault.Invalid, "KeyCredentialsUpdateNotAllowed", "Update to existing credential with KeyId '%s' is not allowed.", before[known].KeyID)
			}
			after = append(after, before[known])
			continue
		}
		made, err := d.newCertificate(k)
		if err != nil {
			return nil, err
		}
		after = append(after, made)
	}
	return after, nil
}

// isStill reports whether k says nothing of a certificate that it is not.
func (k keyCredential) isStill(c cloud.Certificate) bool {
	shown := key(c)
	differs := func(said *string, is any) bool { return said != nil && *said != is }
	moved := func(said *time.Time, is time.Time) bool { return said != nil && stamp(*said) != stamp(is) }
	return !differs(k.DisplayName, shown["displayName"]) && !differs(k.Thumbprint, shown["customKeyIdentifier"]) &&
		(k.Kind == "" || k.Kind == certificateType) && (k.Usage == "" || k.Usage == certificateUsage) &&
		!moved(k.Start, c.Starts) && !moved(k.End, c.Ends) && (k.Key == nil || slices.Equal(decode(*k.Key), c.DER))
}

func (d *Door) newCertificate(k keyCredential) (cloud.Certificate, error) {
	switch {
	case k.Kind != certificateType || k.Usage != certificateUsage:
		return cloud.Certificate{}, fault.New(fault.NotOffered, "NotImplemented",
			"Lanyard offers key credentials of type %s and usage %s alone.", certificateType, certificateUsage)
	case k.Key == nil:
		return cloud.Certificate{}, badRequest("Key credential '%s' has no key, and is none that is there already.", clip(k.KeyID))
	case k.KeyID != "" && !cloud.IsGUID(k.KeyID):
		return cloud.Certificate{}, badRequest("Key credential id '%s' is not a GUID.", clip(k.KeyID))
	}
	term := directory.Term{}
	if k.DisplayName != nil {
		term.Name = *k.DisplayName
	}
	if k.Start != nil {
		term.Starts = *k.Start
	}
	if k.End != nil {
		term.Ends = *k.End
	}
	made, err := d.Directory.NewCertificate(decode(*k.Key), term)
	if errors.Is(err, directory.ErrBadCertificate) {
		why := strings.TrimPrefix(err.Error(), directory.ErrBadCertificate.Error()+": ")
		return made, fault.New(fault.Invalid, "KeyCredentialsInvalid", "The certificate of a key credential is not accepted: %s.", why)
	}
	if k.KeyID != "" {
		made.KeyID = strings.ToLower(k.KeyID)
	}
	return made, err
}

// decode reads base64, across lines as az sends it; what cannot be read is no certificate.
func decode(s string) []byte {
	der, err := base64.StdEncoding.DecodeString(strings.NewReplacer("\n", "", "\r", "").Replace(s))
	if err != nil {
		return nil
	}
	return der
}

func tooMany() error {
	return badRequest("The object has %d credentials of this kind, and none more can be added.", maxCredentials)
}

func notThatWay() error {
	return badRequest("Property 'passwordCredentials' cannot be set: use addPassword and removePassword.")
}
