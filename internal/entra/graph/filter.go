package graph

import (
	"slices"
	"strings"

	"lanyard/internal/fault"
)

// $filter, as far as clients of directory objects use it (OData 4.01 part 2, section 5.1.1; Microsoft
// Graph v1.0, "Use the $filter query parameter"): eq, ne, in, startswith, any with eq, and, or, not.
const (
	maxFilter = 8 << 10 // bytes
	maxDepth  = 32      // of parentheses and nots
)

// form says how the values of a property can be asked for.
type form int

const (
	text form = iota // compared without regard to case, as Microsoft Graph does
	flag             // true or false
	list             // texts; asked for by any
)

// clause is one part of a filter; it judges an object by the values of its properties.
type clause func(values func(property string) []string) bool

// parser reads one filter over the properties of one kind of object.
type parser struct {
	tokens   []lexeme
	at       int
	depth    int
	of       string // the kind, for messages
	forms    map[string]form
	advanced bool // the filter needs an advanced query
}

// parseFilter gives the filter's judgement, and whether Microsoft Graph answers it only with the
// header ConsistencyLevel: eventual.
func parseFilter(filter, of string, forms map[string]form) (clause, bool, error) {
	tokens, err := lex(filter)
	if err != nil {
		return nil, false, err
	}
	p := &parser{tokens: tokens, of: of, forms: forms}
	c, err := p.either()
	if err == nil && p.peek().kind != end {
		err = invalidFilter("there is something behind its end", p.peek().pos)
	}
	return c, p.advanced, err
}

func (p *parser) peek() lexeme { return p.tokens[p.at] }

func (p *parser) take() lexeme {
	t := p.tokens[p.at]
	if t.kind != end {
		p.at++
	}
	return t
}

// word takes one word if it comes next; OData's own are written in lower case.
func (p *parser) word(w string) bool {
	if t := p.peek(); t.kind == name && strings.EqualFold(t.text, w) {
		p.at++
		return true
	}
	return false
}

func (p *parser) mark(m string) error {
	if t := p.take(); t.kind != sign || t.text != m {
		return invalidFilter("'"+m+"' is expected", t.pos)
	}
	return nil
}

func (p *parser) either() (clause, error) {
	left, err := p.both()
	for err == nil && p.word("or") {
		first, second := left, clause(nil)
		second, err = p.both()
		left = func(v func(string) []string) bool { return first(v) || second(v) }
	}
	return left, err
}

func (p *parser) both() (clause, error) {
	left, err := p.one()
	for err == nil && p.word("and") {
		first, second := left, clause(nil)
		second, err = p.one()
		left = func(v func(string) []string) bool { return first(v) && second(v) }
	}
	return left, err
}

func (p *parser) one() (clause, error) {
	if p.depth++; p.depth > maxDepth {
		return nil, unsupported("The filter is nested deeper than %d levels.", maxDepth)
	}
	defer func() { p.depth-- }()
	t := p.take()
	switch {
	case t.kind == sign && t.text == "(":
		inner, err := p.either()
		if err != nil {
			return nil, err
		}
		return inner, p.mark(")")
	case t.kind == name && strings.EqualFold(t.text, "not"):
		p.advanced = true
		inner, err := p.one()
		if err != nil {
			return nil, err
		}
		return func(v func(string) []string) bool { return !inner(v) }, nil
	case t.kind == name && p.peek().text == "(" && p.peek().kind == sign:
		return p.call(t)
	case t.kind == name:
		return p.comparison(t)
	}
	return nil, invalidFilter("a property or a function is expected", t.pos)
}

// call reads startswith(property,'text').
func (p *parser) call(function lexeme) (clause, error) {
	if !strings.EqualFold(function.text, "startswith") {
		return nil, unsupported("Lanyard does not offer the function '%s' in filters.", fault.Clip(function.text))
	}
	if err := p.mark("("); err != nil {
		return nil, err
	}
	property, err := p.property(p.take(), text)
	if err != nil {
		return nil, err
	}
	if err := p.mark(","); err != nil {
		return nil, err
	}
	want, err := p.literal(text)
	if err != nil {
		return nil, err
	}
	return func(v func(string) []string) bool {
		return slices.ContainsFunc(v(property), func(s string) bool { return strings.HasPrefix(strings.ToLower(s), want) })
	}, p.mark(")")
}

// comparison reads what begins with a property: property eq 'x', property in ('x','y'), or
// property/any(v:v eq 'x').
func (p *parser) comparison(first lexeme) (clause, error) {
	if t := p.peek(); t.kind == sign && t.text == "/" {
		return p.any(first)
	}
	f, known := p.forms[first.text]
	if !known || f == list {
		return nil, p.unknown(first)
	}
	switch {
	case p.word("eq"), p.word("ne"):
		negated := strings.EqualFold(p.tokens[p.at-1].text, "ne")
		p.advanced = p.advanced || negated
		want, err := p.literal(f)
		return func(v func(string) []string) bool { return has(v(first.text), want) != negated }, err
	case p.word("in"):
		want, err := p.literals(f)
		return func(v func(string) []string) bool {
			return slices.ContainsFunc(want, func(w string) bool { return has(v(first.text), w) })
		}, err
	}
	return nil, unsupported("Unsupported or invalid query filter clause specified for property '%s' of resource '%s': eq, ne and in are offered.",
		fault.Clip(first.text), p.of)
}

// any reads the rest of property/any(v:v eq 'x').
func (p *parser) any(first lexeme) (clause, error) {
	property, err := p.property(first, list)
	if err != nil {
		return nil, err
	}
	p.take()
	if t := p.take(); t.kind != name || !strings.EqualFold(t.text, "any") {
		return nil, p.unknown(first)
	}
	if err := p.mark("("); err != nil {
		return nil, err
	}
	variable := p.take()
	if variable.kind != name {
		return nil, invalidFilter("a range variable is expected", variable.pos)
	}
	if err := p.mark(":"); err != nil {
		return nil, err
	}
	if t := p.take(); t.kind != name || t.text != variable.text || !p.word("eq") {
		return nil, unsupported("Lanyard offers any(x:x eq 'value') alone on the property '%s'.", fault.Clip(property))
	}
	want, err := p.literal(text)
	if err != nil {
		return nil, err
	}
	return func(v func(string) []string) bool { return has(v(property), want) }, p.mark(")")
}

func (p *parser) property(t lexeme, want form) (string, error) {
	if f, ok := p.forms[t.text]; t.kind != name || !ok || f != want {
		return "", p.unknown(t)
	}
	return t.text, nil
}

func (p *parser) unknown(t lexeme) *fault.Error {
	return unsupported("Unsupported or invalid query filter clause specified for property '%s' of resource '%s'.", fault.Clip(t.text), p.of)
}

// literal reads a value, in lower case: a quoted text, or true and false.
func (p *parser) literal(f form) (string, error) {
	t := p.take()
	switch {
	case f == text && t.kind == quoted:
		return strings.ToLower(t.text), nil
	case f == text && t.kind == name && t.text == "null":
		return "", unsupported("Lanyard does not compare with null in filters.")
	case f == flag && t.kind == name && (t.text == "true" || t.text == "false"):
		return t.text, nil
	}
	return "", invalidFilter("a value of the property's own type is expected", t.pos)
}

func (p *parser) literals(f form) ([]string, error) {
	if err := p.mark("("); err != nil {
		return nil, err
	}
	var all []string
	for {
		one, err := p.literal(f)
		if err != nil {
			return nil, err
		}
		all = append(all, one)
		if t := p.peek(); t.kind != sign || t.text != "," {
			return all, p.mark(")")
		}
		p.take()
	}
}

func has(values []string, want string) bool {
	return slices.ContainsFunc(values, func(s string) bool { return strings.ToLower(s) == want })
}

func invalidFilter(why string, at int) *fault.Error {
	return fault.New(fault.Invalid, "BadRequest", "Invalid filter clause: %s at position %d.", why, at)
}
