package msi

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"lanyard/internal/cloud"
	"lanyard/internal/host"
)

// refusals are the records of refusals.
type refusals struct {
	mu  sync.Mutex
	all []cloud.Refused
}

func (w *world) refusals() *refusals {
	all := &refusals{}
	w.door.Refused = func(r cloud.Refused) {
		all.mu.Lock()
		defer all.mu.Unlock()
		all.all = append(all.all, r)
	}
	return all
}

func (r *refusals) last() cloud.Refused {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.all) == 0 {
		return cloud.Refused{}
	}
	return r.all[len(r.all)-1]
}

// by sends a request as a process does.
func by(t testing.TB, client *http.Client, r *http.Request) (int, string) {
	t.Helper()
	answer, err := client.Do(r)
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

// TestAStolenHeaderIsWorthNothing is T4 and TK-15 at every protocol: who has all that a replica was given,
// but is no process of it, is refused in the protocol's grammar, recorded, and nothing is signed.
func TestAStolenHeaderIsWorthNothing(t *testing.T) {
	speaking(t, worn(system), func(t *testing.T, w *world, d dialect) {
		w.started(t, 2, d.source) // another replica, with processes of its own
		r := w.started(t, 1, d.source)
		records := w.refusals()
		keyed := func(own *http.Client) *http.Request { // Arc's key is in the thief's hands, too
			saved := d
			saved.protocol = &protocol{header: d.protocol.header}
			ask := saved.ask(t, w, "")
			if d.protocol.keyed {
				answer, err := own.Do(ask.Clone(t.Context()))
				if err != nil {
					t.Fatal(err)
				}
				answer.Body.Close()
				path := strings.TrimPrefix(answer.Header.Get("WWW-Authenticate"), "Basic realm=")
				ask.Header.Set("Authorization", "Basic "+w.keys.read(path))
			}
			return ask
		}
		own := w.process(t, 1)
		for name, root := range map[string]int{"of another replica": 2, "of nobody": 99} {
			status, body := by(t, w.process(t, root), keyed(own))
			if status != http.StatusUnauthorized || strings.Contains(body, "token-") || !strings.Contains(body, "not one of the replica's") {
				t.Errorf("a process %s is answered %d %s", name, status, body)
			}
			got := records.last()
			if got.Replica != r.Name || !got.App.Equal(hello) || got.Status != 401 || got.Process.PID != root || !strings.Contains(got.Reason, host.ErrStranger.Error()) || got.From == "" {
				t.Errorf("the record of a process %s is %+v", name, got)
			}
		}
		ask := keyed(own)
		for blind, want := range map[error]int{host.ErrUnattestable: http.StatusUnauthorized, host.ErrBusy: http.StatusServiceUnavailable} {
			w.witness.blind = blind
			if status, body := by(t, w.process(t, 1), ask.Clone(t.Context())); status != want || !strings.Contains(body, "cannot be told") {
				t.Errorf("where processes cannot be told the answer is %d %s", status, body)
			}
		}
		w.witness.blind = nil
		if n := w.minted(); n > 0 {
			t.Errorf("%d tokens were minted", n)
		}
		if status, body := by(t, own, keyed(own)); status != http.StatusOK {
			t.Errorf("the replica's own process is answered %d %s", status, body)
		}
		r2, ok := w.host.SetAttestation(r.Name, false)
		if !ok || r2.Attested() {
			t.Fatal("attestation is not turned off")
		}
		if status, body := by(t, w.process(t, 99), keyed(own)); status != http.StatusOK {
			t.Errorf("with attestation turned off the answer is %d %s", status, body)
		}
	})
}

// TestAConnectionIsAttestedOnce looks at the process behind a connection once, whatever it asks for, and
// anew when it speaks for another replica (T6).
func TestAConnectionIsAttestedOnce(t *testing.T) {
	w := newWorld(t, worn(system, bill)...)
	other := w.started(t, 2, "")
	w.started(t, 1, "")
	own := w.process(t, 1)
	for range 10 {
		for _, more := range []string{"", query("client_id", bill.Client)} {
			if status, body := by(t, own, w.ask(t, more)); status != http.StatusOK {
				t.Fatalf("the answer is %d %s", status, body)
			}
		}
	}
	if w.witness.asked != 1 {
		t.Errorf("the process was looked for %d times", w.witness.asked)
	}
	first := w.replica
	for range 3 { // what is wrong stays wrong on a connection
		w.replica = other
		if status, body := by(t, own, w.ask(t, "")); status != http.StatusUnauthorized {
			t.Errorf("for another replica the answer is %d %s", status, body)
		}
	}
	if w.witness.asked != 2 {
		t.Errorf("the process was looked for %d times", w.witness.asked)
	}
	w.replica = first
	if status, _ := by(t, own, w.ask(t, "")); status != http.StatusOK {
		t.Errorf("for its own replica again the answer is %d", status)
	}
}

// TestWithoutAPrefixTheProcessTellsTheReplica is IMDS at its own path: for attested processes alone.
func TestWithoutAPrefixTheProcessTellsTheReplica(t *testing.T) {
	w := newWorld(t, worn(system)...)
	ask := func(client *http.Client, version string) (int, string) {
		r, err := http.NewRequestWithContext(t.Context(), "GET", w.server.URL+"/metadata/identity/oauth2/token/?resource=https://vault.azure.net&api-version="+version, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Metadata", "true")
		return by(t, client, r)
	}
	const version = "2018-02-01"
	if status, body := ask(w.process(t, 1), version); status != 401 || !strings.Contains(body, `"error":"unknown_source"`) {
		t.Errorf("a replica that is not attested is answered %d %s", status, body)
	}
	for i, source := range []host.Source{host.SourceAppService, host.SourceIMDS} {
		w.started(t, i+1, source)
		own := w.process(t, i+1)
		for range 3 {
			if status, body := ask(own, version); status != 200 {
				t.Errorf("a process of %s is answered %d %s", source, status, body)
			}
		}
	}
	before := w.witness.asked
	if status, _ := ask(w.process(t, 99), version); status != 401 || w.witness.asked != before+1 {
		t.Errorf("a process of nobody is answered %d", status)
	}
	w.started(t, 3, host.SourceArc) // Arc's challenge is not got round
	if status, body := ask(w.process(t, 3), version); status != 400 || strings.Contains(body, "token-") {
		t.Errorf("a process of Arc is answered %d %s by IMDS's version", status, body)
	}
	if status, body := ask(w.process(t, 3), "2020-06-01"); status != 401 || !strings.Contains(body, "Basic") {
		t.Errorf("a process of Arc is answered %d %s", status, body)
	}
}

// TestTheAppCanDoWithoutATokenService is TK-7.
func TestTheAppCanDoWithoutATokenService(t *testing.T) {
	speaking(t, worn(system), func(t *testing.T, w *world, d dialect) {
		w.attach(t, host.Attachment{Source: d.source, MSIDisabled: true})
		plain := d
		plain.protocol = &protocol{header: d.protocol.header}
		status, body := w.send(t, plain.ask(t, w, ""))
		if status != http.StatusBadRequest || !strings.Contains(body, "WEBSITE_DISABLE_MSI") || w.minted() > 0 {
			t.Errorf("the answer is %d %s", status, body)
		}
	})
}

// TestLifecyclesSayWhichContainersMayAsk is ID-13, and wire-facts "Container Apps specifics".
func TestLifecyclesSayWhichContainersMayAsk(t *testing.T) {
	opens := map[cloud.Lifecycle][]bool{"": {false, true}, cloud.All: {false, true}, cloud.Init: {true}, cloud.Main: {false}, cloud.None: nil}
	speaking(t, worn(system), func(t *testing.T, w *world, d dialect) {
		for lifecycle, kinds := range opens {
			for _, init := range []bool{false, true} {
				w.attach(t, host.Attachment{Source: d.source, Init: init})
				ids := worn(system)
				ids[0].Lifecycle = lifecycle
				w.wear(t, ids...)
				status, body := w.send(t, d.ask(t, w, ""))
				if slices.Contains(kinds, init) {
					if status != http.StatusOK {
						t.Errorf("with lifecycle %q, init %t: %d %s", lifecycle, init, status, body)
					}
					continue
				}
				records := w.refusals()
				if status, _ = w.send(t, d.ask(t, w, "")); status != http.StatusBadRequest || !strings.Contains(body, d.protocol.absent) || !strings.Contains(body, "identitySettings") {
					t.Errorf("with lifecycle %q, init %t: %d %s", lifecycle, init, status, body)
				}
				if got := records.last().Reason; !strings.Contains(got, "lifecycle "+string(lifecycle)) {
					t.Errorf("with lifecycle %q the record says %s", lifecycle, got)
				}
			}
		}
	})
}

// TestTheOnlyIdentityIsOneThatIsOpen holds IMDS's rule against lifecycles.
func TestTheOnlyIdentityIsOneThatIsOpen(t *testing.T) {
	w, d := imdsWorld(t)
	ids := worn(bill, audit)
	ids[0].Lifecycle = cloud.Init
	w.wear(t, ids...)
	if got := d.get(t, w, "")["client_id"]; got != fmt.Sprint(audit.Client) {
		t.Errorf("the answer is for %s", got)
	}
}
