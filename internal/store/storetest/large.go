package storetest

import (
	"bytes"
	"math/rand/v2"
	"strings"
	"testing"

	"lanyard/internal/store"
)

var largeCases = []conformance{
	{"a document of five megabytes is a document", "templates and container images' manifests outgrow what etcd takes at once", fiveMegabytes},
	{"a large document appears and goes in one step", "a reader must never hold half of it", largeAtomic},
	{"a refused large document leaves nothing", "what cannot be seen cannot be deleted", largeRefused},
	{"a transaction of many middling documents is made", "they are small each and large together", middling},
	{"a watch that resumes gets large documents as they were", "pieces of an old value may be gone by then", largeResumes},
}

// random gives n bytes that do not compress and differ by seed.
func random(seed uint64, n int) []byte {
	b := make([]byte, n)
	r := rand.NewPCG(seed, 0)
	for i := range b {
		b[i] = byte(r.Uint64())
	}
	return b
}

const large = 5 << 20

func fiveMegabytes(t *testing.T, s trial) {
	v := follow(t, s, "/big/", nil)
	for seed, size := range []int{large, 1 << 20, 1<<20 + 1, 3 << 20, 1<<20 - 1, 10} {
		value := random(uint64(seed), size)
		at := s.commit(t, store.Change{Key: "/big/a", Value: value, If: s.get(t, "/big/a").Revision})
		if e := s.get(t, "/big/a"); e.Revision != at || !bytes.Equal(e.Value, value) {
			t.Errorf("%d bytes came back as %d, other ones, or at revision %d instead of %d", size, len(e.Value), e.Revision, at)
		}
		if all, _ := s.list(t, ""); len(all) != 1 || !bytes.Equal(all[0].Value, value) {
			t.Errorf("with one document of %d bytes the store lists %s", size, text(all))
		}
		await(t, v, at)
		if e, _ := v.Get("/big/a"); e.Revision != at || !bytes.Equal(e.Value, value) {
			t.Errorf("a view shows %s instead of %d bytes at %d", text([]store.Entry{e}), size, at)
		}
	}
}

func largeAtomic(t *testing.T, s trial) {
	watch := s.Watch(within(t), "", 0)
	next(t, watch)
	at := s.commit(t, store.Change{Key: "/big", Value: random(1, large)}, write("/small", "1"))
	if b := next(t, watch); b.Revision != at || len(b.Events) != 2 || len(b.Events[0].Value) != large {
		t.Errorf("the transaction was heard as %d events at %d", len(b.Events), b.Revision)
	}
	at = s.commit(t, store.Change{Key: "/big", If: at}, write("/small", "2"))
	expect(t, next(t, watch), "%d -/big /small=2", at)
	if all, _ := s.list(t, ""); len(all) != 1 {
		t.Errorf("after the deletion there is %s", text(all))
	}
}

func largeRefused(t *testing.T, s trial) {
	at := s.commit(t, store.Change{Key: "/big", Value: random(1, large)})
	s.refuse(t, store.ErrConflict, store.Change{Key: "/big", Value: random(2, large), If: 0})
	s.refuse(t, store.ErrConflict, store.Change{Key: "/big", Value: random(2, large), If: at + 1000})
	if !bytes.Equal(s.get(t, "/big").Value, random(1, large)) {
		t.Error("a refused write altered the document")
	}
}

func middling(t *testing.T, s trial) {
	value := strings.Repeat("x", 20<<10)
	s.commit(t, keys(store.MaxChanges, func(key string) store.Change {
		return store.Change{Key: key, Value: []byte(key + value)}
	})...)
	all, _ := s.list(t, "/many/")
	if len(all) != store.MaxChanges {
		t.Fatalf("%d documents are listed", len(all))
	}
	for _, e := range all {
		if string(e.Value) != e.Key+value {
			t.Errorf("%s came back with %d bytes of %.12q", e.Key, len(e.Value), e.Value)
		}
	}
}

func largeResumes(t *testing.T, s trial) {
	first := s.put(t, "/a", "1")
	second := s.commit(t, store.Change{Key: "/big", Value: random(1, large)})
	third := s.commit(t, store.Change{Key: "/big", Value: random(2, large), If: second})
	fourth := s.remove(t, "/big")
	watch := s.Watch(within(t), "/", first)
	for seed, revision := range []int64{second, third} {
		if b := next(t, watch); b.Revision != revision || !bytes.Equal(b.Events[0].Value, random(uint64(seed+1), large)) {
			t.Errorf("write %d was heard at %d with %d bytes", seed, b.Revision, len(b.Events[0].Value))
		}
	}
	expect(t, next(t, watch), "%d -/big", fourth)
}

var reopenCases = []conformance{
	{"what was committed is there after reopening", "a token's key and a grant must outlive a restart", reopened},
}

func reopened(t *testing.T, s trial) {
	s.put(t, "/gone", "1")
	at := s.commit(t, store.Change{Key: "/big", Value: random(1, large)}, write("/small", "1"), write("/empty", ""))
	last := s.remove(t, "/gone")
	before, _ := s.state(t)
	s.Store = s.Reopen(t, s.Store)
	t.Cleanup(func() { s.Close() })
	if after, _ := s.state(t); after != before {
		t.Errorf("reopening changed %s to %s", before, after)
	}
	if !bytes.Equal(s.get(t, "/big").Value, random(1, large)) {
		t.Error("reopening altered the large document")
	}
	s.refuse(t, store.ErrConflict, store.Change{Key: "/small", Value: []byte("2")})
	now := s.commit(t, store.Change{Key: "/small", Value: []byte("2"), If: at})
	if now <= last {
		t.Errorf("after reopening revisions go from %d to %d", last, now)
	}
	expect(t, next(t, s.Watch(within(t), "/", last)), "%d /small=2", now)
}
