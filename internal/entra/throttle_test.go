package entra

import (
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"lanyard/internal/fault"
)

func TestAThrottleLetsSoManyThroughAndNoMore(t *testing.T) { // T20
	var th throttle
	var let atomic.Int64
	now := time.Unix(1000, 0)
	var all sync.WaitGroup
	for range 200 { // all at once
		all.Go(func() {
			if !th.take("codes", 50, now) {
				let.Add(1)
			}
		})
	}
	all.Wait()
	if let.Load() != 50 {
		t.Errorf("%d guesses, want 50", let.Load())
	}
	th.giveBack("codes")
	if th.take("codes", 50, now) || !th.take("codes", 50, now) {
		t.Error("a right guess counts")
	}
	if th.take("codes", 50, now.Add(wrongPause)) {
		t.Error("there is no end to the pause")
	}
	if th.take("others", 50, now) {
		t.Error("one tally stands for another")
	}
}

func TestAThrottleRemembersSoManyNamesAndTheLatest(t *testing.T) {
	var th throttle
	now := time.Unix(1000, 0)
	for n := range maxTallies + 1 {
		th.take(strconv.Itoa(n), 1, now.Add(time.Duration(n)))
	}
	if len(th.taken) != maxTallies {
		t.Errorf("%d names, want %d", len(th.taken), maxTallies)
	}
	if now = now.Add(maxTallies); !th.take(strconv.Itoa(maxTallies), 1, now) || th.take("0", 1, now) {
		t.Error("not the oldest went")
	}
}

func TestOnlyTooManyWrongCodesLockThePageOfCodes(t *testing.T) {
	door := &Door{Now: func() time.Time { return time.Unix(1000, 0) }}
	for n := range maxWrongCodes {
		if door.codes.take(keysDevice, maxWrongCodes, door.now()) {
			t.Fatalf("after %d wrong codes nobody enters one", n)
		}
	}
	if _, err := door.lookUp(t.Context(), "BBBBBBBBB"); err == nil || number(fault.Of(err)) != 50053 {
		t.Errorf("after %d: %v", maxWrongCodes, err)
	}
}
