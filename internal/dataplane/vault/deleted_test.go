package vault

import (
	"bytes"
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"lanyard/internal/cloud"
	"lanyard/internal/store"
)

func TestADeletedSecretGoesWhenItsTimeIsOver(t *testing.T) {
	w := newWorld(t)
	w.vault.RetentionDays, w.vault.PurgeProtected = 7, true
	w.ask(officer, "PUT", "/secrets/db"+query, `{"value":"old"}`)
	w.ask(officer, "DELETE", "/secrets/db"+query, "")
	if rec := w.ask(officer, "DELETE", "/deletedsecrets/db"+query, ""); rec.Code != 403 || !strings.Contains(rec.Body.String(), "purge protection") {
		t.Errorf("a protected vault purged: %d %s", rec.Code, rec.Body)
	}
	w.advance(7*24*time.Hour - time.Second)
	rec := w.ask(officer, "GET", "/deletedsecrets/db"+query, "")
	if rec.Code != 200 || !strings.Contains(rec.Body.String(), `"recoveryLevel":"CustomizedRecoverable","recoverableDays":7`) {
		t.Errorf("a second before: %d %s", rec.Code, rec.Body)
	}
	w.advance(time.Second)
	for _, target := range []string{"GET /deletedsecrets/db", "POST /deletedsecrets/db/recover", "DELETE /deletedsecrets/db"} {
		method, path, _ := strings.Cut(target, " ")
		if rec := w.ask(officer, method, path+query, ""); rec.Code != 404 {
			t.Errorf("%s after its time gave %d %s", target, rec.Code, rec.Body)
		}
	}
	if rec := w.ask(officer, "PUT", "/secrets/db"+query, `{"value":"new"}`); rec.Code != 200 {
		t.Errorf("its name is not free: %d %s", rec.Code, rec.Body)
	}
	if versions, _, _ := w.store.List(t.Context(), cloud.VersionPrefix(vaultID, "db")); len(versions) != 1 {
		t.Errorf("%d versions are left, want the new one", len(versions))
	}
}

func TestTheSweepErasesWhatIsOverAndNothingElse(t *testing.T) {
	w := newWorld(t)
	for _, name := range []string{"kept", "fresh", "over"} {
		for range store.MaxChanges + 5 {
			w.ask(officer, "PUT", "/secrets/"+name+query, `{"value":"v"}`)
			if name != "over" {
				break
			}
		}
	}
	w.ask(officer, "DELETE", "/secrets/over"+query, "")
	w.advance(60 * 24 * time.Hour)
	w.ask(officer, "DELETE", "/secrets/fresh"+query, "")
	w.advance(30 * 24 * time.Hour)
	if err := w.door.sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	left, _, err := w.store.List(t.Context(), cloud.KeysVault)
	if err != nil || len(left) != 4 {
		t.Errorf("%d documents are left (%v), want a head and a version of two secrets", len(left), err)
	}
}

func TestRunSweepsEveryHour(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.ask(officer, "PUT", "/secrets/db"+query, `{"value":"v"}`)
		w.ask(officer, "DELETE", "/secrets/db"+query, "")
		w.advance(90 * 24 * time.Hour)
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- w.door.Run(ctx) }()
		time.Sleep(sweepEvery + time.Second)
		synctest.Wait()
		if left, _, _ := w.store.List(t.Context(), cloud.KeysVault); len(left) != 0 {
			t.Errorf("%d documents are left", len(left))
		}
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

func TestValuesLieSealedAndOpenNowhereElse(t *testing.T) {
	w := newWorld(t)
	w.ask(officer, "PUT", "/secrets/db"+query, `{"value":"correct horse"}`)
	w.ask(officer, "PUT", "/secrets/other"+query, `{"value":"battery staple"}`)
	all, _, err := w.store.List(t.Context(), cloud.KeysVault)
	if err != nil {
		t.Fatal(err)
	}
	var versions []store.Entry
	for _, e := range all {
		if bytes.Contains(e.Value, []byte("horse")) || bytes.Contains(e.Value, []byte("staple")) {
			t.Errorf("%s holds a value in clear", e.Key)
		}
		if strings.Contains(e.Key, "/versions/") {
			versions = append(versions, e)
		}
	}
	moved, err := decode[cloud.SecretVersion](versions[1])
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.door.Box.Open(moved.Value, versions[0].Key); err == nil {
		t.Error("a sealed value opens under another key")
	}
}

func TestWritersAtTheSameTimeBothSucceed(t *testing.T) {
	w := newWorld(t)
	const writers = 8
	codes := make(chan int, writers)
	for range writers {
		go func() { codes <- w.ask(officer, "PUT", "/secrets/db"+query, `{"value":"v"}`).Code }()
	}
	for range writers {
		if code := <-codes; code != 200 {
			t.Errorf("a writer got %d", code)
		}
	}
	if versions, _, _ := w.store.List(t.Context(), cloud.VersionPrefix(vaultID, "db")); len(versions) != writers {
		t.Errorf("%d versions, want %d", len(versions), writers)
	}
}

func TestADeletedSecretAgesWithTheWorldsClock(t *testing.T) {
	w := newWorld(t)
	w.vault.RetentionDays = 7
	var moved cloud.Clock
	w.door.Age = func(born time.Time) time.Duration { return moved.Age(born, w.clock()) }
	w.ask(officer, "PUT", "/secrets/db"+query, `{"value":"v"}`)
	w.ask(officer, "DELETE", "/secrets/db"+query, "")
	w.advance(time.Hour)
	there := func(want int, when string) {
		t.Helper()
		if err := w.door.sweep(t.Context()); err != nil {
			t.Fatal(err)
		}
		if rec := w.ask(officer, "GET", "/deletedsecrets/db"+query, ""); rec.Code != want {
			t.Errorf("%s: %d %s, want %d", when, rec.Code, rec.Body, want)
		}
	}
	moved = cloud.Clock{{At: w.clock(), By: 7*24*time.Hour - 2*time.Hour}}
	there(200, "an hour before")
	moved = cloud.Clock{{At: w.clock(), By: 7 * 24 * time.Hour}}
	there(404, "a week later")
	moved = nil
	there(200, "after a reset")
}
