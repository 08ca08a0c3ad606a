package msi

import (
	"context"

	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"time"

	"lanyard/internal/cloud"
	"lanyard/internal/host"
)

func imdsWorld(t testing.TB, ids ...cloud.Identity) (*world, dialect) {
	t.Helper()
	w := newWorld(t, ids...)
	w.attach(t, host.Attachment{Source: host.SourceIMDS})
	return w, dialects[3]
}

// TestWithoutASelectorIMDSMeansTheOnlyIdentity is wire-facts "IMDS": system-assigned, else the only
// user-assigned one, else a refusal in words that clients know.
func TestWithoutASelectorIMDSMeansTheOnlyIdentity(t *testing.T) {
	w, d := imdsWorld(t, worn(system, bill, audit)...)
	if got := d.get(t, w, "")["client_id"]; got != string(system.Client) {
		t.Errorf("with a system-assigned identity the answer is %s", got)
	}
	w.wear(t, worn(bill)...)
	if got := d.get(t, w, "")["client_id"]; got != string(bill.Client) {
		t.Errorf("with one user-assigned identity the answer is %s", got)
	}
	w.wear(t, worn(bill, audit)...)
	d.refuses(t, w, "", http.StatusBadRequest, "Multiple user assigned identities exist, please specify the clientId / resourceId of the identity in the token request")
	w.wear(t)
	d.refuses(t, w, "", http.StatusBadRequest, `"error":"invalid_request","error_description":"Identity not found`)
	for _, other := range []dialect{dialects[0], dialects[4]} { // "the only one there is" is IMDS's rule alone
		w := newWorld(t, worn(bill)...)
		w.attach(t, host.Attachment{Source: other.source})
		other.refuses(t, w, "", http.StatusBadRequest, other.protocol.absent)
	}
}

// TestAProbeIsAnsweredAtOnce is wire-facts "DefaultAzureCredential context": it sends a request without the
// header and waits 300 ms at most for a 400.
func TestAProbeIsAnsweredAtOnce(t *testing.T) {
	w, d := imdsWorld(t, worn(system)...)
	for _, path := range []string{d.path(w), d.path(w) + "/", "/metadata/identity/oauth2/token", "/r/unknown/metadata/identity/oauth2/token"} {
		for _, value := range []string{"", "True", "TRUE", "1", " true,true"} {
			r, err := http.NewRequestWithContext(t.Context(), "GET", w.server.URL+path, nil)
			if err != nil {
				t.Fatal(err)
			}
			if value != "" {
				r.Header.Set("Metadata", value)
			}
			began := time.Now()
			status, body := w.send(t, r)
			if took := time.Since(began); took > 100*time.Millisecond {
				t.Errorf("%s is answered after %s", path, took)
			}
			if want := `{"error":"invalid_request","error_description":"Required metadata header not specified`; status != 400 || !strings.HasPrefix(body, want) {
				t.Errorf("%s with %q is answered %d %s", path, value, status, body)
			}
		}
	}
	if w.witness.asked > 0 {
		t.Errorf("%d processes were looked for", w.witness.asked)
	}
}

func TestIMDSNamesTheTenant(t *testing.T) {
	ids := worn(system)
	ids[0].Tenant = "00000000-0000-4000-8000-000000000001"
	w, d := imdsWorld(t, ids...)
	ask := func(query string) (int, string) {
		r := d.ask(t, w, "")
		r.URL.Path, r.URL.RawQuery = strings.Replace(r.URL.Path, "oauth2/token", "info", 1), query
		return w.send(t, r)
	}
	if status, body := ask("api-version=2018-02-01"); status != 200 || body != `{"tenantId":"00000000-0000-4000-8000-000000000001"}` {
		t.Errorf("the answer is %d %s", status, body)
	}
	if status, body := ask("api-version=2017-01-01"); status != 400 {
		t.Errorf("an unknown version is answered %d %s", status, body)
	}
	w.wear(t)
	if status, body := ask("api-version=2018-02-01"); status != 400 || !strings.Contains(body, "Identity not found") {
		t.Errorf("without an identity the answer is %d %s", status, body)
	}
}

// TestBoundCredentialsAreNotOffered answers 404, which clients take for that (wire-facts: "IMDSv2").
func TestBoundCredentialsAreNotOffered(t *testing.T) {
	w, _ := imdsWorld(t, worn(system)...)
	for _, path := range []string{"/metadata/identity/getplatformmetadata?cred-api-version=2.0", "/metadata/identity/issuecredential?cred-api-version=2.0", "/metadata/instance?api-version=2021-02-01"} {
		for _, prefix := range []string{"", "/r/" + w.replica.Way.Open()} {
			for _, method := range []string{"GET", "POST"} {
				rec := httptest.NewRecorder()
				w.door.Handler().ServeHTTP(rec, httptest.NewRequest(method, prefix+path, nil))
				if rec.Code != http.StatusNotFound || !strings.Contains(rec.Body.String(), `"error":"not_found"`) {
					t.Errorf("%s %s is answered %d %s", method, prefix+path, rec.Code, rec.Body)
				}
			}
		}
	}
}

// TestIMDSIsLimited is TK-8: 20 requests a second and 5 at once for a replica, 429 beyond, with when to
// come again. Other protocols and other replicas are not held.
func TestIMDSIsLimited(t *testing.T) {
	w, d := imdsWorld(t, worn(system)...)
	for range 20 {
		d.get(t, w, "")
	}
	answer, err := http.DefaultClient.Do(d.ask(t, w, ""))
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	if answer.StatusCode != http.StatusTooManyRequests || answer.Header.Get("Retry-After") != "1" {
		t.Errorf("the 21st request in a second is answered %s %q", answer.Status, answer.Header.Get("Retry-After"))
	}
	limited := w.replica
	w.attach(t, host.Attachment{Source: host.SourceIMDS})
	d.get(t, w, "")
	dialects[0].get(t, w, "")
	w.replica = limited
	w.set(func() { w.now = w.now.Add(time.Second) })
	d.get(t, w, "")
}

func TestFiveAskIMDSAtOnce(t *testing.T) {
	w, d := imdsWorld(t, worn(system)...)
	w.set(func() { w.gate = make(chan struct{}) })
	answers := make(chan int, 5)
	for range 5 {
		r := d.ask(t, w, "")
		go func() {
			answer, err := http.DefaultClient.Do(r)
			if err != nil {
				t.Error(err)
				answers <- 0
				return
			}
			answer.Body.Close()
			answers <- answer.StatusCode
		}()
	}
	for busy := 0; busy < 5; { // until all five are in hand
		w.door.meters.mu.Lock()
		if one := w.door.meters.all[w.replica]; one != nil {
			busy = one.busy
		}
		w.door.meters.mu.Unlock()
	}
	d.refuses(t, w, "", http.StatusTooManyRequests, `"error":"too_many_requests"`)
	close(w.gate)
	for range 5 {
		if status := <-answers; status != http.StatusOK {
			t.Errorf("one of five is answered %d", status)
		}
	}
	d.get(t, w, "")
}

// TestTheLimitsOfReplicasThatEndedAreForgotten bounds what is kept of them (T20).
func TestTheLimitsOfReplicasThatEndedAreForgotten(t *testing.T) {
	w, _ := imdsWorld(t, worn(system)...)
	for range 500 {
		ctx, end := context.WithCancel(t.Context())
		r, err := w.host.Attach(ctx, hello, host.Attachment{})
		if err != nil {
			t.Fatal(err)
		}
		leave, err := w.door.enter(r)
		if err != nil {
			t.Fatal(err)
		}
		leave()
		end()
		for r.Alive() { // the replica leaves after its context has ended
			runtime.Gosched()
		}
	}
	if n := len(w.door.meters.all); n > 64 {
		t.Errorf("%d replicas are remembered", n)
	}
}
