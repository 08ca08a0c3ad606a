package graph

import (
	"crypto/sha1" //nolint:gosec // a thumbprint is a name, no proof
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"lanyard/internal/cloud"
	"lanyard/internal/directory"
	"lanyard/internal/fault"
)

const (
	certificateType  = "AsymmetricX509Cert"
	certificateUsage = "Verify"
)

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
			return nil, badRequest("There are two key credentials with KeyId '%s'.", fault.Clip(k.KeyID))
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
		return cloud.Certificate{}, badRequest("Key credential '%s' has no key, and is none that is there already.", fault.Clip(k.KeyID))
	case k.KeyID != "" && !cloud.IsGUID(k.KeyID):
		return cloud.Certificate{}, badRequest("Key credential id '%s' is not a GUID.", fault.Clip(k.KeyID))
	}
	term := directory.Term{}
	if k.DisplayName != nil {
		if term.Name = *k.DisplayName; !isName(term.Name, 256) {
			return cloud.Certificate{}, badRequest("Invalid value specified for property 'displayName' of resource 'KeyCredential'.")
		}
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

// keys shows certificates as keyCredentials; like Microsoft Graph's lists, without the key itself.
func keys(all []cloud.Certificate) []map[string]any {
	shown := []map[string]any{}
	for _, c := range all {
		shown = append(shown, key(c))
	}
	return shown
}

func key(c cloud.Certificate) map[string]any {
	called := c.Name
	if x, err := x509.ParseCertificate(c.DER); err == nil && called == "" {
		called = x.Subject.String()
	}
	return map[string]any{
		"keyId": c.KeyID, "displayName": called, "key": nil, "type": certificateType, "usage": certificateUsage,
		"customKeyIdentifier": fmt.Sprintf("%X", sha1.Sum(c.DER)), //nolint:gosec // see the import
		"startDateTime":       stamp(c.Starts), "endDateTime": stamp(c.Ends),
	}
}
