package arm

import (
	"fmt"
	"strings"
	"testing"

	"lanyard/internal/cloud"
	"lanyard/internal/store"
)

// block gives a body with an identity of that type and those user-assigned identities.
func block(wears string, users ...string) string {
	body := `{"location":"westeurope","identity":{"type":"` + wears + `"`
	if len(users) > 0 {
		var entries []string
		for _, u := range users {
			name, value, ok := strings.Cut(u, "=")
			if !ok {
				value = "{}"
			}
			entries = append(entries, fmt.Sprintf("%q:%s", uamis+"/"+name, value))
		}
		body += `,"userAssignedIdentities":{` + strings.Join(entries, ",") + `}`
	}
	return body + `}}`
}

func (s said) worn() string {
	users, _ := s.at("identity", "userAssignedIdentities").(map[string]any)
	text := fmt.Sprint(s.at("identity", "type"))
	if s.at("identity", "principalId") != nil {
		text += " self"
	}
	for _, name := range []string{"u", "v"} {
		if entry, ok := users[uamis+"/"+name].(map[string]any); ok && entry["principalId"] != nil && entry["clientId"] != nil {
			text += " " + name
		}
	}
	return text
}

func TestIdentityBlocks(t *testing.T) {
	cases := map[string]struct {
		before       string // PUT first, unless empty
		method, body string
		want         string // identity as answered, or the error code
	}{
		"none":                                {"", "PUT", here, "<nil>"},
		"None":                                {"", "PUT", block("None"), "None"},
		"system-assigned":                     {"", "PUT", block("SystemAssigned"), "SystemAssigned self"},
		"user-assigned":                       {"", "PUT", block("userassigned", "u"), "UserAssigned u"},
		"both":                                {"", "PUT", block("SystemAssigned, UserAssigned", "u", "v"), "SystemAssigned, UserAssigned self u v"},
		"both, in the legacy spelling":        {"", "PUT", block("SystemAssigned,UserAssigned", "u"), "SystemAssigned, UserAssigned self u"},
		"null":                                {"", "PUT", `{"location":"westeurope","identity":null}`, "None"},
		"a PUT without the block removes all": {block("SystemAssigned, UserAssigned", "u"), "PUT", here, "None"},
		"a PUT replaces the map":              {block("UserAssigned", "u"), "PUT", block("UserAssigned", "v"), "UserAssigned v"},
		"a PATCH without the block":           {block("SystemAssigned, UserAssigned", "u"), "PATCH", `{"tags":{}}`, "SystemAssigned, UserAssigned self u"},
		"a PATCH adds to the map":             {block("UserAssigned", "u"), "PATCH", block("UserAssigned", "v"), "UserAssigned u v"},
		"a PATCH with null removes one":       {block("UserAssigned", "u", "v"), "PATCH", block("UserAssigned", "u=null"), "UserAssigned v"},
		"a PATCH without a type":              {block("UserAssigned", "u"), "PATCH", `{"identity":{"userAssignedIdentities":{"` + uamis + `/v":{}}}}`, "UserAssigned u v"},
		"a PATCH of the type alone":           {block("UserAssigned", "u"), "PATCH", `{"identity":{"type":"SystemAssigned, UserAssigned"}}`, "SystemAssigned, UserAssigned self u"},
		"a PATCH to system-assigned alone":    {block("UserAssigned", "u"), "PATCH", block("SystemAssigned"), "SystemAssigned self"},
		"a PATCH to None removes all":         {block("SystemAssigned, UserAssigned", "u"), "PATCH", block("None"), "None"},
		"a PATCH with a null block":           {block("SystemAssigned"), "PATCH", `{"identity":null}`, "None"},
		"a PATCH with a null map":             {block("SystemAssigned, UserAssigned", "u", "v"), "PATCH", `{"identity":{"type":"SystemAssigned","userAssignedIdentities":null}}`, "SystemAssigned self"},
		"a PATCH with a null map, nothing put in its place": {block("UserAssigned", "u", "v"), "PATCH",
			`{"identity":{"userAssignedIdentities":null}}`, "MissingIdentityIds"},
		"a PATCH with an empty block": {block("UserAssigned", "u"), "PATCH", `{"identity":{}}`, "UserAssigned u"},
		"a PATCH in another case names the same identity": {block("UserAssigned", "u"), "PATCH",
			`{"identity":{"type":"UserAssigned","userAssignedIdentities":{"` + strings.ToUpper(uamis) + `/U":null,"` + uamis + `/v":{}}}}`, "UserAssigned v"},

		"a type nobody knows":               {"", "PUT", block("Borrowed"), "InvalidIdentityType"},
		"no type":                           {"", "PUT", `{"location":"westeurope","identity":{}}`, "InvalidIdentityType"},
		"a block that is no object":         {"", "PUT", `{"location":"westeurope","identity":"SystemAssigned"}`, "InvalidRequestContent"},
		"an entry that is no object":        {"", "PUT", block("UserAssigned", "u=7"), "InvalidRequestContent"},
		"user-assigned with none":           {"", "PUT", block("UserAssigned"), "MissingIdentityIds"},
		"user-assigned with null alone":     {"", "PUT", block("UserAssigned", "u=null"), "MissingIdentityIds"},
		"the last one taken by PATCH":       {block("UserAssigned", "u"), "PATCH", block("UserAssigned", "u=null"), "MissingIdentityIds"},
		"system-assigned with a map":        {"", "PUT", block("SystemAssigned", "u"), "FailedIdentityOperation"},
		"system-assigned with an empty map": {"", "PUT", `{"location":"westeurope","identity":{"type":"SystemAssigned","userAssignedIdentities":{}}}`, "FailedIdentityOperation"},
		"one that does not exist":           {"", "PUT", block("UserAssigned", "none"), "FailedIdentityOperation"},
		"one that is no identity":           {"", "PUT", `{"location":"westeurope","identity":{"type":"UserAssigned","userAssignedIdentities":{"` + carts + `/a":{}}}}`, "LinkedInvalidPropertyId"},
		"one that is no id":                 {"", "PUT", `{"location":"westeurope","identity":{"type":"UserAssigned","userAssignedIdentities":{"u":{}}}}`, "LinkedInvalidPropertyId"},
		"one identity twice":                {"", "PUT", `{"location":"westeurope","identity":{"type":"UserAssigned","userAssignedIdentities":{"` + uamis + `/u":{},"` + uamis + `/U":{}}}}`, "InvalidRequestContent"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.place(uamis+"/u", here)
			w.place(uamis+"/v", here)
			if c.before != "" {
				w.want(201, w.ask("PUT", carts+"/a", c.before))
			}
			s := w.ask(c.method, carts+"/a", c.body)
			if s.status >= 500 || s.status < 300 && s.worn() != c.want || s.status >= 300 && s.code() != c.want {
				t.Errorf("got %d %s, want %s", s.status, s.text, c.want)
			}
		})
	}
}

func TestASystemAssignedPrincipalLivesAndDiesWithItsResource(t *testing.T) {
	w := newWorld(t)
	self := func() cloud.PrincipalID {
		s := w.ask("PUT", carts+"/a", block("SystemAssigned"))
		id, _ := s.at("identity", "principalId").(string)
		return cloud.PrincipalID(id)
	}
	first := self()
	if p, ok := w.phone.Principal(first); !ok || p.Name != "a" || p.Kind != cloud.SystemAssigned {
		t.Fatalf("enrolled %+v", p)
	}
	if again := self(); again != first {
		t.Error("a second write changed the principal")
	}
	w.place(group+"/providers/Microsoft.Authorization/roleAssignments/r", `{"properties":{"principalId":"`+string(first)+`"}}`)
	w.want(200, w.ask("DELETE", carts+"/a", ""))
	if _, ok := w.phone.Principal(first); ok {
		t.Error("the principal outlived its resource")
	}
	w.want(200, w.ask("GET", group+"/providers/Microsoft.Authorization/roleAssignments/r", ""))
	second := self()
	if second == first || second == "" {
		t.Error("the new resource has the old one's principal")
	}
	w.want(200, w.ask("PATCH", carts+"/a", block("None")))
	if _, ok := w.phone.Principal(second); ok {
		t.Error("the principal outlived its identity")
	}
}

func TestADanglingIdentityStaysUntilItIsTouched(t *testing.T) {
	w := newWorld(t)
	w.place(uamis+"/u", here)
	made := w.want(201, w.ask("PUT", carts+"/a", block("UserAssigned", "u")))
	old := made.at("identity", "userAssignedIdentities", uamis+"/u", "principalId")
	w.want(200, w.ask("DELETE", uamis+"/u", ""))
	for _, write := range []string{`{"tags":{"a":"b"}}`, block("UserAssigned", "u")} {
		if s := w.want(200, w.ask("PATCH", carts+"/a", write)); s.at("identity", "userAssignedIdentities", uamis+"/u", "principalId") != old {
			t.Error(s.text)
		}
	}
	w.place(uamis+"/u", here)
	if s := w.want(200, w.ask("PATCH", carts+"/a", `{"tags":{}}`)); s.at("identity", "userAssignedIdentities", uamis+"/u", "principalId") != old {
		t.Error("an identity made anew was put on unasked")
	}
	if s := w.want(200, w.ask("PATCH", carts+"/a", block("UserAssigned", "u"))); s.at("identity", "userAssignedIdentities", uamis+"/u", "principalId") == old {
		t.Error("an identity made anew was not attached when asked for")
	}
}

func TestTokensGoWithTheDetachmentOfTheirIdentity(t *testing.T) { // TK-10, T11
	w := newWorld(t)
	who := map[string]string{}
	for _, name := range []string{"u", "v"} {
		s := w.want(201, w.ask("PUT", uamis+"/"+name, here))
		if p, ok := w.phone.ByResource(cloud.MustID(s.at("id").(string))); ok {
			who[name] = string(p.ID)
		}
	}
	recalled := func() string {
		t.Helper()
		entries, _, err := w.Store.List(t.Context(), cloud.KeysRecall)
		if err != nil {
			t.Fatal(err)
		}
		var all []string
		for _, e := range entries {
			from, of, _ := strings.Cut(strings.TrimPrefix(e.Key, cloud.KeysRecall), "|")
			for name, id := range who {
				if of == id {
					of = name
				}
			}
			all = append(all, from+" "+of)
			if _, err := w.Store.Commit(t.Context(), store.Change{Key: e.Key, If: store.Any}); err != nil {
				t.Fatal(err)
			}
		}
		return strings.Join(all, ", ")
	}
	for _, step := range []struct{ method, body, want string }{
		{"PUT", block("UserAssigned", "u", "v"), ""},
		{"PATCH", `{"tags":{}}`, ""},
		{"PATCH", block("UserAssigned", "u=null"), "a u"},
		{"PATCH", block("UserAssigned", "u"), ""},
		{"PUT", block("UserAssigned", "v"), "a u"},
		{"PUT", block("SystemAssigned"), "a v"},
		{"PUT", block("SystemAssigned, UserAssigned", "u", "v"), ""},
		{"PATCH", block("UserAssigned"), ""}, // the system-assigned one goes with all of its tokens
		{"PUT", block("UserAssigned", "nobody"), ""},
		{"DELETE", "", "a "}, // whatever it wore
	} {
		s := w.ask(step.method, carts+"/a", step.body)
		if got := recalled(); got != step.want {
			t.Errorf("%s %s (%d) takes back the tokens of %q, want %q", step.method, step.body, s.status, got, step.want)
		}
	}
}
