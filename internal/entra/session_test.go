package entra_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"lanyard/internal/cloud"
	"lanyard/internal/entra"
	"lanyard/internal/store"
	"lanyard/internal/store/mem"
)

func (w *world) refresh(t testing.TB, token string, changes ...string) answer {
	t.Helper()
	pairs := append([]string{"client_id", cli, "grant_type", "refresh_token", "refresh_token", token, "client_info", "1", "scope", azScope}, changes...)
	return w.post(t, commonToken, formOf(pairs...))
}

// signedIn gives what a person's sign-in led to.
func (w *world) signedIn(t testing.TB) tokens {
	t.Helper()
	d := w.begin(t)
	w.approve(t, d.UserCode)
	var got tokens
	w.poll(t, d.DeviceCode).decode(t, &got)
	if got.Refresh == "" {
		t.Fatal("there is no refresh token")
	}
	return got
}

func TestARefreshTokenOpensEveryResource(t *testing.T) {
	w := start(t)
	got := w.signedIn(t)
	for _, resource := range []string{vault, management, "https://graph.microsoft.com"} {
		var next tokens
		a := w.refresh(t, got.Refresh, "scope", resource+"/.default openid offline_access profile")
		a.decode(t, &next)
		if a.status != 200 || next.ClientInfo == "" || next.ID == "" {
			t.Fatalf("%s: %d %s", resource, a.status, a.body)
		}
		if claims := verify(t, w, next.Access, resource); claims["upn"] != owner {
			t.Errorf("the token says %v", claims)
		}
		if a := w.refresh(t, next.Refresh); a.status != 200 { // what came last is good, and what came first
			t.Errorf("%d %s", a.status, a.body)
		}
	}
	if a := w.post(t, "/"+string(tenant)+"/oauth2/token", formOf("client_id", cli, "grant_type", "refresh_token", "refresh_token", got.Refresh, "resource", vault)); a.status != 200 {
		t.Errorf("at the older endpoint: %d %s", a.status, a.body)
	}
}

func TestARefreshTokenIsItsAppsAndItsFamilys(t *testing.T) {
	w := start(t)
	got := w.signedIn(t)
	const powershell = "1950a258-227b-4e31-a9cf-717495945fc2"
	if a := w.refresh(t, got.Refresh, "client_id", powershell); a.status != 200 { // foci 1, as az's
		t.Errorf("%d %s", a.status, a.body)
	}
	w.refused(t, w.refresh(t, got.Refresh, "client_id", string(w.app.Client)), 400, "invalid_request", 50011)
	w.refused(t, w.refresh(t, got.Refresh, "client_secret", "x"), 401, "invalid_client", 700025)
	w.refused(t, w.refresh(t, got.Refresh, "scope", "https://vault.evil/.default"), 400, "invalid_resource", 500011)
	id := strings.Split(got.Refresh, ".")[1]
	for _, guess := range []string{
		"x", got.Refresh + "x", "1." + id + ".", "2." + got.Refresh[2:], "1.." + got.Refresh[2:], "1." + strings.Repeat("0", 36) + ".x",
		strings.ToUpper(got.Refresh),
	} {
		w.refused(t, w.refresh(t, guess), 400, "invalid_grant", 70000)
	}
}

func TestASessionLastsNinetyDaysFromItsLastUse(t *testing.T) {
	w := start(t)
	got := w.signedIn(t)
	for range 3 {
		w.wait(80 * 24 * time.Hour)
		if err := w.issuer.Rotate(t.Context()); err != nil { // the signing key has ended meanwhile
			t.Fatal(err)
		}
		if a := w.refresh(t, got.Refresh); a.status != 200 {
			t.Fatalf("%d %s", a.status, a.body)
		}
	}
	w.wait(90 * 24 * time.Hour)
	w.refused(t, w.refresh(t, got.Refresh), 400, "invalid_grant", 700082)
}

func TestWhatEndsASession(t *testing.T) {
	for sentence, test := range map[string]struct {
		happens func(t *testing.T, w *world)
		number  int
	}{
		"ninety days without use": {func(_ *testing.T, w *world) { w.wait(90 * 24 * time.Hour) }, 700082},
		"revocation": {func(t *testing.T, w *world) {
			w.wait(time.Millisecond)
			w.person.Revoke(w.now())
			w.change(t, w.person)
		}, 50173},
		"the person's leaving": {func(t *testing.T, w *world) {
			w.commit(t, store.Change{Key: cloud.PrincipalKey(w.person.ID), If: store.Any})
		}, 50034},
	} {
		t.Run(sentence, func(t *testing.T) {
			w := start(t)
			got := w.signedIn(t)
			test.happens(t, w)
			w.refused(t, w.refresh(t, got.Refresh), 400, "invalid_grant", test.number)
		})
	}
}

func TestARevocationReachesWhatIsUnderWay(t *testing.T) {
	w := start(t)
	d, code := w.begin(t), w.code(t)
	w.approve(t, d.UserCode)
	w.wait(time.Millisecond)
	w.person.Revoke(w.now())
	w.change(t, w.person)
	w.refused(t, w.poll(t, d.DeviceCode), 400, "invalid_grant", 50173)
	w.refused(t, w.post(t, commonToken, redeem(code)), 400, "invalid_grant", 50173)
	w.wait(time.Second)
	if a := w.refresh(t, w.signedIn(t).Refresh); a.status != 200 {
		t.Errorf("who signs in again: %d %s", a.status, a.body)
	}
}

func TestTheStoreHoldsNothingToSignInWith(t *testing.T) { // T8
	w := start(t)
	got, waiting, code := w.signedIn(t), w.begin(t), w.code(t)
	entries, _, err := w.store.List(t.Context(), cloud.KeysSession)
	if err != nil || len(entries) != 3 {
		t.Fatalf("%d documents, %v", len(entries), err)
	}
	for _, e := range entries {
		for name, secret := range map[string]string{
			"refresh token": strings.Split(got.Refresh, ".")[2], "device code": waiting.DeviceCode[:43], "authorization code": code,
			"password": w.password.Open(), "access token": got.Access,
		} {
			if strings.Contains(e.Key+string(e.Value), secret) {
				t.Errorf("%s holds the %s", e.Key, name)
			}
		}
	}
}

func TestWhatHasEndedIsSweptAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := mem.New()
		write := func(name string, ends time.Time) {
			value, err := json.Marshal(map[string]any{"ends": ends})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := s.Commit(t.Context(), store.Change{Key: cloud.KeysSession + name, Value: value}); err != nil {
				t.Fatal(err)
			}
		}
		now := time.Now()
		write("devices/short", now.Add(15*time.Minute))
		write("sessions/long", now.Add(90*24*time.Hour))
		if _, err := s.Commit(t.Context(), store.Change{Key: cloud.KeysSession + "codes/unreadable", Value: []byte("?")}); err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- (&entra.Door{Store: s}).Run(ctx) }()
		time.Sleep(30 * time.Minute)
		synctest.Wait()
		stop()
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		entries, _, err := s.List(context.Background(), cloud.KeysSession)
		if err != nil || len(entries) != 2 {
			t.Errorf("%d documents are left, %v", len(entries), err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	})
}
