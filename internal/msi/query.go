package msi

import (
	"net/url"
	"slices"
	"strings"

	"lanyard/internal/fault"
)

const apiVersion = "2019-08-01"

// selector is a way to name one of an app's user-assigned identities.
type selector string

// The selectors, in all the spellings that clients send (TK-3).
const (
	byClient    selector = "client_id"
	byPrincipal selector = "principal_id"
	byObject    selector = "object_id"
	byResource  selector = "mi_res_id"
	byResource2 selector = "msi_res_id"
)

var selectors = []selector{byClient, byPrincipal, byObject, byResource, byResource2}

// ask is what a query asks for.
type ask struct {
	version  string
	resource string
	by       selector // "" asks for the system-assigned identity
	value    string
}

// readQuery reads a raw query. Names may be percent-encoded; names that mean nothing here are
// passed over, as clients send many. A name given twice, or in another case than documented, is
// refused: what is read in two ways is read wrongly by one side (T19).
func readQuery(raw string) (ask, error) {
	var a ask
	seen := make([]string, 0, 4)
	for len(raw) > 0 {
		var pair string
		pair, raw, _ = strings.Cut(raw, "&")
		name, value, _ := strings.Cut(pair, "=")
		name, err := unescape(name)
		if err != nil {
			return ask{}, err
		}
		if !known(name) {
			if lower := strings.ToLower(name); known(lower) {
				return ask{}, refuse("The query parameter %s is spelled %q.", lower, fault.Clip(name))
			}
			continue
		}
		if value, err = unescape(value); err != nil {
			return ask{}, err
		}
		if slices.Contains(seen, name) {
			return ask{}, refuse("The query parameter %s is given twice.", name)
		}
		seen = append(seen, name)
		switch {
		case name == "api-version":
			a.version = value
		case name == "resource":
			a.resource = value
		case value == "": // some clients send an empty selector when they have none (wire-facts 1.3)
		case a.by != "":
			return ask{}, refuse("Only one of client_id, principal_id and mi_res_id can be given; here are %s and %s.", a.by, name)
		default:
			a.by, a.value = selector(name), value
		}
	}
	return a, nil
}

func known(name string) bool {
	return name == "resource" || name == "api-version" || slices.Contains(selectors, selector(name))
}

func unescape(s string) (string, error) {
	if !strings.ContainsAny(s, "%+") {
		return s, nil
	}
	plain, err := url.QueryUnescape(s)
	if err != nil {
		return "", refuse("The query is not percent-encoded correctly.")
	}
	return plain, nil
}

// check holds an ask against the protocol.
func (a ask) check() error {
	if a.version != apiVersion {
		what := "is missing"
		if a.version != "" {
			what = "'" + fault.Clip(a.version) + "' is not supported"
		}
		return fault.New(fault.Invalid, codeVersion, "The api-version %s; the supported version is %s.", what, apiVersion)
	}
	if a.resource == "" {
		return refuse("The query parameter resource is missing.").Try("add resource=https://vault.azure.net, or what the token is for")
	}
	return nil
}

func refuse(format string, args ...any) *fault.Error {
	return fault.New(fault.Invalid, "BadRequest", format, args...)
}
