package entra_test

import (
	"testing"
	"time"

	"lanyard/internal/cloud"
)

func TestSignInsAgeWithTheWorldsClock(t *testing.T) {
	w := start(t)
	var clock cloud.Clock
	w.door.Age = func(born time.Time) time.Duration { return clock.Age(born, w.now()) }
	advance := func(by time.Duration) {
		w.wait(time.Second)
		clock = cloud.Clock{{At: w.now(), By: by}}
		w.wait(time.Second)
	}
	code := w.code(t)
	advance(11 * time.Minute)
	w.refused(t, w.post(t, commonToken, redeem(code)), 400, "invalid_grant", 70008)
	clock = nil
	if a := w.post(t, commonToken, redeem(code)); a.status != 200 {
		t.Errorf("after a reset the code answers %d %s", a.status, a.body)
	}

	d := w.begin(t)
	w.approve(t, d.UserCode)
	advance(16 * time.Minute)
	w.refused(t, w.poll(t, d.DeviceCode), 400, "expired_token", 70019)
	clock = nil
	if a := w.poll(t, d.DeviceCode); a.status != 200 {
		t.Errorf("after a reset the device code answers %d %s", a.status, a.body)
	}

	got := w.signedIn(t)
	advance(89 * 24 * time.Hour)
	if a := w.refresh(t, got.Refresh); a.status != 200 {
		t.Errorf("on the 89th day: %d %s", a.status, a.body)
	}
	advance(89 * 24 * time.Hour) // the use began its life anew
	if a := w.refresh(t, got.Refresh); a.status != 200 {
		t.Errorf("89 days after a use: %d %s", a.status, a.body)
	}
	advance(91 * 24 * time.Hour)
	w.refused(t, w.refresh(t, got.Refresh), 400, "invalid_grant", 700082)
}
