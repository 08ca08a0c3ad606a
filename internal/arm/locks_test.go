package arm

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"lanyard/internal/cloud"
)

const locks = "/providers/Microsoft.Authorization/locks"

func (w *world) lock(scope, level string) string {
	w.t.Helper()
	at := scope + locks + "/l"
	if s := w.ask("PUT", at, `{"properties":{"level":"`+level+`"}}`); s.status != 201 && s.status != 200 {
		w.t.Fatalf("lock %s: got %d %s", scope, s.status, s.text)
	}
	return at
}

func TestLocksStopWhatTheirLevelNames(t *testing.T) {
	const wheel, grant = carts + "/a/wheels/w", carts + "/a/providers/Microsoft.Authorization/roleAssignments/r"
	cases := []struct{ method, path, body, operation string }{
		{"DELETE", carts + "/a", "", "delete"}, {"DELETE", wheel, "", "delete"}, {"DELETE", grant, "", "delete"},
		{"PUT", carts + "/a", here, "write"}, {"PATCH", carts + "/a", `{"tags":{"a":"b"}}`, "write"}, {"PUT", wheel, `{}`, "write"},
		{"POST", carts + "/a/ring", "", "write"}, {"PUT", strings.TrimSuffix(grant, "r") + "s", `{}`, "write"},
	}
	for _, scope := range []string{carts + "/a", group, sub} {
		for level, stopped := range map[string]string{"CanNotDelete": "delete", "ReadOnly": "delete write", "readonly": "delete write", "NotSpecified": ""} {
			t.Run(level+" at "+scope, func(t *testing.T) {
				w := newWorld(t)
				w.t = t
				w.place(carts+"/a", here)
				w.place(wheel, `{}`)
				w.place(grant, `{}`)
				w.lock(scope, level)
				for i := len(cases) - 1; i >= 0; i-- {
					c := cases[i]
					s := w.ask(c.method, c.path, c.body)
					if !strings.Contains(stopped, c.operation) {
						if s.status >= 300 {
							t.Errorf("%s %s: got %d %s", c.method, c.path, s.status, s.text)
						}
						continue
					}
					at := c.path
					if c.method == http.MethodPost {
						at = carts + "/a"
					}
					want := fmt.Sprintf("The scope '%s' cannot perform %s operation because following scope(s) are locked: '%s'. Please remove the lock and try again.", at, c.operation, scope)
					if s.status != 409 || s.code() != "ScopeLocked" || s.at("error", "message") != want {
						t.Errorf("%s %s: got %d %s, want %s", c.method, c.path, s.status, s.text, want)
					}
				}
				if stopped != "" {
					w.want(200, w.ask("GET", carts+"/a", ""))
				}
			})
		}
	}
}

func TestALockInAGroupHoldsTheGroup(t *testing.T) {
	w := newWorld(t)
	w.place(carts+"/a", here)
	lock := w.lock(carts+"/a", "CanNotDelete")
	if s := w.want(409, w.ask("DELETE", group, "")); s.code() != "ScopeLocked" || !strings.Contains(s.text, "'"+carts+"/a'") {
		t.Error(s.text)
	}
	w.want(201, w.ask("PUT", carts+"/b", here))
	w.want(200, w.ask("DELETE", carts+"/b", ""))
	w.want(200, w.ask("DELETE", lock, ""))
	w.want(200, w.ask("DELETE", group, ""))
}

func TestLocksThemselvesCanBeChangedWhileOneHolds(t *testing.T) {
	w := newWorld(t)
	lock := w.lock(sub, "ReadOnly")
	second := w.lock(group, "CanNotDelete")
	w.lock(group, "ReadOnly")
	w.refuse(func(_ cloud.Caller, action string, _ cloud.ID) bool { return strings.HasPrefix(action, typeLock) })
	w.want(403, w.ask("DELETE", lock, ""))
	w.want(403, w.ask("PUT", lock, `{"properties":{"level":"CanNotDelete"}}`))
	w.refuse(nil)
	w.want(200, w.ask("DELETE", second, ""))
	w.want(200, w.ask("DELETE", lock, ""))
	w.want(200, w.ask("DELETE", group, ""))
}

// A cart is deleted and a lock is put on it, or on what it lies in, at the same moment. Where the
// lock came first the cart stays; the lock's answer says which it was.
func TestALockMadeAtTheSameMomentIsNotMissed(t *testing.T) {
	for _, scope := range []string{carts + "/a", group} {
		t.Run(scope, func(t *testing.T) {
			w := newWorld(t)
			w.t = t
			for range 150 {
				w.place(carts+"/a", here)
				lock := scope + locks + "/l"
				var locked, gone, changed said
				var all sync.WaitGroup
				all.Go(func() { locked = w.ask("PUT", lock, `{"properties":{"level":"ReadOnly"}}`) })
				all.Go(func() { gone = w.ask("DELETE", carts+"/a", "") })
				all.Go(func() { changed = w.ask("PATCH", carts+"/a", `{"tags":{"n":"1"}}`) })
				all.Wait()
				d, stays := w.Document(cloud.MustID(carts + "/a"))
				if gone.status == 409 != stays || gone.status != 200 && gone.status != 409 {
					t.Fatalf("DELETE answered %d %s, and the cart is there: %v", gone.status, gone.text, stays)
				}
				if l, ok := w.Document(cloud.MustID(lock)); ok && stays && d.Revision > l.Revision {
					t.Fatalf("the cart was written at %d (%d), after its lock of %d (%d)", d.Revision, changed.status, l.Revision, locked.status)
				}
				w.ask("DELETE", lock, "")
				w.ask("DELETE", carts+"/a", "")
			}
		})
	}
}
