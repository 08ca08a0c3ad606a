package entra_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/url"
	"reflect"
	"strings"
	"testing"

	"lanyard/internal/cloud"
	"lanyard/internal/directory"
	"lanyard/internal/store"
)

// api makes an application that is a resource, with its service principal.
func (w *world) api(t *testing.T, edit func(*directory.Application)) directory.Application {
	t.Helper()
	a, err := w.directory.Register("orders")
	if err != nil {
		t.Fatal(err)
	}
	_, enroll, err := w.directory.EnrollFor(&a)
	if err != nil {
		t.Fatal(err)
	}
	edit(&a)
	w.commit(t, put(t, directory.ApplicationKey(a.ID), a), enroll)
	return a
}

func put(t *testing.T, key string, what any) store.Change {
	t.Helper()
	text, err := json.Marshal(what)
	if err != nil {
		t.Fatal(err)
	}
	return store.Change{Key: key, Value: text, If: store.Any}
}

// payload reads what a token says, unverified.
func payload(t *testing.T, raw string) map[string]any {
	t.Helper()
	parts := strings.Split(raw, ".")
	if len(parts) != 3 {
		t.Fatalf("%q is no token", raw)
	}
	text, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		t.Fatal(err)
	}
	claims := map[string]any{}
	if err := json.Unmarshal(text, &claims); err != nil {
		t.Fatal(err)
	}
	return claims
}

// claimsFor asks for a token of the application for a resource, and reads it.
func (w *world) claimsFor(t *testing.T, scope string) map[string]any {
	t.Helper()
	a := w.post(t, "/"+string(tenant)+"/oauth2/v2.0/token", "grant_type=client_credentials&client_id="+string(w.app.Client)+
		"&client_secret="+w.secret.Open()+"&scope="+url.QueryEscape(scope))
	var granted struct {
		Token string `json:"access_token"`
	}
	if a.decode(t, &granted); a.status != 200 {
		t.Fatalf("%s: %d %s", scope, a.status, a.body)
	}
	return payload(t, granted.Token)
}

// TestWhatSomebodyBelongsToShowsInNewTokens is TK-9: groups and app roles are those of the moment in
// which a token is minted, for the resource alone that asks for groups and defines the roles.
func TestWhatSomebodyBelongsToShowsInNewTokens(t *testing.T) {
	w := start(t)
	role := directory.AppRole{ID: "11111111-0000-4000-8000-000000000001", Value: "Orders.Read", Name: "r", Description: "d", Enabled: true, ForApps: true}
	orders := w.api(t, func(a *directory.Application) {
		a.GroupClaims, a.Roles = "SecurityGroup", []directory.AppRole{role}
	})
	g, err := w.directory.NewGroup("readers", "readers")
	if err != nil {
		t.Fatal(err)
	}
	resource := "api://" + string(orders.Client)
	expect := func(scope string, groups, roles any) {
		t.Helper()
		if got := w.claimsFor(t, scope+"/.default"); !reflect.DeepEqual(got["groups"], groups) || !reflect.DeepEqual(got["roles"], roles) {
			t.Errorf("for %s: groups %v and roles %v, want %v and %v", scope, got["groups"], got["roles"], groups, roles)
		}
	}
	expect(resource, nil, nil)
	g.Members = []cloud.PrincipalID{w.app.ID}
	a := directory.AppRoleAssignment{ID: "x", Principal: w.app.ID, Resource: orders.Principal, Role: role.ID}
	w.commit(t, put(t, directory.GroupKey(g.ID), g), put(t, a.Key(), a))
	expect(resource, []any{string(g.ID)}, []any{"Orders.Read"})
	expect(string(orders.Client), []any{string(g.ID)}, []any{"Orders.Read"})
	expect(vault, nil, nil)

	inGroup := a
	inGroup.Principal = g.ID // a group's app roles are not those of the apps in it
	w.commit(t, store.Change{Key: a.Key(), If: store.Any}, put(t, inGroup.Key(), inGroup))
	expect(resource, []any{string(g.ID)}, nil)
	w.commit(t, put(t, a.Key(), a))
	orders.Roles[0].Enabled, orders.GroupClaims = false, ""
	w.commit(t, put(t, directory.ApplicationKey(orders.ID), orders))
	expect(resource, nil, nil)
}

// TestAResourceSaysWhichVersionItTakes: the token of version 2.0 has the application's id as its audience,
// whatever name the resource was asked for by, and whichever endpoint was asked.
func TestAResourceSaysWhichVersionItTakes(t *testing.T) {
	w := start(t)
	one, two := w.api(t, func(*directory.Application) {}), w.api(t, func(a *directory.Application) { a.Version = directory.VersionTwo })
	for scope, want := range map[string]string{
		"api://" + string(one.Client): "1.0 api://" + string(one.Client) + " https://sts.windows.net/" + string(tenant) + "/ <nil>",
		string(one.Client):            "1.0 " + string(one.Client) + " https://sts.windows.net/" + string(tenant) + "/ <nil>",
		"api://" + string(two.Client): "2.0 " + string(two.Client) + " https://login.microsoftonline.com/" + string(tenant) + "/v2.0 " + string(w.app.Client),
		string(two.Client):            "2.0 " + string(two.Client) + " https://login.microsoftonline.com/" + string(tenant) + "/v2.0 " + string(w.app.Client),
	} {
		got := w.claimsFor(t, scope+"/.default")
		if text := fmt.Sprint(got["ver"], " ", got["aud"], " ", got["iss"], " ", got["azp"]); text != want {
			t.Errorf("for %s: %s, want %s", scope, text, want)
		}
	}
	a := w.post(t, "/"+string(tenant)+"/oauth2/token", "grant_type=client_credentials&client_id="+string(w.app.Client)+
		"&client_secret="+w.secret.Open()+"&resource=api://"+string(two.Client))
	var granted struct {
		Token string `json:"access_token"`
	}
	if a.decode(t, &granted); payload(t, granted.Token)["ver"] != "2.0" {
		t.Errorf("at the v1.0 endpoint: %s", a.body)
	}
}
