package storetest

import (
	"fmt"
	"testing"

	"lanyard/internal/store"
)

// next gives the next batch that says anything besides progress.
func next(t *testing.T, watch <-chan store.Batch) store.Batch {
	t.Helper()
	for {
		b := heard(t, watch)
		if b.Reset || len(b.Events) > 0 {
			return b
		}
	}
}

// heard gives the next batch.
func heard(t *testing.T, watch <-chan store.Batch) store.Batch {
	t.Helper()
	select {
	case b, open := <-watch:
		if !open {
			t.Fatal("the watch ended")
		}
		return b
	case <-within(t).Done():
		t.Fatal("nothing came")
	}
	panic("unreachable")
}

// until reads up to a revision and gives the batches that say something.
func until(t *testing.T, watch <-chan store.Batch, revision int64) []store.Batch {
	t.Helper()
	var said []store.Batch
	for {
		b := heard(t, watch)
		if b.Reset || len(b.Events) > 0 {
			said = append(said, b)
		}
		if b.Revision >= revision {
			return said
		}
	}
}

func spell(b store.Batch) string {
	spelled := fmt.Sprintf("%d", b.Revision)
	if b.Reset {
		spelled += " reset"
	}
	for _, e := range b.Events {
		if e.Value == nil {
			spelled += " -" + e.Key
		} else {
			spelled += fmt.Sprintf(" %s=%s", e.Key, e.Value)
		}
	}
	return spelled
}

func expect(t *testing.T, got store.Batch, format string, args ...any) {
	t.Helper()
	if want := fmt.Sprintf(format, args...); spell(got) != want {
		t.Errorf("heard %q, want %q", spell(got), want)
	}
}

// replay applies a batch to what a watcher holds.
func replay(held map[string]store.Entry, b store.Batch) {
	if b.Reset {
		clear(held)
	}
	for _, e := range b.Events {
		if e.Value == nil {
			delete(held, e.Key)
		} else {
			held[e.Key] = store.Entry(e)
		}
	}
}

func same(t *testing.T, got map[string]store.Entry, want []store.Entry) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("a follower holds %d documents, want %d", len(got), len(want))
	}
	for _, e := range want {
		if g := got[e.Key]; g.Revision != e.Revision || string(g.Value) != string(e.Value) {
			t.Errorf("a follower holds %s, want %s", text([]store.Entry{g}), text([]store.Entry{e}))
		}
	}
}
