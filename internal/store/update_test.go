package store_test

import (
	"errors"
	"strings"
	"testing"

	"lanyard/internal/store"
	"lanyard/internal/store/mem"
)

type app struct{ Names []string }

func TestUpdateMakesAndChangesADocument(t *testing.T) {
	s := mem.New()
	defer s.Close()
	for _, name := range []string{"one", "two"} {
		if _, err := store.Update(t.Context(), s, "/app", func(a *app) error { a.Names = append(a.Names, name); return nil }); err != nil {
			t.Fatal(err)
		}
	}
	if e, err := s.Get(t.Context(), "/app"); err != nil || string(e.Value) != `{"Names":["one","two"]}` {
		t.Errorf("the document is %s, %v", e.Value, err)
	}
}

func TestUpdateRunsAgainWhenSomebodyElseWrote(t *testing.T) {
	s := mem.New()
	defer s.Close()
	rounds := 0
	_, err := store.Update(t.Context(), s, "/app", func(a *app) error {
		if rounds++; rounds == 1 {
			if _, err := s.Commit(t.Context(), store.Change{Key: "/app", Value: []byte(`{"Names":["first"]}`)}); err != nil {
				t.Fatal(err)
			}
		}
		a.Names = append(a.Names, "second")
		return nil
	})
	if e, _ := s.Get(t.Context(), "/app"); err != nil || rounds != 2 || string(e.Value) != `{"Names":["first","second"]}` {
		t.Errorf("after %d rounds the document is %s, %v", rounds, e.Value, err)
	}
}

func TestUpdateWritesNothingNeedless(t *testing.T) {
	s := mem.New()
	defer s.Close()
	same := func(*app) error { return nil }
	made, err := store.Update(t.Context(), s, "/app", same)
	if err != nil {
		t.Fatal(err)
	}
	first, _ := s.Get(t.Context(), "/app")
	kept, err := store.Update(t.Context(), s, "/app", same)
	if err != nil || made != first.Revision || kept != first.Revision {
		t.Errorf("it is there from %d on; its makers were told %d and %d, %v", first.Revision, made, kept, err)
	}
	if again, _ := s.Get(t.Context(), "/app"); again.Revision != first.Revision {
		t.Errorf("an update that changed nothing wrote at %d", again.Revision)
	}
	refusal := errors.New("not allowed")
	_, err = store.Update(t.Context(), s, "/app", func(a *app) error { a.Names = []string{"x"}; return refusal })
	if again, _ := s.Get(t.Context(), "/app"); err != refusal || again.Revision != first.Revision {
		t.Errorf("a refused update gave %v and left revision %d", err, again.Revision)
	}
}

func TestUpdateDoesNotOverwriteWhatItCannotRead(t *testing.T) {
	s := mem.New()
	defer s.Close()
	if _, err := s.Commit(t.Context(), store.Change{Key: "/app", Value: []byte("{")}); err != nil {
		t.Fatal(err)
	}
	if _, err := store.Update(t.Context(), s, "/app", func(*app) error { return nil }); err == nil || !strings.Contains(err.Error(), "/app") {
		t.Errorf("updating a broken document gave %v", err)
	}
}
