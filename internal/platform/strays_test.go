package platform

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"lanyard/internal/cloud"
	"lanyard/internal/host"
	"lanyard/internal/telemetry"
)

// by gives a client that goes by the proxy credential of a user; without one it goes straight to the port.
func (s *stage) by(t *testing.T, user, password string) *http.Client {
	t.Helper()
	transport := s.visitor(t).Transport.(*http.Transport).Clone()
	transport.ForceAttemptHTTP2 = true // one connection bears every request
	if user != "" {
		transport.Proxy = http.ProxyURL(&url.URL{Scheme: "http", Host: s.Address(), User: url.UserPassword(user, password)})
	}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

func (s *stage) byReplica(t *testing.T, r *host.Replica) *http.Client {
	return s.by(t, r.Name, r.Proxy.Open())
}

// present calls a name with a token by a client, and says how it was answered.
func present(t *testing.T, c *http.Client, url, token string, headers ...string) (status int, challenge string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), "GET", url, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+token)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	answer, err := c.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	return answer.StatusCode, answer.Header.Get("WWW-Authenticate")
}

// strayed gives the records of refusals, all of tokens that came from elsewhere, by the replica whose way they came.
func (s *stage) strayed(t *testing.T) map[string]cloud.Refused {
	t.Helper()
	found, err := s.signIns.Find(t.Context(), telemetry.Wanted{Result: telemetry.Failure, Most: 100})
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]cloud.Refused{}
	for _, e := range found {
		var r cloud.Refused
		if err := json.Unmarshal(e.Body, &r); err != nil {
			t.Fatal(err)
		}
		if _, twice := all[r.Replica]; twice {
			t.Errorf("recorded twice is %+v", r)
		}
		all[r.Replica] = r
	}
	return all
}

// TestATokenFromElsewhereIsNoticed is T10: an app's token opens the vault by the proxy credential of any of
// the app's own replicas. From anywhere else it is recorded, once for a token and place, and refused with
// BindTokens, whatever the request's headers say.
func TestATokenFromElsewhereIsNoticed(t *testing.T) {
	for bind, want := range map[bool]int{false: 200, true: 401} {
		t.Run(fmt.Sprintf("bind=%v", bind), func(t *testing.T) {
			h := newHousehold(t, func(c *Config) { c.BindTokens = bind })
			secret := "https://" + h.vault + "/secrets/db?api-version=7.4"
			token := h.ask(t, h.shop)
			for name, c := range map[string]*http.Client{
				"the replica itself":              h.byReplica(t, h.shop),
				"another replica of the same app": h.byReplica(t, h.replica(t, h.shop.App)),
			} {
				if status, _ := present(t, c, secret, token); status != 200 {
					t.Errorf("%s is answered %d", name, status)
				}
			}
			thief, owner, direct := h.byReplica(t, h.orders), h.by(t, h.place.User, h.place.Password), h.by(t, "", "")
			for name, c := range map[string]*http.Client{"another app's replica": thief, "the owner's shell": owner, "no proxy": direct} {
				for range 3 {
					status, challenge := present(t, c, secret, token, "Proxy-Authorization", "Basic x", "X-Origin", h.shop.Name, "Origin", h.shop.Name)
					if status != want || strings.Contains(challenge, "insufficient_claims") {
						t.Errorf("%s is answered %d %s, want %d", name, status, challenge, want)
					}
				}
			}
			h.recordedAre(t, token, map[string]string{h.orders.Name: h.orders.Name, "owner": "owner's shell", "": "no replica's"}, want)
			if status, _ := present(t, thief, secret, h.ask(t, h.orders)); status != 200 {
				t.Errorf("the other app with its own token is answered %d", status)
			}
			// Whoever names no app comes from anywhere: the owner has done so all along, and so may who got
			// a token of the identity by federation, which names the identity alone.
			federated := arrival{caller: cloud.Caller{TokenID: "federated"}, app: cloud.MustID(h.identity())}
			if err := h.home(t.Context(), federated); err != nil || len(h.strayed(t)) != 3 {
				t.Errorf("a token got by federation: %v", err)
			}
		})
	}
}

// recordedAre fails unless a token was recorded once for each replica by whose way it came.
func (h *household) recordedAre(t *testing.T, token string, want map[string]string, status int) {
	t.Helper()
	found := h.strayed(t)
	if len(found) != len(want) {
		t.Errorf("recorded is %+v, want %v", found, want)
	}
	if status == 200 {
		status = 0
	}
	for replica, said := range want {
		r := found[replica]
		if !strings.Contains(r.Reason, said) || !r.App.Equal(h.shop.App) || r.Principal != h.billing.ID || r.Status != status ||
			r.Code != "TokenFromElsewhere" || r.Token != utiOf(t, token) || r.From == "" || r.Audience != "https://vault.azure.net" {
			t.Errorf("of %q is recorded %+v", replica, r)
		}
	}
	if page := h.listed(t, "result=failure&app="+url.QueryEscape(h.shop.App.String()), h.token(t, "https://management.azure.com")); len(page.Value) != len(want) {
		t.Errorf("of the app are listed %+v", page.Value)
	}
}

// TestATokenOutlivesTheReplicaThatAskedForIt is T10 after a restart: the app's next replica is at home with
// it, and what the last one left behind is not.
func TestATokenOutlivesTheReplicaThatAskedForIt(t *testing.T) {
	h := newHousehold(t, func(c *Config) { c.BindTokens = true })
	secret := "https://" + h.vault + "/secrets/db?api-version=7.4"
	ctx, end := context.WithCancel(t.Context())
	defer end()
	first, err := h.host.Attach(ctx, h.shop.App, host.Attachment{})
	if err != nil {
		t.Fatal(err)
	}
	token, tunnel := h.ask(t, first), h.byReplica(t, first)
	if status, _ := present(t, tunnel, secret, token); status != 200 {
		t.Errorf("the first replica is answered %d", status)
	}
	end()
	waitUntil(t, "the first replica is gone", func() bool { _, there := h.host.Replica(first.Name); return !there })
	if status, _ := present(t, h.byReplica(t, h.replica(t, h.shop.App)), secret, token); status != 200 {
		t.Errorf("the next replica is answered %d", status)
	}
	if status, _ := present(t, tunnel, secret, token); status != 401 || len(h.strayed(t)) != 1 {
		t.Errorf("the first one's connection is answered %d after its end", status)
	}
}

// TestASystemAssignedTokenIsItsAppsOwn is T10 at the management API: there, too, and where nothing was
// granted, it is told who may not even ask.
func TestASystemAssignedTokenIsItsAppsOwn(t *testing.T) {
	s := newStage(t, func(c *Config) { c.BindTokens = true })
	mine, other := s.replica(t, s.app), s.replica(t, s.newApp(t, "neighbour"))
	_, body := s.visit(t, "GET", "http://"+s.Address()+"/r/"+mine.Name+"/msi/token?api-version=2019-08-01&resource=https://management.azure.com",
		"X-IDENTITY-HEADER", mine.Header.Open())
	var got struct {
		Token string `json:"access_token"`
	}
	if err := json.Unmarshal([]byte(body), &got); err != nil || got.Token == "" {
		t.Fatal(body)
	}
	at := "https://" + cloud.Azure.Management + s.scope().String() + "/resourceGroups?api-version=2022-09-01"
	if status, _ := present(t, s.byReplica(t, mine), at, got.Token); status == 401 {
		t.Errorf("the app is answered %d", status)
	}
	status, challenge := present(t, s.byReplica(t, other), at, got.Token)
	if status != 401 || !strings.Contains(challenge, `error="invalid_token", error_description="elsewhere"`) {
		t.Errorf("its neighbour is answered %d %s", status, challenge)
	}
}

func TestOnlySoManyStraysAreRemembered(t *testing.T) {
	var s strays
	for round := range 3 {
		for n := range maxStrays {
			if one := (stray{token: fmt.Sprint(round, n)}); !s.first(one) || s.first(one) {
				t.Fatalf("token %d of round %d is not told once", n, round)
			}
		}
	}
	if len(s.seen) != maxStrays || len(s.ring) != maxStrays {
		t.Errorf("remembered are %d and %d, want %d", len(s.seen), len(s.ring), maxStrays)
	}
	if !s.first(stray{token: "0 0"}) || !s.first(stray{token: "2 4095", origin: "elsewhere"}) {
		t.Error("what was forgotten, or comes from another place, is not told anew")
	}
}
