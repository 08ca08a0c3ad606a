package msi

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"lanyard/internal/fault"
)

func TestTheAnswerHasEveryMemberInTheOrderThatOldClientsNeed(t *testing.T) {
	w := newWorld(t, worn(system)...)
	status, body := w.send(t, w.ask(t, ""))
	want := `{"access_token":"token-1-` + guid(11) + `","client_id":"` + guid(12) + `","expires_in":"86400","expires_on":"1800086400",` +
		`"ext_expires_in":"86400","not_before":"1799999700","resource":"https://vault.azure.net","token_type":"Bearer"}`
	if status != http.StatusOK || body != want {
		t.Errorf("the answer is %d\n%s, want\n%s", status, body, want)
	}
	if o := w.mints[0]; !o.Host.Equal(hello) || o.Audience != "https://vault.azure.net" || o.Principal.ID != system.ID {
		t.Errorf("the order is %+v", o)
	}
}

func TestTheResourceComesBackByteForByte(t *testing.T) {
	w := newWorld(t, worn(system)...)
	for _, spelled := range []string{"https://vault.azure.net/", "https%3A%2F%2Fvault.azure.net", "https://storage.azure.com/"} {
		r := w.ask(t, "")
		r.URL.RawQuery = "api-version=2019-08-01&resource=" + spelled
		status, body := w.send(t, r)
		plain := strings.ReplaceAll(strings.ReplaceAll(spelled, "%3A", ":"), "%2F", "/")
		if status != http.StatusOK || !strings.Contains(body, `"resource":"`+plain+`"`) {
			t.Errorf("asking for %s is answered %d %s", spelled, status, body)
		}
	}
}

func TestSelectorsInEverySpelling(t *testing.T) {
	w := newWorld(t, worn(system, bill)...)
	for more, want := range map[string]string{
		"":                                guid(12),
		"&client_id=":                     guid(12),
		query("client_id", bill.Client):   guid(22),
		query("principal_id", bill.ID):    guid(22),
		query("object_id", bill.ID):       guid(22),
		query("mi_res_id", billing):       guid(22),
		query("msi_res_id", billing):      guid(22),
		query("client%5Fid", bill.Client): guid(22),
		query("mi_res_id", strings.ToUpper(billing.String())): guid(22),
		"&bypass_cache=true&client-request-id=1":              guid(12),
	} {
		if got := w.fetch(t, more)["client_id"]; got != want {
			t.Errorf("asking with %q gives the token of %s, want %s", more, got, want)
		}
	}
	r := w.ask(t, "")
	r.URL.RawQuery = strings.Replace(r.URL.RawQuery, "api-version", "api%2Dversion", 1)
	r.URL.Path += "/"
	if status, body := w.send(t, r); status != http.StatusOK {
		t.Errorf("a trailing slash and an encoded name are answered %d %s", status, body)
	}
}

func TestATokenIsMintedOnceAndItsSecondsRunDown(t *testing.T) {
	w := newWorld(t, worn(system, bill)...)
	first := w.fetch(t, "")
	w.set(func() { w.now = w.now.Add(90 * time.Second) })
	second := w.fetch(t, "")
	if first["access_token"] != second["access_token"] || first["expires_on"] != second["expires_on"] {
		t.Error("the second answer has another token")
	}
	if second["expires_in"] != "86310" || second["ext_expires_in"] != "86310" {
		t.Errorf("after 90 s it expires in %s", second["expires_in"])
	}
	if w.fetch(t, query("client_id", bill.Client)); w.minted() != 2 {
		t.Errorf("%d tokens were minted for two identities", w.minted())
	}
	w.set(func() { w.now = w.now.Add(23*time.Hour + 50*time.Minute) })
	if third := w.fetch(t, ""); third["access_token"] == first["access_token"] || third["expires_in"] != "86400" {
		t.Errorf("in its last minutes the token is still given out: %v", third)
	}
}

func TestOfManyWhoAskAtOnceOneMints(t *testing.T) {
	w := newWorld(t, worn(system)...)
	w.gate = make(chan struct{})
	var all sync.WaitGroup
	tokens := make([]string, 20)
	for i := range tokens {
		all.Go(func() { tokens[i] = w.fetch(t, "")["access_token"] })
	}
	close(w.gate)
	all.Wait()
	for _, token := range tokens {
		if token != tokens[0] || w.minted() != 1 {
			t.Fatalf("%d tokens were minted: %q", w.minted(), tokens)
		}
	}
}

func TestAFailedMintIsTriedAgain(t *testing.T) {
	w := newWorld(t, worn(system)...)
	w.set(func() { w.fail = errors.New("the disk is full of secrets") })
	status, body := w.send(t, w.ask(t, ""))
	if status != http.StatusInternalServerError || strings.Contains(body, "disk") {
		t.Errorf("the answer is %d %s", status, body)
	}
	w.set(func() {
		w.fail = fault.New(fault.Unavailable, "temporarily_unavailable", "There is no signing key that is valid now.")
	})
	if status, _ := w.send(t, w.ask(t, "")); status != http.StatusServiceUnavailable {
		t.Errorf("the answer is %d", status)
	}
	w.set(func() { w.fail = nil })
	w.fetch(t, "")
}

func TestADetachedIdentityIsRefusedAtOnceAndItsTokenForgotten(t *testing.T) {
	w := newWorld(t, worn(system, bill)...)
	by := query("client_id", bill.Client)
	first := w.fetch(t, by)
	w.wear(t, worn(system)...)
	if status, body := w.send(t, w.ask(t, by)); status != http.StatusBadRequest {
		t.Errorf("a detached identity is answered %d %s", status, body)
	}
	w.wear(t, worn(system, bill)...)
	if again := w.fetch(t, by); again["access_token"] == first["access_token"] {
		t.Error("an identity that came back has its old token")
	}
}

func TestADeletedPrincipalIsRefusedAtOnce(t *testing.T) {
	w := newWorld(t, worn(system, bill)...)
	by := query("client_id", bill.Client)
	w.fetch(t, by)
	w.set(func() { w.gone[bill.ID] = true })
	status, body := w.send(t, w.ask(t, by))
	if status != http.StatusBadRequest || !strings.Contains(body, appService2019.absent) || !strings.Contains(body, "identity remove") {
		t.Errorf("a dangling identity is answered %d %s", status, body)
	}
}

func TestARevokedPrincipalGetsANewToken(t *testing.T) {
	w := newWorld(t, worn(system)...)
	first := w.fetch(t, "")
	w.set(func() { w.now = w.now.Add(time.Minute); w.valid[system.ID] = w.now })
	if again := w.fetch(t, ""); again["access_token"] == first["access_token"] {
		t.Error("a token from before the revocation is given out")
	}
}

func TestResourcesOfOneAppAreBounded(t *testing.T) {
	w := newWorld(t, worn(system)...)
	account := func(i int) *http.Request {
		r := w.ask(t, "")
		r.URL.RawQuery = "api-version=2019-08-01&resource=https://account" + strconv.Itoa(i) + ".blob.core.windows.net"
		return r
	}
	for i := range maxResources {
		if status, body := w.send(t, account(i)); status != http.StatusOK {
			t.Fatalf("resource %d is answered %d %s", i, status, body)
		}
	}
	for i := range 3 {
		if status, _ := w.send(t, account(maxResources+i)); status != http.StatusTooManyRequests {
			t.Errorf("one resource too many is answered %d", status)
		}
	}
	if w.minted() != maxResources {
		t.Errorf("%d tokens were minted", w.minted())
	}
	w.set(func() { w.now = w.now.Add(24 * time.Hour) })
	if status, _ := w.send(t, account(maxResources)); status != http.StatusOK {
		t.Errorf("after a day the next resource is answered %d", status)
	}
}

func TestNeitherTokenNorHeaderIsLogged(t *testing.T) {
	w := newWorld(t, worn(system)...)
	w.logged()
	w.fetch(t, "")
	way, err := http.NewRequestWithContext(t.Context(), "GET", w.server.URL+"/r/"+w.replica.Way.Open()+"/metadata/identity/oauth2/token?api-version=2018-02-01&resource=https://vault.azure.net", nil)
	if err != nil {
		t.Fatal(err)
	}
	way.Header.Set("Metadata", "true")
	if status, body := w.send(t, way); status != http.StatusOK {
		t.Errorf("the way is answered %d %s", status, body)
	}
	for _, path := range []string{"/msi/token", "/metadata", "//metadata/identity/oauth2/token", "/x"} {
		way.URL.Path = "/r/" + w.replica.Way.Open() + path
		if status, _ := w.send(t, way); status < 400 {
			t.Errorf("%s is answered %d", path, status)
		}
	}
	wrong := w.ask(t, "")
	wrong.Header.Set("X-IDENTITY-HEADER", "guess-123")
	w.send(t, wrong)
	w.server.Close() // the last event is written before its connection ends
	got := w.log.String()
	for _, secret := range []string{"token-1", w.replica.Header.Open(), w.replica.Way.Open(), "guess-123"} {
		if strings.Contains(got, secret) {
			t.Errorf("%q is logged:\n%s", secret, got)
		}
	}
	for _, fact := range []string{"uti=uti-1", "kid=kid", "audience=https://vault.azure.net", "replica=" + w.replica.Name, fmt.Sprint("identity=", hello), "status=401"} {
		if !strings.Contains(got, fact) {
			t.Errorf("%q is not logged:\n%s", fact, got)
		}
	}
}
