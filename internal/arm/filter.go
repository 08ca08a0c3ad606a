package arm

import (
	"regexp"
	"slices"
	"strings"

	"lanyard/internal/fault"
)

// comparison is one "member eq 'value'" of a $filter; and joins them.
var comparison = regexp.MustCompile(`^\s*([A-Za-z]+)\s+eq\s+'((?:[^']|'')*)'\s*(?:(?i:and)\s|$)`)

// selectWhere keeps the documents for which a $filter holds: resourceType, name, location,
// resourceGroup, tagName and tagValue, compared by eq and joined by and. Others are refused.
func selectWhere(all []*Document, filter string) ([]*Document, error) {
	want := map[string]string{}
	for rest := strings.TrimSpace(filter); rest != ""; {
		m := comparison.FindStringSubmatch(rest)
		if m == nil {
			return nil, badFilter(filter)
		}
		member := strings.ToLower(m[1])
		if !slices.Contains([]string{"resourcetype", "name", "location", "resourcegroup", "tagname", "tagvalue"}, member) {
			return nil, badFilter(filter)
		}
		if _, twice := want[member]; twice {
			return nil, badFilter(filter)
		}
		want[member] = strings.ReplaceAll(m[2], "''", "'")
		rest = rest[len(m[0]):]
	}
	if _, ok := want["tagname"]; want["tagvalue"] != "" && !ok {
		return nil, badFilter(filter)
	}
	return slices.DeleteFunc(all, func(d *Document) bool { return !d.matches(want) }), nil
}

func badFilter(filter string) error {
	return fault.New(fault.Invalid, "InvalidFilterInQueryString",
		"Invalid $filter '%s' specified in the query string.", clip(filter)).
		Try("compare resourceType, name, location, resourceGroup, or tagName and tagValue with eq, joined by and")
}

func (d *Document) matches(want map[string]string) bool {
	for member, value := range want {
		holds := false
		switch member {
		case "resourcetype":
			holds = strings.EqualFold(d.Type, value)
		case "name":
			holds = strings.EqualFold(d.Name, value)
		case "location":
			holds = d.Location == placeName(value)
		case "resourcegroup":
			holds = strings.EqualFold(d.ID.Group(), value)
		case "tagname":
			wanted, compare := want["tagvalue"]
			for name, has := range d.Tags {
				holds = holds || strings.EqualFold(name, value) && (!compare || has == wanted)
			}
		case "tagvalue":
			holds = true // compared with its name
		}
		if !holds {
			return false
		}
	}
	return true
}
