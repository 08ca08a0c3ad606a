package msi

import (
	"net/url"
	"strings"
	"testing"
)

// FuzzQuery holds the reading of queries against url.ParseQuery: what is read is what is there,
// once, and never two selectors.
func FuzzQuery(f *testing.F) {
	for _, seed := range []string{
		"api-version=2019-08-01&resource=https%3A%2F%2Fvault.azure.net&client_id=x",
		"resource=https://vault.azure.net/&api%2Dversion=2019-08-01", "client_id=&object_id=1", "Resource=a&resource=b",
		"a=%zz&resource=%", "&&==&resource", "resource=a;client_id=b", "resource=a+b",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		a, err := readQuery(raw)
		if err != nil {
			return
		}
		values, err := url.ParseQuery(raw)
		if err != nil && !strings.ContainsAny(raw, "%;") {
			t.Fatalf("%q is read although it is none: %v", raw, err)
		}
		if err != nil {
			return // url.ParseQuery refuses semicolons, and bad encodings in names that mean nothing here
		}
		if a.resource != values.Get("resource") || a.version != values.Get("api-version") {
			t.Fatalf("%q is read as %+v", raw, a)
		}
		given := 0
		for _, s := range []string{"client_id", "clientid", "principal_id", "object_id", "mi_res_id", "msi_res_id"} {
			if v := values.Get(s); v != "" {
				given++
				if a.by != s || a.value != v {
					t.Fatalf("%q is read as %+v", raw, a)
				}
			}
		}
		if given > 1 || (given == 0) != (a.by == "") {
			t.Fatalf("%q holds %d selectors and is read as %+v", raw, given, a)
		}
	})
}
