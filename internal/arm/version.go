package arm

import (
	"net/http"
	"slices"
	"strings"

	"lanyard/internal/fault"
)

// apiVersion gives the api-version parameter; its name is compared without regard to case.
func apiVersion(r *http.Request) (string, error) {
	for name, values := range r.URL.Query() {
		if strings.EqualFold(name, "api-version") && len(values) > 0 && values[0] != "" {
			return strings.ToLower(values[0]), nil
		}
	}
	return "", fault.New(fault.Invalid, "MissingApiVersionParameter",
		"The api-version query parameter (?api-version=) is required for all requests.")
}

// checkVersion refuses an api-version that a type does not have, with the texts of wire-facts 5.1.
func checkVersion(r *http.Request, resourceType string, known []string) error {
	asked, err := apiVersion(r)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(known, func(v string) bool { return strings.EqualFold(v, asked) }) {
		return nil
	}
	namespace, short, _ := strings.Cut(resourceType, "/")
	if strings.EqualFold(namespace, "Microsoft.Resources") {
		return fault.New(fault.Invalid, "InvalidApiVersionParameter",
			"The api-version '%s' is invalid. The supported versions are '%s'.", asked, strings.Join(known, ","))
	}
	return fault.New(fault.Invalid, "NoRegisteredProviderFound",
		"No registered resource provider found for location 'global' and API version '%s' for type '%s'. The supported api-versions are '%s'. The supported locations are ', global'.",
		asked, short, strings.Join(known, ", "))
}

// resourcesVersions are the api-versions of the listings that belong to no single type: all that
// the rows of Microsoft.Resources know, newest first.
func (e *Engine) resourcesVersions() []string {
	var known []string
	for _, row := range e.rows {
		if strings.HasPrefix(strings.ToLower(row.Type), "microsoft.resources/") {
			known = append(known, row.Versions...)
		}
	}
	slices.Sort(known)
	known = slices.Compact(known)
	slices.Reverse(known)
	return known
}
