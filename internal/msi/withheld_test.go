package msi

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"lanyard/internal/cloud"
	"lanyard/internal/drill"
	"lanyard/internal/host"
	"lanyard/internal/store"
)

// newLateWorld is a world whose app wears the identities of ids, but wore only some when its revision was made.
func newLateWorld(t testing.TB, since []cloud.PrincipalID, ids ...cloud.Identity) *world {
	t.Helper()
	w := newWorld(t, ids...)
	value, err := json.Marshal(cloud.App{ID: hello, Revision: "hello--one", Identities: ids, Since: since})
	if err != nil {
		t.Fatal(err)
	}
	rev, err := w.store.Commit(t.Context(), store.Change{Key: cloud.AppKey(hello), Value: value, If: store.Any})
	if err == nil {
		err = w.host.Await(t.Context(), rev)
	}
	if err != nil {
		t.Fatal(err)
	}
	w.attach(t, host.Attachment{})
	w.door.Drills = func() (on drill.Set) {
		w.set(func() { on = w.drills })
		return on
	}
	return w
}

// turn switches the drill on, or all off.
func (w *world) turn(on ...drill.On) { w.set(func() { w.drills = on }) }

const byDrill = "end the drill late-identity: lanyard drill stop late-identity"

func TestADrillWithholdsIdentitiesThatCameLater(t *testing.T) { // ID-9
	w := newLateWorld(t, []cloud.PrincipalID{bill.ID}, worn(system, bill, audit)...)
	w.logged()
	one := func(p cloud.Principal) string { return query("client_id", p.Client) }
	all := []string{"", one(bill), one(audit), query("mi_res_id", audits)}
	for _, selector := range all { // ID-7
		w.fetch(t, selector)
	}
	minted := w.minted()

	for _, on := range []drill.On{{Name: drill.LateIdentity, App: hello}, {Name: drill.LateIdentity}} {
		w.turn(on)
		w.fetch(t, one(bill))
		for _, selector := range []string{"", one(audit), query("mi_res_id", audits)} {
			status, body := w.send(t, w.ask(t, selector))
			refused(t, status, body, http.StatusBadRequest, appService2019.absent+" Try: make a new revision: lanyard containerapp update --name hello --resource-group rg")
			refused(t, status, body, http.StatusBadRequest, byDrill)
		}
		status, body := w.send(t, w.ask(t, query("client_id", guid(99)))) // of nobody
		if refused(t, status, body, http.StatusBadRequest, appService2019.absent); strings.Contains(body, "drill") {
			t.Errorf("the drill is named for an identity that it does not withhold: %s", body)
		}
	}
	w.set(func() {
		if text := w.log.String(); !strings.Contains(text, "the drill late-identity withholds audits, which was attached after the revision hello--one was made") {
			t.Errorf("the log does not name the drill: %s", text)
		}
	})

	w.turn(drill.On{Name: drill.LateIdentity, App: billing}) // another app's
	w.fetch(t, one(audit))
	w.turn()
	for _, selector := range all {
		w.fetch(t, selector)
	}
	if w.minted() != minted {
		t.Errorf("%d tokens were minted, %d before the drill", w.minted(), minted)
	}
}

func TestADrillLeavesAloneWhatIsNotKnownOfARevision(t *testing.T) { // ID-9
	w := newLateWorld(t, nil, worn(system)...)
	w.turn(drill.On{Name: drill.LateIdentity})
	w.fetch(t, "")
}

func TestADrillReachesEachWayOfAsking(t *testing.T) { // ID-9
	ask := func(w *world, path string) (int, string) {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), "GET", w.server.URL+"/r/"+url.PathEscape(w.replica.Way.Open())+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Metadata", "true")
		return w.send(t, r)
	}
	const token, about = "/metadata/identity/oauth2/token?api-version=2018-02-01&resource=https://vault.azure.net",
		"/metadata/identity/info?api-version=2018-02-01"
	for sentence, test := range map[string]struct {
		since []cloud.PrincipalID
		ids   []cloud.Identity
		path  string
		want  int
	}{
		"the only identity came later":                 {[]cloud.PrincipalID{}, worn(bill), token, 400},
		"all of several came later":                    {[]cloud.PrincipalID{}, worn(bill, audit), token, 400},
		"the system-assigned came later, another not":  {[]cloud.PrincipalID{bill.ID}, worn(system, bill), token, 200},
		"of two, one came later":                       {[]cloud.PrincipalID{bill.ID}, worn(bill, audit), token, 200},
		"about identities that came later":             {[]cloud.PrincipalID{}, worn(bill, audit), about, 400},
		"a later one by its id":                        {[]cloud.PrincipalID{bill.ID}, worn(bill, audit), token + query("client_id", audit.Client), 400},
		"an earlier one by its id, as it always would": {[]cloud.PrincipalID{bill.ID}, worn(bill, audit), token + query("client_id", bill.Client), 200},
	} {
		t.Run(sentence, func(t *testing.T) {
			w := newLateWorld(t, test.since, test.ids...)
			w.attach(t, host.Attachment{Source: host.SourceIMDS})
			w.turn(drill.On{Name: drill.LateIdentity})
			status, body := ask(w, test.path)
			if status != test.want || (status == 400) != strings.Contains(body, byDrill) {
				t.Errorf("answered %d %s", status, body)
			}
			if status == 200 && !strings.Contains(body, string(bill.ID)) {
				t.Errorf("the token is not that of the earlier identity: %s", body)
			}
		})
	}
}
