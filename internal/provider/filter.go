package provider

import (
	"strings"

	"lanyard/internal/fault"
)

// maxFilter bounds a $filter in bytes; the longest that clients send has two ids of resources.
const maxFilter = 8192

// Term is one condition of a $filter: name(argument), or name eq 'argument'.
type Term struct {
	Name     string // in lower case
	Argument string
	Call     bool // name(argument)
}

// ParseFilter reads the part of OData's $filter that ARM clients use: terms joined by "and"
// (wire-facts: "Role assignments"). No text is no term.
func ParseFilter(text string) ([]Term, error) {
	if len(text) > maxFilter {
		return nil, badFilter(text[:64] + "...")
	}
	var terms []Term
	rest := strings.TrimSpace(text)
	for rest != "" {
		term, after, ok := cutTerm(rest)
		if !ok {
			return nil, badFilter(text)
		}
		terms = append(terms, term)
		after = strings.TrimSpace(after)
		if after == "" {
			return terms, nil
		}
		word, next, _ := strings.Cut(after, " ")
		if !strings.EqualFold(word, "and") || strings.TrimSpace(next) == "" {
			return nil, badFilter(text)
		}
		rest = strings.TrimSpace(next)
	}
	return terms, nil
}

// UnknownTerm refuses a condition that a type does not have.
func UnknownTerm(t Term) *fault.Error {
	return fault.New(fault.Invalid, "InvalidFilter", "The filter cannot use '%s' here.", t.Name)
}

func badFilter(text string) *fault.Error {
	return fault.New(fault.Invalid, "InvalidFilter", "The filter '%s' is not of the form name eq 'value', or name('value'), joined by 'and'.", text)
}

func cutTerm(s string) (t Term, rest string, ok bool) {
	end := strings.IndexFunc(s, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r == '/' || r == '.' || r == '_')
	})
	if end <= 0 {
		return t, "", false
	}
	t.Name, rest = strings.ToLower(s[:end]), s[end:]
	if after, isCall := strings.CutPrefix(rest, "("); isCall {
		t.Call = true
		after = strings.TrimSpace(after)
		if after, empty := strings.CutPrefix(after, ")"); empty {
			return t, after, true
		}
		if t.Argument, after, ok = cutQuoted(after); !ok {
			return t, "", false
		}
		rest, ok = strings.CutPrefix(strings.TrimSpace(after), ")")
		return t, rest, ok
	}
	rest = strings.TrimSpace(rest)
	if len(rest) < 3 || !strings.EqualFold(rest[:3], "eq ") {
		return t, "", false
	}
	t.Argument, rest, ok = cutQuoted(strings.TrimSpace(rest[3:]))
	return t, rest, ok
}

// cutQuoted reads a string in single quotes, in which two of them stand for one.
func cutQuoted(s string) (value, rest string, ok bool) {
	s, ok = strings.CutPrefix(s, "'")
	if !ok {
		return "", "", false
	}
	var b strings.Builder
	for {
		part, after, closed := strings.Cut(s, "'")
		if !closed {
			return "", "", false
		}
		b.WriteString(part)
		if s, ok = strings.CutPrefix(after, "'"); !ok {
			return b.String(), after, true
		}
		b.WriteByte('\'')
	}
}
