package arm

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"lanyard/internal/cloud"
	"lanyard/internal/store"
	"lanyard/internal/store/mem"
)

// frail is a store that refuses commits once so many have been made.
type frail struct {
	store.Store
	left atomic.Int64
}

var errDown = errors.New("the store is down")

func (f *frail) Commit(ctx context.Context, changes ...store.Change) (int64, error) {
	if f.left.Add(-1) < 0 {
		return 0, errDown
	}
	return f.Store.Commit(ctx, changes...)
}

// gone waits until there is no document at id or below it, without polling by time.
func gone(w *world, id string) {
	w.t.Helper()
	at := cloud.MustID(id)
	seen := make(chan struct{}, 1)
	v := store.NewView(w.Store, cloud.KeysARM+"/")
	v.OnChange(func(store.Batch) {
		select {
		case seen <- struct{}{}:
		default:
		}
	})
	ctx, stop := context.WithCancel(w.t.Context())
	var done sync.WaitGroup
	done.Go(func() { _ = v.Run(ctx) })
	defer done.Wait()
	defer stop()
	for range seen {
		_, there := v.Get(cloud.DocumentKey(at))
		if !there && len(v.List(cloud.DocumentKey(at)+"/")) == 0 {
			break
		}
	}
	if err := w.Await(ctx, v.Revision()); err != nil {
		w.t.Fatal(err)
	}
}

func fill(w *world, n int) {
	w.t.Helper()
	for i := range n {
		w.place(fmt.Sprintf("%s/c%03d", carts, i), block("SystemAssigned"))
	}
}

func TestDeletionTakesWhatLiesInside(t *testing.T) {
	w := newWorld(t)
	w.place(carts+"/a", `{"location":"westeurope","properties":{"hosts":["a.example"]}}`)
	w.place(carts+"/a/wheels/w", `{}`)
	w.place(carts+"/a/wheels/w/providers/Microsoft.Authorization/roleAssignments/r", `{}`)
	w.place(carts+"/ab", here)
	w.want(200, w.ask("DELETE", carts+"/a", ""))
	w.want(204, w.ask("DELETE", carts+"/a", ""))
	if left := w.Documents(cloud.MustID(carts+"/a"), ""); len(left) != 0 {
		t.Errorf("%d documents are left", len(left))
	}
	w.want(200, w.ask("GET", carts+"/ab", ""))
	w.want(201, w.ask("PUT", carts+"/a", here))
	w.want(404, w.ask("GET", carts+"/a/wheels/w", ""))
}

func TestASmallGroupGoesAtOnce(t *testing.T) {
	w := newWorld(t)
	w.place(carts+"/a", here)
	w.want(200, w.ask("DELETE", group, ""))
	if s := w.want(404, w.ask("DELETE", group, "")); s.code() != "ResourceGroupNotFound" {
		t.Error(s.text)
	}
}

func TestADeletedRoleAssignmentIsEchoed(t *testing.T) {
	w := newWorld(t)
	r := group + "/providers/Microsoft.Authorization/roleAssignments/r"
	w.place(r, `{"properties":{"x":1}}`)
	if s := w.want(200, w.ask("DELETE", r, "")); s.at("properties", "x") != 1.0 || s.at("id") != r {
		t.Error(s.text)
	}
}

func TestALargeGroupGoesInTheBackground(t *testing.T) {
	w := newWorld(t)
	fill(w, 2*store.MaxChanges)
	s := w.want(202, w.ask("DELETE", group, ""))
	if s.header.Get("Retry-After") != "1" {
		t.Errorf("headers %v", s.header)
	}
	where := strings.TrimPrefix(s.header.Get("Location"), "http://example.com")
	if poll := w.ask("GET", where, ""); poll.status != 202 && poll.status != 200 {
		t.Errorf("got %d %s", poll.status, poll.text)
	}
	gone(w, group)
	w.want(200, w.ask("GET", where, ""))
	if left := w.phone.all(); len(left) != 0 {
		t.Errorf("%d principals outlived the group", len(left))
	}
	w.want(201, w.ask("PUT", group, here))
	w.want(200, w.ask("GET", where, "")) // another group, not the one that was deleted
}

func TestADeletionBrokenOffIsFinishedByTheNextLife(t *testing.T) {
	keep := mem.New()
	f := &frail{Store: keep}
	f.left.Store(1 << 40)
	first := open(t, f)
	first.place(sub, `{}`)
	first.place(group, here)
	fill(first, 3*store.MaxChanges/2)
	f.left.Store(2) // the mark and one batch
	s := first.want(202, first.ask("DELETE", group, ""))
	where := strings.TrimPrefix(s.header.Get("Location"), "http://example.com")
	halfway := func() bool {
		left, _, err := keep.List(t.Context(), cloud.DocumentKey(cloud.MustID(group))+"/")
		return err == nil && len(left) < 3*store.MaxChanges/2
	}
	for range keep.Watch(t.Context(), cloud.KeysARM, 0) {
		if halfway() {
			break
		}
	}
	first.stop()
	if d, _ := keep.Get(t.Context(), cloud.DocumentKey(cloud.MustID(group))); d.Revision == 0 {
		t.Fatal("the group is gone already")
	}
	second := open(t, keep)
	gone(second, group)
	second.want(200, second.ask("GET", where, ""))
	if left := second.phone.all(); len(left) != 0 {
		t.Errorf("%d principals outlived the group", len(left))
	}
}

func TestNothingIsMadeInAGroupThatGoes(t *testing.T) {
	f := &frail{Store: mem.New()}
	f.left.Store(1 << 40)
	w := open(t, f)
	w.place(sub, `{}`)
	w.place(group, here)
	fill(w, store.MaxChanges)
	f.left.Store(1) // the mark alone
	w.want(202, w.ask("DELETE", group, ""))
	if s := w.want(200, w.ask("GET", group, "")); s.at("properties", "provisioningState") != "Deleting" {
		t.Error(s.text)
	}
	for _, path := range []string{carts + "/new", carts + "/c000", carts + "/c000/wheels/w", group} {
		if s := w.want(409, w.ask("PUT", path, here)); s.code() != "ResourceGroupBeingDeleted" {
			t.Error(s.text)
		}
	}
}

func TestADeletionThatTheStoreHeldUpIsTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &frail{Store: mem.New()}
		f.left.Store(1 << 40)
		w := open(t, f)
		w.place(sub, `{}`)
		w.place(group, here)
		fill(w, store.MaxChanges)
		f.left.Store(1) // the mark alone
		w.want(202, w.ask("DELETE", group, ""))
		synctest.Wait()
		w.want(200, w.ask("GET", group, ""))
		f.left.Store(1 << 40)
		time.Sleep(sweepPause)
		synctest.Wait()
		w.want(404, w.ask("GET", group, ""))
	})
}

func TestARefusalInsideStopsTheDeletionBeforeItBegins(t *testing.T) {
	w := newWorld(t)
	w.place(carts+"/a", here)
	w.place(carts+"/b", `{"location":"westeurope","properties":{"stuck":true}}`)
	if s := w.want(409, w.ask("DELETE", group, "")); s.code() != "StuckCart" {
		t.Error(s.text)
	}
	w.want(200, w.ask("GET", carts+"/a", ""))
	w.want(200, w.ask("PATCH", group, `{"tags":{"a":"b"}}`))
}

// While carts come and go, wheels are put on them: none is ever left without its cart.
func TestNoChildOutlivesItsParent(t *testing.T) {
	w := newWorld(t)
	var all sync.WaitGroup
	for i := range 4 {
		all.Go(func() {
			for range 10 {
				w.ask("PUT", carts+"/a", here)
				w.ask("DELETE", carts+"/a", "")
			}
		})
		all.Go(func() {
			for j := range 20 {
				if s := w.ask("PUT", fmt.Sprintf("%s/a/wheels/w%d-%d", carts, i, j), `{}`); s.status >= 500 {
					t.Errorf("got %d %s", s.status, s.text)
				}
			}
		})
	}
	all.Wait()
	w.want(201, w.ask("PUT", carts+"/z", here))
	w.ask("DELETE", carts+"/a", "")
	entries, _, err := w.Store.List(t.Context(), cloud.DocumentKey(cloud.MustID(carts+"/a")))
	if err != nil || len(entries) != 0 {
		t.Errorf("%d documents are left, %v", len(entries), err)
	}
}
