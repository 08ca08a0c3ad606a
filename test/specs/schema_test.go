package specs

import (
	"encoding/base64"
	"fmt"
	"math"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

// checker holds JSON values against schemas of Swagger 2.0 and collects what is wrong with them.
type checker struct {
	library library
	wrong   []string
}

func (c *checker) blame(at, format string, args ...any) {
	c.wrong = append(c.wrong, strings.TrimPrefix(at, ".")+" "+fmt.Sprintf(format, args...))
}

// told are keywords that say nothing about which values are right, or that are read where they belong.
var told = []string{"description", "title", "default", "example", "externalDocs", "readOnly", "$ref", "allOf", "type", "format", "enum", "properties",
	"required", "additionalProperties", "items", "pattern", "minLength", "maxLength", "minimum", "maximum", "minItems", "maxItems", "uniqueItems"}

// check holds v against a schema. Null stands for what is not there: Azure itself answers so, and
// clients read it so.
func (c *checker) check(at string, schema node, v any) {
	s, err := c.library.follow(schema)
	if err != nil {
		c.blame(at, "has a schema that cannot be read: %v", err)
		return
	}
	for keyword := range s.object() {
		if !slices.Contains(told, keyword) && !strings.HasPrefix(keyword, "x-") {
			c.blame(at, "is described with %q, which this test cannot read", keyword)
		}
	}
	if v == nil {
		return
	}
	for _, part := range s.list("allOf") {
		c.check(at, part, v)
	}
	c.checkEnum(at, s, v)
	switch kind := s.text("type"); v := v.(type) {
	case map[string]any:
		if kind != "" && kind != "object" {
			c.blame(at, "is an object, not of type %s", kind)
		}
		c.checkObject(at, s, v)
	case []any:
		if kind != "" && kind != "array" {
			c.blame(at, "is an array, not of type %s", kind)
		}
		c.checkArray(at, s, v)
	case string:
		if kind != "" && kind != "string" {
			c.blame(at, "is a string, not of type %s", kind)
		}
		c.checkString(at, s, v)
	case float64:
		c.checkNumber(at, s, v)
	case bool:
		if kind != "" && kind != "boolean" {
			c.blame(at, "is a boolean, not of type %s", kind)
		}
	}
}

// checkEnum holds v against a closed list of values; x-ms-enum says when a list is open.
func (c *checker) checkEnum(at string, s node, v any) {
	values, listed := s.object()["enum"].([]any)
	if open, _ := s.at("x-ms-enum").object()["modelAsString"].(bool); !listed || open {
		return
	}
	if !slices.Contains(values, v) {
		c.blame(at, "is %v, not one of %v", v, values)
	}
}

func (c *checker) checkObject(at string, s node, v map[string]any) {
	required, _ := s.object()["required"].([]any)
	for _, name := range required {
		if v[fmt.Sprint(name)] == nil {
			c.blame(at, "has no %v, which is required", name)
		}
	}
	known := s.at("properties")
	for name, value := range v {
		below := at + "." + name
		if _, described := known.object()[name]; described {
			c.check(below, known.at(name), value)
			continue
		}
		switch more := s.object()["additionalProperties"].(type) {
		case map[string]any:
			c.check(below, s.at("additionalProperties"), value)
		case bool:
			if !more {
				c.blame(below, "is not described, and nothing more may be there")
			}
		}
	}
}

func (c *checker) checkArray(at string, s node, v []any) {
	c.checkBound(at, s, "minItems", "maxItems", float64(len(v)))
	if _, described := s.object()["items"]; !described {
		return
	}
	for i, value := range v {
		c.check(fmt.Sprintf("%s[%d]", at, i), s.at("items"), value)
	}
}

// checkBound holds a number against the limits that two keywords give.
func (c *checker) checkBound(at string, s node, least, most string, n float64) {
	if limit, ok := s.object()[least].(float64); ok && n < limit {
		c.blame(at, "goes below %s %v: %v", least, limit, n)
	}
	if limit, ok := s.object()[most].(float64); ok && n > limit {
		c.blame(at, "goes above %s %v: %v", most, limit, n)
	}
}

func (c *checker) checkNumber(at string, s node, v float64) {
	c.checkBound(at, s, "minimum", "maximum", v)
	switch s.text("type") {
	case "integer":
		if v != math.Trunc(v) || s.text("format") == "int32" && math.Abs(v) > math.MaxInt32 {
			c.blame(at, "is %v, not an integer of format %q", v, s.text("format"))
		}
	case "number", "":
	default:
		c.blame(at, "is a number, not of type %s", s.text("type"))
	}
}

var guid = regexp.MustCompile(`^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`)

// formats are those that strings have in the descriptions; others say nothing that can be checked.
var formats = map[string]func(string) bool{
	"uuid":      guid.MatchString,
	"date-time": func(s string) bool { _, err := time.Parse(time.RFC3339Nano, s); return err == nil },
	"date":      func(s string) bool { _, err := time.Parse(time.DateOnly, s); return err == nil },
	"uri":       func(s string) bool { u, err := url.Parse(s); return err == nil && u.IsAbs() },
	"byte":      func(s string) bool { _, err := base64.StdEncoding.DecodeString(s); return err == nil },
	"arm-id":    func(s string) bool { return strings.HasPrefix(s, "/") },
}

func (c *checker) checkString(at string, s node, v string) {
	c.checkBound(at, s, "minLength", "maxLength", float64(utf8.RuneCountInString(v)))
	if right := formats[s.text("format")]; right != nil && !right(v) {
		c.blame(at, "is %q, not of format %s", v, s.text("format"))
	}
	if pattern := s.text("pattern"); pattern != "" {
		if match, err := regexp.MatchString(pattern, v); err != nil || !match {
			c.blame(at, "is %q, which does not match %s", v, pattern)
		}
	}
}

func TestTheCheckerFindsWhatIsWrong(t *testing.T) {
	l := library{"d.json": map[string]any{"definitions": map[string]any{
		"Named": map[string]any{"type": "object", "required": []any{"name"}, "properties": map[string]any{"name": map[string]any{"type": "string", "maxLength": 3.0}}},
		"Thing": map[string]any{"allOf": []any{map[string]any{"$ref": "#/definitions/Named"}}, "properties": map[string]any{
			"id":     map[string]any{"type": "string", "format": "uuid"},
			"at":     map[string]any{"type": "string", "format": "date-time"},
			"closed": map[string]any{"type": "string", "enum": []any{"A"}},
			"open":   map[string]any{"type": "string", "enum": []any{"A"}, "x-ms-enum": map[string]any{"modelAsString": true}},
			"count":  map[string]any{"type": "integer", "format": "int32"},
			"on":     map[string]any{"type": "boolean"},
			"list":   map[string]any{"type": "array", "items": map[string]any{"type": "string"}},
			"tags":   map[string]any{"type": "object", "additionalProperties": map[string]any{"type": "string"}},
			"shut":   map[string]any{"type": "object", "additionalProperties": false},
			"odd":    map[string]any{"oneOf": []any{}},
		}},
	}}}
	thing := node{"d.json", map[string]any{"$ref": "d.json#/definitions/Thing"}}
	for claim, v := range map[string]map[string]any{
		"":                 {"name": "a", "id": "11111111-2222-3333-4444-555555555555", "at": "2026-03-01T12:00:00.1234567Z", "closed": "A", "open": "B", "count": 3.0, "on": true, "list": []any{"a"}, "tags": map[string]any{"a": "b"}, "more": 1.0, "shut": nil},
		"name, which is":   {"list": []any{}},
		"maxLength 3":      {"name": "abcd"},
		"format uuid":      {"name": "a", "id": "1"},
		"format date-time": {"name": "a", "at": "yesterday"},
		"one of [A]":       {"name": "a", "closed": "B"},
		"not an integer":   {"name": "a", "count": 1.5},
		"type boolean":     {"name": "a", "on": "true"},
		"list[1] is a":     {"name": "a", "list": []any{"a", 1.0}},
		"tags.a is a":      {"name": "a", "tags": map[string]any{"a": true}},
		"not of type arr":  {"name": "a", "list": map[string]any{}},
		"nothing more":     {"name": "a", "shut": map[string]any{"a": 1.0}},
		"cannot read":      {"name": "a", "odd": 1.0},
	} {
		c := &checker{library: l}
		c.check("", thing, v)
		if said := strings.Join(c.wrong, "; "); claim == "" && said != "" || !strings.Contains(said, claim) || len(c.wrong) > 1 {
			t.Errorf("%v: found %q, want one fault with %q", v, said, claim)
		}
	}
}
