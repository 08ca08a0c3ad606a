package msi

import (
	"net/url"
	"slices"
	"strings"

	"lanyard/internal/fault"
)

// ask is what a query asks for.
type ask struct {
	version  string
	resource string
	by       string // the selector's name; "" where no identity is named
	value    string
	capable  bool   // the client understands claims challenges
	refused  string // SHA-256, in hex, of a token that a service refused
}

// names are the parameters that mean something, in all the spellings of all protocols (TK-3). One
// protocol's selector in another's request is refused, never passed over: the token would be for an
// identity that nobody asked for (T19). resource_id is no protocol's: azure-identity for Python sends
// it for those who name the option so.
var names = []string{
	"api-version", "resource", "client_id", "clientid", "principal_id", "object_id", "mi_res_id", "msi_res_id", "resource_id", "xms_cc",
	"token_sha256_to_refresh",
}

// readQuery reads a raw query. Names may be percent-encoded; names that mean nothing here are
// passed over, as clients send many. A name given twice, or in another case than documented, is
// refused: what is read in two ways is read wrongly by one side (T19).
func readQuery(raw string) (ask, error) {
	var a ask
	seen := make([]string, 0, 8)
	for len(raw) > 0 {
		var pair string
		pair, raw, _ = strings.Cut(raw, "&")
		name, value, _ := strings.Cut(pair, "=")
		name, err := unescape(name)
		if err != nil {
			return ask{}, err
		}
		if !slices.Contains(names, name) {
			if meant := closest(name); meant != "" {
				return ask{}, refuse("The query parameter %s is spelled %q.", meant, fault.Clip(name))
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
		if err := a.take(name, value); err != nil {
			return ask{}, err
		}
	}
	return a, nil
}

func (a *ask) take(name, value string) error {
	switch {
	case name == "api-version":
		a.version = value
	case name == "resource":
		a.resource = value
	case name == "xms_cc":
		for one := range strings.SplitSeq(value, ",") {
			a.capable = a.capable || strings.EqualFold(strings.TrimSpace(one), "cp1")
		}
	case name == "token_sha256_to_refresh":
		a.refused = value
	case value == "": // some clients send an empty selector when they have none (wire-facts: "Requests")
	case a.by != "":
		return refuse("Only one selector of an identity can be given; here are %s and %s.", a.by, name)
	default:
		a.by, a.value = name, value
	}
	return nil
}

// closest gives the name that is meant by one that differs in case, hyphens or underscores alone.
func closest(name string) string {
	if len(name) > 32 {
		return ""
	}
	bare := func(s string) string { return strings.NewReplacer("_", "", "-", "").Replace(strings.ToLower(s)) }
	for _, known := range names {
		if len(name) <= len(known)+2 && bare(name) == bare(known) {
			return known
		}
	}
	return ""
}

func unescape(s string) (string, error) {
	if strings.IndexByte(s, '%') < 0 && strings.IndexByte(s, '+') < 0 {
		return s, nil
	}
	plain, err := url.QueryUnescape(s)
	if err != nil {
		return "", refuse("The query is not percent-encoded correctly.")
	}
	return plain, nil
}

// check holds an ask against its protocol.
func (a ask) check(p *protocol) error {
	if _, known := p.selectors[a.by]; !known && a.by != "" {
		return refuse("The query parameter %s names no identity in the protocol %s; %s would.", a.by, p.name, spellings(p.selectors))
	}
	if a.resource == "" {
		return refuse("The query parameter resource is missing.").Try("add resource=https://vault.azure.net, or what the token is for")
	}
	if !p.renews && a.refused != "" {
		return refuse("The query parameter token_sha256_to_refresh is of api-version %s.", appService2025.versions[0])
	}
	if a.refused != "" && !isHash(a.refused) {
		return refuse("token_sha256_to_refresh is not a SHA-256 in lower-case hexadecimal digits.")
	}
	return nil
}

func isHash(s string) bool {
	stranger := func(c rune) bool { return (c < '0' || c > '9') && (c < 'a' || c > 'f') }
	return len(s) == 64 && !strings.ContainsFunc(s, stranger)
}

// spellings lists selectors for people.
func spellings(of map[string]means) string {
	var all []string
	for name := range of {
		all = append(all, name)
	}
	slices.Sort(all)
	return strings.Join(all, ", ")
}

func refuse(format string, args ...any) *fault.Error {
	return fault.New(fault.Invalid, codeInvalid, format, args...)
}
