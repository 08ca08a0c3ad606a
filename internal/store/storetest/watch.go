package storetest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"lanyard/internal/store"
)

var watchCases = []conformance{
	{"a watch from nothing begins with the whole state", "a view needs a beginning, of an empty store too", begins},
	{"a transaction arrives in one piece and in order", "an engine must not see an app before its identity", whole},
	{"a watch hears of its prefix only, and of every revision", "read-your-writes waits for revisions that changed nothing here", progress},
	{"deleted and emptied are told apart", "a deletion that is missed leaves a grant alive", deletions},
	{"a watch resumes after the revision it asks for", "a reader that reconnects must miss and repeat nothing", resumes},
	{"a watch that resumes hears of its prefix only", "what was missed is filtered like what is new", resumesFiltered},
	{"a watcher that does not read delays nobody and loses nothing", "one stuck reader must not stop every decision", slow},
	{"following a watch arrives at what a list shows", "views decide, so they must be right", converges},
	{"a watch ends with its context", "readers come and go for as long as the process lives", ends},
}

func begins(t *testing.T, s trial) {
	_, nothing := s.list(t, "")
	expect(t, heard(t, s.Watch(within(t), "/", 0)), "%d reset", nothing)
	s.put(t, "/b", "1")
	s.put(t, "/gone", "1")
	s.put(t, "/a", "2")
	at := s.remove(t, "/gone")
	watch := s.Watch(within(t), "/", 0)
	expect(t, heard(t, watch), "%d reset /a=2 /b=1", at)
	expect(t, next(t, s.Watch(within(t), "/b", 0)), "%d reset /b=1", at)
	at = s.put(t, "/c", "3")
	expect(t, next(t, watch), "%d /c=3", at)
}

func whole(t *testing.T, s trial) {
	watch := s.Watch(within(t), "/", 0)
	next(t, watch)
	var at []int64
	for i := range 30 {
		n := fmt.Sprint(i)
		at = append(at, s.commit(t, write("/a", n), write("/b", n), write("/c", n)))
	}
	for i, revision := range at {
		b := next(t, watch)
		if b.Revision != revision || len(b.Events) != 3 {
			t.Fatalf("batch %d is %s", i, spell(b))
		}
		for _, e := range b.Events {
			if string(e.Value) != fmt.Sprint(i) || e.Revision != revision {
				t.Fatalf("batch %d is %s", i, spell(b))
			}
		}
	}
}

func progress(t *testing.T, s trial) {
	watch := s.Watch(within(t), "/rg/", 0)
	next(t, watch)
	for _, key := range []string{"/rg", "/rg-prod/a", "/other"} {
		at := s.put(t, key, "1")
		if said := until(t, watch, at); len(said) != 0 {
			t.Errorf("a write of %s was heard under /rg/ as %s", key, spell(said[0]))
		}
	}
	at := s.commit(t, write("/rg/a", "1"), write("/rg-prod/b", "1"))
	expect(t, next(t, watch), "%d /rg/a=1", at)
}

func deletions(t *testing.T, s trial) {
	watch := s.Watch(within(t), "/", 0)
	next(t, watch)
	at := s.put(t, "/a", "")
	if b := next(t, watch); len(b.Events) != 1 || b.Events[0].Value == nil || len(b.Events[0].Value) != 0 {
		t.Errorf("emptying at %d was heard as %#v", at, b)
	}
	at = s.remove(t, "/a")
	expect(t, next(t, watch), "%d -/a", at)
	at = s.put(t, "/a", "1")
	expect(t, next(t, watch), "%d /a=1", at)
}

func resumes(t *testing.T, s trial) {
	first := s.put(t, "/a", "1")
	second := s.commit(t, write("/a", "2"), write("/b", "2"))
	third := s.remove(t, "/a")
	watch := s.Watch(within(t), "/", first)
	expect(t, next(t, watch), "%d /a=2 /b=2", second)
	expect(t, next(t, watch), "%d -/a", third)
	current := s.Watch(within(t), "/", third)
	fourth := s.put(t, "/c", "4")
	expect(t, next(t, watch), "%d /c=4", fourth)
	expect(t, next(t, current), "%d /c=4", fourth)
}

func resumesFiltered(t *testing.T, s trial) {
	first := s.put(t, "/rg/a", "1")
	s.put(t, "/rg-prod/a", "2")
	third := s.commit(t, write("/rg-prod/a", "3"), write("/rg/a", "3"))
	last := s.put(t, "/other", "4")
	said := until(t, s.Watch(within(t), "/rg/", first), last)
	if len(said) != 1 {
		t.Fatalf("heard %d batches, want 1", len(said))
	}
	expect(t, said[0], "%d /rg/a=3", third)
}

func slow(t *testing.T, s trial) {
	stuck, brisk := s.Watch(within(t), "/", 0), s.Watch(within(t), "/", 0)
	next(t, brisk)
	var last int64
	for i := range 20 { // more than any queue holds
		last = s.put(t, fmt.Sprintf("/%02d", i%10), fmt.Sprintf("%02d", i)+strings.Repeat("x", 1<<20-512))
		if b := next(t, brisk); b.Revision != last {
			t.Fatalf("beside a stuck watcher, heard revision %d, want %d", b.Revision, last)
		}
	}
	got := map[string]store.Entry{}
	for _, b := range until(t, stuck, last) {
		replay(got, b)
	}
	want, _ := s.list(t, "/")
	same(t, got, want)
}

func converges(t *testing.T, s trial) {
	random := rand.New(rand.NewPCG(1, 2))
	watch := s.Watch(within(t), "/k/", 0)
	held := map[string]store.Entry{}
	for round := range 5 {
		var last int64
		for range 20 {
			var changes []store.Change
			for _, n := range random.Perm(12)[:1+random.IntN(4)] {
				c := store.Change{Key: fmt.Sprintf("/k/%d", n), If: store.Any}
				if random.IntN(3) > 0 {
					c.Value = fmt.Append(nil, random.IntN(1000))
				}
				changes = append(changes, c)
			}
			last = s.commit(t, changes...)
		}
		for _, b := range until(t, watch, last) {
			replay(held, b)
		}
		want, _ := s.list(t, "/k/")
		if same(t, held, want); t.Failed() {
			t.Fatalf("in round %d", round)
		}
	}
}

func ends(t *testing.T, s trial) {
	ctx, cancel := context.WithCancel(within(t))
	watches := []<-chan store.Batch{s.Watch(ctx, "/", 0), s.Watch(ctx, "/", 0), s.Watch(ctx, "/", 1)}
	next(t, watches[0])
	s.put(t, "/a", "1") // nobody reads it
	cancel()
	for _, watch := range watches {
		for range watch {
		}
	}
}

var compactCases = []conformance{
	{"a watch that asks for compacted history starts over", "a gap that is not told is a revocation that is missed", compacted},
	{"a watch that is current survives compaction", "compaction happens all the time", compactedCurrent},
}

func compacted(t *testing.T, s trial) {
	first := s.put(t, "/a", "1")
	s.put(t, "/b", "2")
	s.remove(t, "/a")
	last := s.put(t, "/b", "3")
	// A store that still has to hear of these may give them all, compacted or not: there is no gap.
	until(t, s.Watch(within(t), "/", 0), last)
	s.Compact(t, s.Store, last)
	watch := s.Watch(within(t), "/", first)
	expect(t, next(t, watch), "%d reset /b=3", last)
	at := s.put(t, "/c", "4")
	expect(t, next(t, watch), "%d /c=4", at)
}

func compactedCurrent(t *testing.T, s trial) {
	watch := s.Watch(within(t), "/", 0)
	next(t, watch)
	first := s.put(t, "/a", "1")
	last := s.put(t, "/a", "2")
	expect(t, next(t, watch), "%d /a=1", first)
	s.Compact(t, s.Store, last)
	expect(t, next(t, watch), "%d /a=2", last)
	at := s.put(t, "/a", "3")
	expect(t, next(t, watch), "%d /a=3", at)
	expect(t, next(t, s.Watch(within(t), "/", last)), "%d /a=3", at)
}
