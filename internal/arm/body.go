package arm

import (
	"bytes"
	"encoding/json"
	"strings"
	"unicode/utf8"

	jsonpatch "github.com/evanphx/json-patch/v5"

	"lanyard/internal/fault"
)

const (
	maxDepth    = 100     // of nested objects and arrays in a body
	maxDocument = 1 << 20 // bytes; the store's driver takes 1.5 MB a value
)

// members are the top-level members of a resource as a client sent them, the known ones in
// Azure's spelling: ARM compares their names without regard to case.
type members map[string]json.RawMessage

func invalidContent(format string, args ...any) *fault.Error {
	return fault.New(fault.Invalid, "InvalidRequestContent",
		"The request content was invalid and could not be deserialized: "+format, args...)
}

func parseMembers(body []byte) (members, error) {
	if len(body) > maxDocument {
		return nil, fault.New(fault.TooLarge, "RequestContentTooLarge", "The resource is larger than %d bytes.", maxDocument)
	}
	if !utf8.Valid(body) {
		return nil, invalidContent("it is not UTF-8.")
	}
	body = bytes.TrimPrefix(body, []byte("\xef\xbb\xbf"))
	if err := inspect(body); err != nil {
		return nil, err
	}
	var raw members
	if err := json.Unmarshal(body, &raw); err != nil || raw == nil {
		return nil, invalidContent("it is not a JSON object.").Because(err)
	}
	spelled := make(members, len(raw))
	for name, value := range raw {
		for _, known := range []string{"id", "name", "type", "location", "tags", "kind", "identity", "properties", "systemData", "etag"} {
			if strings.EqualFold(name, known) {
				name = known
			}
		}
		if _, twice := spelled[name]; twice {
			return nil, invalidContent("it has the member '%s' twice.", name)
		}
		spelled[name] = value
	}
	return spelled, nil
}

// merge lays patch over base as RFC 7396 says. Tags are replaced as a whole (wire-facts 5.5).
func merge(base, patch members) (members, error) {
	if _, ok := patch["tags"]; ok {
		delete(base, "tags")
	}
	under, err := json.Marshal(base)
	if err != nil {
		return nil, err
	}
	over, err := json.Marshal(patch)
	if err != nil {
		return nil, err
	}
	merged, err := jsonpatch.MergePatch(under, over)
	if err != nil {
		return nil, invalidContent("it is not a merge patch.").Because(err)
	}
	var m members
	if err := json.Unmarshal(merged, &m); err != nil {
		return nil, err
	}
	return m, nil
}

// members gives what of a document a patch can change; the identity block has rules of its own.
func (d *Document) members() (members, error) {
	m := make(members, len(d.Rest)+4)
	for name, value := range d.Rest {
		m[name] = value
	}
	if d.Properties != nil {
		m["properties"] = d.Properties
	}
	for name, value := range map[string]string{"location": d.Location, "kind": d.Kind} {
		if value != "" {
			raw, err := json.Marshal(value)
			if err != nil {
				return nil, err
			}
			m[name] = raw
		}
	}
	if d.Tags != nil {
		raw, err := json.Marshal(d.Tags)
		if err != nil {
			return nil, err
		}
		m["tags"] = raw
	}
	return m, nil
}

// document reads merged members into a document; those without a field of their own go to Rest.
func (m members) document() (*Document, error) {
	d := new(Document)
	for name, raw := range m {
		var err error
		switch name {
		case "location":
			err = json.Unmarshal(raw, &d.Location)
			d.Location = placeName(d.Location)
		case "tags":
			err = json.Unmarshal(raw, &d.Tags)
		case "kind":
			err = json.Unmarshal(raw, &d.Kind)
		case "properties":
			var object map[string]json.RawMessage
			err = json.Unmarshal(raw, &object)
			d.Properties = raw
		default:
			if d.Rest == nil {
				d.Rest = map[string]json.RawMessage{}
			}
			d.Rest[name] = raw
		}
		if err != nil {
			return nil, invalidContent("the member '%s' has a value of the wrong type.", name).Because(err)
		}
	}
	return d, nil
}

// placeName gives a location as Azure names it: "West Europe" is westeurope (wire-facts 5.2).
func placeName(location string) string {
	return strings.ToLower(strings.ReplaceAll(location, " ", ""))
}

// take removes a string member that must agree with the path.
func (m members) take(name string) (string, error) {
	raw, ok := m[name]
	delete(m, name)
	if !ok || string(raw) == "null" {
		return "", nil
	}
	var said string
	if err := json.Unmarshal(raw, &said); err != nil {
		return "", invalidContent("the member '%s' is not a string.", name).Because(err)
	}
	return said, nil
}
