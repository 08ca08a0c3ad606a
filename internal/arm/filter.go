package arm

import (
	"slices"
	"strings"

	"lanyard/internal/fault"
)

// maxFilter bounds a $filter in bytes; the longest that clients send has two ids of resources.
const maxFilter = 8192

// Term is one condition of a $filter: a comparison such as name eq 'value', or a call such as
// substringof('value', name).
type Term struct {
	Name string // what is compared or called, in lower case
	Op   string // eq, ne, gt, ge, lt or le; "" is a call
	// Value is what is compared with, or the call's text.
	Value string
	// Of is the name that a call is about, in lower case; "" when it is about none.
	Of string
}

// filterOps are the comparisons of OData that ARM's filters have.
var filterOps = []string{"eq", "ne", "gt", "ge", "lt", "le"}

// ParseFilter reads the part of OData's $filter that ARM clients use: terms joined by "and", and
// those by "or". It gives the alternatives, each the terms that must hold together; no text is no
// alternative. Values stand in single quotes, or are single words.
func ParseFilter(text string) ([][]Term, error) {
	if len(text) > maxFilter {
		return nil, BadFilter(text)
	}
	s := &filterText{rest: strings.TrimSpace(text)}
	if s.rest == "" {
		return nil, nil
	}
	alternatives := [][]Term{nil}
	for {
		t, ok := s.term()
		if !ok {
			return nil, BadFilter(text)
		}
		last := len(alternatives) - 1
		alternatives[last] = append(alternatives[last], t)
		if s.rest == "" {
			return alternatives, nil
		}
		switch strings.ToLower(s.word()) {
		case "and":
		case "or":
			alternatives = append(alternatives, nil)
		default:
			return nil, BadFilter(text)
		}
	}
}

// BadFilter refuses a $filter that cannot be read, or that is about something it cannot be about.
func BadFilter(text string) *fault.Error {
	return fault.New(fault.Invalid, "InvalidFilterInQueryString", "Invalid $filter '%s' specified in the query string.", fault.Clip(text))
}

// filterText is what is left to read of a filter; it never begins with a blank.
type filterText struct{ rest string }

func (s *filterText) skip(n int) { s.rest = strings.TrimLeft(s.rest[n:], " ") }

// word takes a name, or as much of one as there is.
func (s *filterText) word() string {
	end := strings.IndexFunc(s.rest, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '/' || r == '.' || r == '_')
	})
	if end < 0 {
		end = len(s.rest)
	}
	w := s.rest[:end]
	s.skip(end)
	return w
}

// take takes a sign, if it comes next.
func (s *filterText) take(sign byte) bool {
	if s.rest == "" || s.rest[0] != sign {
		return false
	}
	s.skip(1)
	return true
}

func (s *filterText) term() (t Term, ok bool) {
	t.Name = strings.ToLower(s.word())
	if t.Name == "" {
		return t, false
	}
	if s.take('(') {
		return t, s.arguments(&t)
	}
	t.Op = strings.ToLower(s.word())
	if !slices.Contains(filterOps, t.Op) {
		return t, false
	}
	if t.Value, ok = s.quoted(); ok {
		return t, true
	}
	end := strings.IndexAny(s.rest+" ", " '()")
	t.Value = s.rest[:end]
	s.skip(end)
	return t, t.Value != ""
}

// arguments reads up to one text and one name, in either order, and the closing parenthesis.
func (s *filterText) arguments(t *Term) bool {
	texts, names := 0, 0
	for first := true; !s.take(')'); first = false {
		if !first && !s.take(',') {
			return false
		}
		if text, ok := s.quoted(); ok {
			t.Value = text
			texts++
		} else if t.Of = strings.ToLower(s.word()); t.Of != "" {
			names++
		} else {
			return false
		}
	}
	return texts <= 1 && names <= 1
}

// quoted takes a text in single quotes, in which two of them stand for one.
func (s *filterText) quoted() (string, bool) {
	if s.rest == "" || s.rest[0] != '\'' {
		return "", false
	}
	var b strings.Builder
	for i := 1; i < len(s.rest); i++ {
		if s.rest[i] != '\'' {
			b.WriteByte(s.rest[i])
			continue
		}
		if i+1 < len(s.rest) && s.rest[i+1] == '\'' {
			b.WriteByte('\'')
			i++
			continue
		}
		s.skip(i + 1)
		return b.String(), true
	}
	return "", false
}
