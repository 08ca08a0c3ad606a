// Package provider holds what the rows of all namespaces share.
//
// It must not know any resource type, nor how resources are served.
package provider

import (
	"bytes"
	"encoding/json"
	"strings"

	"lanyard/internal/arm"
	"lanyard/internal/fault"
)

// Members are the members of one JSON object by name, each as it was sent.
type Members map[string]json.RawMessage

// Read gives the members of the object raw; path names it in refusals, e.g. "properties.template".
// Nothing and null are an object without members.
func Read(path string, raw json.RawMessage) (Members, error) {
	m := Members{}
	if len(raw) == 0 {
		return m, nil
	}
	if err := json.Unmarshal(raw, &m); err != nil {
		return nil, fault.New(fault.Invalid, "InvalidRequestContent", "The request content was invalid: '%s' is not an object.", path).Because(err)
	}
	if m == nil {
		m = Members{}
	}
	return m, nil
}

// Close leaves only the members named: they get the spelling given here, blank ones of any other
// name go, and whatever else a client asked for is refused, because it would not happen.
func (m Members) Close(path string, offered ...string) error {
	for name, raw := range m {
		spelling := match(name, offered)
		switch {
		case spelling == name && !isNull(raw):
		case spelling != "" && !isNull(raw):
			if _, twice := m[spelling]; twice {
				return fault.New(fault.Invalid, "InvalidRequestContent", "The request content was invalid: '%s.%s' is there twice.", path, spelling)
			}
			m[spelling] = raw
			delete(m, name)
		case Blank(raw):
			delete(m, name)
		default:
			return NotOffered(path + "." + name)
		}
	}
	return nil
}

// Drop removes members without regard to case: what the service fills itself, which clients send
// back as they read it.
func (m Members) Drop(names ...string) {
	for name := range m {
		if match(name, names) != "" {
			delete(m, name)
		}
	}
}

// Decode reads the member into v; a missing member changes nothing.
func (m Members) Decode(path, name string, v any) error {
	raw, ok := m[name]
	if !ok {
		return nil
	}
	if err := json.Unmarshal(raw, v); err != nil {
		return fault.New(fault.Invalid, "InvalidRequestContent", "The request content was invalid: '%s.%s' is not of the right type.", path, name).Because(err)
	}
	return nil
}

// Text gives a member that is a string, or "".
func (m Members) Text(name string) string {
	var s string
	if json.Unmarshal(m[name], &s) != nil {
		return ""
	}
	return s
}

// Set gives the member a value that marshals without fail: strings, numbers, maps and slices of them.
func (m Members) Set(name string, v any) {
	raw, err := json.Marshal(v)
	if err != nil {
		panic(err) // a value of our own that is not JSON is a mistake in a literal
	}
	m[name] = raw
}

// Default gives the member a value unless it has one.
func (m Members) Default(name string, v any) {
	if _, ok := m[name]; !ok {
		m.Set(name, v)
	}
}

// Raw gives the object as JSON, members in the order of their names.
func (m Members) Raw() json.RawMessage {
	raw, err := json.Marshal(m)
	if err != nil {
		panic(err) // every member came out of a JSON decoder or encoder
	}
	return raw
}

// Blank reports whether a value asks for nothing: null, false, 0, "", and arrays and objects of
// such values. Clients send these for what they leave at its default.
func Blank(raw json.RawMessage) bool {
	var v any
	if len(raw) == 0 || json.Unmarshal(raw, &v) != nil {
		return len(raw) == 0
	}
	return blank(v)
}

func blank(v any) bool {
	switch v := v.(type) {
	case []any:
		for _, each := range v {
			if !blank(each) {
				return false
			}
		}
		return true
	case map[string]any:
		for _, each := range v {
			if !blank(each) {
				return false
			}
		}
		return true
	default:
		return v == nil || v == false || v == 0.0 || v == ""
	}
}

// NotOffered refuses a field that Azure has and this world has not.
func NotOffered(field string) *fault.Error {
	return fault.New(fault.NotOffered, "NotOffered", "'%s' is not offered in this world: leave it out.", fault.Clip(field))
}

// PlatformOnly refuses a client's write on what the platform alone makes, and a client's delete,
// but not that it goes along with what it lies in. Callers that a token speaks for have a principal;
// the platform itself has none.
func PlatformOnly(c *arm.Change, resourceType string) error {
	if c.Caller.Principal == "" || c.After == nil && !c.Going.Equal(c.ID) {
		return nil
	}
	return ReadOnly(resourceType)
}

// ReadOnly refuses a write on what nobody writes as a resource of that type.
func ReadOnly(resourceType string) error {
	return fault.New(fault.WrongMethod, "MethodNotAllowed", "Resources of type '%s' are made and removed by the platform alone.", resourceType).
		With("Allow", "GET, HEAD")
}

func isNull(raw json.RawMessage) bool { return bytes.Equal(bytes.TrimSpace(raw), []byte("null")) }

func match(name string, among []string) string {
	for _, each := range among {
		if strings.EqualFold(name, each) {
			return each
		}
	}
	return ""
}
