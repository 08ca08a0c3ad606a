package directory

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"lanyard/internal/cloud"
	"lanyard/internal/store"
)

// recall takes tokens back and waits until the directory knows.
func (w *town) recall(r cloud.Recall) cloud.Recall {
	w.t.Helper()
	r, change, err := w.Recall(r)
	if err != nil {
		w.t.Fatal(err)
	}
	w.commit(change)
	return r
}

const (
	mine, yours       = cloud.PrincipalID("aaaaaaaa-0000-0000-0000-000000000001"), cloud.PrincipalID("aaaaaaaa-0000-0000-0000-000000000002")
	elsewhere         = rg + "/providers/Microsoft.App/containerApps/orders"
	thisOne, otherOne = "AQZEH6pTAkABAgMEBQYHCA", "AQZEH6pTAkABAgMEBQYHCQ"
)

func TestARecallReachesWhatItNamesAndNothingElse(t *testing.T) { // TK-10
	here, there := cloud.MustID(app), cloud.MustID(elsewhere)
	type minted struct {
		token string
		of    cloud.PrincipalID
		app   cloud.ID
	}
	for sentence, test := range map[string]struct {
		recall      cloud.Recall
		covers, not []minted
	}{
		"one token":                   {cloud.Recall{Token: thisOne}, []minted{{thisOne, mine, here}}, []minted{{otherOne, mine, here}}},
		"one identity":                {cloud.Recall{Principal: mine}, []minted{{thisOne, mine, here}, {otherOne, mine, there}, {otherOne, mine, cloud.ID{}}}, []minted{{thisOne, yours, here}}},
		"one app":                     {cloud.Recall{App: here}, []minted{{thisOne, mine, here}, {otherOne, yours, here}}, []minted{{thisOne, mine, there}, {thisOne, mine, cloud.ID{}}}},
		"one identity, for one app":   {cloud.Recall{Principal: mine, App: here}, []minted{{thisOne, mine, here}}, []minted{{thisOne, mine, there}, {thisOne, yours, here}}},
		"one token of one identity":   {cloud.Recall{Token: thisOne, Principal: mine}, []minted{{thisOne, mine, here}}, []minted{{thisOne, yours, here}}},
		"every token":                 {cloud.Recall{}, []minted{{thisOne, mine, here}, {otherOne, yours, cloud.ID{}}}, nil},
		"an app in another case":      {cloud.Recall{App: cloud.MustID(sub + "/resourcegroups/RG/providers/microsoft.app/containerapps/Invoices")}, []minted{{thisOne, mine, here}}, nil},
		"a system-assigned one's app": {cloud.Recall{App: here}, []minted{{thisOne, mine, cloud.MustID(sub + "/resourcegroups/rg/providers/Microsoft.App/containerApps/invoices")}}, nil},
	} {
		t.Run(sentence, func(t *testing.T) {
			w := start(t)
			test.recall.Refuse = true
			w.recall(test.recall)
			before, after := w.now.Add(-time.Microsecond), w.now
			for _, m := range test.covers {
				if !w.Revoked(m.token, m.of, m.app, before) || !w.Recalled(m.token, m.of, m.app, before) {
					t.Errorf("it does not reach %+v", m)
				}
				if w.Revoked(m.token, m.of, m.app, after) {
					t.Errorf("it reaches %+v although minted afterwards", m)
				}
			}
			for _, m := range test.not {
				if w.Revoked(m.token, m.of, m.app, before) {
					t.Errorf("it reaches %+v", m)
				}
			}
		})
	}
}

func TestARefreshDropsCachesOnly(t *testing.T) {
	w := start(t)
	w.recall(cloud.Recall{Principal: mine})
	before := w.now.Add(-time.Second)
	if !w.Recalled(thisOne, mine, cloud.ID{}, before) {
		t.Error("caches keep the token")
	}
	if w.Revoked(thisOne, mine, cloud.ID{}, before) {
		t.Error("guards refuse the token")
	}
}

func TestTheSameRecallAgainTakesTheEarlierOnesPlace(t *testing.T) {
	w := start(t)
	first := w.recall(cloud.Recall{Principal: mine, Refuse: true})
	w.now = w.now.Add(time.Minute)
	second := w.recall(cloud.Recall{Principal: mine, Refuse: true})
	if first.ID != second.ID || !cloud.IsGUID(second.ID) || len(w.Recalls()) != 1 {
		t.Errorf("%d recalls are kept: %s, %s", len(w.Recalls()), first.ID, second.ID)
	}
	w.recall(cloud.Recall{Principal: mine, Refuse: true, At: first.At}) // of a clock that lags behind
	if !w.Revoked(thisOne, mine, cloud.ID{}, w.now.Add(-time.Second)) {
		t.Error("a later recall lets live what an earlier one took back")
	}
	if w.recall(cloud.Recall{Principal: mine}).ID == second.ID {
		t.Error("a refresh takes the place of a revocation")
	}
}

// Of two recalls at one moment that name the same, the one that reaches further stays, whichever is
// written first.
func TestARecallDoesNotUndoALaterOne(t *testing.T) { // TK-10
	w := start(t)
	_, earlier, err := w.Recall(cloud.Recall{Principal: mine, At: w.now, Refuse: true})
	if err != nil {
		t.Fatal(err)
	}
	w.recall(cloud.Recall{Principal: mine, At: w.now.Add(time.Second), Refuse: true})
	if _, err := w.Store.Commit(t.Context(), earlier); !errors.Is(err, store.ErrConflict) {
		t.Errorf("the earlier one is written too: %v", err)
	}
	if !w.Revoked(thisOne, mine, cloud.ID{}, w.now.Add(time.Second/2)) {
		t.Error("a token is good that was taken back")
	}
}

// Ids are written in either case; in tokens they are in lower case.
func TestARecallNamesAnIdentityInEitherCase(t *testing.T) { // TK-10
	w := start(t)
	r := w.recall(cloud.Recall{Principal: cloud.PrincipalID(strings.ToUpper(string(mine))), Refuse: true})
	if !w.Revoked(thisOne, mine, cloud.ID{}, w.now.Add(-time.Second)) || r.Principal != mine {
		t.Errorf("a token of %s is good that was taken back", r.Principal)
	}
}

func TestRecallsAreBoundedAndGoByThemselves(t *testing.T) {
	w := start(t)
	for n := 0; n < MaxRecalls; {
		var changes []store.Change
		for ; n < MaxRecalls && len(changes) < store.MaxChanges; n++ {
			_, change, err := w.Recall(cloud.Recall{Token: fmt.Sprint(n)})
			if err != nil {
				t.Fatal(err)
			}
			changes = append(changes, change)
		}
		w.commit(changes...)
	}
	if _, _, err := w.Recall(cloud.Recall{Token: "one more"}); !errors.Is(err, ErrTooManyRecalls) {
		t.Errorf("one more: %v", err)
	}
	if _, _, err := w.Recall(cloud.Recall{Token: "1"}); err != nil {
		t.Errorf("one of those again: %v", err)
	}
	changes, err := w.Detached(cloud.MustID(app), mine)
	if err != nil || len(changes) != 1 {
		t.Fatalf("a detachment gives %v, %v", changes, err)
	}
	w.commit(changes...)
	w.now = w.now.Add(time.Second)
	if !w.Revoked(thisOne, mine, cloud.MustID(elsewhere), w.now.Add(-2*time.Second)) {
		t.Error("beyond the bound a detachment does not reach the identity's tokens")
	}
	if gone := w.Outdated(); len(gone) != 0 {
		t.Errorf("%d go at once", len(gone))
	}
	w.now = w.now.Add(outlasting)
	for gone := w.Outdated(); len(gone) > 0; gone = w.Outdated() {
		w.commit(gone...)
	}
	if n := len(w.Recalls()); n != 0 {
		t.Errorf("%d recalls are left when all tokens have ended", n)
	}
}

func TestWhatADetachmentTakesBack(t *testing.T) { // TK-10
	w := start(t)
	timing := cloud.Instant
	w.Timing = func() cloud.Timing { return timing }
	here, there := cloud.MustID(app), cloud.MustID(elsewhere)
	changes, err := w.Detached(here, mine)
	if err != nil {
		t.Fatal(err)
	}
	w.commit(changes...)
	meanwhile := w.now.Add(settling - time.Millisecond) // minted by somebody who had not seen it yet
	if !w.Revoked(thisOne, mine, here, meanwhile) {
		t.Error("what was minted for the app lives on")
	}
	if w.Revoked(thisOne, mine, there, meanwhile) || w.Revoked(thisOne, yours, here, meanwhile) {
		t.Error("it reaches other apps, or other identities")
	}
	if w.Revoked(thisOne, mine, here, w.now.Add(settling)) {
		t.Error("it reaches what is minted when the identity is attached again")
	}
	timing = cloud.AsAzure
	if changes, err := w.Detached(there, mine); err != nil || len(changes) != 0 {
		t.Errorf("where tokens outlive it gives %v, %v", changes, err)
	}
}

func TestARecallThatCannotBeReadLeavesWhatWasKnown(t *testing.T) { // T28
	w := start(t)
	r := w.recall(cloud.Recall{Principal: mine, Refuse: true})
	w.commit(store.Change{Key: cloud.KeysRecall + r.ID, Value: []byte("poison"), If: store.Any})
	if !w.Revoked(thisOne, mine, cloud.ID{}, w.now.Add(-time.Second)) {
		t.Error("the recall is forgotten")
	}
	w.commit(store.Change{Key: cloud.KeysRecall + r.ID, If: store.Any})
	if w.Revoked(thisOne, mine, cloud.ID{}, w.now.Add(-time.Second)) {
		t.Error("the recall outlives its document")
	}
}

// BenchmarkRecalled is what each guarded call and each delivered token pays.
func BenchmarkRecalled(b *testing.B) {
	here := cloud.MustID(app)
	at := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	for _, n := range []int{0, MaxRecalls} {
		d := &Directory{}
		d.open()
		byKey := map[string]kept{}
		for i := range n {
			r := cloud.Recall{Token: fmt.Sprint(i), At: at, Refuse: true}
			r.ID = nameOf(r)
			byKey[recallKey(r.ID)] = kept{Recall: r}
		}
		d.recalls.Store(arrange(byKey))
		b.Run(fmt.Sprintf("%d recalls", n), func(b *testing.B) {
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					if d.Revoked(thisOne, mine, here, at.Add(-time.Hour)) {
						b.Fatal("recalled")
					}
				}
			})
		})
	}
}

func TestARecallIsSeenByEveryProcess(t *testing.T) { // TK-10: on every node
	w := start(t)
	other := &Directory{Store: w.Store, Tenant: tenant}
	ended := make(chan error, 1)
	go func() { ended <- other.Run(t.Context()) }()
	t.Cleanup(func() {
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	_, change, err := w.Recall(cloud.Recall{Principal: mine, Refuse: true})
	if err != nil {
		t.Fatal(err)
	}
	revision, err := w.Store.Commit(t.Context(), change)
	if err == nil {
		err = other.Await(t.Context(), revision)
	}
	if err != nil {
		t.Fatal(err)
	}
	if !other.Revoked(thisOne, mine, cloud.ID{}, w.now.Add(-time.Second)) {
		t.Error("another process lets the token live")
	}
}
