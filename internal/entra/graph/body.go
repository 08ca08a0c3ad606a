package graph

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"

	"lanyard/internal/fault"
)

// unambiguous refuses a body that is not one JSON value, or in which an object has two members of one
// name. Readers differ in which of the two counts, and in whether DisplayName is displayName: what one
// has approved, another would not do (RFC 8259 section 4).
func unambiguous(body []byte) error {
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber()
	var open []level
	for {
		token, err := decoder.Token()
		if err != nil {
			return unreadable(err)
		}
		inner := len(open) - 1
		switch name, isText := token.(string); {
		case token == json.Delim('}'), token == json.Delim(']'):
			open = open[:inner]
		case inner >= 0 && open[inner].names != nil && !open[inner].named:
			if !isText {
				return unreadable(errors.New("a member has no name"))
			}
			if open[inner].names[fold(name)] {
				return fault.New(fault.Invalid, "BadRequest", "The request's body gives the property '%s' more than once.", fault.Clip(name))
			}
			open[inner].names[fold(name)], open[inner].named = true, true
			continue
		case token == json.Delim('{'):
			open = append(open, level{names: map[string]bool{}})
			continue
		case token == json.Delim('['):
			open = append(open, level{})
			continue
		}
		if len(open) == 0 { // the one value has ended
			if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
				return unreadable(errors.New("there is more than one value"))
			}
			return nil
		}
		open[len(open)-1].named = false
	}
}

// level is an object or array that is being read.
type level struct {
	names map[string]bool // of the members that came, folded; nil in an array
	named bool            // a name has come, and its value is next
}

// fold gives what names have in common that encoding/json takes for one.
func fold(name string) string { return strings.ToLower(strings.ToUpper(name)) }
