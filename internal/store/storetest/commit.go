package storetest

import (
	"context"
	"errors"
	"testing"

	"lanyard/internal/store"
)

var commitCases = []conformance{
	{"a missing document has revision zero and no error", "callers create with the revision that Get gave", missing},
	{"a document comes back with the revision of its commit", "a compare needs the revision of the last write", comesBack},
	{"a transaction with one failing condition makes none of its changes", "an identity without its document would be an orphan", atomic},
	{"what must not exist and does is a conflict", "two resources must not claim one name", mustNotExist},
	{"what must be at a revision and does not exist is a conflict", "an update must not bring back what was deleted", mustExist},
	{"what was written since is a conflict", "the second writer must not win silently", stale},
	{"a check writes nothing and still refuses", "a child is made only while its parent stands", checked},
	{"what was deleted and made again is another document", "grants to a deleted identity must not reach its successor", madeAgain},
	{"one transaction deletes one document and creates another", "a rename must never show both or neither", moved},
	{"an empty value is a document", "nil deletes, and only nil", empty},
	{"deleting what is not there changes nothing", "cascading deletes are repeated after a crash", deleteNothing},
	{"a transaction that makes no sense is refused", "drivers would differ on what it means", nonsense},
	{"values are not shared with the caller", "a buffer that is used again must not alter what is stored", notShared},
	{"a closed store says so", "a call that comes late must fail, not hang", closed},
	{"an ended context ends a commit", "a client that went away must not occupy the store", ended},
}

func missing(t *testing.T, s trial) {
	if e := s.get(t, "/a"); e.Revision != 0 || e.Value != nil || e.Key != "/a" {
		t.Errorf("a missing document is %+v", e)
	}
}

func comesBack(t *testing.T, s trial) {
	first := s.commit(t, store.Change{Key: "/a", Value: []byte("1")}, store.Change{Key: "/b", Value: []byte("2")})
	second := s.commit(t, store.Change{Key: "/a", Value: []byte("3"), If: first})
	if a, b := s.get(t, "/a"), s.get(t, "/b"); a.Revision != second || string(a.Value) != "3" || b.Revision != first || second <= first {
		t.Errorf("after commits %d and %d: %+v and %+v", first, second, a, b)
	}
}

func atomic(t *testing.T, s trial) {
	s.put(t, "/there", "1")
	s.refuse(t, store.ErrConflict, write("/new", "1"), write("/there", "2"), store.Change{Key: "/absent", Value: []byte("x"), If: 1})
}

func mustNotExist(t *testing.T, s trial) {
	s.put(t, "/a", "1")
	s.refuse(t, store.ErrConflict, store.Change{Key: "/a", Value: []byte("2"), If: 0})
}

func mustExist(t *testing.T, s trial) {
	at := s.put(t, "/a", "1")
	s.remove(t, "/a")
	s.refuse(t, store.ErrConflict, store.Change{Key: "/a", Value: []byte("2"), If: at})
	s.refuse(t, store.ErrConflict, store.Change{Key: "/a", If: at})
}

func stale(t *testing.T, s trial) {
	at := s.put(t, "/a", "1")
	s.put(t, "/a", "1")
	s.refuse(t, store.ErrConflict, store.Change{Key: "/a", Value: []byte("2"), If: at})
	s.refuse(t, store.ErrConflict, store.Change{Key: "/a", If: at})
}

func checked(t *testing.T, s trial) {
	at := s.put(t, "/parent", "1")
	before, revision := s.state(t)
	if now := s.commit(t, store.Change{Key: "/parent", If: at, Check: true}, store.Change{Key: "/no", Check: true}); now != revision {
		t.Errorf("checking alone moved the revision from %d to %d", revision, now)
	}
	if after, _ := s.state(t); after != before {
		t.Errorf("checking alone changed %s to %s", before, after)
	}
	s.commit(t, store.Change{Key: "/parent", If: at, Check: true}, write("/parent/child", "1"))
	s.remove(t, "/parent")
	s.refuse(t, store.ErrConflict, store.Change{Key: "/parent", If: at, Check: true}, write("/parent/other", "1"))
	s.refuse(t, store.ErrConflict, store.Change{Key: "/parent/child", Check: true})
}

func madeAgain(t *testing.T, s trial) {
	first := s.put(t, "/a", "1")
	gone := s.remove(t, "/a")
	again := s.commit(t, store.Change{Key: "/a", Value: []byte("1"), If: 0})
	if first >= gone || gone >= again {
		t.Errorf("revisions do not grow: %d, %d, %d", first, gone, again)
	}
	s.refuse(t, store.ErrConflict, store.Change{Key: "/a", Value: []byte("2"), If: first})
}

func moved(t *testing.T, s trial) {
	at := s.put(t, "/old", "1")
	s.commit(t, store.Change{Key: "/old", If: at}, store.Change{Key: "/new", Value: []byte("1")})
	if all, _ := s.list(t, ""); len(all) != 1 || all[0].Key != "/new" {
		t.Errorf("after the move there is %s", text(all))
	}
}

func empty(t *testing.T, s trial) {
	at := s.put(t, "/a", "")
	if e := s.get(t, "/a"); e.Revision != at || e.Value == nil || len(e.Value) != 0 {
		t.Errorf("an empty document is %#v", e)
	}
	if all, _ := s.list(t, "/a"); len(all) != 1 || all[0].Value == nil {
		t.Errorf("an empty document is listed as %#v", all)
	}
}

func deleteNothing(t *testing.T, s trial) {
	at := s.put(t, "/a", "1")
	if now := s.remove(t, "/b"); now != at {
		t.Errorf("deleting nothing moved the revision from %d to %d", at, now)
	}
}

func nonsense(t *testing.T, s trial) {
	s.refuse(t, nil)
	s.refuse(t, nil, write("", "no key"))
	s.refuse(t, nil, write("/a", "1"), write("/a", "2"))
	s.refuse(t, nil, write("/a", "1"), store.Change{Key: "/a", Check: true, If: store.Any})
	s.refuse(t, nil, store.Change{Key: "/a", Value: []byte("1"), If: -2})
	s.refuse(t, nil, write("/a\x00b", "a NUL"))
}

func notShared(t *testing.T, s trial) {
	value := []byte("before")
	s.commit(t, store.Change{Key: "/a", Value: value})
	copy(value, "after!")
	copy(s.get(t, "/a").Value, "after!")
	all, _ := s.list(t, "/a")
	copy(all[0].Value, "after!")
	if got := string(s.get(t, "/a").Value); got != "before" {
		t.Errorf("the document became %q", got)
	}
}

func closed(t *testing.T, s trial) {
	watch := s.Watch(within(t), "", 0)
	if err := s.Close(); err != nil {
		t.Errorf("close: %v", err)
	}
	if _, err := s.Get(within(t), "/a"); !errors.Is(err, store.ErrClosed) {
		t.Errorf("get gave %v", err)
	}
	if _, _, err := s.List(within(t), "/a"); !errors.Is(err, store.ErrClosed) {
		t.Errorf("list gave %v", err)
	}
	if _, err := s.Commit(within(t), write("/a", "1")); !errors.Is(err, store.ErrClosed) {
		t.Errorf("commit gave %v", err)
	}
	for range watch {
	}
	for range s.Watch(within(t), "", 0) {
		t.Error("a watch of a closed store gave something")
	}
	if err := store.NewView(s, "/a").Run(within(t)); !errors.Is(err, store.ErrClosed) {
		t.Errorf("a view of a closed store ended with %v", err)
	}
	if err := s.Close(); err != nil {
		t.Errorf("closing again: %v", err)
	}
}

func ended(t *testing.T, s trial) {
	ctx, cancel := context.WithCancel(within(t))
	cancel()
	if _, err := s.Commit(ctx, write("/a", "1")); !errors.Is(err, context.Canceled) {
		t.Errorf("commit gave %v", err)
	}
	for range s.Watch(ctx, "", 1) {
	}
}
