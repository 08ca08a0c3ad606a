package storetest

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"lanyard/internal/store"
)

var listCases = []conformance{
	{"a list holds what starts with the prefix and nothing else", "a role at /rg must never reach /rg-prod", prefixes},
	{"a list is in the order of the keys' bytes", "paging continues after a key", ordered},
	{"a list shows one revision although writers are at work", "half of a transaction is a state that never was", oneRevision},
	{"a list of many documents is whole", "drivers read page by page", manyListed},
}

func listed(t *testing.T, s trial, prefix string) []string {
	t.Helper()
	all, _ := s.list(t, prefix)
	found := []string{}
	for _, e := range all {
		found = append(found, e.Key)
	}
	return found
}

func prefixes(t *testing.T, s trial) {
	for _, key := range []string{"/rg", "/rg/a", "/rg/a/b", "/rg-prod", "/rg-prod/a", "/rf\xff", "/rg\xff", "/rg\xff\xff", "/RG/a", "zz", "doc:/rg/a", "blob:x"} {
		s.put(t, key, "1")
	}
	for prefix, want := range map[string][]string{
		"/rg/":    {"/rg/a", "/rg/a/b"},
		"/rg-":    {"/rg-prod", "/rg-prod/a"},
		"/rg":     {"/rg", "/rg-prod", "/rg-prod/a", "/rg/a", "/rg/a/b", "/rg\xff", "/rg\xff\xff"},
		"/rg\xff": {"/rg\xff", "/rg\xff\xff"},
		"/rg/a":   {"/rg/a", "/rg/a/b"},
		"/none":   {},
		"z":       {"zz"},
		"doc:":    {"doc:/rg/a"},
		"blob:":   {"blob:x"},
	} {
		if got := listed(t, s, prefix); !slices.Equal(got, want) {
			t.Errorf("under %q there is %q, want %q", prefix, got, want)
		}
	}
	if got := listed(t, s, ""); len(got) != 12 {
		t.Errorf("under nothing there is %q", got)
	}
}

func ordered(t *testing.T, s trial) {
	for _, key := range []string{"/b", "/a/é", "/a", "/a-b", "/a/b", "/a.b", "/B"} {
		s.put(t, key, "1")
	}
	if got := listed(t, s, "/"); !slices.IsSorted(got) || len(got) != 7 {
		t.Errorf("the order is %q", got)
	}
}

func oneRevision(t *testing.T, s trial) {
	ctx := within(t)
	s.commit(t, write("/pair/a", "0"), write("/pair/b", "0"))
	var writer sync.WaitGroup
	writer.Go(func() {
		for i := range 40 {
			n := fmt.Sprint(i)
			if _, err := s.Commit(ctx, write("/pair/a", n), write("/pair/b", n)); err != nil {
				t.Error(err)
			}
		}
	})
	var last int64
	for range 200 {
		pair, revision := s.list(t, "/pair/")
		if len(pair) != 2 || string(pair[0].Value) != string(pair[1].Value) || pair[0].Revision != pair[1].Revision {
			t.Errorf("a list shows half of a transaction: %s", text(pair))
		}
		if revision < last || pair[0].Revision > revision {
			t.Errorf("a list at revision %d, after one at %d, shows %s", revision, last, text(pair))
		}
		last = revision
	}
	writer.Wait()
}

func manyListed(t *testing.T, s trial) {
	const total = 11 * store.MaxChanges
	var want []string
	for from := 0; from < total; from += store.MaxChanges {
		var some []store.Change
		for i := from; i < from+store.MaxChanges; i++ {
			key := fmt.Sprintf("/many/%05d", i)
			want = append(want, key)
			some = append(some, write(key, strings.Repeat("x", i%7)))
		}
		s.commit(t, some...)
	}
	if got := listed(t, s, "/many/"); !slices.Equal(got, want) {
		t.Errorf("of %d documents %d are listed, or in another order", total, len(got))
	}
}
