package directory

import (
	"encoding/json"
	"errors"
	"math/rand/v2"
	"testing"
	"time"

	"lanyard/internal/cloud"
	"lanyard/internal/store"
)

// written gives the change that stores a registration.
func (w *town) written(a Application) store.Change {
	w.t.Helper()
	text, err := json.Marshal(a)
	if err != nil {
		w.t.Fatal(err)
	}
	return store.Change{Key: ApplicationKey(a.ID), Value: text, If: store.Any}
}

// register makes an application with its service principal.
func (w *town) register(name string, uris ...string) (Application, cloud.Principal) {
	w.t.Helper()
	a, err := w.Register(name)
	if err != nil {
		w.t.Fatal(err)
	}
	a.URIs = uris
	p, enroll, err := w.EnrollFor(&a)
	if err != nil {
		w.t.Fatal(err)
	}
	w.commit(w.written(a), enroll)
	return a, p
}

// TestAnApplicationsCredentialsAreItsPrincipals holds the two objects to one truth.
func TestAnApplicationsCredentialsAreItsPrincipals(t *testing.T) {
	w := start(t)
	a, p := w.register("ci")
	if p.Client != a.Client || a.Principal != p.ID || string(p.ID) == a.ID || p.Kind != cloud.Application {
		t.Fatalf("application %+v and principal %+v", a, p)
	}
	c, secret, err := w.NewSecret(Term{Name: "rbac", Ends: w.now.Add(time.Hour)})
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := w.NewCertificate(selfSigned(t, rsaKey(), w.now), Term{})
	if err != nil {
		t.Fatal(err)
	}
	a.Credentials, a.Certificates = []cloud.Credential{c}, []cloud.Certificate{certificate}
	w.commit(w.written(a))
	if err := w.CheckSecret(p, secret.Open()); err != nil {
		t.Errorf("the application's secret: %v", err)
	}
	if len(w.Certificates(p)) != 1 {
		t.Error("the application's certificate does not count for its principal")
	}
	_, other := w.register("other")
	if err := w.CheckSecret(other, secret.Open()); !errors.Is(err, ErrWrongSecret) {
		t.Errorf("another application's secret: %v", err)
	}
	identity := w.enroll(cloud.UserAssigned, "billing", identity)
	identity.Client = a.Client // no entry says so; if one did, it would still have no secrets
	if err := w.CheckSecret(identity, secret.Open()); !errors.Is(err, ErrWrongSecret) {
		t.Errorf("a managed identity by an application's secret: %v", err)
	}
	a.Credentials = nil
	w.commit(w.written(a))
	if err := w.CheckSecret(p, secret.Open()); !errors.Is(err, ErrWrongSecret) {
		t.Errorf("a removed secret: %v", err)
	}
}

func TestApplicationsAreFound(t *testing.T) {
	w := start(t)
	a, p := w.register("ci", "https://lanyard.localhost/ci")
	if got, ok := w.Application(a.ID); !ok || got.Name != "ci" {
		t.Error("not found by object id")
	}
	if got, ok := w.ApplicationOf(a.Client); !ok || got.ID != a.ID {
		t.Error("not found by client id")
	}
	if r, ok := w.Audience("https://lanyard.localhost/ci"); !ok || r.App != a.Client {
		t.Errorf("as an audience: %v %+v", ok, r)
	}
	if _, ok := w.Audience("https://lanyard.localhost/ci/"); ok {
		t.Error("a URI with more behind it is an audience")
	}
	if _, _, err := w.EnrollFor(&a); err == nil {
		t.Error("an application got a second service principal")
	}
	if len(w.Applications()) != 1 || len(w.Principals()) != 1 {
		t.Error("lists")
	}
	gone := a
	gone.Principal = ""
	w.commit(w.written(gone), w.Retire(p))
	if _, ok := w.Audience("https://lanyard.localhost/ci"); ok {
		t.Error("a resource without a principal is an audience")
	}
	w.commit(store.Change{Key: ApplicationKey(a.ID), If: store.Any})
	if _, ok := w.ApplicationOf(a.Client); ok || len(w.Applications()) != 0 {
		t.Error("found after its end")
	}
}

// TestARegisteredNameTakesNoOthersPlace is T26 between applications: what comes later under the same
// client id or URI does not vanish with what was there before.
func TestARegisteredNameTakesNoOthersPlace(t *testing.T) {
	w := start(t)
	old, p := w.register("ci", "api://ci")
	next, err := w.Register("ci")
	if err != nil || next.ID == old.ID || next.Client == old.Client {
		t.Fatalf("registered again as %+v (%v)", next, err)
	}
	next.URIs = old.URIs
	_, enroll, err := w.EnrollFor(&next)
	if err != nil {
		t.Fatal(err)
	}
	w.commit(store.Change{Key: ApplicationKey(old.ID), If: store.Any}, w.Retire(p), w.written(next), enroll)
	if r, ok := w.Audience("api://ci"); !ok || r.App != next.Client {
		t.Errorf("the URI means %+v", r)
	}
	w.commit(store.Change{Key: ApplicationKey(next.ID), Value: []byte("{"), If: store.Any})
	if _, ok := w.Application(next.ID); !ok {
		t.Error("an unreadable document hides what was known")
	}
	if _, err := w.Register(""); err == nil {
		t.Error("an application without a name was registered")
	}
}

// TestAnOwnersIDIsNotDrawnAgain is T26 for owners who are gone.
func TestAnOwnersIDIsNotDrawnAgain(t *testing.T) {
	w := start(t)
	again := func() { w.Rand = rand.NewChaCha8([32]byte{9}) }
	a, _ := w.register("ci")
	again()
	owner := w.enroll(cloud.UserAssigned, "billing", identity)
	a.Owners = []cloud.PrincipalID{owner.ID}
	w.commit(w.written(a), w.Retire(owner))
	again()
	if next := w.enroll(cloud.UserAssigned, "billing", identity); next.ID == owner.ID {
		t.Error("an owner's id was given to another")
	}
}
