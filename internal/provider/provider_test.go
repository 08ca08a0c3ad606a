package provider_test

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"lanyard/internal/fault"
	"lanyard/internal/provider"
)

func TestCloseRefusesWhatIsNotOffered(t *testing.T) {
	for claim, c := range map[string]struct{ in, out, code string }{
		"what is offered stays":                      {`{"a":1}`, `{"a":1}`, ""},
		"it gets the spelling that is offered":       {`{"A":1}`, `{"a":1}`, ""},
		"null is as if it were not there":            {`{"a":null}`, `{}`, ""},
		"null in another spelling too":               {`{"A":null}`, `{}`, ""},
		"blank members of other names go":            {`{"x":null,"y":[],"z":{"q":false,"r":[{"s":""}]}}`, `{}`, ""},
		"anything else of another name is refused":   {`{"x":{"q":true}}`, ``, "NotOffered"},
		"two spellings of one name are refused":      {`{"a":1,"A":2}`, ``, "InvalidRequestContent"},
		"what is no object is refused":               {`[1]`, ``, "InvalidRequestContent"},
		"a text is refused where an object is asked": {`"a"`, ``, "InvalidRequestContent"},
	} {
		t.Run(claim, func(t *testing.T) {
			m, err := provider.Read("properties", json.RawMessage(c.in))
			if err == nil {
				err = m.Close("properties", "a")
			}
			if c.code != "" {
				if err == nil || fault.Of(err).Code != c.code {
					t.Fatalf("got %v, want %s", err, c.code)
				}
				return
			}
			if err != nil || string(m.Raw()) != c.out {
				t.Errorf("got %s, %v; want %s", m.Raw(), err, c.out)
			}
		})
	}
}

func TestParseFilter(t *testing.T) {
	for text, want := range map[string][]provider.Term{
		"":                              nil,
		"atScope()":                     {{Name: "atscope", Call: true}},
		"principalId eq 'x'":            {{Name: "principalid", Argument: "x"}},
		"roleName eq 'it''s'":           {{Name: "rolename", Argument: "it's"}},
		"atScope() and assignedTo('x')": {{Name: "atscope", Call: true}, {Name: "assignedto", Argument: "x", Call: true}},
		" a eq 'x'  AND  b( 'y' ) ":     {{Name: "a", Argument: "x"}, {Name: "b", Argument: "y", Call: true}},
	} {
		if got, err := provider.ParseFilter(text); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%q: got %v, %v; want %v", text, got, err, want)
		}
	}
	for _, text := range []string{"a", "a eq", "a eq 'x", "a ne 'x'", "a eq 'x' or b eq 'y'", "a eq 'x' and", "a('x'", "a(x)", "eq 'x'", "'x' eq a", "a eq 'x' b eq 'y'"} {
		if got, err := provider.ParseFilter(text); err == nil || fault.Of(err).Code != "InvalidFilter" {
			t.Errorf("%q: got %v, %v; want a refusal", text, got, err)
		}
	}
}

func FuzzParseFilter(f *testing.F) {
	for _, seed := range []string{"atScope()", "roleName eq 'it''s'", "atScope() and assignedTo('x')", "a eq 'x' and", "a('x'"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		terms, err := provider.ParseFilter(text)
		if err != nil && (terms != nil || fault.Of(err).Kind != fault.Invalid) {
			t.Errorf("%q: %v with %v", text, err, terms)
		}
		for _, term := range terms {
			if term.Name == "" {
				t.Errorf("%q: a term has no name", text)
			}
		}
	})
}

func TestARefusalDoesNotRepeatALongName(t *testing.T) {
	m := provider.Members{strings.Repeat("x", 1<<20) + "\x1b": []byte("1")}
	f := fault.Of(m.Close("properties"))
	if f.Kind != fault.NotOffered || !strings.HasPrefix(f.Public, "'properties.xxx") || len(f.Public) > 300 {
		t.Errorf("%v, %d bytes", f.Kind, len(f.Public))
	}
}
