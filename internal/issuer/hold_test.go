package issuer

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"lanyard/internal/store/mem"
)

func TestAHoldStopsRotationUntilItIsReleased(t *testing.T) { // T15
	pool()
	synctest.Test(t, func(t *testing.T) {
		s, b := mem.New(), box(t)
		i := &Issuer{Store: s, Box: b, Schedule: Schedule{Period: 48 * time.Hour}}
		stop := run(t, i)
		first := mint(t, i, Order{Principal: userAssigned()}).KeyID
		time.Sleep(25 * time.Hour) // its successor waits
		if n := len(i.Keys()); n != 2 {
			t.Fatalf("%d keys are published, want two", n)
		}
		for range 2 {
			if err := i.Hold(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		since := i.Held()
		if since.IsZero() || time.Since(since) > time.Minute {
			t.Errorf("rotation is held since %v", since)
		}
		if err := i.Rotate(t.Context()); !errors.Is(err, ErrHeld) {
			t.Errorf("a held rotation can be asked for: %v", err)
		}
		time.Sleep(60 * time.Hour)
		stop() // a hold outlives the process
		i = &Issuer{Store: s, Box: b, Schedule: Schedule{Period: 48 * time.Hour}}
		defer run(t, i)()
		last := mint(t, i, Order{Principal: userAssigned()})
		if keys := i.Keys(); last.KeyID != first || len(keys) != 2 || keys[1].State != Next {
			t.Fatalf("while held %s signs, want %s; keys: %+v", last.KeyID, first, keys)
		}
		if err := i.Release(t.Context()); err != nil || !i.Held().IsZero() {
			t.Fatalf("released: %v, held since %v", err, i.Held())
		}
		if got := mint(t, i, Order{Principal: userAssigned()}).KeyID; got == first {
			t.Error("the key whose time was over signs on after the release")
		}
		synctest.Wait()
		var outside stranger // who fetches after rotation has gone on
		for time.Now().Before(last.Expires) {
			if err := outside.verify(i, last.Token.Open()); err != nil {
				t.Fatalf("the last token of the hold is not known at %s: %v", time.Now(), err)
			}
			time.Sleep(time.Hour)
		}
		time.Sleep(keep)
		if _, there := i.Key(first); there {
			t.Error("the first key is never dropped")
		}
	})
}

func TestAHoldEndsWithTheCertificate(t *testing.T) {
	pool()
	synctest.Test(t, func(t *testing.T) {
		i := &Issuer{Store: mem.New(), Box: box(t), Schedule: Schedule{Period: 48 * time.Hour}}
		defer run(t, i)()
		if err := i.Hold(t.Context()); err != nil {
			t.Fatal(err)
		}
		for range 60 { // longer than a certificate lasts
			time.Sleep(12 * time.Hour)
			if m, err := i.Mint(t.Context(), Order{Principal: application(), Audience: audience}); err != nil {
				synctest.Wait()
				m = mint(t, i, Order{Principal: application()})
				if !m.Expires.After(time.Now()) {
					t.Fatal("a token was minted that has ended")
				}
			}
		}
	})
}
