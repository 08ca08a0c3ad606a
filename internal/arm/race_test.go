package arm

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"lanyard/internal/store"
	"lanyard/internal/store/etcd"
	"lanyard/internal/store/mem"
)

// Two callers race on one resource: in the store's memory 10,000 times in all, in etcd less often.
func TestTwoCallersRaceOnOneResource(t *testing.T) {
	times := map[string]int{"mem": 2500, "etcd": 100}
	open := map[string]func(t *testing.T) store.Store{
		"mem": func(*testing.T) store.Store { return mem.New() },
		"etcd": func(t *testing.T) store.Store {
			s, err := etcd.Open(t.Context(), etcd.Config{Dir: t.TempDir()})
			if err != nil {
				t.Fatal(err)
			}
			return s
		},
	}
	for name, begin := range open {
		t.Run(name, func(t *testing.T) {
			s := begin(t)
			t.Cleanup(func() { _ = s.Close() })
			w := onStore(t, s)
			t.Run("with ETags", func(t *testing.T) { countTogether(t, w, times[name]) })
			t.Run("without ETags", func(t *testing.T) { overwriteEachOther(t, w, times[name]) })
		})
	}
}

// countTogether lets each caller add one to a counter, so many times, under the tag it has read:
// no addition is lost, and one that was refused is made anew.
func countTogether(t *testing.T, w *world, each int) {
	w.want(201, w.ask("PUT", carts+"/counter", `{"location":"westeurope","properties":{"n":0}}`))
	var all sync.WaitGroup
	for range 2 {
		all.Go(func() {
			now := w.ask("GET", carts+"/counter", "")
			for done := 0; done < each; {
				n, _ := now.at("properties", "n").(float64)
				s := w.ask("PATCH", carts+"/counter", fmt.Sprintf(`{"properties":{"n":%d}}`, int(n)+1), "If-Match", now.header.Get("ETag"))
				switch s.status {
				case http.StatusOK:
					done++
					now = s
				case http.StatusPreconditionFailed:
					now = w.ask("GET", carts+"/counter", "")
				default:
					t.Errorf("got %d %s", s.status, s.text)
					return
				}
			}
		})
	}
	all.Wait()
	if n := w.ask("GET", carts+"/counter", "").at("properties", "n"); n != float64(2*each) {
		t.Errorf("counted %v, want %d", n, 2*each)
	}
}

// overwriteEachOther lets two callers put documents of their own over each other's, and a third
// read: each answer and each reading is one of the documents, whole, and a writer's own answer is
// what it wrote.
func overwriteEachOther(t *testing.T, w *world, each int) {
	document := func(who string, n int) string {
		mark := fmt.Sprintf("%s-%d", who, n)
		return fmt.Sprintf(`{"location":"westeurope","tags":{"m":%q},"properties":{"a":%q,"b":{"c":[%q]},"long":%q}}`, mark, mark, mark, strings.Repeat(mark+".", 50))
	}
	whole := func(s said) string {
		mark, _ := s.at("tags", "m").(string)
		long, _ := s.at("properties", "long").(string)
		b, _ := s.at("properties", "b", "c").([]any)
		if mark == "" || s.at("properties", "a") != mark || len(b) != 1 || b[0] != mark || long != strings.Repeat(mark+".", 50) {
			t.Errorf("torn: %d %s", s.status, s.text)
		}
		return mark
	}
	w.want(201, w.ask("PUT", carts+"/page", document("first", 0)))
	var all sync.WaitGroup
	for _, who := range []string{"ann", "bob"} {
		all.Go(func() {
			for n := range each {
				s := w.ask("PUT", carts+"/page", document(who, n))
				if s.status != http.StatusOK || whole(s) != fmt.Sprintf("%s-%d", who, n) {
					t.Errorf("%s wrote %d and got %d %s", who, n, s.status, s.text)
					return
				}
			}
		})
	}
	all.Go(func() {
		for range each {
			whole(w.ask("GET", carts+"/page", ""))
		}
	})
	all.Wait()
	last := whole(w.ask("GET", carts+"/page", ""))
	if last != fmt.Sprintf("ann-%d", each-1) && last != fmt.Sprintf("bob-%d", each-1) {
		t.Errorf("the last of all is %s", last)
	}
}
