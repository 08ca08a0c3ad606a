package graph_test

import (
	"testing"
	"time"

	"lanyard/internal/cloud"
)

// validFrom gives from when on a principal's tokens are good.
func (w *world) validFrom(id cloud.PrincipalID) time.Time {
	w.t.Helper()
	p, ok := w.dir.Principal(id)
	if !ok {
		w.t.Fatalf("%s is gone", id)
	}
	return p.ValidFrom
}

func TestPeopleEndTheirOwnSessions(t *testing.T) {
	w := start(t)
	w.now = w.now.Add(time.Millisecond)
	answer := w.call(w.user, 200, "POST", "/me/revokeSignInSessions", nil)
	if answer["value"] != true || answer["@odata.context"] != "https://graph.microsoft.com/v1.0/$metadata#Edm.Boolean" {
		t.Errorf("the answer is %v", answer)
	}
	// No token's id has a finer time than a microsecond: none minted in this one is good any more.
	if got, want := w.validFrom(w.user.ID), w.now.Add(time.Microsecond); !got.Equal(want) {
		t.Errorf("tokens are good from %s, want %s", got, want)
	}
	w.now = w.now.Add(time.Hour)
	w.call(w.user, 200, "POST", "/users/owner@lanyard.localhost/revokeSignInSessions", object{})
	if got := w.validFrom(w.user.ID); got.Before(w.now) {
		t.Errorf("tokens are good from %s, before the second revocation", got)
	}
	w.refused(w.user, 400, "POST", "/me/revokeSignInSessions", object{"at": "2020-01-01"})
	w.refused(w.owner, 400, "POST", "/me/revokeSignInSessions", nil)
}

func TestOwnersEndAnybodysSessions(t *testing.T) {
	w := start(t)
	at := "/users/" + string(w.user.ID) + "/revokeSignInSessions"
	w.refused(w.worker, 403, "POST", at, nil)
	w.refused(w.mi, 403, "POST", at, nil)
	if got := w.validFrom(w.user.ID); !got.IsZero() {
		t.Errorf("who may not has revoked until %s", got)
	}
	w.call(w.owner, 200, "POST", at, nil)
	if got := w.validFrom(w.user.ID); !got.Equal(w.now.Add(time.Microsecond)) {
		t.Errorf("tokens are good from %s, want just after %s", got, w.now)
	}
	w.refused(w.owner, 404, "POST", "/users/"+string(w.worker.ID)+"/revokeSignInSessions", nil)
	w.refused(w.owner, 404, "POST", "/users/nobody@lanyard.localhost/revokeSignInSessions", nil)
}
