package arm

import (
	"net/url"
	"testing"
)

// Every option of OData's works or is refused, whatever its case; none is ignored.
func TestQueryOptionsWorkOrAreRefused(t *testing.T) {
	w := newWorld(t)
	w.place(carts+"/a", here)
	w.place(carts+"/b", here)
	takes := map[string][]string{
		carts + "/a":            {},
		carts:                   {"$filter", "$top", "$skiptoken"},
		sub + "/resourceGroups": {"$filter", "$top", "$skiptoken"},
		sub + "/resources":      {"$filter", "$top", "$skiptoken", "$expand"},
		group + "/resources":    {"$filter", "$top", "$skiptoken", "$expand"},
		sub + "/providers":      {},
		toyShop:                 {},
		"/providers":            {},
		"/tenants":              {},
		sub + "/locations":      {},
		"/subscriptions":        {"$filter", "$top", "$skiptoken"},
		carts + "/a/wheels":     {"$filter", "$top", "$skiptoken"},
	}
	value := map[string]string{"$filter": "name eq 'a'", "$top": "1", "$skiptoken": "YQ", "$expand": "createdTime", "$orderby": "name", "$select": "id", "$skip": "1", "$count": "true"}
	for path, taken := range takes {
		for option, text := range value {
			want := 400
			for _, each := range taken {
				if each == option {
					want = 200
				}
			}
			for _, spelled := range []string{option, "$T" + option[2:], "%24" + option[1:]} {
				if spelled[1] == 'T' && option[1] != 't' {
					continue
				}
				s := w.ask("GET", path+version+"&"+spelled+"="+url.QueryEscape(text), "")
				if s.status != want || want == 400 && s.code() != "InvalidQueryParameter" {
					t.Errorf("%s with %s: got %d %s, want %d", path, spelled, s.status, s.text, want)
				}
			}
		}
	}
}

func TestParametersGivenTwiceAreRefused(t *testing.T) {
	w := newWorld(t)
	for _, query := range []string{"?api-version=2024-01-01&Api-Version=2023-01-01", "?api-version=2024-01-01&api-version=2024-01-01", version + "&$top=1&$Top=2"} {
		if s := w.want(400, w.ask("GET", carts+query, "")); s.code() != "InvalidQueryParameter" {
			t.Error(s.text)
		}
	}
	w.want(200, w.ask("GET", carts+"?api%2Dversion=2024-01-01", "")) // as JavaScript spells it
}

func TestHEADIsAnsweredWhereverGETIs(t *testing.T) {
	w := newWorld(t)
	w.place(carts+"/a", here)
	for path, want := range map[string]int{
		carts + "/a": 204, group: 204, sub: 204, carts + "/b": 404, sub + "/resourceGroups/none": 404, carts: 200, sub + "/providers": 200,
		sub + "/resources": 200, "/tenants": 200, sub + "/locations": 200, carts + "/a/ring": 404,
	} {
		if s := w.ask("HEAD", path, ""); s.status != want {
			t.Errorf("%s: got %d %s, want %d", path, s.status, s.text, want)
		}
	}
	w.want(405, w.ask("HEAD", toyShop+"/register", ""))
}
