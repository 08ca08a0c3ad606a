package platform

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"lanyard/internal/cloud"
	"lanyard/internal/rbac"
	"lanyard/internal/store"
)

// lasting starts a platform on a folder that stays.
func lasting(t *testing.T, state string) *Platform {
	t.Helper()
	p, err := Start(t.Context(), Config{State: state})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// owns fails unless the person in the credential file may do everything.
func owns(t *testing.T, p *Platform) cloud.Principal {
	t.Helper()
	var kept owner
	path := filepath.Join(p.config.State, OwnerFile)
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &kept); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%s has the mode %v, %v", OwnerFile, info.Mode(), err)
	}
	who, there := p.directory.BySignIn("owner@lanyard.localhost")
	if !there || kept.SignIn != who.SignIn || p.directory.CheckSecret(who, kept.Password) != nil {
		t.Fatalf("the credential file's %q cannot sign in as %+v", kept.SignIn, who)
	}
	at := cloud.MustID("/subscriptions/" + p.owner.Subscription)
	if d := p.directory.Decide(rbac.Request{Principal: who.ID, Action: "Microsoft.Authorization/roleAssignments/write", At: at}); !d.Allowed {
		t.Error("the person may not do everything")
	}
	return who
}

// forget takes the person out of a world, so that it is as if founded when there were no people.
func forget(t *testing.T, p *Platform, who cloud.Principal, deedToo bool) {
	t.Helper()
	changes := []store.Change{{Key: cloud.PrincipalKey(who.ID), If: store.Any}}
	if deedToo {
		d, err := readDeed(t.Context(), p.store)
		if err != nil {
			t.Fatal(err)
		}
		d.Person = ""
		value, err := json.Marshal(d)
		if err != nil {
			t.Fatal(err)
		}
		changes = append(changes, store.Change{Key: cloud.KeysWorld, Value: value, If: store.Any})
	}
	if _, err := p.store.Commit(t.Context(), changes...); err != nil {
		t.Fatal(err)
	}
}

func TestTheOwnerIsAPersonInEveryWorld(t *testing.T) {
	state := filepath.Join(t.TempDir(), "state")
	again := func(p *Platform) *Platform {
		if err := p.Stop(t.Context()); err != nil {
			t.Fatal(err)
		}
		return lasting(t, state)
	}
	p := lasting(t, state)
	first := owns(t, p)
	p = again(p)
	if who := owns(t, p); who.ID != first.ID {
		t.Errorf("a second start makes another person: %s, before %s", who.ID, first.ID)
	}

	forget(t, p, first, true)
	p = again(p)
	second := owns(t, p)
	if second.ID == first.ID {
		t.Error("the principal id came back") // T26
	}

	lost := time.Now()
	if err := os.Remove(filepath.Join(state, OwnerFile)); err != nil {
		t.Fatal(err)
	}
	p = again(p)
	who := owns(t, p)
	if who.ID != second.ID {
		t.Errorf("a lost file makes another person: %s, before %s", who.ID, second.ID)
	}
	if !second.ValidFrom.IsZero() || who.ValidFrom.Before(lost) || who.ValidFrom.After(time.Now().Add(time.Second)) {
		t.Errorf("with the password lost at %s, what it led to is good until %s, before %s", lost, who.ValidFrom, second.ValidFrom)
	}

	forget(t, p, second, false)
	p = again(p)
	if who, there := p.directory.BySignIn("owner@lanyard.localhost"); there {
		t.Errorf("a person whom somebody removed is back: %+v", who)
	}
	if err := p.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// The developer's browser is not in the prepared environment: it knows neither proxy nor authority.
func TestTheSignInPageIsServedWithoutTLSUnderItsOwnName(t *testing.T) {
	s := newStage(t)
	for host, want := range map[string]int{
		s.signInHost():               200,
		"login.lanyard.localhost":    400, // another port: not where this page is
		"LOGIN.lanyard.localhost.":   400,
		s.Address():                  400, // the identity endpoint's
		"evil.test":                  400, // T3
		"login.lanyard.localhost:80": 400,
	} {
		r, err := http.NewRequestWithContext(t.Context(), "GET", "http://"+s.Address()+"/devicelogin", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Host = host
		a, err := http.DefaultTransport.RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		a.Body.Close()
		if a.StatusCode != want {
			t.Errorf("%s: %d, want %d", host, a.StatusCode, want)
		}
	}
}
