package storetest

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"lanyard/internal/store"
)

var viewCases = []conformance{
	{"a view shows what was committed once it is awaited", "who has just created something must find it", ownWrites},
	{"awaiting a revision that changed nothing here returns", "a request must not hang on somebody else's write", elsewhere},
	{"awaiting the revision of a check returns", "a check gives a revision that no event carries", checkRevision},
	{"a view shows a transaction whole", "a decision between two halves is wrong", viewWhole},
	{"what a change calls has happened before await returns", "indexes built on a view are read after await", called},
	{"a view lists by prefix, in order", "it stands in for the store's own List", viewLists},
	{"a view that has ended says so", "whoever awaits it would wait forever", viewEnds},
}

// follow runs a view of prefix for as long as the case.
func follow(t *testing.T, s trial, prefix string, changed func(*store.View, store.Batch)) *store.View {
	t.Helper()
	v := store.NewView(s, prefix)
	if changed != nil {
		v.OnChange(func(b store.Batch) { changed(v, b) })
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	var running sync.WaitGroup
	running.Go(func() {
		if err := v.Run(ctx); err != nil {
			t.Errorf("the view ended with %v", err)
		}
	})
	t.Cleanup(func() { cancel(); running.Wait() })
	if err := v.Ready(within(t)); err != nil {
		t.Fatal(err)
	}
	return v
}

func await(t *testing.T, v *store.View, revision int64) {
	t.Helper()
	if err := v.Await(within(t), revision); err != nil {
		t.Fatal(err)
	}
	if got := v.Revision(); got < revision {
		t.Errorf("after awaiting %d the view is at %d", revision, got)
	}
}

func ownWrites(t *testing.T, s trial) {
	s.put(t, "/a/1", "before")
	v := follow(t, s, "/a/", nil)
	if e, ok := v.Get("/a/1"); !ok || string(e.Value) != "before" {
		t.Errorf("what was there before is %v, %v", e, ok)
	}
	for i := range 20 {
		at := s.put(t, "/a/1", fmt.Sprint(i))
		await(t, v, at)
		if e, ok := v.Get("/a/1"); !ok || string(e.Value) != fmt.Sprint(i) || e.Revision != at {
			t.Fatalf("after write %d the view shows %v, %v", i, e, ok)
		}
	}
	await(t, v, s.remove(t, "/a/1"))
	if e, ok := v.Get("/a/1"); ok {
		t.Errorf("after the deletion the view shows %v", e)
	}
}

func elsewhere(t *testing.T, s trial) {
	v := follow(t, s, "/a/", nil)
	for i := range 20 {
		await(t, v, s.put(t, "/b/1", fmt.Sprint(i)))
	}
	if all := v.List(""); len(all) != 0 {
		t.Errorf("a view of /a/ shows %s", text(all))
	}
}

func checkRevision(t *testing.T, s trial) {
	v := follow(t, s, "/a/", nil)
	at := s.put(t, "/b", "1")
	await(t, v, s.commit(t, store.Change{Key: "/b", If: at, Check: true}))
	await(t, v, s.remove(t, "/nothing"))
	_, listed := s.list(t, "")
	await(t, v, listed)
}

func viewWhole(t *testing.T, s trial) {
	s.commit(t, write("/a/1", "0"), write("/a/2", "0"))
	v := follow(t, s, "/a/", nil)
	ctx := within(t)
	var writer sync.WaitGroup
	writer.Go(func() {
		for i := range 40 {
			n := fmt.Sprint(i)
			if _, err := s.Commit(ctx, write("/a/1", n), write("/a/2", n)); err != nil {
				t.Error(err)
			}
		}
	})
	for range 2000 {
		if pair := v.List("/a/"); len(pair) != 2 || string(pair[0].Value) != string(pair[1].Value) {
			t.Errorf("the view shows half of a transaction: %s", text(pair))
		}
	}
	writer.Wait()
}

func called(t *testing.T, s trial) {
	s.put(t, "/a/1", "0")
	var mu sync.Mutex
	var told []store.Batch
	v := follow(t, s, "/a/", func(v *store.View, b store.Batch) {
		for _, e := range b.Events {
			if shown, ok := v.Get(e.Key); ok != (e.Value != nil) || shown.Revision < e.Revision && ok {
				t.Errorf("told of %s before it is shown", spell(b))
			}
		}
		mu.Lock()
		defer mu.Unlock()
		told = append(told, b)
	})
	for i := range 10 {
		await(t, v, s.put(t, "/b", "elsewhere"))
		at := s.put(t, "/a/1", fmt.Sprint(i))
		await(t, v, at)
		mu.Lock()
		if len(told) != i+2 || told[i+1].Revision != at || !told[0].Reset {
			t.Fatalf("after %d changes told of %d batches", i+1, len(told))
		}
		mu.Unlock()
	}
}

func viewLists(t *testing.T, s trial) {
	for _, key := range []string{"/a/c", "/a/b/1", "/a/b/2", "/a/b-2", "/a/b", "/b"} {
		s.put(t, key, "1")
	}
	v := follow(t, s, "/a/", nil)
	await(t, v, s.commit(t, write("/a/b/0", "1"), store.Change{Key: "/a/c", If: store.Any}))
	for _, prefix := range []string{"/a/", "/a/b", "/a/b/", "/a/none"} {
		want, _ := s.list(t, prefix)
		if got := v.List(prefix); text(got) != text(want) {
			t.Errorf("under %s the view lists %s, the store %s", prefix, text(got), text(want))
		}
	}
}

func viewEnds(t *testing.T, s trial) {
	v := store.NewView(s, "/a/")
	ctx, cancel := context.WithCancel(within(t))
	var running sync.WaitGroup
	running.Go(func() {
		if err := v.Run(ctx); err != nil {
			t.Errorf("a view that was told to end failed: %v", err)
		}
	})
	if err := v.Ready(ctx); err != nil {
		t.Fatal(err)
	}
	cancel()
	running.Wait()
	if err := v.Await(within(t), 1<<40); err == nil {
		t.Error("awaiting a view that has ended succeeded")
	}
}
