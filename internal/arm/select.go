package arm

import (
	"slices"
	"strings"
)

// filterable is what a $filter over resources can be about, each with a document's values of it.
var filterable = map[string]func(*Document) []string{
	"resourcetype":  func(d *Document) []string { return []string{d.Type} },
	"name":          func(d *Document) []string { return []string{d.Name} },
	"location":      func(d *Document) []string { return []string{d.Location} },
	"resourcegroup": func(d *Document) []string { return []string{d.ID.Group()} },
	"tagname":       (*Document).tagNames,
	"identity/principalid": func(d *Document) []string {
		if d.Identity == nil {
			return nil
		}
		return []string{string(d.Identity.Principal)}
	},
}

func (d *Document) tagNames() []string {
	var names []string
	for name := range d.Tags {
		names = append(names, name)
	}
	return names
}

// selectWhere keeps the documents for which a $filter holds: resourceType, name, location,
// resourceGroup, identity/principalId, tagName and tagValue by eq and ne, substringof and
// startswith. A tagValue is that of the tagName it stands together with. Others are refused.
func selectWhere(all []*Document, filter string) ([]*Document, error) {
	alternatives, err := ParseFilter(filter)
	if err != nil {
		return nil, err
	}
	for _, terms := range alternatives {
		if !slices.ContainsFunc(terms, func(t Term) bool { return t.Op == "eq" && t.Name == "tagname" }) &&
			slices.ContainsFunc(terms, func(t Term) bool { return t.Name == "tagvalue" }) || slices.ContainsFunc(terms, Term.isStrange) {
			return nil, BadFilter(filter).
				Try("compare resourceType, name, location, resourceGroup, or tagName and tagValue with eq, joined by and")
		}
	}
	return slices.DeleteFunc(all, func(d *Document) bool {
		return len(alternatives) > 0 && !slices.ContainsFunc(alternatives, d.matches)
	}), nil
}

// isStrange reports whether a term is none that resources can be chosen by.
func (t Term) isStrange() bool {
	about := t.Name
	if t.Op == "" {
		about = t.Of
	}
	_, known := filterable[about]
	switch {
	case t.Name == "tagvalue":
		return t.Op != "eq"
	case t.Op == "":
		return !known || t.Name != "substringof" && t.Name != "startswith"
	}
	return !known || t.Op != "eq" && t.Op != "ne"
}

// matches reports whether all terms hold for a document.
func (d *Document) matches(terms []Term) bool {
	for _, t := range terms {
		if !d.holds(t) {
			return false
		}
	}
	tag := slices.IndexFunc(terms, func(t Term) bool { return t.Op == "eq" && t.Name == "tagname" })
	for _, t := range terms {
		if t.Name != "tagvalue" {
			continue
		}
		found := false
		for name, value := range d.Tags {
			found = found || strings.EqualFold(name, terms[tag].Value) && value == t.Value
		}
		if !found {
			return false
		}
	}
	return true
}

func (d *Document) holds(t Term) bool {
	if t.Name == "tagvalue" {
		return true // compared with its name
	}
	about, value := t.Name, strings.ToLower(t.Value)
	if t.Op == "" {
		about = t.Of
	}
	if about == "location" {
		value = placeName(value)
	}
	return slices.ContainsFunc(filterable[about](d), func(has string) bool {
		has = strings.ToLower(has)
		switch t.Name {
		case "substringof":
			return strings.Contains(has, value)
		case "startswith":
			return strings.HasPrefix(has, value)
		}
		return has == value
	}) == (t.Op != "ne")
}
