package arm

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"

	"lanyard/internal/cloud"
)

// listed gives the names in a list.
func (s said) listed() []string {
	all, _ := s.at("value").([]any)
	names := []string{}
	for _, each := range all {
		m, _ := each.(map[string]any)
		name, _ := m["name"].(string)
		names = append(names, name)
	}
	return names
}

func shop(t *testing.T) *world {
	w := newWorld(t)
	other := sub + "/resourceGroups/rg-2"
	w.place(other, here)
	w.place(carts+"/a", `{"location":"westeurope","tags":{"Env":"prod"},"properties":{"x":1}}`)
	w.place(carts+"/b", `{"location":"eastus","tags":{"env":"test"}}`)
	w.place(carts+"/b/wheels/w", `{}`)
	w.place(other+"/providers/Toy.Shop/carts/c", here)
	w.place(uamis+"/u", here)
	w.place(carts+"/a/providers/Microsoft.Authorization/roleAssignments/r", `{}`)
	return w
}

func TestLists(t *testing.T) {
	filter := func(text string) string { return version + "&$filter=" + url.QueryEscape(text) }
	cases := map[string]struct {
		path string
		want []string
	}{
		"a type in a group":                        {carts + version, []string{"a", "b"}},
		"a type in a subscription":                 {sub + "/providers/Toy.Shop/carts" + version, []string{"c", "a", "b"}},
		"groups":                                   {sub + "/resourceGroups" + version, []string{"rg", "rg-2"}},
		"subscriptions":                            {"/subscriptions" + version, []string{strings.TrimPrefix(sub, "/subscriptions/")}},
		"children":                                 {carts + "/b/wheels" + version, []string{"w"}},
		"children of who has none":                 {carts + "/a/wheels" + version, []string{}},
		"extensions at and below a scope":          {group + "/providers/Microsoft.Authorization/roleAssignments" + version, []string{"r"}},
		"extensions of another scope":              {carts + "/b/providers/Microsoft.Authorization/roleAssignments" + version, []string{}},
		"tracked resources of a group":             {group + "/resources" + version, []string{"u", "a", "b"}},
		"tracked resources of a type":              {sub + "/resources" + filter("resourceType eq 'toy.shop/carts'"), []string{"c", "a", "b"}},
		"tracked resources of a type with a name":  {sub + "/resources" + filter("resourceType eq 'Toy.Shop/carts' and name eq 'c'"), []string{"c"}},
		"tracked resources at a place":             {sub + "/resources" + filter("location eq 'East US'"), []string{"b"}},
		"tracked resources with a tag":             {sub + "/resources" + filter("tagName eq 'env' and tagValue eq 'prod'"), []string{"a"}},
		"tracked resources of two names":           {sub + "/resources" + filter("name eq 'a' or name eq 'b'"), []string{"a", "b"}},
		"tracked resources but one":                {sub + "/resources" + filter("resourceType eq 'Toy.Shop/carts' and name ne 'a'"), []string{"c", "b"}},
		"tracked resources with part of a name":    {sub + "/resources" + filter("substringof('A', name)"), []string{"a"}},
		"tracked resources with part of a tag":     {sub + "/resources" + filter("startswith(tagName, 'en') and resourceGroup eq 'RG'"), []string{"a", "b"}},
		"tracked resources with a tag of any text": {sub + "/resources" + filter("tagName eq 'env'"), []string{"a", "b"}},
	}
	w := shop(t)
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			s := w.ask("GET", c.path, "")
			if s.status != 200 || !slices.Equal(s.listed(), c.want) {
				t.Errorf("got %d %v, want %v", s.status, s.listed(), c.want)
			}
		})
	}
}

func TestListingsOverAllTypesShowNoProperties(t *testing.T) {
	s := shop(t).ask("GET", sub+"/resources", "")
	if strings.Contains(s.text, "properties") || !strings.Contains(s.text, `"tags"`) {
		t.Error(s.text)
	}
}

func TestWhatCannotBeFilteredByIsRefused(t *testing.T) {
	w := shop(t)
	for _, text := range []string{"color eq 'red'", "name gt 'a'", "substringof('a')", "startswith('a', color)", "name eq 'a' or tagValue eq 'x'", "tagName ne 'a' and tagValue eq 'x'", "tagValue eq 'x'", "name eq 'a' name eq 'b'", "'"} {
		if s := w.ask("GET", carts+version+"&$filter="+url.QueryEscape(text), ""); s.status != 400 || s.code() != "InvalidFilterInQueryString" {
			t.Errorf("%s: got %d %s", text, s.status, s.text)
		}
	}
}

func TestAListHoldsWhatTheCallerMayRead(t *testing.T) {
	w := shop(t)
	w.refuse(func(_ cloud.Caller, _ string, at cloud.ID) bool { return !cloud.MustID(carts + "/b").Contains(at) })
	for _, path := range []string{sub + "/providers/Toy.Shop/carts", sub + "/resources", carts} {
		if s := w.want(200, w.ask("GET", path, "")); !slices.Equal(s.listed(), []string{"b"}) {
			t.Errorf("%s: %v", path, s.listed())
		}
	}
	if s := w.want(200, w.ask("GET", "/subscriptions", "")); len(s.listed()) != 0 {
		t.Error(s.text)
	}
	w.refuse(func(_ cloud.Caller, _ string, at cloud.ID) bool { return cloud.MustID(carts + "/b").Contains(at) })
	if s := w.want(200, w.ask("GET", carts, "")); !slices.Equal(s.listed(), []string{"a"}) {
		t.Errorf("a denial below the scope is overlooked: %v", s.listed())
	}
}

// Somebody with a role at one cart finds the way there, and nothing beside it.
func TestTheWayToWhatWasGrantedIsListed(t *testing.T) {
	w := shop(t)
	w.refuse(func(cloud.Caller, string, cloud.ID) bool { return true })
	w.Granted = func(cloud.PrincipalID) []cloud.Assignment {
		return []cloud.Assignment{{Scope: cloud.MustID(carts + "/b")}}
	}
	for path, want := range map[string]string{"/subscriptions": strings.TrimPrefix(sub, "/subscriptions/"), sub + "/resourceGroups": "rg"} {
		if s := w.want(200, w.ask("GET", path, "")); !slices.Equal(s.listed(), []string{want}) {
			t.Errorf("%s: %v", path, s.listed())
		}
	}
	for _, path := range []string{sub, group, carts, sub + "/resources"} {
		w.want(403, w.ask("GET", path, ""))
	}
}

func TestPagesFollowOneAnother(t *testing.T) {
	w := newWorld(t)
	var want []string
	for i := range 7 {
		name := fmt.Sprintf("c%d", i)
		want = append(want, name)
		w.place(carts+"/"+name, here)
	}
	var got []string
	path := carts + version + "&$top=3"
	for pages := 0; path != ""; pages++ {
		if pages > 3 {
			t.Fatal("the pages do not end")
		}
		s := w.want(200, w.ask("GET", path, ""))
		got = append(got, s.listed()...)
		next, _ := s.at("nextLink").(string)
		path = strings.TrimPrefix(next, "http://example.com")
		w.want(200, w.ask("DELETE", carts+"/"+s.listed()[0], "")) // going meanwhile moves nothing
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %v", got)
	}
	for _, query := range []string{"&$top=0", "&$top=x", "&$skiptoken=!"} {
		w.want(400, w.ask("GET", carts+version+query, ""))
	}
}

func TestWhatEntriesOfAListingOverAllTypesAreExpandedBy(t *testing.T) {
	w := shop(t)
	expand := version + "&$expand=" + url.QueryEscape("createdTime,changedTime,provisioningState")
	s := w.want(200, w.ask("GET", group+"/resources"+expand, ""))
	first := s.at("value").([]any)[0].(map[string]any)
	if first["createdTime"] == nil || first["changedTime"] == nil || first["provisioningState"] != "Succeeded" {
		t.Error(s.text)
	}
	if s := w.want(400, w.ask("GET", group+"/resources"+version+"&$expand=secrets", "")); s.code() != "InvalidExpandInQueryString" {
		t.Error(s.text)
	}
}
