package arm

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"

	"lanyard/internal/cloud"
	"lanyard/internal/store"
	"lanyard/internal/store/mem"
)

// mortal is a store that ends the life of who uses it once so many commits have been made: that
// one and all after it are refused.
type mortal struct {
	store.Store
	mu   sync.Mutex
	left int
	dead chan struct{} // closed at the end
}

func (m *mortal) Commit(ctx context.Context, changes ...store.Change) (int64, error) {
	m.mu.Lock()
	m.left--
	switch {
	case m.left == 0:
		close(m.dead)
		fallthrough
	case m.left < 0:
		m.mu.Unlock()
		return 0, errDown
	}
	m.mu.Unlock()
	return m.Store.Commit(ctx, changes...)
}

// A group of 1,000 resources, each with a principal and a name of its own, is deleted by a
// platform that is killed again and again, between any two transactions.
func TestADeletionOfAThousandKilledHalfWayIsCompleted(t *testing.T) {
	const size = 1000
	keep := mem.New()
	t.Cleanup(func() { _ = keep.Close() })
	w := onStore(t, keep)
	for i := range size {
		w.place(fmt.Sprintf("%s/c%04d", carts, i),
			fmt.Sprintf(`{"location":"westeurope","identity":{"type":"SystemAssigned"},"properties":{"hosts":["c%d.example"]}}`, i))
	}
	w.place(sub+"/resourceGroups/other", here)
	other := sub + "/resourceGroups/other/providers/Toy.Shop/carts/stays"
	w.place(other, `{"location":"westeurope","identity":{"type":"SystemAssigned"},"properties":{"hosts":["stays.example"]}}`)
	if n := len(w.phone.all()); n != size+1 {
		t.Fatalf("%d principals", n)
	}
	w.stop()

	lives := 0
	for asked := false; ; lives++ {
		m := &mortal{Store: keep, left: 1 + rand.IntN(5), dead: make(chan struct{})}
		life := open(t, m)
		left := len(life.Documents(cloud.MustID(group), ""))
		if !asked { // a life that ends before the group is marked has to be asked again
			s := life.ask("DELETE", group, "")
			asked = s.status == 202
		}
		if left == 0 {
			life.stop()
			break
		}
		watching, end := context.WithCancel(t.Context())
		empty := emptied(watching, keep)
		select {
		case <-m.dead:
		case <-empty:
		}
		end()
		<-empty
		life.stop()
	}
	t.Logf("completed in life %d", lives)

	last := open(t, keep)
	for prefix, want := range map[string]int{cloud.DocumentKey(cloud.MustID(group)): 0, cloud.KeysName: 1, cloud.KeysPrincipal: 1} {
		if entries, _, err := keep.List(t.Context(), prefix); err != nil || len(entries) != want {
			t.Errorf("%d entries are left under %s, %v; want %d", len(entries), prefix, err, want)
		}
	}
	last.want(404, last.ask("GET", group, ""))
	last.want(404, last.ask("GET", carts, ""))
	last.want(200, last.ask("GET", other, ""))
	if _, held := last.ByHost("c7.example"); held {
		t.Error("a name is still held")
	}
	last.want(201, last.ask("PUT", group, here))
	last.want(201, last.ask("PUT", carts+"/anew", `{"location":"westeurope","properties":{"hosts":["c7.example"]}}`))
}

// emptied tells when nothing is left of the group, or ctx ends.
func emptied(ctx context.Context, s store.Store) <-chan struct{} {
	done := make(chan struct{})
	go func() {
		defer close(done)
		for range s.Watch(ctx, cloud.KeysARM, 0) {
			if left, _, err := s.List(ctx, cloud.DocumentKey(cloud.MustID(group))); err != nil || len(left) == 0 {
				return
			}
		}
	}()
	return done
}
