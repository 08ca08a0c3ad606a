package store_test

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"lanyard/internal/store"
	"lanyard/internal/store/mem"
)

// BenchmarkViewGet measures the read on every decision's path; it allocates nothing.
func BenchmarkViewGet(b *testing.B) {
	s := mem.New()
	defer s.Close()
	for i := range 10_000 {
		change := store.Change{Key: fmt.Sprintf("/a/%05d", i), Value: []byte("1")}
		if _, err := s.Commit(b.Context(), change); err != nil {
			b.Fatal(err)
		}
	}
	v := store.NewView(s, "/a/")
	ctx, stop := context.WithCancel(b.Context())
	var running sync.WaitGroup
	running.Go(func() { v.Run(ctx) })
	defer running.Wait()
	defer stop()
	if err := v.Ready(ctx); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, ok := v.Get("/a/05000"); !ok {
			b.Fatal("not there")
		}
	}
}
