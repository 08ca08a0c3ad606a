package arm

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"lanyard/internal/cloud"
	"lanyard/internal/fault"
	"lanyard/internal/store"
	"lanyard/internal/store/mem"
)

// history gives what was recorded of one operation, as "state code fault".
func (w *world) history(operation string) (told []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, a := range w.records {
		if a.Operation == operation {
			told = append(told, strings.TrimSpace(fmt.Sprintf("%s %d %s", a.State, a.Code, a.Fault)))
		}
	}
	return told
}

func TestEveryWriteIsRecorded(t *testing.T) {
	cases := map[string]struct {
		operation string
		do        func(w *world)
		want      string
	}{
		"a create and a replacement": {"Toy.Shop/carts/write", func(w *world) {
			w.ask("PUT", carts+"/a", here)
			w.ask("PUT", carts+"/a", here)
		}, "Started 0, Succeeded 201, Started 0, Succeeded 200"},
		"a patch that finds nothing": {"Toy.Shop/carts/write", func(w *world) { w.ask("PATCH", carts+"/a", `{}`) },
			"Started 0, Failed 404 ResourceNotFound"},
		"a write that is not permitted": {"Toy.Shop/carts/write", func(w *world) {
			w.refuse(func(cloud.Caller, string, cloud.ID) bool { return true })
			w.ask("PUT", carts+"/a", here)
		}, "Started 0, Failed 403 AuthorizationFailed"},
		"a deletion": {"Toy.Shop/carts/delete", func(w *world) {
			w.place(carts+"/a", here)
			w.ask("DELETE", carts+"/a", "")
			w.ask("DELETE", carts+"/a", "")
		}, "Started 0, Succeeded 200, Started 0, Succeeded 204"},
		"a deletion that a lock stops": {"Microsoft.Resources/subscriptions/resourceGroups/delete", func(w *world) {
			w.lock(group, "CanNotDelete")
			w.ask("DELETE", group, "")
		}, "Started 0, Failed 409 ScopeLocked"},
		"an action": {"Toy.Shop/carts/ring/action", func(w *world) {
			w.place(carts+"/a", here)
			w.ask("POST", carts+"/a/ring", "")
		}, "Started 0, Succeeded 200"},
		"a registration": {"Toy.Shop/register/action", func(w *world) { w.ask("POST", toyShop+"/register", "") },
			"Started 0, Succeeded 200"},
		"a reading is none": {"Toy.Shop/carts/read", func(w *world) {
			w.ask("GET", carts+"/a", "")
			w.ask("HEAD", carts+"/a", "")
			w.ask("GET", carts, "")
		}, ""},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			c.do(w)
			if got := strings.Join(w.history(c.operation), ", "); got != c.want {
				t.Errorf("recorded %q, want %q", got, c.want)
			}
		})
	}
}

func TestARecordSaysWhoAskedForWhat(t *testing.T) {
	w := newWorld(t)
	const id = "6f1e27a5-95c4-4e62-8b0c-6a3d3d0f7f10"
	w.want(201, w.ask("PUT", carts+"/a", here, "Authorization", "Bearer person", "x-ms-correlation-request-id", id, "x-ms-client-request-id", "mine"))
	if len(w.records) != 2 {
		t.Fatalf("%d records", len(w.records))
	}
	first, last := w.records[0], w.records[1]
	if last.By.Principal != "person-oid" || last.By.SignIn != "owner@lanyard.localhost" || last.By.Client != "az-app" || last.Correlation != id ||
		last.ClientRequest != "mine" || !last.Resource.Equal(cloud.MustID(carts+"/a")) || last.Method != "PUT" || last.From != "192.0.2.1" || last.Time.IsZero() {
		t.Errorf("recorded %+v", last)
	}
	if first.Request != last.Request || first.ID == last.ID || first.ID == "" {
		t.Errorf("the two records are %s and %s of the requests %s and %s", first.ID, last.ID, first.Request, last.Request)
	}
}

// A deletion that goes on in the background, and is finished by another life of the engine, ends
// with a record that names who asked for it.
func TestADeletionInTheBackgroundIsRecordedToItsEnd(t *testing.T) {
	const operation = "Microsoft.Resources/subscriptions/resourceGroups/delete"
	keep := mem.New()
	f := &frail{Store: keep}
	f.left.Store(1 << 40)
	first := open(t, f)
	first.place(sub, `{}`)
	first.place(group, here)
	fill(first, store.MaxChanges)
	f.left.Store(1) // the mark alone
	first.want(202, first.ask("DELETE", group, "", "Authorization", "Bearer person"))
	first.stop()
	if got := strings.Join(first.history(operation), ", "); got != "Started 0, Accepted 202" {
		t.Errorf("the first life recorded %s", got)
	}
	second := open(t, keep)
	gone(second, group)
	second.stop()
	if got := strings.Join(second.history(operation), ", "); got != "Succeeded 200" {
		t.Errorf("the second life recorded %s", got)
	}
	if by := second.records[0].By.SignIn; by != "owner@lanyard.localhost" {
		t.Errorf("it names %q", by)
	}
}

func TestWhatAStrangerSentIsBoundedInRecords(t *testing.T) {
	w := newWorld(t)
	long := strings.Repeat("\u00e9", 5000)
	const id = "6F1E27A5-95c4-4e62-8b0c-6a3d3d0f7f10"
	for sent, want := range map[string]string{id: id, "mine": "mine", long: strings.Repeat("?", 64), id + id: (id + id)[:64]} {
		w.records = nil
		w.want(400, w.ask("PUT", carts+"/a", `{"location":"`+long+`"}`, "x-ms-client-request-id", sent))
		for _, a := range w.records {
			if a.ClientRequest != want || len(a.Message) > 1<<10 {
				t.Errorf("recorded is the request %q with a message of %d bytes", a.ClientRequest, len(a.Message))
			}
		}
	}
	var a cloud.Activity
	w.Record = func(kept cloud.Activity) { a = kept }
	w.end(cloud.Activity{}, 0, fault.New(fault.Invalid, "Long", "%s", "x"+long))
	if want := "x" + strings.Repeat("\u00e9", 511); a.Message != want {
		t.Errorf("of a long sentence %d bytes are kept: %q", len(a.Message), a.Message)
	}
}

func TestAWriteThatPanicsIsRecordedAsFailed(t *testing.T) {
	w := newWorld(t)
	w.refuse(func(cloud.Caller, string, cloud.ID) bool { panic("a mistake") })
	w.want(500, w.ask("PUT", carts+"/a", here))
	w.refuse(nil)
	if got := strings.Join(w.history("Toy.Shop/carts/write"), ", "); !strings.HasPrefix(got, "Started 0, Failed 500 ") {
		t.Errorf("recorded %q", got)
	}
}

// littleChance draws so many times and no more.
type littleChance int

func (c *littleChance) Read(p []byte) (int, error) {
	if *c--; *c < 0 {
		return 0, errors.New("there is no more")
	}
	return len(p), nil
}

// Records without an id of their own would be taken for one another.
func TestNoRecordIsKeptWithoutAnID(t *testing.T) {
	for left := range littleChance(6) {
		w := newWorld(t)
		w.Rand = &left
		func() {
			defer func() { _ = recover() }() // an answer that has begun is cut off
			w.ask("PUT", carts+"/a", here)
		}()
		for _, a := range w.records {
			if a.ID == "" || a.Request == "" {
				t.Errorf("recorded %+v", a)
			}
		}
	}
}
