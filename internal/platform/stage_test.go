package platform

import (
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"lanyard/internal/cloud"
	"lanyard/internal/host"
	"lanyard/internal/store"
)

// stage is a platform of a test's own, with an app in it that wears a system-assigned identity.
type stage struct {
	*Platform
	app cloud.ID
}

// newStage starts a platform that keeps nothing.
func newStage(t testing.TB, change ...func(*Config)) *stage {
	t.Helper()
	config := Config{State: filepath.Join(t.TempDir(), "state"), Ephemeral: true, Shim: []string{os.Args[0]}}
	for _, f := range change {
		f(&config)
	}
	p, err := Start(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Stop(t.Context()); err != nil && t.Context().Err() == nil {
			t.Error(err)
		}
	})
	s := &stage{Platform: p, app: p.scope()}
	s.app = s.newApp(t, "hello")
	return s
}

// newApp describes an app without replicas, for Attach to make some.
func (s *stage) newApp(t testing.TB, name string) cloud.ID {
	t.Helper()
	app := cloud.MustID(s.scope().String() + "/resourceGroups/rg/providers/Microsoft.App/containerApps/" + name)
	who, enrol, err := s.directory.Enroll(cloud.SystemAssigned, name, app)
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(cloud.App{ID: app, Revision: name + "--one", Container: cloud.Container{Name: name},
		Identities: []cloud.Identity{{Kind: who.Kind, Resource: app, Tenant: who.Tenant, Client: who.Client, Principal: who.ID}}})
	if err != nil {
		t.Fatal(err)
	}
	revision, err := s.store.Commit(t.Context(), enrol, store.Change{Key: cloud.AppKey(app), Value: text})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.host.Await(t.Context(), revision); err != nil {
		t.Fatal(err)
	}
	if err := s.await(t.Context(), revision); err != nil {
		t.Fatal(err)
	}
	return app
}

// replica makes a replica of an app, which lives as long as the test.
func (s *stage) replica(t testing.TB, app cloud.ID) *host.Replica {
	t.Helper()
	r, err := s.host.Attach(t.Context(), app)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// path is where a replica asks for a token of the vaults.
func path(r *host.Replica) string {
	return "/r/" + r.Name + "/msi/token?api-version=2019-08-01&resource=https://vault.azure.net"
}

// fetch gives the status and body with which a replica's request for a token is answered.
func (s *stage) fetch(t testing.TB, r *host.Replica) (int, string) {
	t.Helper()
	ask, err := http.NewRequestWithContext(t.Context(), "GET", "http://"+s.Address()+path(r), nil)
	if err != nil {
		t.Fatal(err)
	}
	ask.Header.Set("X-IDENTITY-HEADER", r.Header.Open())
	answer, err := http.DefaultTransport.RoundTrip(ask)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, string(body)
}
