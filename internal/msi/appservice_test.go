package msi

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strings"
	"sync"
	"testing"

	"lanyard/internal/cloud"
)

// get sends a dialect's good request with more in its query, and gives the answer's members.
func (d dialect) get(t testing.TB, w *world, more string) map[string]string {
	t.Helper()
	status, body := w.send(t, d.ask(t, w, more))
	if status != http.StatusOK {
		t.Fatalf("%s with %q is answered %d %s", d.protocol.name, more, status, body)
	}
	return members(t, body)
}

// refuses sends a dialect's request with more in its query, and expects a refusal that says part.
func (d dialect) refuses(t testing.TB, w *world, more string, want int, part string) {
	t.Helper()
	status, body := w.send(t, d.ask(t, w, more))
	if status != want || !strings.Contains(body, part) {
		t.Errorf("%s with %q is answered %d %s, want %d with %q", d.protocol.name, more, status, body, want, part)
	}
}

// TestEveryProtocolAnswersAlike is TK-2 and TK-6: members, their order and types, and the resource as it
// was sent.
func TestEveryProtocolAnswersAlike(t *testing.T) {
	speaking(t, worn(system), func(t *testing.T, w *world, d dialect) {
		status, body := w.send(t, d.ask(t, w, ""))
		want := `{"access_token":"token-1-` + guid(11) + `","client_id":"` + guid(12) + `","expires_in":"86400","expires_on":"1800086400",` +
			`"ext_expires_in":"86400","not_before":"1799999700","resource":"https://vault.azure.net","token_type":"Bearer"}`
		if status != http.StatusOK || body != want {
			t.Errorf("the answer is %d\n%s, want\n%s", status, body, want)
		}
		again := d.ask(t, w, "&client-request-id=1&bypass_cache=true")
		again.URL.Path += "/"
		again.URL.RawQuery = strings.Replace(again.URL.RawQuery, "api-version", "api%2Dversion", 1)
		if status, body := w.send(t, again); status != http.StatusOK || w.minted() != 1 {
			t.Errorf("a slash at the end and an encoded name are answered %d %s after %d mints", status, body, w.minted())
		}
	})
}

// TestEveryProtocolHasSelectorsOfItsOwn is TK-3: each protocol's spellings select, and another's are
// refused: passed over, they would have the token be another identity's.
func TestEveryProtocolHasSelectorsOfItsOwn(t *testing.T) {
	values := map[string]string{
		"client_id": string(bill.Client), "clientid": string(bill.Client), "principal_id": string(bill.ID), "object_id": string(bill.ID),
		"mi_res_id": billing.String(), "msi_res_id": strings.ToUpper(billing.String()) + "/", "resource_id": billing.String(),
	}
	speaking(t, worn(system, bill), func(t *testing.T, w *world, d dialect) {
		for name, value := range values {
			if d.protocol.selectors[name] == 0 {
				d.refuses(t, w, query(name, value), http.StatusBadRequest, name+" names no identity in the protocol")
				d.get(t, w, query(name, "")) // nothing is named
				continue
			}
			if got := d.get(t, w, query(name, value))["client_id"]; got != string(bill.Client) {
				t.Errorf("%s selects %s", name, got)
			}
			d.refuses(t, w, query(name, value)+query(name, value), http.StatusBadRequest, "given twice")
			d.refuses(t, w, query(strings.ToUpper(name), value), http.StatusBadRequest, "is spelled")
			d.refuses(t, w, query(name, guid(99)), http.StatusBadRequest, d.protocol.absent)
		}
		for _, misspelled := range []string{"clientId", "ClientID", "principalId", "msiResId", "client-id", "MI_RES_ID"} {
			d.refuses(t, w, query(misspelled, values["client_id"]), http.StatusBadRequest, "is spelled")
		}
	})
}

// TestTheIdentityIsAlwaysOneOfTheApp is T19 and ID-4 in every protocol.
func TestTheIdentityIsAlwaysOneOfTheApp(t *testing.T) {
	speaking(t, worn(system, bill), func(t *testing.T, w *world, d dialect) {
		by := func(p cloud.Principal) string {
			if d.protocol == appService2017 {
				return query("clientid", p.Client)
			}
			return query("client_id", p.Client)
		}
		d.refuses(t, w, by(audit), http.StatusBadRequest, d.protocol.absent)
		if d.protocol == appService2017 { // Azure ML's clients name it
			if got := d.get(t, w, by(system))["client_id"]; got != string(system.Client) {
				t.Errorf("the system-assigned identity by its client id is %s", got)
			}
		} else {
			d.refuses(t, w, by(system), http.StatusBadRequest, "the system-assigned identity is the default")
		}
		d.get(t, w, by(bill))
		w.set(func() { w.gone[bill.ID] = true })
		d.refuses(t, w, by(bill), http.StatusBadRequest, "identity remove --name hello")
		w.set(func() { delete(w.gone, bill.ID) })
		elsewhere := worn(bill)
		elsewhere[0].Tenant = "other"
		w.wear(t, elsewhere...)
		d.refuses(t, w, by(bill), http.StatusBadRequest, "in this tenant")
		w.wear(t)
		d.refuses(t, w, "", http.StatusBadRequest, "containerapp identity assign")
	})
}

func TestAnUnknownResourceIsRefusedInEntrasWords(t *testing.T) {
	speaking(t, worn(system), func(t *testing.T, w *world, d dialect) {
		for _, resource := range []string{"https://evil.example", "https://VAULT.azure.net", "https://vault.azure.net//", "https://vault.azure.net:443"} {
			r := d.ask(t, w, "")
			r.URL.RawQuery = "api-version=" + d.version + query("resource", resource)
			status, body := w.send(t, r)
			if status != http.StatusBadRequest || !strings.Contains(body, "AADSTS500011: The resource principal named "+resource+" was not found") {
				t.Errorf("%s is answered %d %s", resource, status, body)
			}
			if d.protocol.header == "" && (!strings.Contains(body, `"error":"invalid_resource"`) || !strings.Contains(body, `"error_codes":[500011]`) || !strings.Contains(body, "Trace ID: ")) {
				t.Errorf("IMDS answers %s", body)
			}
		}
		if n := w.minted(); n > 0 {
			t.Errorf("%d tokens were minted", n)
		}
	})
}

func TestAnEmptyClientidIsNone(t *testing.T) {
	w, d := newWorld(t, worn(system, bill)...), dialects[1]
	if got := d.get(t, w, "&clientid=")["client_id"]; got != string(system.Client) {
		t.Errorf("an empty clientid selects %s", got)
	}
	only := newWorld(t, worn(bill)...)
	d.refuses(t, only, "&clientid=", http.StatusBadRequest, "Unable to load requested managed identity.")
}

// TestATokenThatWasRefusedIsMadeAnew is the protocol of 2025: the cache is bypassed for the one token
// whose hash is sent, and for no other (wire-facts: "token revocation").
func TestATokenThatWasRefusedIsMadeAnew(t *testing.T) {
	vector := sha256.Sum256([]byte("test_token"))
	if got := hex.EncodeToString(vector[:]); got != "cc0af97287543b65da2c7e1476426021826cab166f1e063ed012b855ff819656" {
		t.Fatalf("the hash of the document's token is %s", got)
	}
	w, d := newWorld(t, worn(system)...), dialects[2]
	first := d.get(t, w, "")["access_token"]
	hash := func(token string) string {
		sum := sha256.Sum256([]byte(token))
		return query("token_sha256_to_refresh", hex.EncodeToString(sum[:]))
	}
	if got := d.get(t, w, hash("another"))["access_token"]; got != first {
		t.Error("the hash of another token bypasses the cache")
	}
	second := d.get(t, w, hash(first))["access_token"]
	if second == first || w.minted() != 2 {
		t.Errorf("the refused token is given out again, after %d mints", w.minted())
	}
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			if got := d.get(t, w, hash(first))["access_token"]; got != second {
				t.Errorf("who comes late with the old hash gets %s, want %s", got, second)
			}
		})
	}
	all.Wait()
	for _, bad := range []string{"x", strings.Repeat("A", 64), strings.Repeat("a", 63)} {
		d.refuses(t, w, query("token_sha256_to_refresh", bad), http.StatusBadRequest, "SHA-256")
	}
	dialects[0].refuses(t, w, hash(first), http.StatusBadRequest, "2025-03-30")
}

// TestCapabilitiesReachTheToken holds xms_cc against what is ordered, and keeps such tokens apart.
func TestCapabilitiesReachTheToken(t *testing.T) {
	w, d := newWorld(t, worn(system)...), dialects[2]
	plain := d.get(t, w, "")["access_token"]
	capable := d.get(t, w, "&xms_cc=cp1%2Ccp2")["access_token"]
	if capable == plain || capable != d.get(t, w, "&xms_cc=CP1")["access_token"] || plain != d.get(t, w, "&xms_cc=cp2")["access_token"] {
		t.Error("tokens with and without the capability are mixed up")
	}
	if plain != dialects[0].get(t, w, "&xms_cc=cp1")["access_token"] {
		t.Error("2019-08-01 knows xms_cc")
	}
	if len(w.mints) != 2 || w.mints[0].Capabilities != nil || len(w.mints[1].Capabilities) != 1 || w.mints[1].Capabilities[0] != "cp1" {
		t.Errorf("the orders are %+v", w.mints)
	}
}

// TestTheVersionsThatThereAreAreNamed is the refusal of every other api-version.
func TestTheVersionsThatThereAreAreNamed(t *testing.T) {
	speaking(t, worn(system), func(t *testing.T, w *world, d dialect) {
		for _, version := range []string{"", "2017-12-01", "2099-01-01", d.version + "x", "2019-07-01-preview"} {
			r := d.ask(t, w, "")
			r.URL.RawQuery = "resource=https://vault.azure.net&api-version=" + version
			status, body := w.send(t, r)
			shape := `"error":{"code":"UnsupportedApiVersion"`
			if d.protocol.header == "" {
				shape = `"error":"invalid_request","error_description":`
			}
			if status != http.StatusBadRequest || !strings.Contains(body, d.version) || !strings.Contains(body, shape) {
				t.Errorf("%q is answered %d %s", version, status, body)
			}
			if version == "2019-07-01-preview" && !strings.Contains(body, "Service Fabric") {
				t.Errorf("Service Fabric is not named: %s", body)
			}
		}
		r := d.ask(t, w, "")
		r.Method = "POST"
		if status, body := w.send(t, r); status != http.StatusMethodNotAllowed || !strings.Contains(body, "Cloud Shell") {
			t.Errorf("POST is answered %d %s", status, body)
		}
	})
}
