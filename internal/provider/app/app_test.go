package app_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"lanyard/internal/arm"
	"lanyard/internal/cloud"
	"lanyard/internal/provider"
	"lanyard/internal/provider/app"
	"lanyard/internal/provider/authorization"
	"lanyard/internal/provider/managedidentity"
	"lanyard/internal/provider/providertest"
)

const (
	v     = "2025-07-01"
	env   = providertest.Group + "/providers/Microsoft.App/managedEnvironments/env"
	shop  = providertest.Group + "/providers/Microsoft.App/containerApps/shop"
	badge = providertest.Group + "/providers/Microsoft.ManagedIdentity/userAssignedIdentities/billing"
	uv    = "?api-version=2024-11-30"
	here  = `{"location":"westeurope"}`
)

type late struct{ w *providertest.World }

func (l late) Document(id cloud.ID) (*arm.Document, bool) { return l.w.Engine.Document(id) }
func (l late) Documents(prefix cloud.ID, typ string) []*arm.Document {
	return l.w.Engine.Documents(prefix, typ)
}

// counter draws 1, 2, 3, ... in place of chance.
type counter struct{ n atomic.Int64 }

func (c *counter) Read(p []byte) (int, error) {
	n := c.n.Add(1)
	for i := range p {
		p[i] = byte(n)
	}
	return len(p), nil
}

func begin(t *testing.T) *providertest.World {
	w := providertest.Begin(t, v, func(w *providertest.World) []arm.Row {
		deps := app.Deps{
			Deps: provider.Deps{Resources: late{w}, Tenant: providertest.Tenant,
				Now: func() time.Time { return providertest.Start }, Rand: &counter{}},
			Ticket: func(id cloud.ID) (string, time.Time, error) {
				return "ticket of " + id.Name(), providertest.Start.Add(time.Hour), nil
			},
			Streams: cloud.Azure.ConsoleHost,
			Replicas: func(cloud.ID) []app.Replica {
				return []app.Replica{{Name: "one", Revision: "shop--blue", Started: providertest.Start, Restarts: 2}, {Name: "old", Revision: "shop--green"}}
			},
			Attach: func(_ context.Context, id cloud.ID, rw http.ResponseWriter, _ *http.Request) error {
				_, err := fmt.Fprintf(rw, `{"attached":%q}`, id.Name())
				return err
			}}
		rows := append(app.Rows(deps), authorization.Rows(authorization.Deps{
			Directory: w.Directory, Resources: w.Engine, Store: w.Store, Tenant: providertest.Tenant})...)
		return append(rows, managedidentity.Rows(managedidentity.Deps{Deps: provider.Deps{Resources: w.Engine, Store: w.Store}, Directory: w.Directory})...)
	})
	w.Want(201, "", "PUT "+env, here)
	return w
}

// body gives an app in the environment whose container and whose properties have some more.
func body(container, properties string) string {
	return fmt.Sprintf(`{"location":"westeurope","properties":{"environmentId":%q,"template":{"containers":[{"name":"main","image":"shop:1","command":["/bin/shop"]%s}]}%s}}`, env, container, properties)
}

func described(t *testing.T, w *providertest.World) cloud.App {
	t.Helper()
	var a cloud.App
	if !w.Read(cloud.AppKey(cloud.MustID(shop)), &a) {
		t.Fatal("nothing says what should run")
	}
	return a
}

func TestAnAppIsDescribedForWhoeverRunsIt(t *testing.T) {
	w := begin(t)
	a := w.Want(201, "", "PUT "+shop, body(`,"args":["-v"],"env":[{"name":"A","value":"b"},{"name":"EMPTY"}],"probes":null`, `,"configuration":{"ingress":null,"secrets":[],"dapr":{"enabled":false}}`))
	if a.Header.Get("Azure-AsyncOperation") == "" {
		t.Error("az's containerapp commands need the header Azure-AsyncOperation")
	}
	got := described(t, w)
	if !got.ID.Equal(cloud.MustID(shop)) || got.Replicas != 1 || got.Container.Name != "main" || got.Container.Image != "shop:1" ||
		fmt.Sprint(got.Container.Command, got.Container.Args, got.Container.Env) != "[/bin/shop] [-v] [{A b} {EMPTY }]" || len(got.Identities) != 0 {
		t.Errorf("described as %+v", got)
	}
	if !strings.HasPrefix(got.Revision, "shop--") || len(got.Revision) != len("shop--")+7 {
		t.Errorf("the revision is %q", got.Revision)
	}
	for name, want := range map[string]any{"latestRevisionName": got.Revision, "latestReadyRevisionName": got.Revision, "environmentId": env,
		"managedEnvironmentId": env, "runningStatus": "Running", "provisioningState": "Succeeded", "revisionCreatedTime": nil,
		"configuration.activeRevisionsMode": "Single", "configuration.ingress": nil, "configuration.maxInactiveRevisions": 100.0,
		"template.scale.maxReplicas": 10.0, "template.volumes": nil} {
		if is := a.Property("properties." + name); is != want {
			t.Errorf("%s is %v, want %v", name, is, want)
		}
	}
	w.Want(200, "", "DELETE "+shop, "")
	if w.Read(cloud.AppKey(cloud.MustID(shop)), &got) {
		t.Error("the description outlived the app")
	}
}

func TestWhatAnAppDoesNotUseIsNull(t *testing.T) {
	w := begin(t)
	w.Want(201, "", "PUT "+shop, body("", ""))
	said := w.Want(200, "", "GET "+shop, "")
	for path, members := range map[string][]string{
		"properties.configuration":  {"dapr", "ingress", "registries", "runtime", "secrets", "service"},
		"properties.template":       {"initContainers", "serviceBinds", "terminationGracePeriodSeconds", "volumes"},
		"properties.template.scale": {"minReplicas", "rules"},
	} {
		object, _ := said.Property(path).(map[string]any)
		for _, name := range members {
			if value, there := object[name]; !there || value != nil {
				t.Errorf("%s.%s is %v, there: %v", path, name, value, there)
			}
		}
	}
}

func TestARevisionIsMadeOnlyWhenTheTemplateChanges(t *testing.T) {
	w := begin(t)
	w.Want(201, "", "PUT "+badge+uv, here)
	w.Want(201, "", "PUT "+shop, body("", ""))
	first := described(t, w).Revision
	for claim, c := range map[string]struct{ method, body string }{
		"the same again":             {"PUT", body("", "")},
		"the same with nulls":        {"PUT", body(`,"args":[],"env":null`, `,"configuration":null`)},
		"what was read, sent back":   {"PUT", w.Ask("GET "+shop, "").Text},
		"an identity is switched on": {"PATCH", `{"identity":{"type":"SystemAssigned, UserAssigned","userAssignedIdentities":{"` + badge + `":{}}}}`},
		"tags":                       {"PATCH", `{"tags":{"a":"b"}}`},
	} {
		w.Want(200, "", c.method+" "+shop, c.body)
		if got := described(t, w).Revision; got != first {
			t.Errorf("%s: revision %s became %s", claim, first, got)
		}
	}
	w.Want(200, "", "PUT "+shop, body(`,"args":["-v"]`, ""))
	second := described(t, w).Revision
	if second == first {
		t.Error("new arguments made no revision")
	}
	w.Want(200, "", "PUT "+shop, strings.Replace(body("", ""), `"template":{`, `"template":{"revisionSuffix":"blue",`, 1))
	if got := described(t, w).Revision; got != "shop--blue" {
		t.Errorf("with a suffix the revision is %s", got)
	}
	w.Want(400, "InvalidParameterValueInContainerTemplate", "PUT "+shop, strings.Replace(body(`,"args":["-x"]`, ""), `"template":{`, `"template":{"revisionSuffix":"blue",`, 1))
}

func TestAnAppWearsTheIdentitiesThatExist(t *testing.T) {
	w := begin(t)
	w.Want(201, "", "PUT "+badge+uv, here)
	w.Want(201, "", "PUT "+shop, body("", ""))
	w.Want(200, "", "PATCH "+shop, `{"identity":{"type":"SystemAssigned,UserAssigned","userAssignedIdentities":{"`+badge+`":{}}}}`)
	got := described(t, w).Identities
	if len(got) != 2 || got[0].Kind != cloud.SystemAssigned || got[1].Kind != cloud.UserAssigned {
		t.Fatalf("it wears %+v", got)
	}
	for _, each := range got {
		p, ok := w.Directory.Principal(each.Principal)
		if !ok || p.Client != each.Client || each.Tenant != providertest.Tenant || !p.Resource.Equal(each.Resource) {
			t.Errorf("%+v is not the directory's %+v", each, p)
		}
	}
	w.Want(200, "", "DELETE "+badge+uv, "")
	w.Want(200, "", "PATCH "+shop, `{"tags":{"a":"b"}}`)
	if got := described(t, w).Identities; len(got) != 1 || got[0].Kind != cloud.SystemAssigned {
		t.Errorf("with a dangling identity it wears %+v", got)
	}
	w.Want(200, "", "PATCH "+shop, `{"identity":{"type":"None"}}`)
	if got := described(t, w).Identities; len(got) != 0 {
		t.Errorf("with none it wears %+v", got)
	}
}

func TestARevisionRemembersWhatTheAppWoreWhenItWasMade(t *testing.T) { // ID-9
	w := begin(t)
	w.Want(201, "", "PUT "+badge+uv, here)
	w.Want(201, "", "PUT "+shop, body("", ""))
	want := func(when string, since ...cloud.PrincipalID) {
		t.Helper()
		if got := described(t, w); got.Since == nil || !slices.Equal(got.Since, since) {
			t.Errorf("%s its revision was made with %q, want %q", when, got.Since, since)
		}
	}
	wearing := func(kind string) string {
		return strings.Replace(`{"identity":{"type":"KIND","userAssignedIdentities":{"`+badge+`":{}}}}`, "KIND", kind, 1)
	}
	want("at first")
	w.Want(200, "", "PATCH "+shop, wearing("UserAssigned"))
	late := described(t, w).Identities[0].Principal
	want("with an identity attached later")
	w.Want(200, "", "POST "+shop+"/stop", "")
	w.Want(200, "", "POST "+shop+"/start", "")
	want("stopped and started")
	w.Want(200, "", "PATCH "+shop, `{"properties":{"revisionIdentities":["`+string(late)+`"]}}`)
	want("told otherwise by a client")
	if said := w.Want(200, "", "PUT "+shop, w.Ask("GET "+shop, "").Text); strings.Contains(said.Text, "revisionIdentities") {
		t.Errorf("the app shows %s", said.Text)
	}
	want("with what was read sent back")

	w.Want(200, "", "PATCH "+shop, `{"properties":{"template":{"revisionSuffix":"blue"}}}`)
	want("with a new revision", late)
	w.Want(200, "", "PATCH "+shop, `{"identity":{"type":"None"}}`)
	want("with the identity taken off", late)
	w.Want(200, "", "PATCH "+shop, wearing("SystemAssigned, UserAssigned"))
	want("with it back, and one more", late)
	worn := described(t, w).Identities
	w.Want(200, "", "PATCH "+shop, `{"properties":{"template":{"revisionSuffix":"green"}}}`)
	want("with one more revision", worn[0].Principal, worn[1].Principal)
	w.Want(200, "", "DELETE "+shop, "")
	w.Want(201, "", "PUT "+shop, body("", ""))
	want("made again")
}

func TestStoppedStaysStopped(t *testing.T) {
	w := begin(t)
	w.Want(201, "", "PUT "+shop, strings.Replace(body("", ""), `"template":{`, `"template":{"scale":{"minReplicas":3},`, 1))
	want := func(status string, replicas int) {
		t.Helper()
		if got := w.Want(200, "", "GET "+shop, ""); got.Property("properties.runningStatus") != status || described(t, w).Replicas != replicas {
			t.Errorf("it is %v with %d replicas, want %s with %d", got.Property("properties.runningStatus"), described(t, w).Replicas, status, replicas)
		}
	}
	want("Running", 3)
	if a := w.Want(200, "", "POST "+shop+"/stop", ""); a.Property("properties.runningStatus") != "Stopped" || a.Property("properties.revisionCreatedTime") != nil {
		t.Errorf("stop answered %s", a.Text)
	}
	want("Stopped", 0)
	w.Want(200, "", "PATCH "+shop, `{"identity":{"type":"SystemAssigned"}}`)
	want("Stopped", 0)
	w.Want(200, "", "POST "+shop+"/start", "")
	want("Running", 3)
}

func TestAnEnvironmentStaysWhileAppsLieInIt(t *testing.T) {
	w := begin(t)
	w.Want(201, "", "PUT "+shop, body("", ""))
	w.Want(409, "ManagedEnvironmentHasContainerApps", "DELETE "+env, "")
	w.Want(409, "PropertyChangeNotAllowed", "PUT "+shop, func() string {
		w.Want(201, "", "PUT "+env+"-b", here)
		return strings.ReplaceAll(body("", ""), env, env+"-b")
	}())
	w.Want(200, "", "DELETE "+shop, "")
	w.Want(200, "", "DELETE "+env, "")
	w.Want(400, "ManagedEnvironmentNotFound", "PUT "+shop, body("", ""))
}

func TestAGroupGoesWithItsEnvironmentAndApps(t *testing.T) {
	w := begin(t)
	w.Want(201, "", "PUT "+shop, body("", ""))
	w.Want(200, "", "DELETE "+providertest.Group+"?api-version=2025-04-01", "")
	var a cloud.App
	if w.Read(cloud.AppKey(cloud.MustID(shop)), &a) {
		t.Error("the app is still described")
	}
}

func TestActionsAndRevisions(t *testing.T) {
	w := begin(t)
	w.Want(201, "", "PUT "+shop, body("", ""))
	if a := w.Want(200, "", "POST "+shop+"/attach", ""); a.Property("attached") != "shop" {
		t.Errorf("attach answered %s", a.Text)
	}
	if a := w.Want(200, "", "POST "+shop+"/listSecrets", ""); len(a.Values()) != 0 {
		t.Errorf("secrets: %s", a.Text)
	}
	w.Refuse = arm.Demand{Action: "Microsoft.App/containerApps/stop/action", Scope: cloud.Root}
	w.Want(403, "AuthorizationFailed", "POST "+shop+"/stop", "")
	name := described(t, w).Revision
	list := w.Want(200, "", "GET "+shop+"/revisions", "").Values()
	if len(list) != 1 || list[0]["name"] != name {
		t.Errorf("revisions: %v", list)
	}
	one := w.Want(200, "", "GET "+shop+"/revisions/"+name, "")
	for member, want := range map[string]any{"active": true, "replicas": 1.0, "runningState": "Running", "trafficWeight": 100.0} {
		if got := one.Property("properties." + member); got != want {
			t.Errorf("%s is %v, want %v", member, got, want)
		}
	}
	w.Want(404, "ResourceNotFound", "GET "+shop+"/revisions/shop--other", "")
	w.Want(405, "MethodNotAllowed", "PUT "+shop+"/revisions/shop--other", `{}`)
}
