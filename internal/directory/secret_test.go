package directory

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"lanyard/internal/cloud"
)

func TestSecretsOfApplications(t *testing.T) {
	w := start(t)
	p := w.enroll(cloud.Application, "owner", "")
	first, err := w.AddSecret(&p, w.now.Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	second, err := w.AddSecret(&p, w.now.Add(2*time.Hour))
	if err != nil || len(p.Credentials) != 2 || first.Open() == second.Open() {
		t.Fatalf("two secrets: %v, %d kept", err, len(p.Credentials))
	}
	other := w.enroll(cloud.Application, "other", "")
	check := func(sentence string, p cloud.Principal, secret string, want error) {
		t.Helper()
		if got := w.CheckSecret(p, secret); !errors.Is(got, want) {
			t.Errorf("%s: %v, want %v", sentence, got, want)
		}
	}
	check("the first secret", p, first.Open(), nil)
	check("the second secret", p, second.Open(), nil)
	check("no secret", p, "", ErrWrongSecret)
	check("a part of a secret", p, first.Open()[:42], ErrWrongSecret)
	check("a secret and more", p, first.Open()+"x", ErrWrongSecret)
	check("its hash", p, string(p.Credentials[0].Hash), ErrWrongSecret)
	check("another's secret", other, first.Open(), ErrWrongSecret)
	w.now = w.now.Add(time.Hour)
	check("a secret at its end", p, first.Open(), ErrExpiredSecret)
	check("the one that goes on", p, second.Open(), nil)
	check("a wrong one beside an expired one", p, "x", ErrWrongSecret)
}

func TestSecretsAreNoFlagsOfACommand(t *testing.T) {
	w := start(t)
	for range 1000 {
		_, secret, err := w.NewSecret(Term{Ends: w.now.Add(time.Hour)})
		if err != nil {
			t.Fatal(err)
		}
		if s := secret.Open(); len(s) != 43 || strings.ContainsAny(s, `-"'$\/+&=% `) {
			t.Fatalf("a secret is %q", s)
		}
	}
}

func TestAStoredSecretDoesNotShowIt(t *testing.T) {
	w := start(t)
	p := w.enroll(cloud.Application, "owner", "")
	before := p
	secret, err := w.AddSecret(&p, w.now.Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	stored, err := json.Marshal(p)
	if err != nil || bytes.Contains(stored, []byte(secret.Open())) || bytes.Contains(stored, []byte(secret.Open()[:8])) {
		t.Errorf("stored as %s (%v)", stored, err)
	}
	if c := p.Credentials[0]; !strings.HasPrefix(secret.Open(), c.Hint) || len(c.Hint) != 3 || !cloud.IsGUID(c.KeyID) || len(c.Hash) != 32 {
		t.Errorf("kept as %+v", c)
	}
	if fmt.Sprint(secret) != "[sealed]" || len(secret.Open()) != 43 {
		t.Errorf("a secret of %d characters prints as %v", len(secret.Open()), secret)
	}
	if len(before.Credentials) != 0 {
		t.Error("a copy of the principal was changed")
	}
}

func TestSecretsAreRefused(t *testing.T) {
	w := start(t)
	user := w.enroll(cloud.UserAssigned, "billing", identity)
	if _, err := w.AddSecret(&user, w.now.Add(time.Hour)); !errors.Is(err, ErrManaged) || len(user.Credentials) != 0 {
		t.Errorf("a managed identity got a secret: %v", err)
	}
	owner := w.enroll(cloud.Application, "owner", "")
	if _, err := w.AddSecret(&owner, w.now); err == nil {
		t.Error("a secret was made that is already over")
	}
	secret, err := w.AddSecret(&owner, w.now.Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	user.Credentials = owner.Credentials
	if err := w.CheckSecret(user, secret.Open()); !errors.Is(err, ErrWrongSecret) {
		t.Errorf("a managed identity came in by a secret: %v", err)
	}
}
