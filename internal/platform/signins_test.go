package platform

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"lanyard/internal/cloud"
	"lanyard/internal/issuer"
)

// onDisk keeps the world of a stage in a folder.
func onDisk(c *Config) { c.Ephemeral = false }

// control asks what belongs to Lanyard alone, with somebody's token.
func (s *stage) control(t *testing.T, path, token string) (int, []byte) {
	t.Helper()
	answer, body := s.visit(t, "GET", "https://"+ControlHost+path, "Authorization", "Bearer "+token)
	return answer.StatusCode, []byte(body)
}

// signInPage is what the control route answers.
type signInPage struct {
	Value []struct {
		cloud.SignIn
		Result, Code, Reason string
	} `json:"value"`
	Records Records `json:"records"`
}

func (s *stage) listed(t *testing.T, query, token string) (page signInPage) {
	t.Helper()
	status, body := s.control(t, "/signins?"+query, token)
	if status != http.StatusOK {
		t.Fatalf("%d %s", status, body)
	}
	if err := json.Unmarshal(body, &page); err != nil {
		t.Fatal(err)
	}
	return page
}

// wrongSecret asks for a token as the owner, with a secret that is not theirs.
func (s *stage) wrongSecret(t *testing.T, secret string) (int, string) {
	t.Helper()
	form := url.Values{"grant_type": {"client_credentials"}, "client_id": {string(s.owner.Client)}, "client_secret": {secret},
		"scope": {"https://vault.azure.net/.default"}}
	answer, err := s.visitor(t).PostForm("https://"+cloud.Azure.Authority+"/"+string(s.deed.Tenant)+"/oauth2/v2.0/token", form)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	var body bytes.Buffer
	if _, err := body.ReadFrom(answer.Body); err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, body.String()
}

func TestEachTokenHasItsRecordAndNoRecordItsToken(t *testing.T) {
	s := newStage(t, onDisk)
	r := s.replica(t, s.app)
	status, body := s.fetch(t, r)
	if status != http.StatusOK {
		t.Fatalf("%d %s", status, body)
	}
	var granted struct {
		Token string `json:"access_token"`
	}
	if err := json.Unmarshal([]byte(body), &granted); err != nil {
		t.Fatal(err)
	}
	owners := s.token(t, "https://management.azure.com/")
	const wrong = "this-secret-is-wrong-and-kept-nowhere"
	if status, _ := s.wrongSecret(t, wrong); status != http.StatusUnauthorized {
		t.Fatalf("a wrong secret is answered %d", status)
	}
	page := s.listed(t, "identity=hello", owners)
	if len(page.Value) != 1 {
		t.Fatalf("of the app there are %+v", page.Value)
	}
	got := page.Value[0]
	if got.Result != "success" || !got.App.Equal(s.app) || got.Replica != r.Name || got.Audience != "https://vault.azure.net" ||
		got.Kind != cloud.SystemAssigned || got.Token == "" || got.Key == "" || !strings.HasPrefix(got.Protocol, "AppService") {
		t.Errorf("the record is %+v", got)
	}
	refusals := s.listed(t, "result=failure", owners).Value
	if len(refusals) != 1 || refusals[0].Code != "AADSTS7000215" || refusals[0].Client != s.owner.Client {
		t.Errorf("refusals are %+v", refusals)
	}
	for _, name := range []string{"signins.db", "signins.db-wal"} {
		file, err := os.ReadFile(filepath.Join(s.config.State, name))
		if err != nil {
			t.Fatal(err)
		}
		for what, secret := range map[string]string{"the app's token": granted.Token, "the owner's": owners, "the replica's header": r.Header.Open(), "the wrong secret": wrong} {
			parts := strings.Split(secret, ".")
			for _, part := range parts {
				if bytes.Contains(file, []byte(part)) {
					t.Errorf("%s holds a part of %s", name, what)
				}
			}
		}
	}
}

func TestOnlyTheOwnerReadsWhoGotTokens(t *testing.T) {
	s := newStage(t)
	who, _ := s.directory.ByResource(s.app)
	minted, err := s.issuer.Mint(t.Context(), issuer.Order{Principal: who, Audience: "https://management.azure.com/"})
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/signins", "/signins/verify", "/signins/deliveries"} {
		if status, _ := s.control(t, path, minted.Token.Open()); status != http.StatusForbidden {
			t.Errorf("%s answers an app %d", path, status)
		}
		if status, body := s.control(t, path, s.token(t, "https://management.azure.com/")); status != http.StatusOK {
			t.Errorf("%s answers the owner %d %s", path, status, body)
		}
	}
	for _, query := range []string{"since=yesterday", "result=maybe", "top=0", "top=x", "app=hello", "after=-1"} {
		if status, body := s.control(t, "/signins?"+query, s.token(t, "https://management.azure.com/")); status != http.StatusBadRequest || !strings.Contains(string(body), "InvalidQuery") {
			t.Errorf("%s is answered %d %s", query, status, body)
		}
	}
}

// lock has another program hold the records of sign-ins, until the end that it gives is called.
func (s *stage) lock(t *testing.T) (end func()) {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(s.config.State, "signins.db")+"?_pragma=busy_timeout(10000)")
	if err != nil {
		t.Fatal(err)
	}
	db.SetMaxOpenConns(1)
	if _, err := db.ExecContext(context.Background(), "begin immediate"); err != nil {
		t.Fatal(err)
	}
	return sync.OnceFunc(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
}

func TestNobodyIsGivenATokenThatCannotBeRecorded(t *testing.T) {
	s := newStage(t, onDisk)
	r, owners := s.replica(t, s.app), s.token(t, "https://management.azure.com/")
	end := s.lock(t)
	defer end()
	if status, body := s.fetch(t, r); status < 500 || strings.Contains(body, "access_token") {
		t.Errorf("the app is answered %d %s", status, body)
	}
	if status, body := s.wrongSecret(t, s.owner.Secret); status != http.StatusServiceUnavailable || !strings.Contains(body, "AADSTS90033") || strings.Contains(body, "access_token") {
		t.Errorf("the right secret is answered %d %s", status, body)
	}
	if page := s.listed(t, "identity=hello", owners); len(page.Value) != 0 || page.Records.Failing.IsZero() || page.Records.Mode != "refuse" {
		t.Errorf("meanwhile there are %+v", page)
	}
	end()
	if status, body := s.fetch(t, r); status != http.StatusOK {
		t.Errorf("the disk is back, and the app is answered %d %s", status, body)
	}
	if page := s.listed(t, "identity=hello", owners); len(page.Value) == 0 || !page.Records.Failing.IsZero() {
		t.Errorf("in the end there are %+v", page)
	}
}

func TestUnderDegradeTokensAreGivenOutAndCounted(t *testing.T) {
	s := newStage(t, onDisk, func(c *Config) { c.Degrade = true })
	r, owners := s.replica(t, s.app), s.token(t, "https://management.azure.com/")
	end := s.lock(t)
	defer end()
	if status, body := s.fetch(t, r); status != http.StatusOK {
		t.Errorf("the app is answered %d %s", status, body)
	}
	var status Status
	if code, body := s.control(t, "/status", owners); code != http.StatusOK || json.Unmarshal(body, &status) != nil {
		t.Fatalf("%d %s", code, body)
	}
	if got := status.Records; got.Mode != "degrade" || got.Unrecorded == 0 {
		t.Errorf("the status says %+v", got)
	}
	end()
	if err := s.signIns.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if page := s.listed(t, "identity=hello", owners); len(page.Value) != 1 || !page.Records.Failing.IsZero() {
		t.Errorf("in the end there are %+v", page)
	}
}
