package issuer

import (
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"lanyard/internal/fault"
	"lanyard/internal/store/mem"
	"lanyard/internal/token"
)

// stepping is a clock that can be set, as people, NTP and machines that slept do.
type stepping struct{ shift atomic.Int64 }

func (s *stepping) now() time.Time { return time.Now().Add(time.Duration(s.shift.Load())) }

func (s *stepping) step(by time.Duration) { s.shift.Add(int64(by)) }

// TestNoStepOfTheClockMakesABadToken steps the system's clock an hour back, an hour ahead, over a
// suspension of two hours, and over years. A token is signed only if it is good at once to verifiers whose clocks
// differ by up to five minutes; where there can be none, that is said, and mended by itself (T24).
func TestNoStepOfTheClockMakesABadToken(t *testing.T) {
	pool()
	for sentence, steps := range map[string][]time.Duration{
		"an hour back and on again":    {-time.Hour, time.Hour},
		"an hour ahead and back again": {time.Hour, -time.Hour},
		"a suspension of two hours":    {2 * time.Hour},
		"a little, again and again":    {-time.Minute, 2 * time.Minute, -time.Minute, 5 * time.Second, -5 * time.Second},
		"a month asleep":               {30 * day, time.Hour},
		"a year asleep":                {365 * day, time.Hour},
		"ahead by a day, and back":     {day, -day},
	} {
		t.Run(sentence, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var clock stepping
				i := &Issuer{Store: mem.New(), Box: box(t), Now: clock.now}
				defer run(t, i)()
				time.Sleep(3 * time.Hour)
				for _, by := range steps {
					clock.step(by)
					m, err := i.Mint(t.Context(), Order{Principal: userAssigned(), Audience: audience})
					if err != nil {
						if !fault.Is(err, fault.Unavailable) {
							t.Fatalf("after a step by %s: %v", by, err)
						}
						synctest.Wait() // what is asked for is what wakes rotation
						m = mint(t, i, Order{Principal: userAssigned()})
					}
					good(t, i, m, clock.now())
				}
				time.Sleep(2 * time.Hour)
				good(t, i, mint(t, i, Order{Principal: userAssigned()}), clock.now())
			})
		})
	}
}

// good fails unless verifiers with clocks up to nearly five minutes apart accept a token.
func good(t *testing.T, i *Issuer, m Minted, now time.Time) {
	t.Helper()
	if !m.Expires.After(now) || m.Expires.Sub(now) > MaxLife {
		t.Errorf("at %s a token ends at %s", now, m.Expires)
	}
	v := token.Verifier{Keys: i.Key, Issuers: []string{url}, Audiences: []string{audience}}
	for _, apart := range []time.Duration{0, token.Skew - time.Second, -token.Skew + time.Second} {
		if _, err := v.Verify(m.Token.Open(), now.Add(apart)); err != nil {
			t.Errorf("to a clock %s apart: %v", apart, err)
		}
	}
}

// TestTwoProcessesWithClocksApartAcceptEachOthersTokens is the other half of T24: nobody's tokens are
// refused because their clock lies within the skew of somebody else's.
func TestTwoProcessesWithClocksApartAcceptEachOthersTokens(t *testing.T) {
	pool()
	synctest.Test(t, func(t *testing.T) {
		s, b := mem.New(), box(t)
		var ahead stepping
		ahead.step(token.Skew - time.Second)
		one := &Issuer{Store: s, Box: b}
		defer run(t, one)()
		other := &Issuer{Store: s, Box: b, Now: ahead.now}
		defer run(t, other)()
		for range 40 * 24 {
			good(t, one, mint(t, one, Order{Principal: application()}), time.Now())
			if _, err := (token.Verifier{Keys: one.Key, Issuers: []string{url}, Audiences: []string{audience}}).
				Verify(mint(t, other, Order{Principal: application()}).Token.Open(), time.Now()); err != nil {
				t.Fatalf("at %s: %v", time.Now(), err)
			}
			time.Sleep(time.Hour)
		}
	})
}
