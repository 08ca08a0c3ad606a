package graph_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"lanyard/internal/cloud"
	"lanyard/internal/directory"
	"lanyard/internal/entra/graph"
	"lanyard/internal/fault"
	"lanyard/internal/rbac"
	"lanyard/internal/store"
	"lanyard/internal/store/mem"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	tenant     cloud.TenantID = "72f988bf-0000-0000-0000-000000000000"
	sub                       = "/subscriptions/33333333-3333-3333-3333-333333333333"
	identity                  = sub + "/resourceGroups/rg/providers/Microsoft.ManagedIdentity/userAssignedIdentities/billing"
	anApp                     = sub + "/resourceGroups/rg/providers/Microsoft.App/containerApps/invoices"
	ownerRole                 = "8e3af657-a8ff-443c-a75c-2fe8c4bcb635"
	contribs                  = "b24988ac-6180-42a0-ab88-20f7382dd24c"
	readerRole                = "acdd72a7-3385-48ef-bd42-f606fba81ae7"
)

// world is a directory with a door before it. A bearer token is the id of who calls.
type world struct {
	t      *testing.T
	dir    *directory.Directory
	door   *graph.Door
	mux    http.Handler
	log    bytes.Buffer
	now    time.Time
	scopes []string        // of every token
	serial int64           // of the last certificate
	owner  cloud.Principal // an application that is Owner of everything
	user   cloud.Principal // a person without a role
	worker cloud.Principal // an application without a role
	mi     cloud.Principal // a user-assigned identity without a role
}

func start(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, now: time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC), scopes: []string{"Directory.AccessAsUser.All"}}
	log := slog.New(slog.NewTextHandler(&w.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	clock := func() time.Time { return w.now }
	w.dir = &directory.Directory{Store: mem.New(), Tenant: tenant, Now: clock, Log: log}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- w.dir.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Errorf("the directory ended with %v", err)
		}
		_ = w.dir.Store.Close()
	})
	_, w.owner = w.register("owner")
	_, w.worker = w.register("worker")
	w.user = w.enroll(w.dir.EnrollPerson("The owner", "owner@lanyard.localhost"))
	w.mi = w.enroll(w.dir.Enroll(cloud.UserAssigned, "billing", cloud.MustID(identity)))
	w.enroll(w.dir.Enroll(cloud.SystemAssigned, "invoices", cloud.MustID(anApp)))
	w.assign(w.owner.ID, ownerRole)
	w.door = &graph.Door{
		Store: w.dir.Store, Directory: w.dir, Identify: w.identify, Permit: w.permit, Profile: cloud.Azure,
		Tenant: tenant, Founder: w.owner.ID, Now: clock, Log: log,
	}
	w.mux = w.door.Handler()
	return w
}

func (w *world) identify(r *http.Request) (cloud.Caller, error) {
	id := cloud.PrincipalID(strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "))
	p, ok := w.dir.Principal(id)
	if !ok {
		return cloud.Caller{}, fault.New(fault.Unauthenticated, "AuthenticationFailed", "Who is that?").With("WWW-Authenticate", "Bearer realm=\"azure\"")
	}
	return cloud.Caller{Principal: p.ID, Client: p.Client, SignIn: p.SignIn, Scopes: w.scopes}, nil
}

func (w *world) permit(_ context.Context, c cloud.Caller, action string, at cloud.ID) error {
	if !w.dir.Decide(rbac.Request{Principal: c.Principal, Action: action, At: at}).Allowed {
		return fault.New(fault.Forbidden, "AuthorizationFailed", "no")
	}
	return nil
}

func (w *world) commit(changes ...store.Change) {
	w.t.Helper()
	rev, err := w.dir.Store.Commit(w.t.Context(), changes...)
	if err == nil {
		err = w.dir.Await(w.t.Context(), rev)
	}
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) enroll(p cloud.Principal, change store.Change, err error) cloud.Principal {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
	w.commit(change)
	return p
}

// register makes an application with its service principal, not through the door.
func (w *world) register(name string) (directory.Application, cloud.Principal) {
	w.t.Helper()
	a, err := w.dir.Register(name)
	if err != nil {
		w.t.Fatal(err)
	}
	p, enroll, err := w.dir.EnrollFor(&a)
	if err != nil {
		w.t.Fatal(err)
	}
	text, err := json.Marshal(a)
	if err != nil {
		w.t.Fatal(err)
	}
	w.commit(store.Change{Key: directory.ApplicationKey(a.ID), Value: text}, enroll)
	return a, p
}

// assign grants a role at the root scope.
func (w *world) assign(p cloud.PrincipalID, role string) {
	w.t.Helper()
	name, err := cloud.NewID(strings.NewReader(string(p)))
	if err != nil {
		w.t.Fatal(err)
	}
	id := cloud.MustID("/providers/Microsoft.Authorization/roleAssignments/" + name)
	text, err := json.Marshal(map[string]any{"id": id, "properties": map[string]any{
		"roleDefinitionId": "/providers/Microsoft.Authorization/roleDefinitions/" + role, "principalId": p,
	}})
	if err != nil {
		w.t.Fatal(err)
	}
	w.commit(store.Change{Key: cloud.DocumentKey(id), Value: text, If: store.Any})
}

type object = map[string]any

// call sends a request and gives the decoded answer, which must have the status.
func (w *world) call(as cloud.Principal, status int, method, target string, body any) object {
	w.t.Helper()
	var payload io.Reader
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			w.t.Fatal(err)
		}
		payload = bytes.NewReader(text)
	}
	return w.send(as, status, httptest.NewRequest(method, "https://graph.microsoft.com/v1.0"+strings.ReplaceAll(target, " ", "%20"), payload))
}

func (w *world) send(as cloud.Principal, status int, r *http.Request) object {
	w.t.Helper()
	r.Header.Set("Authorization", "Bearer "+string(as.ID))
	rec := httptest.NewRecorder()
	w.mux.ServeHTTP(rec, r)
	if rec.Code != status {
		w.t.Fatalf("%s %s: %d, want %d: %s", r.Method, r.URL, rec.Code, status, rec.Body)
	}
	answer := object{}
	if rec.Body.Len() > 0 {
		if err := json.Unmarshal(rec.Body.Bytes(), &answer); err != nil {
			w.t.Fatalf("%s %s: %v: %s", r.Method, r.URL, err, rec.Body)
		}
	}
	return answer
}

// refused sends a request that must be refused, and gives code and message.
func (w *world) refused(as cloud.Principal, status int, method, target string, body any) (code, message string) {
	w.t.Helper()
	answer := w.call(as, status, method, target, body)
	inner, ok := answer["error"].(object)
	if !ok {
		w.t.Fatalf("%s %s: no error in %v", method, target, answer)
	}
	return inner["code"].(string), inner["message"].(string)
}

func value(answer object) []object {
	var all []object
	for _, v := range answer["value"].([]any) {
		all = append(all, v.(object))
	}
	return all
}

func names(answer object) string {
	var all []string
	for _, v := range value(answer) {
		all = append(all, v["displayName"].(string))
	}
	slices.Sort(all)
	return strings.Join(all, " ")
}

// status sends a request as the owner, from any goroutine.
func (w *world) status(r *http.Request) int {
	r.Header.Set("Authorization", "Bearer "+string(w.owner.ID))
	rec := httptest.NewRecorder()
	w.mux.ServeHTTP(rec, r)
	return rec.Code
}

func printed(t *testing.T, answer object) string {
	t.Helper()
	text, err := json.Marshal(answer)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
