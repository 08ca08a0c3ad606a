package storetest

import (
	"errors"
	"fmt"
	"sync"
	"testing"

	"lanyard/internal/store"
)

var writerCases = []conformance{
	{"the largest transaction is made and a larger one refused whole", "half of a cascading delete must not pass for all of it", tooMany},
	{"work larger than a transaction is split and resumed", "a crash in between must lose nothing and repeat nothing harmful", resumable},
	{"concurrent updates lose nothing", "replicas and requests write the same document at once", lostUpdates},
	{"of writers that create the same document one wins", "host names and signing keys are claimed this way", oneWinner},
}

// keys gives n writes or deletions.
func keys(n int, change func(key string) store.Change) []store.Change {
	all := make([]store.Change, n)
	for i := range all {
		all[i] = change(fmt.Sprintf("/many/%03d", i))
	}
	return all
}

func tooMany(t *testing.T, s trial) {
	created := func(key string) store.Change { return store.Change{Key: key, Value: []byte("1")} }
	s.refuse(t, store.ErrTooMany, keys(store.MaxChanges+1, created)...)
	s.commit(t, keys(store.MaxChanges, created)...)
	if all, _ := s.list(t, "/many/"); len(all) != store.MaxChanges {
		t.Errorf("the largest transaction left %d documents", len(all))
	}
	s.refuse(t, store.ErrTooMany, keys(store.MaxChanges+1, func(key string) store.Change { return store.Change{Key: key, If: store.Any} })...)
}

func resumable(t *testing.T, s trial) {
	const total = 2*store.MaxChanges + 30
	all := keys(total, func(key string) store.Change { return write(key, "1") })
	for from := 0; from < total; from += store.MaxChanges {
		s.commit(t, all[from:min(total, from+store.MaxChanges)]...)
	}
	// A first worker ends after one transaction; a second starts from what it finds.
	for rounds, worker := 0, 1; ; rounds++ {
		left, _ := s.list(t, "/many/")
		if len(left) == 0 {
			if rounds != 3 || worker != 2 {
				t.Errorf("worker %d was done after %d transactions, want 3", worker, rounds)
			}
			return
		}
		var gone []store.Change
		for _, e := range left[:min(len(left), store.MaxChanges)] {
			gone = append(gone, store.Change{Key: e.Key, If: e.Revision})
		}
		s.commit(t, gone...)
		worker = 2
	}
}

func lostUpdates(t *testing.T, s trial) {
	const writers, each = 8, 15
	ctx := within(t)
	var all sync.WaitGroup
	for range writers {
		all.Go(func() {
			for range each {
				if _, err := store.Update(ctx, s, "/counter", func(n *int) error { *n++; return nil }); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	if got := string(s.get(t, "/counter").Value); got != fmt.Sprint(writers*each) {
		t.Errorf("after %d updates the counter is %s", writers*each, got)
	}
}

func oneWinner(t *testing.T, s trial) {
	ctx := within(t)
	var all sync.WaitGroup
	won := make(chan string, 10)
	for i := range cap(won) {
		all.Go(func() {
			name := fmt.Sprint(i)
			switch _, err := s.Commit(ctx, store.Change{Key: "/name", Value: []byte(name)}); {
			case err == nil:
				won <- name
			case !errors.Is(err, store.ErrConflict):
				t.Error(err)
			}
		})
	}
	all.Wait()
	if len(won) != 1 {
		t.Fatalf("%d writers won", len(won))
	}
	if winner, got := <-won, string(s.get(t, "/name").Value); got != winner {
		t.Errorf("%s won and the document is of %s", winner, got)
	}
}
