package msi

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"lanyard/internal/cloud"
	"lanyard/internal/host"
)

func arcWorld(t testing.TB, ids ...cloud.Identity) (*world, dialect) {
	t.Helper()
	w := newWorld(t, ids...)
	w.attach(t, host.Attachment{Source: host.SourceArc})
	return w, dialects[4]
}

// with sends Arc's request with a key, or without one when it is empty.
func (d dialect) with(t testing.TB, w *world, keys ...string) (int, string) {
	t.Helper()
	d.protocol = &protocol{} // without a key of its own
	r := d.ask(t, w, "")
	for _, key := range keys {
		r.Header.Add("Authorization", key)
	}
	return w.send(t, r)
}

// TestArcWantsAKeyThatOpensOnce is T9: the challenge names a file in the directory that clients insist
// on; what lies in it opens once, for the replica that was challenged, and is gone then.
func TestArcWantsAKeyThatOpensOnce(t *testing.T) {
	w, d := arcWorld(t, worn(system)...)
	records := w.refusals()
	answer, err := http.DefaultClient.Do(func() *http.Request { r := d.ask(t, w, ""); r.Header.Del("Authorization"); return r }())
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	realm := answer.Header.Get("WWW-Authenticate")
	path, ok := strings.CutPrefix(realm, "Basic realm=/var/opt/azcmagent/tokens/")
	if answer.StatusCode != 401 || !ok || !strings.HasSuffix(path, ".key") || strings.Count(realm, "=") != 1 {
		t.Errorf("the challenge is %s %q", answer.Status, realm)
	}
	if records.last().Code != "" {
		t.Errorf("a challenge is recorded as a refusal: %+v", records.last())
	}
	key := "Basic " + w.keys.read("/var/opt/azcmagent/tokens/"+path)
	for name, bad := range map[string][]string{
		"another": {"Basic " + strings.Repeat("ab", 32)}, "empty": {"Basic "}, "bearer": {strings.Replace(key, "Basic", "Bearer", 1)}, "lower case": {strings.ToLower(key)},
		"cut": {key[:len(key)-1]}, "longer": {key + "0"}, "twice": {key, key}, "a path": {"Basic ../../../etc/passwd"}, "encoded": {"Basic YWJj"},
	} {
		if status, body := d.with(t, w, bad...); status != 401 || strings.Contains(body, "token-") {
			t.Errorf("%s is answered %d %s", name, status, body)
		}
	}
	if records.last().Code != codeKey {
		t.Errorf("a wrong key is recorded as %+v", records.last())
	}
	own := w.replica
	w.attach(t, host.Attachment{Source: host.SourceArc})
	if status, body := d.with(t, w, key); status != 401 {
		t.Errorf("another replica's key is answered %d %s", status, body)
	}
	w.replica = own
	if status, body := d.with(t, w, key); status != 200 {
		t.Errorf("the key is answered %d %s", status, body)
	}
	if status, _ := d.with(t, w, key); status != 401 {
		t.Errorf("a used key is answered %d", status)
	}
	if w.keys.read("/var/opt/azcmagent/tokens/"+path) != "" {
		t.Error("the used key's file is still there")
	}
	if w.minted() != 1 {
		t.Errorf("%d tokens were minted", w.minted())
	}
}

func TestOfManyWithOneKeyOneGetsIn(t *testing.T) {
	w, d := arcWorld(t, worn(system)...)
	key := "Basic " + w.key(t)
	var all sync.WaitGroup
	var in atomic.Int32
	for range 16 {
		all.Go(func() {
			if status, _ := d.with(t, w, key); status == 200 {
				in.Add(1)
			}
		})
	}
	all.Wait()
	if n := in.Load(); n != 1 {
		t.Errorf("one key let %d in", n)
	}
}

// TestKeysGrowOld ends a key by its own time and by the world's clock.
func TestKeysGrowOld(t *testing.T) {
	w, d := arcWorld(t, worn(system)...)
	var age atomic.Int64
	w.door.Age = func(time.Time) time.Duration { return time.Duration(age.Load()) }
	key := "Basic " + w.key(t)
	age.Store(int64(keyLife))
	if status, _ := d.with(t, w, key); status != 401 {
		t.Errorf("a key that is a minute old is answered %d", status)
	}
	synctest.Test(t, func(t *testing.T) {
		door, replica := &Door{Keys: &files{}}, &host.Replica{}
		for range 3 {
			lay(t, door, replica)
		}
		if n := door.Keys.(*files).left(); n != 3 {
			t.Errorf("%d keys are out", n)
		}
		time.Sleep(keyLife)
		synctest.Wait()
		if n := door.Keys.(*files).left() + len(door.keyring.all); n != 0 {
			t.Errorf("%d keys outlive their minute", n)
		}
	})
}

// lay has a key laid without the requests around it.
func lay(t testing.TB, d *Door, r *host.Replica) {
	t.Helper()
	if !d.keyring.room(d, r) {
		t.Fatal("there is no room for a key")
	}
	path, err := d.Keys.Place([]byte("x"), 0)
	if err != nil {
		t.Fatal(err)
	}
	var sum [32]byte
	copy(sum[:], path)
	copy(sum[16:], path[len(path)-16:])
	d.keyring.add(d, sum, &key{replica: r, path: path, born: time.Now()})
}

// TestKeysThatAreOutAreBounded is T9 and T20: of one replica's keys the oldest gives way.
func TestKeysThatAreOutAreBounded(t *testing.T) {
	w, d := arcWorld(t, worn(system)...)
	first := "Basic " + w.key(t)
	w.set(func() { w.now = w.now.Add(time.Second) })
	for range 5 * maxOwn {
		w.key(t)
	}
	if n := w.keys.left(); n != maxOwn {
		t.Errorf("%d keys are out", n)
	}
	if status, _ := d.with(t, w, first); status != 401 {
		t.Errorf("the oldest key is answered %d", status)
	}
	last := "Basic " + w.key(t)
	if status, _ := d.with(t, w, last); status != 200 {
		t.Errorf("the newest key is answered %d", status)
	}
}

// TestKeysAreForTheUserWhoAsks names the uid of the attested process.
func TestKeysAreForTheUserWhoAsks(t *testing.T) {
	w, d := arcWorld(t, worn(system)...)
	w.started(t, 7, host.SourceArc)
	plain := d
	plain.protocol = &protocol{}
	if status, _ := by(t, w.process(t, 7), plain.ask(t, w, "")); status != 401 || len(w.keys.uids) != 1 || w.keys.uids[0] != 61007 {
		t.Errorf("the key is for %v", w.keys.uids)
	}
}

// TestArcNamesTheIdentityInEveryWay is what its clients check: the answer echoes the selector.
func TestArcNamesTheIdentityInEveryWay(t *testing.T) {
	w, d := arcWorld(t, worn(system, bill)...)
	for name, value := range map[string]string{"client_id": string(bill.Client), "object_id": string(bill.ID), "msi_res_id": billing.String()} {
		got := d.get(t, w, query(name, value))
		if got["client_id"] != string(bill.Client) || got[name] != value || got["access_token"] == "" || got["token_type"] != "Bearer" {
			t.Errorf("by %s the answer has %q", name, got)
		}
	}
	if got := d.get(t, w, ""); got["object_id"] != "" || got["client_id"] != string(system.Client) {
		t.Errorf("of the system-assigned identity the answer says %q", got)
	}
	if got := dialects[0].get(t, w, query("client_id", bill.Client)); got["object_id"] != "" {
		t.Errorf("another protocol says %q", got)
	}
}

func TestWithoutAPlaceForKeysArcIsRefused(t *testing.T) {
	w, d := arcWorld(t, worn(system)...)
	w.keys.fail = errors.New("the folder is somebody's")
	if status, body := d.with(t, w); status != http.StatusServiceUnavailable || strings.Contains(body, "somebody") {
		t.Errorf("without a folder the answer is %d %s", status, body)
	}
	w.door.Keys = nil
	if status, body := d.with(t, w); status != http.StatusBadRequest || !strings.Contains(body, "not offered") {
		t.Errorf("without keys the answer is %d %s", status, body)
	}
	rec := httptest.NewRecorder()
	w.door.Handler().ServeHTTP(rec, httptest.NewRequest("GET", "/metadata/identity/oauth2/token", nil))
	if rec.Code != http.StatusBadRequest {
		t.Errorf("a probe is answered %d", rec.Code)
	}
}
