package issuer

import (
	"strings"
	"testing"

	"lanyard/internal/cloud"
	"lanyard/internal/store/mem"
)

const (
	cli    cloud.ClientID = "04b07795-8ddb-461a-bbee-02f9e1bf7b46"
	v2URL                 = "https://login.microsoftonline.com/" + string(tenant) + "/v2.0"
	signIn                = "owner@lanyard.localhost"
)

func person() cloud.Principal {
	return cloud.Principal{
		ID: "33333333-0000-4000-8000-000000000001", Tenant: tenant, Kind: cloud.User, Name: "Owner", SignIn: signIn,
	}
}

func TestATokenInAPersonsNameSaysWhoAndByWhichApp(t *testing.T) { // wire-facts section 3, 4.5
	i := &Issuer{Store: mem.New(), Box: box(t)}
	defer run(t, i)()
	got := payloadOf(t, mint(t, i, Order{Principal: person(), Through: Delegate{Client: cli, Scopes: []string{"user_impersonation"}}}))
	for name, want := range map[string]any{
		"aud": audience, "iss": url, "appid": string(cli), "appidacr": "0", "idtyp": "user", "oid": string(person().ID), "tid": string(tenant),
		"scp": "user_impersonation", "upn": signIn, "unique_name": signIn, "name": "Owner", "ver": "1.0", "idp": nil, "xms_mirid": nil,
	} {
		if got[name] != want {
			t.Errorf("%s is %v, want %v", name, got[name], want)
		}
	}
	if methods, _ := got["amr"].([]any); len(methods) != 1 || methods[0] != "pwd" {
		t.Errorf("amr is %v", got["amr"])
	}
	if sub, _ := got["sub"].(string); sub == "" || sub == string(person().ID) {
		t.Errorf("sub is %q: it is to be the audience's own", sub)
	}
}

func TestAnAppKnowsAPersonByANameOfItsOwn(t *testing.T) {
	other := person()
	other.ID = "33333333-0000-4000-8000-000000000002"
	seen := map[string]bool{}
	for _, sub := range []string{
		pairwise(person(), string(cli)), pairwise(person(), audience), pairwise(other, string(cli)), pairwise(other, audience),
	} {
		if seen[sub] || strings.Contains(sub, "33333333") {
			t.Errorf("%s stands for two, or says who it is", sub)
		}
		seen[sub] = true
	}
}

func TestAnIDTokenTellsWhoSignedIn(t *testing.T) {
	i := &Issuer{Store: mem.New(), Box: box(t)}
	defer run(t, i)()
	minted, err := i.Introduce(t.Context(), Introduction{Person: person(), Client: cli, Issuer: v2URL, Nonce: "n", Version: "2.0"})
	if err != nil {
		t.Fatal(err)
	}
	got := payloadOf(t, minted)
	for name, want := range map[string]any{
		"aud": string(cli), "iss": v2URL, "preferred_username": signIn, "name": "Owner", "nonce": "n", "oid": string(person().ID),
		"tid": string(tenant), "ver": "2.0", "scp": nil, "appid": nil,
	} {
		if got[name] != want {
			t.Errorf("%s is %v, want %v", name, got[name], want)
		}
	}
}

func TestIDTokensThatCouldBeMistakenAreNotSigned(t *testing.T) { // T13
	i := &Issuer{Store: mem.New(), Box: box(t)}
	defer run(t, i)()
	app, stranger := application(), person()
	app.SignIn = signIn
	stranger.Tenant = "99999999-0000-4000-8000-000000000009"
	for sentence, n := range map[string]Introduction{
		"the issuer of access tokens": {Person: person(), Client: cli, Issuer: url, Version: "2.0"},
		"no issuer":                   {Person: person(), Client: cli, Version: "2.0"},
		"no app":                      {Person: person(), Issuer: v2URL, Version: "2.0"},
		"an audience that is a URL":   {Person: person(), Client: audience, Issuer: v2URL, Version: "2.0"},
		"an app in place of a person": {Person: app, Client: cli, Issuer: v2URL, Version: "2.0"},
		"a person of another tenant":  {Person: stranger, Client: cli, Issuer: v2URL, Version: "2.0"},
		"nobody":                      {Client: cli, Issuer: v2URL, Version: "2.0"},
		"a version that is none":      {Person: person(), Client: cli, Issuer: v2URL},
		"a nonce without end":         {Person: person(), Client: cli, Issuer: v2URL, Version: "2.0", Nonce: strings.Repeat("n", 2000)},
	} {
		t.Run(sentence, func(t *testing.T) {
			if _, err := i.Introduce(t.Context(), n); err == nil {
				t.Error("it was signed")
			}
		})
	}
}

func TestTokensInNobodysNameAreNotSigned(t *testing.T) { // T19
	i := &Issuer{Store: mem.New(), Box: box(t)}
	defer run(t, i)()
	nameless := person()
	nameless.SignIn = ""
	for sentence, order := range map[string]Order{
		"no app":                {Principal: person(), Through: Delegate{Scopes: []string{"user_impersonation"}}},
		"nothing it may do":     {Principal: person(), Through: Delegate{Client: cli}},
		"a person with no name": {Principal: nameless, Through: Delegate{Client: cli, Scopes: []string{"user_impersonation"}}},
	} {
		t.Run(sentence, func(t *testing.T) {
			order.Audience = audience
			if _, err := i.Mint(t.Context(), order); err == nil {
				t.Error("it was signed")
			}
		})
	}
}
