package directory

import (
	"errors"
	"testing"
	"time"

	"lanyard/internal/cloud"
)

const signIn = "Owner@lanyard.localhost"

func (w *town) enrollPerson(name, signIn string) cloud.Principal {
	w.t.Helper()
	p, change, err := w.EnrollPerson(name, signIn)
	if err != nil {
		w.t.Fatal(err)
	}
	w.commit(change)
	return p
}

func TestPeopleAreFoundByTheirSignInName(t *testing.T) {
	w := start(t)
	p := w.enrollPerson("The owner", signIn)
	if p.Kind != cloud.User || p.Client != "" || p.SignIn != signIn || !cloud.IsGUID(string(p.ID)) {
		t.Errorf("enrolled as %+v", p)
	}
	if got, ok := w.BySignIn("OWNER@lanyard.LOCALHOST"); !ok || got.ID != p.ID {
		t.Error("not found by sign-in name")
	}
	if got := w.ByName("owner@lanyard.localhost"); len(got) != 1 || got[0].ID != p.ID {
		t.Errorf("by sign-in name among names: %v", got)
	}
	if got := w.ByName("the owner"); len(got) != 1 || got[0].ID != p.ID {
		t.Errorf("by name: %v", got)
	}
	if _, ok := w.ByClient(""); ok {
		t.Error("a person is found by no client id")
	}
	w.commit(w.Retire(p))
	if _, ok := w.BySignIn(signIn); ok || len(w.ByName(signIn)) != 0 {
		t.Error("a retired person is found")
	}
}

func TestPeopleAreRefused(t *testing.T) {
	w := start(t)
	w.enrollPerson("The owner", signIn)
	for sentence, c := range map[string][2]string{
		"a name that is taken":        {"Another", "owner@LANYARD.localhost"},
		"nobody":                      {"", "x@lanyard.localhost"},
		"no domain":                   {"x", "x"},
		"nothing before the domain":   {"x", "@lanyard.localhost"},
		"nothing behind the at sign":  {"x", "x@"},
		"two at signs":                {"x", "x@y@lanyard.localhost"},
		"a path in a name to sign in": {"x", "x/y@lanyard.localhost"},
	} {
		if _, change, err := w.EnrollPerson(c[0], c[1]); err == nil || change.Key != "" {
			t.Errorf("%s was enrolled", sentence)
		}
	}
}

func TestPeopleHavePasswords(t *testing.T) {
	w := start(t)
	p := w.enrollPerson("The owner", signIn)
	password, err := w.AddSecret(&p, w.now.Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	if err := w.CheckSecret(p, password.Open()); err != nil {
		t.Errorf("the password: %v", err)
	}
	if err := w.CheckSecret(p, "password"); !errors.Is(err, ErrWrongSecret) {
		t.Errorf("another password: %v", err)
	}
	if err := w.AddCertificate(&p, selfSigned(t, rsaKey(), w.now), "x"); !errors.Is(err, ErrManaged) {
		t.Errorf("a person got a certificate: %v", err)
	}
}

// TestSecretsHoldFromTheirStart is of Microsoft Graph's passwordCredential.startDateTime.
func TestSecretsHoldFromTheirStart(t *testing.T) {
	w := start(t)
	p := w.enroll(cloud.Application, "ci", "")
	c, secret, err := w.NewSecret(Term{Name: "rbac", Starts: w.now.Add(time.Hour), Ends: w.now.Add(2 * time.Hour)})
	if err != nil || c.Name != "rbac" {
		t.Fatal(c, err)
	}
	p.Credentials = []cloud.Credential{c}
	for _, step := range []struct {
		after time.Duration
		want  error
	}{{0, ErrWrongSecret}, {time.Hour, nil}, {2 * time.Hour, ErrExpiredSecret}} {
		begun := w.now
		w.now = w.now.Add(step.after)
		if err := w.CheckSecret(p, secret.Open()); !errors.Is(err, step.want) {
			t.Errorf("after %v: %v", step.after, err)
		}
		w.now = begun
	}
	if _, _, err := w.NewSecret(Term{Starts: w.now.Add(2 * time.Hour), Ends: w.now.Add(time.Hour)}); err == nil {
		t.Error("a secret was made that ends before it starts")
	}
}
