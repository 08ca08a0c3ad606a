package entra_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/golang-jwt/jwt/v5"

	"lanyard/internal/cloud"
	"lanyard/internal/fault"
)

// ledger keeps the records that a door makes.
type ledger struct {
	mu      sync.Mutex
	given   []cloud.SignIn
	refused []cloud.Refused
	broken  error // what Record answers
}

func (w *world) recorded() *ledger {
	l := &ledger{}
	w.door.Record = func(_ context.Context, in cloud.SignIn) error {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.given = append(l.given, in)
		return l.broken
	}
	w.door.Refused = func(r cloud.Refused) {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.refused = append(l.refused, r)
	}
	return l
}

// take gives what came since the last time.
func (l *ledger) take() (given []cloud.SignIn, refused []cloud.Refused) {
	l.mu.Lock()
	defer l.mu.Unlock()
	given, refused = l.given, l.refused
	l.given, l.refused = nil, nil
	return given, refused
}

// ids gives the ids of tokens in an answer.
func ids(t *testing.T, a answer) (all []string) {
	t.Helper()
	var got tokens
	a.decode(t, &got)
	if a.status != 200 {
		t.Fatalf("%d %s", a.status, a.body)
	}
	for _, raw := range []string{got.Access, got.ID} {
		if raw == "" {
			continue
		}
		var claims jwt.MapClaims
		if _, _, err := jwt.NewParser().ParseUnverified(raw, &claims); err != nil {
			t.Fatal(err)
		}
		all = append(all, fmt.Sprint(claims["uti"]))
	}
	return all
}

func TestEachTokenIsRecordedByTheWayItWasAskedFor(t *testing.T) {
	w := start(t)
	l := w.recorded()
	expect := func(a answer, protocol string, audiences ...string) {
		t.Helper()
		given, refused := l.take()
		var kept []string
		for i, in := range given {
			kept = append(kept, in.Token)
			if in.Protocol != protocol || i >= len(audiences) || in.Audience != audiences[i] || in.Key == "" || in.From == "" || !in.Time.Equal(w.now()) || !in.Expires.After(in.Time) {
				t.Errorf("recorded is %+v", in)
			}
		}
		if want := ids(t, a); !slices.Equal(kept, want) || len(want) != len(audiences) || len(refused) != 0 {
			t.Errorf("%s: recorded are %v, given out %v; refused %+v", protocol, kept, want, refused)
		}
	}
	a := w.post(t, tokenPath, w.form())
	l.mu.Lock()
	if in := l.given[0]; in.Principal != w.app.ID || in.Client != w.app.Client || in.Kind != cloud.Application || in.Name != w.app.Name {
		t.Errorf("the application's record is %+v", in)
	}
	l.mu.Unlock()
	expect(a, "client_credentials", vault)

	d := w.begin(t)
	w.refused(t, w.poll(t, d.DeviceCode), 400, "authorization_pending", 70016)
	w.approve(t, d.UserCode)
	a = w.poll(t, d.DeviceCode)
	l.mu.Lock()
	if in := l.given[0]; in.Principal != w.person.ID || in.Client != cli || in.Kind != cloud.User || in.Name != owner {
		t.Errorf("the person's record is %+v", in)
	}
	l.mu.Unlock()
	expect(a, "device_code", management, cli)

	var got tokens
	a.decode(t, &got)
	expect(w.refresh(t, got.Refresh), "refresh_token", management, cli)
	expect(w.post(t, tokenPath, redeem(w.code(t))), "authorization_code", management, cli)
}

func TestWhatCannotBeRecordedIsNotGivenOut(t *testing.T) {
	w := start(t)
	l := w.recorded()
	l.broken = fault.New(fault.Unavailable, "temporarily_unavailable", "The token cannot be recorded.").Because(errors.New("the disk is full"))
	a := w.post(t, tokenPath, w.form())
	w.refused(t, a, 503, "temporarily_unavailable", 90033)
	if strings.Contains(a.body, "access_token") || strings.Contains(a.body, "disk") {
		t.Errorf("the answer is %s", a.body)
	}
	if given, refused := l.take(); len(given) != 1 || len(refused) != 1 || refused[0].Code != "AADSTS90033" || refused[0].Status != 503 {
		t.Errorf("records are %+v, refusals %+v", given, refused)
	}
}

func TestRefusalsAreRecordedWithTheirCodes(t *testing.T) {
	w := start(t)
	l := w.recorded()
	strange := "77777777-0000-4000-8000-000000000007"
	const wrong = "the-wrong-secret"
	for sentence, c := range map[string]struct {
		form string
		want cloud.Refused
	}{
		"a wrong secret": {w.form("client_secret", wrong), cloud.Refused{Principal: w.app.ID, Client: w.app.Client, Audience: vault + "/.default",
			Protocol: "client_credentials", Status: 401, Code: "AADSTS7000215"}},
		"an unknown client": {w.form("client_id", strange), cloud.Refused{Client: cloud.ClientID(strange), Audience: vault + "/.default",
			Protocol: "client_credentials", Status: 400, Code: "AADSTS700016"}},
		"an unknown resource": {w.form("scope", "https://vault.evil/.default"), cloud.Refused{Principal: w.app.ID, Client: w.app.Client,
			Audience: "https://vault.evil/.default", Protocol: "client_credentials", Status: 400, Code: "AADSTS500011"}},
		"a grant that is not offered": {w.form("grant_type", "password"), cloud.Refused{Principal: w.app.ID, Client: w.app.Client, Audience: vault + "/.default",
			Protocol: "password", Status: 400, Code: "AADSTS70003"}},
		"nothing at all": {"", cloud.Refused{Protocol: "token", Status: 400, Code: "AADSTS900144"}},
	} {
		w.post(t, tokenPath, c.form)
		given, refused := l.take()
		if len(given) != 0 || len(refused) != 1 {
			t.Fatalf("%s: records are %+v, refusals %+v", sentence, given, refused)
		}
		got := refused[0]
		if got.From == "" || got.Reason == "" || !got.Time.Equal(w.now()) {
			t.Errorf("%s: recorded is %+v", sentence, got)
		}
		if text := must(json.Marshal(got)); strings.Contains(string(text), wrong) {
			t.Errorf("%s: the record holds the secret: %s", sentence, text)
		}
		got.From, got.Reason, got.Time = "", "", c.want.Time
		if got != c.want {
			t.Errorf("%s: recorded is %+v, want %+v", sentence, got, c.want)
		}
	}
}

func TestWrongPasswordsAreRecorded(t *testing.T) {
	w := start(t)
	l := w.recorded()
	d := w.begin(t)
	w.visit(t, d.Where).fill(t, "code", d.UserCode).fill(t, "name", owner, "password", "not-the-password", "answer", "yes")
	_, refused := l.take()
	if len(refused) != 1 || refused[0].Code != "AADSTS50126" || refused[0].Principal != w.person.ID || refused[0].Protocol != "sign-in page" {
		t.Errorf("refusals are %+v", refused)
	}
	if text := must(json.Marshal(refused)); strings.Contains(string(text), "not-the-password") {
		t.Errorf("the record holds the password: %s", text)
	}
}
