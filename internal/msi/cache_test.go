package msi

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"lanyard/internal/cloud"
	"lanyard/internal/directory"
	"lanyard/internal/host"
	"lanyard/internal/issuer"
)

// TestTokensAreKeptForAsLongAsTheTimingSays is TK-9: what changes of groups and roles shows in a new token
// alone, and a cache that is dropped gives one.
func TestTokensAreKeptForAsLongAsTheTimingSays(t *testing.T) {
	w := newWorld(t, worn(system)...)
	keep := time.Hour
	w.door.Timing = func() cloud.Timing { return cloud.Timing{TokenCache: keep} }
	first := w.fetch(t, "")["access_token"]
	w.set(func() { w.groups, w.roles, w.now = []string{"g"}, []string{"r"}, w.now.Add(50*time.Minute) })
	if w.fetch(t, "")["access_token"] != first || w.mints[0].Groups != nil {
		t.Error("a group shows in a token that is kept")
	}
	w.set(func() { w.now = w.now.Add(11 * time.Minute) })
	second := w.fetch(t, "")["access_token"]
	if second == first || len(w.mints[1].Groups) != 1 || len(w.mints[1].Roles) != 1 {
		t.Errorf("after an hour the token says %+v", w.mints[1])
	}
	w.set(func() {
		w.now = w.now.Add(time.Second)
		w.recalls = append(w.recalls, cloud.Recall{At: w.now, Principal: system.ID})
	})
	if third := w.fetch(t, "")["access_token"]; third == second {
		t.Error("a token whose cache was dropped is given out again")
	}
	keep = 0
	if a, b := w.fetch(t, "")["access_token"], w.fetch(t, "")["access_token"]; a == b {
		t.Error("tokens are kept although none are to be")
	}
}

// TestTokensAgeByTheWorldsClock drops at once what is too old after an advance; what comes after it is
// not aged by it.
func TestTokensAgeByTheWorldsClock(t *testing.T) {
	w := newWorld(t, worn(system)...)
	var clock atomic.Pointer[cloud.Clock]
	clock.Store(&cloud.Clock{})
	w.door.Age = func(born time.Time) time.Duration { return clock.Load().Age(born, w.door.now()) }
	first := w.fetch(t, "")
	clock.Store(&cloud.Clock{{At: w.now, By: 25 * time.Hour}})
	w.set(func() { w.now = w.now.Add(time.Second) })
	if got := w.fetch(t, ""); got["access_token"] == first["access_token"] || got["expires_in"] != "86400" {
		t.Errorf("after an advance the answer is %q", got)
	}
	if w.fetch(t, ""); w.minted() != 2 {
		t.Errorf("%d tokens were minted", w.minted())
	}
}

// TestWhatIsRevokedIsNotGivenOut is T11 at the cache, for every reach of a recall.
func TestWhatIsRevokedIsNotGivenOut(t *testing.T) {
	for name, recall := range map[string]cloud.Recall{
		"all": {}, "one token": {Token: "uti-1"}, "an identity": {Principal: system.ID}, "an app": {App: hello}, "both": {Principal: system.ID, App: hello},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, worn(system)...)
			first := w.fetch(t, "")["access_token"]
			w.set(func() {
				w.now = w.now.Add(time.Second)
				recall.At = w.now
				w.recalls = append(w.recalls, recall)
			})
			for range 2 {
				if w.fetch(t, "")["access_token"] == first || w.minted() != 2 {
					t.Errorf("after the recall %d tokens are minted", w.minted())
				}
			}
		})
	}
}

// TestATokenRevokedWhileItIsMadeIsMadeOnceMore looks again when the wait is over.
func TestATokenRevokedWhileItIsMadeIsMadeOnceMore(t *testing.T) {
	w := newWorld(t, worn(system)...)
	w.set(func() { w.gate = make(chan struct{}) })
	answer := make(chan string)
	go func() {
		status, body := w.send(t, w.ask(t, ""))
		answer <- fmt.Sprint(status, body)
	}()
	for s, begun := &w.door.cache, 0; begun == 0; {
		s.mu.RLock()
		begun = s.total
		s.mu.RUnlock()
	}
	w.set(func() { w.now = w.now.Add(time.Second); w.valid[system.ID] = w.now })
	close(w.gate)
	if got := <-answer; !strings.HasPrefix(got, "200") || !strings.Contains(got, "token-2") {
		t.Errorf("the answer is %s after %d mints", got, w.minted())
	}
}

// TestATokenThatIsDeadAtBirthIsMadeAgain is an identity that comes back within the time for which its
// recall reaches ahead.
func TestATokenThatIsDeadAtBirthIsMadeAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &bubble{at: func() time.Time { return time.Now().Add(500 * time.Millisecond) }}
		b.recalled = b.at()
		d := &Door{Issuer: b, Directory: b}
		e := &entry{asked: time.Now()}
		c := &call{replica: &host.Replica{App: hello}, who: system, protocol: appService2019, ask: ask{resource: "https://vault.azure.net"}}
		if err := d.mint(t.Context(), e, c); err != nil {
			t.Fatal(err)
		}
		if b.mints < 2 || b.mints > 12 || e.at.Before(b.recalled) {
			t.Errorf("after %d mints the token is from %s, and dead before %s", b.mints, e.at, b.recalled)
		}
		b.recalled = time.Now().Add(time.Hour)
		var failed error
		if failed = d.mint(t.Context(), &entry{asked: time.Now()}, c); failed == nil || !strings.Contains(failed.Error(), "revoked") {
			t.Errorf("a token that stays dead is answered %v", failed)
		}
	})
}

// TestTokensAreRenewedAheadOffTheWay gives the old token at once while the new one is made, for which one
// mints, and parts those that were made together.
func TestTokensAreRenewedAheadOffTheWay(t *testing.T) {
	w := newWorld(t, worn(system)...)
	first := w.fetch(t, "")["access_token"]
	w.set(func() { w.now = w.now.Add(21*time.Hour + 30*time.Minute) })
	if w.fetch(t, ""); w.minted() != 1 {
		t.Error("a token is renewed before its last hours")
	}
	w.set(func() { w.now = w.now.Add(90 * time.Minute); w.gate = make(chan struct{}) })
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			if got := w.fetch(t, "")["access_token"]; got != first {
				t.Errorf("while another is minted the answer is %s", got)
			}
		})
	}
	all.Wait()
	close(w.gate)
	for w.fetch(t, "")["access_token"] == first { // it comes when it is made
		continue
	}
	if w.fetch(t, ""); w.minted() != 2 {
		t.Errorf("%d tokens were minted", w.minted())
	}
	moments := map[time.Duration]bool{}
	for range 20 {
		e := &entry{}
		if err := w.door.drawJitter(e); err != nil {
			t.Fatal(err)
		}
		moments[time.Duration(e.jitter*float64(time.Hour)).Round(time.Minute)] = true
	}
	if len(moments) < 5 {
		t.Errorf("20 tokens are renewed at %d moments", len(moments))
	}
}

// TestARenewalThatFailsIsTriedAgainLater neither disturbs who asks nor tries at each request.
func TestARenewalThatFailsIsTriedAgainLater(t *testing.T) {
	w := newWorld(t, worn(system)...)
	first := w.fetch(t, "")["access_token"]
	w.set(func() { w.now = w.now.Add(23 * time.Hour); w.fail = errors.New("no key") })
	for range 50 {
		if got := w.fetch(t, "")["access_token"]; got != first {
			t.Fatalf("while none can be minted the answer is %s", got)
		}
	}
	for w.minted() < 2 {
		continue
	}
	w.set(func() { w.fail = nil; w.now = w.now.Add(2 * time.Minute) })
	for w.fetch(t, "")["access_token"] == first {
		continue
	}
	if n := w.minted(); n != 3 {
		t.Errorf("%d were minted", n)
	}
}

// TestNoTokenWithoutItsRecord is T22 at the door: refused, with when to come again, in each dialect; and
// the next who asks when records are kept again gets one.
func TestNoTokenWithoutItsRecord(t *testing.T) {
	speaking(t, worn(system), func(t *testing.T, w *world, d dialect) {
		var broken atomic.Bool
		var records []cloud.SignIn
		w.door.Record = func(_ context.Context, in cloud.SignIn) error {
			if broken.Load() {
				return errors.New("the disk is full of secrets")
			}
			records = append(records, in)
			return nil
		}
		refused := w.refusals()
		broken.Store(true)
		for range 2 {
			answer, err := http.DefaultClient.Do(d.ask(t, w, ""))
			if err != nil {
				t.Fatal(err)
			}
			answer.Body.Close()
			if answer.StatusCode != http.StatusServiceUnavailable || answer.Header.Get("Retry-After") == "" {
				t.Errorf("without a record the answer is %s", answer.Status)
			}
		}
		d.refuses(t, w, "", http.StatusServiceUnavailable, "could not be kept")
		if got := refused.last(); got.Status != 503 || !strings.Contains(got.Reason, "disk") {
			t.Errorf("the refusal is %+v", got)
		}
		broken.Store(false)
		d.get(t, w, "")
		got := records[0]
		want := cloud.SignIn{Token: fmt.Sprint("uti-", w.minted()), Key: "kid", Time: got.Time, Expires: got.Expires, Principal: system.ID, Client: system.Client,
			Kind: system.Kind, Identity: hello, App: hello, Replica: w.replica.Name, Audience: "https://vault.azure.net", Protocol: d.protocol.name, From: got.From}
		if len(records) != 1 || got != want || got.Time.IsZero() || got.From == "" {
			t.Errorf("the record is %+v, want %+v", got, want)
		}
	})
}

// TestDeliveriesFromMemoryAreCounted leaves out the one for which the token was minted.
func TestDeliveriesFromMemoryAreCounted(t *testing.T) {
	w := newWorld(t, worn(system)...)
	var count atomic.Int64
	w.door.Delivered = func(replica string, of cloud.PrincipalID, n int) {
		if replica != w.replica.Name || of != system.ID {
			t.Errorf("a delivery to %s of %s is counted", replica, of)
		}
		count.Add(int64(n))
	}
	for range 4 {
		w.fetch(t, "")
	}
	if n := count.Load(); n != 3 {
		t.Errorf("of four answers %d are counted", n)
	}
}

// bubble is an issuer and a directory for tests in a bubble of time.
type bubble struct {
	at       func() time.Time
	recalled time.Time
	mints    int
}

func (b *bubble) Mint(_ context.Context, o issuer.Order) (issuer.Minted, error) {
	b.mints++
	id, err := newID(time.Now())
	return issuer.Minted{Token: cloud.Seal("t"), ID: id, Issued: time.Now(), Expires: time.Now().Add(24 * time.Hour)}, err
}

func (b *bubble) Principal(cloud.PrincipalID) (cloud.Principal, bool) { return system, true }
func (b *bubble) ByResource(cloud.ID) (cloud.Principal, bool)         { return cloud.Principal{}, false }
func (b *bubble) Audience(r string) (directory.Resource, bool) {
	return directory.Resource{Audience: r}, true
}
func (b *bubble) Belonging(cloud.PrincipalID, directory.Resource) (groups, roles []string) {
	return nil, nil
}
func (b *bubble) Recalled(_ string, _ cloud.PrincipalID, _ cloud.ID, minted time.Time) bool {
	return minted.Before(b.recalled)
}
