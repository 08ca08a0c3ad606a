package directory

import (
	"cmp"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"lanyard/internal/cloud"
)

// FederatedLimit is how many federated credentials an identity or application may have in Azure
// (wire-facts: "Federated identity credential rules").
const FederatedLimit = 20

// FederatedFull reports whether whoever has so many federated credentials may have no more. A limit of 0
// means FederatedLimit, a negative one sets none.
func FederatedFull(have, limit int) bool {
	return limit >= 0 && have >= cmp.Or(limit, FederatedLimit)
}

// maxFederated bounds issuer, subject, audience and description, in characters (same heading).
const maxFederated = 600

var federatedName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{2,119}$`)

// FederatedNameFault says in a sentence what is wrong with a federated credential's name; "" is nothing.
func FederatedNameFault(name string) string {
	if federatedName.MatchString(name) {
		return ""
	}
	return fmt.Sprintf("Federated Identity Credential name '%s' is invalid. It must have 3 to 120 letters, digits, hyphens and underscores, and start with a letter or digit.", name)
}

// FederatedFault says in a sentence what is wrong with a federated credential but for its name; "" is
// nothing. Several audiences are one fault of many, so they are handed over apart.
func FederatedFault(c cloud.FederatedCredential, audiences []string) string {
	switch {
	case c.Issuer == "" || c.Subject == "" || audiences == nil:
		return "Federated Identity Credential from HTTP body has empty properties."
	case len(audiences) != 1 || audiences[0] == "":
		return "Federated identity credentials must have exactly one audience."
	case !isIssuer(c.Issuer):
		return "The issuer of a federated identity credential must be an https URL without user, query and fragment."
	}
	for name, text := range map[string]string{"issuer": c.Issuer, "subject": c.Subject, "audience": audiences[0], "description": c.Description} {
		if utf8.RuneCountInString(text) > maxFederated {
			return fmt.Sprintf("The %s of a federated identity credential must have no more than %d characters.", name, maxFederated)
		}
	}
	return ""
}

// FederatedClash reports whether one of the credentials beside c, which go by other names, trusts the
// same issuer for the same subject.
func FederatedClash(c cloud.FederatedCredential, beside []cloud.FederatedCredential) bool {
	return slices.ContainsFunc(beside, func(o cloud.FederatedCredential) bool {
		return !strings.EqualFold(o.Name, c.Name) && o.Issuer == c.Issuer && o.Subject == c.Subject
	})
}

// isIssuer reports whether a text can be an issuer (OpenID Connect Discovery 1.0 section 3): an https URL
// that names a host and nothing besides a path. It is kept and compared as it was written.
func isIssuer(text string) bool {
	u, err := url.Parse(text)
	return err == nil && u.Scheme == "https" && strings.HasPrefix(text, "https://") && u.Hostname() != "" && u.User == nil &&
		u.RawQuery == "" && !u.ForceQuery && !strings.Contains(text, "#") && u.Opaque == ""
}
