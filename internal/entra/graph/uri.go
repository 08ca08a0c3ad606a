package graph

import (
	"encoding/json"
	"net/url"
	"slices"
	"strings"

	"lanyard/internal/cloud"
	"lanyard/internal/directory"
	"lanyard/internal/fault"
)

const (
	maxURI  = 255 // characters
	maxURIs = 50
)

// uris reads the URIs by which an application is to be a resource. A token for one of them opens that
// application, so that none may be taken for another service or another application (T12).
func (d *Door) uris(a *directory.Application, value json.RawMessage) ([]string, error) {
	var all []string
	if json.Unmarshal(value, &all) != nil || len(all) > maxURIs {
		return nil, badRequest("Invalid value specified for property 'identifierUris' of resource 'Application'.")
	}
	for n, uri := range all {
		if slices.ContainsFunc(all[:n], func(s string) bool { return strings.EqualFold(s, uri) }) {
			return nil, badRequest("Request contains a property with duplicate values.")
		}
		if slices.Contains(a.URIs, uri) {
			continue
		}
		if err := d.checkURI(a, uri); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// checkURI holds a new URI against Entra's rule: api:// with an id of the application's or tenant's own
// or a word, or https:// in a domain of the tenant's own (Microsoft identity platform, "Restrictions on
// identifier URIs of Microsoft Entra applications").
func (d *Door) checkURI(a *directory.Application, uri string) error {
	odd := func(r rune) bool { return r <= ' ' || r > '~' || strings.ContainsRune(`'"\%#?*<>|`, r) }
	at, err := url.Parse(uri)
	if err != nil || len(uri) > maxURI || strings.ContainsFunc(uri, odd) || strings.HasSuffix(uri, "/") || at.User != nil {
		return badRequest("Invalid value specified for property 'identifierUris' of resource 'Application'.")
	}
	first := strings.ToLower(at.Host)
	switch {
	case at.Scheme == "api" && strings.HasPrefix(uri, "api://") && first != "":
		if cloud.IsGUID(first) && first != string(a.Client) && first != string(d.Tenant) {
			return foreign(uri)
		}
	case at.Scheme == "https" && strings.HasPrefix(uri, "https://") && at.Port() == "":
		if first != d.Profile.Domain && !strings.HasSuffix(first, "."+d.Profile.Domain) || d.Profile.Serves(first) {
			return foreign(uri)
		}
	default:
		return foreign(uri)
	}
	if known, ok := d.Directory.Audience(uri); ok && known.App != a.Client {
		return badRequest("Another object with the same value for property identifierUris already exists.")
	}
	return nil
}

func foreign(uri string) error {
	return fault.New(fault.Invalid, "HostNameNotOnVerifiedDomain",
		"Values of identifierUris property must use a verified domain of the organization or its subdomain: '%s'", fault.Clip(uri))
}
