package platform

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"lanyard/internal/cloud"
	"lanyard/internal/host"
	"lanyard/internal/store"
)

// TestMain is also the shim of the replicas that tests run, and what they run.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "ask" {
		os.Exit(askForToken())
	}
	if len(os.Args) > 1 && os.Args[1] == ShimVerb {
		os.Exit(Shim(os.Args[2:]))
	}
	os.Exit(m.Run())
}

// stage is a platform of a test's own, with an app in it that wears a system-assigned identity.
type stage struct {
	*Platform
	app    cloud.ID
	client *http.Client // of visitor
}

// newStage starts a platform that keeps nothing.
func newStage(t testing.TB, change ...func(*Config)) *stage {
	t.Helper()
	config := Config{State: filepath.Join(t.TempDir(), "state"), Ephemeral: true}
	for _, f := range change {
		f(&config)
	}
	p, err := Start(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Stop(context.WithoutCancel(t.Context())); err != nil {
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
	who, enroll, err := s.directory.Enroll(cloud.SystemAssigned, name, app)
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(cloud.App{ID: app, Revision: name + "--one", Container: cloud.Container{Name: name},
		Identities: []cloud.Identity{{Kind: who.Kind, Resource: app, Tenant: who.Tenant, Client: who.Client, Principal: who.ID}}})
	if err != nil {
		t.Fatal(err)
	}
	revision, err := s.store.Commit(t.Context(), enroll, store.Change{Key: cloud.AppKey(app), Value: text})
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
	r, err := s.host.Attach(t.Context(), app, host.Attachment{})
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

// token gives the owner's token for a resource, asked of the sign-in service.
func (s *stage) token(t testing.TB, resource string) string {
	t.Helper()
	form := url.Values{"grant_type": {"client_credentials"}, "client_id": {string(s.owner.Client)}, "client_secret": {s.owner.Secret},
		"scope": {resource + "/.default"}}
	answer, err := s.visitor(t).PostForm("https://"+cloud.Azure.Authority+"/"+string(s.deed.Tenant)+"/oauth2/v2.0/token", form)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	var got struct {
		Token string `json:"access_token"`
	}
	if err := json.NewDecoder(answer.Body).Decode(&got); err != nil || got.Token == "" {
		t.Fatalf("the owner's sign-in is answered %s, %v", answer.Status, err)
	}
	return got.Token
}

// put makes a resource as the owner.
func (s *stage) put(t testing.TB, at, version, body string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), "PUT", "https://"+cloud.Azure.Management+at+"?api-version="+version, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+s.token(t, "https://management.azure.com"))
	r.Header.Set("Content-Type", "application/json")
	answer, err := s.visitor(t).Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if text, _ := io.ReadAll(answer.Body); answer.StatusCode > 299 {
		t.Fatalf("PUT %s is answered %d %s", at, answer.StatusCode, text)
	}
}

// newVault makes a vault and gives its host name.
func (s *stage) newVault(t testing.TB, name string) string {
	t.Helper()
	group := s.scope().String() + "/resourceGroups/rg"
	s.put(t, group, "2022-09-01", `{"location":"westeurope"}`)
	s.put(t, group+"/providers/Microsoft.KeyVault/vaults/"+name, "2023-07-01", fmt.Sprintf(
		`{"location":"westeurope","properties":{"tenantId":%q,"sku":{"family":"A","name":"standard"},"enableRbacAuthorization":true}}`, s.deed.Tenant))
	return cloud.Azure.VaultHost(name)
}
