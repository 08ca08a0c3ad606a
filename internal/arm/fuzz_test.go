package arm

import (
	"bytes"
	"encoding/json"
	"maps"
	"reflect"
	"strings"
	"testing"

	"lanyard/internal/cloud"
	"lanyard/internal/fault"
)

// Whatever a client sends, the answer is JSON and no internal fault; what was refused changed
// nothing, and what was taken can be read, written back as it was read, and deleted.
func FuzzBody(f *testing.F) {
	for _, seed := range []string{`{}`, here, block("SystemAssigned"), block("UserAssigned", "u", "none=null"), `{"location":"westeurope","properties":{"hosts":["a"]}}`,
		`{"tags":null,"properties":null,"identity":{"type":null}}`, `{"location":1}`, `{"":{}}`, `[]`, `{"id":"x"}`, "\xef\xbb\xbf{}",
		`{"properties":{"provisioningState":{}}}`, `{"identity":{"userAssignedIdentities":null}}`, `{"tags":{"a":"b","A":"c"}}`, `{"properties":{"a":1,"a":2}}`,
		`{"location":"West Europe","sku":{"name":"S"},"properties":{"x":{"y":[1,{"z":null}]}}}`} {
		f.Add(seed, true)
		f.Add(seed, false)
	}
	w := newWorld(f)
	w.place(uamis+"/u", here)
	f.Fuzz(func(t *testing.T, body string, patch bool) {
		w.t = t
		w.ask("DELETE", carts+"/a", "")
		before := w.place(carts+"/a", block("UserAssigned", "u"))
		method := "PUT"
		if patch {
			method = "PATCH"
		}
		s := w.ask(method, carts+"/a", body)
		now := w.ask("GET", carts+"/a", "")
		switch {
		case s.status >= 500 || !json.Valid([]byte(s.text)) || now.status != 200:
			t.Fatalf("got %d %s", s.status, s.text)
		case s.status >= 300:
			if d, _ := w.Document(before.ID); d.Revision != before.Revision {
				t.Errorf("%d %s, and yet something was written", s.status, s.text)
			}
			return
		case !reflect.DeepEqual(now.body, s.body):
			t.Errorf("answered %s, reads %s", s.text, now.text)
		}
		again := w.ask("PUT", carts+"/a", now.text)
		for _, changing := range []string{"etag", "systemData"} {
			delete(now.body, changing)
			delete(again.body, changing)
		}
		if again.status != 200 || !reflect.DeepEqual(now.body, again.body) {
			t.Errorf("written back as it was read: %d %s, was %s", again.status, again.text, now.text)
		}
		if s := w.ask("DELETE", carts+"/a", ""); s.status != 200 {
			t.Errorf("deleting it: %d %s", s.status, s.text)
		}
	})
}

// read gives members as values that can be compared, numbers digit by digit.
func (m members) read(t *testing.T) map[string]any {
	t.Helper()
	text, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	all := map[string]any{}
	if err := dec.Decode(&all); err != nil {
		t.Fatal(err)
	}
	return all
}

// laid is RFC 7396 word for word, as an obvious function over values.
func laid(base, patch any) any {
	over, ok := patch.(map[string]any)
	if !ok {
		return patch
	}
	under, ok := base.(map[string]any)
	if !ok {
		under = map[string]any{}
	}
	out := maps.Clone(under)
	for name, value := range over {
		if value == nil {
			delete(out, name)
			continue
		}
		out[name] = laid(out[name], value)
	}
	return out
}

// A merge is what RFC 7396 says, apart from tags, which are replaced as a whole; made twice it is
// made once; and a document keeps every member that it was made of.
func FuzzMerge(f *testing.F) {
	for _, seed := range [][2]string{{`{"a":{"b":"c"}}`, `{"a":{"b":"d","c":null}}`}, {`{"a":[{"b":"c"}]}`, `{"a":[1]}`}, {`{"e":null}`, `{"a":1}`}, {`{}`, `{"a":{"bb":{"ccc":null}}}`},
		{`{"tags":{"a":"b"}}`, `{"tags":{"c":"d"}}`}, {`{"properties":{"n":12345678901234567890}}`, `{"properties":{"m":1e2}}`}, {here, `{"kind":"x","location":null}`}} {
		f.Add([]byte(seed[0]), []byte(seed[1]))
	}
	f.Fuzz(func(t *testing.T, under, over []byte) {
		base, err := parseMembers(under)
		if err != nil {
			return
		}
		patch, err := parseMembers(over)
		if err != nil {
			return
		}
		if base, err = merge(members{}, base); err != nil {
			t.Fatal(err)
		}
		started := base.read(t)
		merged, err := merge(maps.Clone(base), patch)
		if err != nil {
			t.Fatalf("%s over %s: %v", over, under, err)
		}
		if _, ok := patch["tags"]; ok {
			delete(started, "tags")
		}
		if want := laid(started, patch.read(t)); !reflect.DeepEqual(any(merged.read(t)), want) {
			t.Errorf("%s over %s gives %v, want %v", over, under, merged.read(t), want)
		}
		twice, err := merge(maps.Clone(merged), patch)
		if err != nil || !reflect.DeepEqual(twice.read(t), merged.read(t)) {
			t.Errorf("%s over %s twice gives %v, %v", over, under, twice, err)
		}
		for _, ours := range []string{"id", "name", "type", "identity", "systemData", "etag"} {
			delete(merged, ours)
		}
		d, err := merged.document()
		if err != nil {
			if fault.Of(err).Kind == fault.Internal {
				t.Error(err)
			}
			return
		}
		back, err := d.members()
		if err != nil {
			t.Fatal(err)
		}
		for name, value := range merged.read(t) {
			if has := back.read(t)[name]; name != "location" && !reflect.DeepEqual(has, value) && value != "" {
				t.Errorf("the document of %v has %v as its %s", merged.read(t), has, name)
			}
		}
	})
}

// What is read of a filter, written down again, is read the same.
func FuzzFilter(f *testing.F) {
	for _, seed := range []string{"", "name eq 'a'", "tagName eq 'it''s' and tagValue eq 'x'", "substringof('a', name) or startswith(tagName,'b')", "atScope()",
		"eventTimestamp ge 2026-01-31T08:00:00.123Z and eventTimestamp le '2026-02-01T00:00:00Z' and resourceGroupName eq 'rg'", "a eq 'x' and", "a('x'", "identity/principalId ne 'x'"} {
		f.Add(seed)
	}
	id := cloud.MustID(carts + "/a")
	d := &Document{ID: id, Name: "a", Type: "Toy.Shop/carts", Tags: map[string]string{"env": "prod"}}
	f.Fuzz(func(t *testing.T, text string) {
		read, err := ParseFilter(text)
		if err != nil {
			if read != nil || !fault.Is(err, fault.Invalid) {
				t.Errorf("%q: %v with %v", text, err, read)
			}
			return
		}
		again, err := ParseFilter(spell(read))
		if err != nil || !reflect.DeepEqual(read, again) {
			t.Errorf("%q is %v; written as %q it is %v, %v", text, read, spell(read), again, err)
		}
		if _, err := selectWhere([]*Document{d}, text); err != nil && !fault.Is(err, fault.Invalid) {
			t.Error(err)
		}
	})
}

func spell(alternatives [][]Term) string {
	var all []string
	quote := func(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }
	for _, terms := range alternatives {
		var together []string
		for _, t := range terms {
			switch {
			case t.Op != "":
				together = append(together, t.Name+" "+t.Op+" "+quote(t.Value))
			case t.Of != "":
				together = append(together, t.Name+"("+quote(t.Value)+","+t.Of+")")
			default:
				together = append(together, t.Name+"("+quote(t.Value)+")")
			}
		}
		all = append(all, strings.Join(together, " and "))
	}
	return strings.Join(all, " or ")
}
