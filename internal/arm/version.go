package arm

import (
	"slices"
	"strings"

	"lanyard/internal/fault"
)

// checkVersion refuses a call without an api-version, or with one that its type does not have,
// with the texts of wire-facts 5.1.
func (e *Engine) checkVersion(c call) error {
	asked := strings.ToLower(c.options["api-version"])
	if asked == "" {
		return fault.New(fault.Invalid, "MissingApiVersionParameter",
			"The api-version query parameter (?api-version=) is required for all requests.")
	}
	resourceType, known := typeGroup, []string(nil)
	switch {
	case c.row != nil:
		resourceType, known = c.row.Type, c.row.Versions
	case c.address.versions != nil:
		known = c.address.versions
	default:
		known = e.resourcesVersions()
	}
	if slices.ContainsFunc(known, func(v string) bool { return strings.EqualFold(v, asked) }) {
		return nil
	}
	namespace, short, _ := strings.Cut(resourceType, "/")
	if strings.EqualFold(namespace, "Microsoft.Resources") {
		return fault.New(fault.Invalid, "InvalidApiVersionParameter",
			"The api-version '%s' is invalid. The supported versions are '%s'.", asked, strings.Join(known, ","))
	}
	places := ", global"
	if c.row.Tracked {
		places = strings.Join(regionNames(), ", ")
	}
	return fault.New(fault.Invalid, "NoRegisteredProviderFound",
		"No registered resource provider found for location 'global' and API version '%s' for type '%s'. The supported api-versions are '%s'. The supported locations are '%s'.",
		asked, short, strings.Join(known, ", "), places)
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
