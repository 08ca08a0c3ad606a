package etcd

import (
	"context"
	"strconv"
	"sync"
	"testing"
	"time"

	"lanyard/internal/store"
)

// BenchmarkReadYourWrites measures a durable commit, and by itself how long a view takes after it.
func BenchmarkReadYourWrites(b *testing.B) {
	s, err := Open(b.Context(), Config{Dir: b.TempDir()})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	v := store.NewView(s, "/other/")
	ctx, stop := context.WithCancel(b.Context())
	var running sync.WaitGroup
	running.Go(func() { v.Run(ctx) })
	defer running.Wait()
	defer stop()
	if err := v.Ready(ctx); err != nil {
		b.Fatal(err)
	}
	var waited time.Duration
	for i := 0; b.Loop(); i++ {
		at, err := s.Commit(ctx, store.Change{Key: "/a/" + strconv.Itoa(i%100), Value: make([]byte, 2048), If: store.Any})
		if err != nil {
			b.Fatal(err)
		}
		began := time.Now()
		if err := v.Await(ctx, at); err != nil {
			b.Fatal(err)
		}
		waited += time.Since(began)
	}
	b.ReportMetric(float64(waited.Microseconds())/float64(b.N), "µs-await/op")
}

// BenchmarkOpen measures opening a store that exists.
func BenchmarkOpen(b *testing.B) {
	dir := b.TempDir()
	for b.Loop() {
		s, err := Open(b.Context(), Config{Dir: dir})
		if err != nil {
			b.Fatal(err)
		}
		if err := s.Close(); err != nil {
			b.Fatal(err)
		}
	}
}
