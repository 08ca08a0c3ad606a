package etcd

import (
	"errors"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"lanyard/internal/store"
)

func countPieces(t *testing.T, s *Store) int {
	t.Helper()
	found, err := s.client.Get(t.Context(), blobs, clientv3.WithPrefix(), clientv3.WithCountOnly())
	if err != nil {
		t.Fatal(err)
	}
	return int(found.Count)
}

func commit(t *testing.T, s *Store, changes ...store.Change) int64 {
	t.Helper()
	revision, err := s.Commit(t.Context(), changes...)
	if err != nil {
		t.Fatal(err)
	}
	return revision
}

func TestPiecesGoWithTheValueTheyHeld(t *testing.T) {
	s := open(t, t.TempDir())
	big := store.Change{Key: "/big", Value: make([]byte, 3*pieceSize), If: store.Any}
	small := store.Change{Key: "/big", Value: []byte("1"), If: store.Any}
	gone := store.Change{Key: "/big", If: store.Any}
	refused := store.Change{Key: "/big", Value: make([]byte, 2*pieceSize), If: 1 << 40}
	beside := store.Change{Key: "/big/2", Value: make([]byte, 2*pieceSize), If: store.Any}
	for _, step := range []struct {
		does    string
		changes []store.Change
		leaves  int
	}{
		{"making a large document", []store.Change{big}, 3},
		{"overwriting it with another large one", []store.Change{big}, 3},
		{"being refused", []store.Change{refused}, 3},
		{"making it small", []store.Change{small}, 0},
		{"making two in one transaction", []store.Change{big, beside}, 5},
		{"deleting the one", []store.Change{gone}, 2},
	} {
		if _, err := s.Commit(t.Context(), step.changes...); err != nil && !errors.Is(err, store.ErrConflict) {
			t.Fatalf("%s: %v", step.does, err)
		}
		if got := countPieces(t, s); got != step.leaves {
			t.Errorf("%s leaves %d pieces, want %d", step.does, got, step.leaves)
		}
	}
}

func TestASweepClearsWhatNobodyHoldsAndNothingElse(t *testing.T) {
	s := open(t, t.TempDir())
	held := store.Change{Key: "/held", Value: make([]byte, 2*pieceSize)}
	commit(t, s, held)
	for _, key := range []string{"/held", "/never"} { // a writer ended before it committed
		if _, err := s.stage(t.Context(), newStage(), store.Change{Key: key, Value: make([]byte, 2*pieceSize)}); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.sweep(t.Context(), time.Hour); err != nil || countPieces(t, s) != 6 {
		t.Errorf("a sweep of what is older than an hour left %d of 6 young pieces, %v", countPieces(t, s), err)
	}
	if err := s.sweep(t.Context(), 0); err != nil || countPieces(t, s) != 2 {
		t.Errorf("a sweep left %d pieces, %v; want the 2 that are held", countPieces(t, s), err)
	}
	if e, err := s.Get(t.Context(), "/held"); err != nil || len(e.Value) != 2*pieceSize {
		t.Errorf("after the sweeps the document has %d bytes, %v", len(e.Value), err)
	}
}

func TestASweptStageIsNeverPointedTo(t *testing.T) {
	s := open(t, t.TempDir())
	changes := []store.Change{{Key: "/big", Value: make([]byte, 2*pieceSize)}}
	written, staged, err := s.encode(t.Context(), changes)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.sweep(t.Context(), 0); err != nil {
		t.Fatal(err)
	}
	if _, err := s.submit(t.Context(), changes, written, staged); !errors.Is(err, store.ErrConflict) {
		t.Errorf("a commit of swept pieces gave %v, want ErrConflict", err)
	}
}

func TestAStageTellsItsTime(t *testing.T) {
	if age := time.Since(stagedAt(newStage())); age < 0 || age > time.Minute {
		t.Errorf("a new stage is %v old", age)
	}
	for _, strange := range []string{"", "x", "zzzzzzzzzzzz"} {
		if !stagedAt(strange).IsZero() {
			t.Errorf("the stage %q has a time", strange)
		}
	}
}
