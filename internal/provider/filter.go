package provider

import (
	"lanyard/internal/arm"
	"lanyard/internal/fault"
)

// Term is one condition of a $filter: name(argument), or name eq 'argument'.
type Term struct {
	Name     string // in lower case
	Argument string
	Call     bool // name(argument)
}

// ParseFilter reads the filters of types that know terms joined by "and" alone (wire-facts: "Role
// assignments"). No text is no term.
func ParseFilter(text string) ([]Term, error) {
	alternatives, err := arm.ParseFilter(text)
	if err != nil || len(alternatives) > 1 {
		return nil, badFilter(text)
	}
	var terms []Term
	for _, together := range alternatives {
		for _, t := range together {
			if t.Op != "" && t.Op != "eq" || t.Of != "" {
				return nil, badFilter(text)
			}
			terms = append(terms, Term{Name: t.Name, Argument: t.Value, Call: t.Op == ""})
		}
	}
	return terms, nil
}

// UnknownTerm refuses a condition that a type does not have.
func UnknownTerm(t Term) *fault.Error {
	return fault.New(fault.Invalid, "InvalidFilter", "The filter cannot use '%s' here.", fault.Clip(t.Name))
}

func badFilter(text string) *fault.Error {
	return fault.New(fault.Invalid, "InvalidFilter", "The filter '%s' is not of the form name eq 'value', or name('value'), joined by 'and'.", fault.Clip(text))
}
