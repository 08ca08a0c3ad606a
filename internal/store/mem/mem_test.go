package mem

import (
	"testing"

	"go.uber.org/goleak"

	"lanyard/internal/store"
	"lanyard/internal/store/storetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestTheMemoryStoreConforms(t *testing.T) {
	storetest.Run(t, func(*testing.T) store.Store { return New() }, storetest.Options{
		Compact: func(_ *testing.T, s store.Store, revision int64) {
			m := s.(*Store)
			m.mu.Lock()
			defer m.mu.Unlock()
			m.forget(revision)
		},
	})
}

func TestHistoryIsBounded(t *testing.T) {
	s := New()
	defer s.Close()
	for range maxHistory + 10 {
		if _, err := s.Commit(t.Context(), store.Change{Key: "/a", Value: []byte("1"), If: store.Any}); err != nil {
			t.Fatal(err)
		}
	}
	for range 5 {
		if _, err := s.Commit(t.Context(), store.Change{Key: "/a", Value: make([]byte, maxHistoryBytes/4), If: store.Any}); err != nil {
			t.Fatal(err)
		}
	}
	if len(s.history) > 4 || s.bytes > maxHistoryBytes {
		t.Errorf("history holds %d batches of %d bytes", len(s.history), s.bytes)
	}
}
