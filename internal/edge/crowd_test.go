package edge

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// TestTheLineOfTheIdleKeepsItsOrder holds the linked line against a slice.
func TestTheLineOfTheIdleKeepsItsOrder(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	var l line
	var model []*conn
	all := make([]*conn, 12)
	for i := range all {
		all[i] = &conn{}
	}
	for range 10_000 {
		k := all[r.IntN(len(all))]
		if r.IntN(2) == 0 {
			l.join(k)
			if !slices.Contains(model, k) {
				model = append(model, k)
			}
		} else {
			l.quit(k)
			model = slices.DeleteFunc(model, func(x *conn) bool { return x == k })
		}
		var forth, back []*conn
		for k := l.oldest; k != nil; k = k.link.newer {
			forth = append(forth, k)
		}
		for k := l.newest; k != nil; k = k.link.older {
			back = append(back, k)
		}
		slices.Reverse(back)
		if !slices.Equal(forth, model) || !slices.Equal(back, model) || l.length != len(model) {
			t.Fatalf("the line is %v forth, %v back, %d long; it should be %v", forth, back, l.length, model)
		}
	}
}
