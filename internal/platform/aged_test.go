package platform

import (
	"strings"
	"testing"
	"time"

	"lanyard/internal/cloud"
	"lanyard/internal/issuer"
)

func TestWhatExistsAgesWithTheClock(t *testing.T) { // T24
	h := newHousehold(t)
	old := h.ask(t, h.shop)
	h.opens(t, old, "at first")
	if h.ask(t, h.shop) != old {
		t.Error("the second request is given another token")
	}
	h.order(t, "/clock/advance", `{"by":"25h"}`)
	h.challenged(t, old, "25 hours later")
	young := h.ask(t, h.shop)
	if young == old {
		t.Error("25 hours later the cache gives the old token")
	}
	h.opens(t, young, "with a new token")
	if keys := h.issuer.Keys(); len(keys) != 1 {
		t.Errorf("%d keys after a day", len(keys))
	}

	h.order(t, "/clock/reset", "")
	h.opens(t, old, "after a reset")
	if status, body := h.send(t, "POST", "https://"+ControlHost+"/clock/advance", old, `{"by":"1h"}`); status != 401 {
		t.Errorf("an app's token moves the clock: %d %s", status, body)
	}
	if status, body := h.send(t, "POST", "https://"+ControlHost+"/clock/advance", h.token(t, "https://management.azure.com"), `{"by":"-1h"}`); status != 400 {
		t.Errorf("the clock is moved back: %d %s", status, body)
	}
}

func TestKeysRotateWithTheClock(t *testing.T) { // T15
	h := newHousehold(t)
	first := h.issuer.Keys()[0].ID
	old := h.ask(t, h.shop)
	h.order(t, "/clock/advance", `{"by":"30d"}`)
	await(t, func() bool { return len(h.issuer.Keys()) == 2 }) // a successor is published
	if got := h.signer(t); got != first {
		t.Error("the successor signs before it was published for a day")
	}
	h.order(t, "/clock/advance", `{"by":"24h"}`)
	if got := h.signer(t); got == first {
		t.Error("after a day the successor does not sign")
	}
	h.challenged(t, old, "a month later")
	h.order(t, "/clock/advance", `{"by":"26h"}`)
	keys := h.issuer.Keys()
	if len(keys) != 1 || keys[0].ID == first || keys[0].State != issuer.Current {
		t.Errorf("the published keys are %+v", keys)
	}
	h.challenged(t, old, "when its key is not published any more")
	for _, k := range keys {
		if lasts := k.Ends.Sub(k.Made); lasts < 60*24*time.Hour || time.Until(k.Ends) < 60*24*time.Hour {
			t.Errorf("a certificate lasts %s", lasts)
		}
	}
	h.opens(t, h.ask(t, h.shop), "with a new token")
}

// signer gives the key that signs a new token.
func (h *household) signer(t *testing.T) string {
	t.Helper()
	m, err := h.issuer.Mint(t.Context(), issuer.Order{Principal: h.billing, Audience: "https://vault.azure.net", Host: cloud.MustID(h.appID("shop"))})
	if err != nil {
		t.Fatal(err)
	}
	return m.KeyID
}

// await waits until something is so.
func await(t *testing.T, so func() bool) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	late := time.After(30 * time.Second)
	for !so() {
		select {
		case <-tick.C:
		case <-late:
			t.Fatal("it never came to be so")
		}
	}
}

func TestTheTimingIsKeptBetweenStarts(t *testing.T) {
	state := t.TempDir() + "/state"
	start := func(timing *cloud.Timing) string {
		t.Helper()
		p, err := Start(t.Context(), Config{State: state, Timing: timing})
		if err != nil {
			t.Fatal(err)
		}
		defer func() {
			if err := p.Stop(t.Context()); err != nil {
				t.Error(err)
			}
		}()
		return p.clock.Timing().String()
	}
	own := cloud.Timing{TokenCache: time.Hour, Outlive: true}
	for _, step := range []struct {
		asked *cloud.Timing
		want  string
	}{{nil, "instant"}, {&own, own.String()}, {nil, own.String()}, {&cloud.AsAzure, "azure"}, {nil, "azure"}, {&cloud.Instant, "instant"}} {
		if got := start(step.asked); got != step.want {
			t.Errorf("the timing is %s, want %s", got, step.want)
		}
	}
}

func TestTheTimingCanBeChangedWhileAWorldRuns(t *testing.T) {
	h := newHousehold(t)
	owner := h.token(t, "https://management.azure.com")
	for timing, want := range map[string]int{"azure": 200, "removal=expiry,token-cache=2h": 200, "slow": 400, "": 400} {
		status, body := h.send(t, "PUT", "https://"+ControlHost+"/timing", owner, `{"timing":"`+timing+`"}`)
		if status != want {
			t.Errorf("%q is answered %d %s", timing, status, body)
		}
		if given, err := cloud.ParseTiming(timing); err == nil && h.clock.Timing() != given {
			t.Errorf("asked for %s, the timing is %s", timing, h.clock.Timing())
		}
	}
}

func TestTheTokenCacheIsAsLongAsTheTimingSays(t *testing.T) {
	h := newHousehold(t, func(c *Config) { c.Timing = &cloud.Timing{TokenCache: time.Hour} })
	old := h.ask(t, h.shop)
	h.order(t, "/clock/advance", `{"by":"59m"}`)
	if h.ask(t, h.shop) != old {
		t.Error("within the hour the cache gives another token")
	}
	h.order(t, "/clock/advance", `{"by":"2m"}`)
	if h.ask(t, h.shop) == old {
		t.Error("after an hour the cache gives the same token")
	}
	h.opens(t, old, "the first token lives on and")
}

func TestGrantsArriveLateUnderAzuresTiming(t *testing.T) { // AC-6
	h := newHousehold(t, func(c *Config) { c.Timing = &cloud.AsAzure })
	token := h.ask(t, h.shop)
	if status, _ := h.read(t, token); status != 403 {
		t.Errorf("with a grant of this moment the vault answers %d", status)
	}
	h.order(t, "/clock/advance", `{"by":"6m"}`)
	await(t, func() bool { status, _ := h.read(t, token); return status == 200 }) // as fast as the directory looks up
	h.remove(t, h.group()+"/providers/Microsoft.KeyVault/vaults/house-kv/providers/Microsoft.Authorization/roleAssignments/11111111-2222-4333-8444-555555555555", "2022-04-01")
	h.opens(t, token, "just after the grant was removed")
	h.order(t, "/clock/advance", `{"by":"6m"}`)
	await(t, func() bool { status, _ := h.read(t, token); return status == 403 })
}

func TestStatusTellsTimeAndTiming(t *testing.T) {
	h := newHousehold(t, func(c *Config) { c.Timing = &cloud.AsAzure })
	h.order(t, "/clock/advance", `{"by":"25h"}`)
	h.order(t, "/keys/hold", "")
	_, body := h.send(t, "GET", "https://"+ControlHost+"/status", h.token(t, "https://management.azure.com"), "")
	for _, want := range []string{`"timing":"azure"`, `"clockAhead":"1d1h"`, `"keysHeld":"20`} {
		if !strings.Contains(body, want) {
			t.Errorf("status does not say %s: %s", want, body)
		}
	}
	if status, text := h.send(t, "POST", "https://"+ControlHost+"/keys/rotate", h.token(t, "https://management.azure.com"), ""); status != 409 || !strings.Contains(text, "RotationIsHeld") {
		t.Errorf("a held rotation is answered %d %s", status, text)
	}
	h.order(t, "/keys/release", "")
	h.order(t, "/keys/rotate", "")
}
