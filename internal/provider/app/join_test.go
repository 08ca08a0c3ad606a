package app_test

import (
	"crypto/rand"
	"fmt"
	"strings"
	"testing"

	"lanyard/internal/cloud"
	"lanyard/internal/provider/providertest"
)

const (
	owner       = "8e3af657-a8ff-443c-a75c-2fe8c4bcb635"
	contributor = "b24988ac-6180-42a0-ab88-20f7382dd24c"
	reader      = "acdd72a7-3385-48ef-bd42-f606fba81ae7"
	elsewhere   = providertest.Other + "/providers/Microsoft.App/containerApps/guest"
)

// granted gives a principal a role at a scope.
func granted(w *providertest.World, p cloud.Principal, role, scope string) {
	w.T.Helper()
	name, err := cloud.NewID(rand.Reader)
	if err != nil {
		w.T.Fatal(err)
	}
	w.Want(201, "", "PUT "+scope+"/providers/Microsoft.Authorization/roleAssignments/"+name+"?api-version=2022-04-01",
		fmt.Sprintf(`{"properties":{"roleDefinitionId":"/providers/Microsoft.Authorization/roleDefinitions/%s","principalId":%q}}`, role, p.ID))
}

// T16: a contributor of one group tries to run an app in another group's environment, and to learn
// which environments there are.
func TestAnAppJoinsNoEnvironmentWithoutTheRightTo(t *testing.T) {
	w := begin(t)
	mallory := w.Enroll("mallory")
	granted(w, mallory, contributor, providertest.Other)
	as := w.As(mallory)
	for _, named := range []string{env, env + "-none"} {
		a := as.Want(403, "LinkedAuthorizationFailed", "PUT "+elsewhere, strings.ReplaceAll(body("", ""), env, named))
		if !strings.Contains(a.Text, "'Microsoft.App/managedEnvironments/join/action' on the linked scope(s) '"+named+"'") {
			t.Errorf("of %s it is told %s", named, a.Text)
		}
	}
	granted(w, mallory, reader, env)
	as.Want(403, "LinkedAuthorizationFailed", "PUT "+elsewhere, body("", ""))
	w.Want(200, "", "DELETE "+env, "")
}

func TestWhoMayJoinAnEnvironmentMakesAppsInIt(t *testing.T) {
	w := begin(t)
	for _, role := range []string{owner, contributor} {
		who := w.Enroll("somebody")
		granted(w, who, role, providertest.Group)
		granted(w, who, contributor, providertest.Other)
		as := w.As(who)
		as.Want(201, "", "PUT "+elsewhere, body("", ""))
		as.Want(400, "ManagedEnvironmentNotFound", "PUT "+elsewhere+"-b", strings.ReplaceAll(body("", ""), env, env+"-none"))
		w.Want(200, "", "DELETE "+elsewhere, "")
	}
}

// Joining is for making an app: who may write it later goes on without.
func TestAnAppThatIsInAnEnvironmentIsChangedWithoutJoiningItAgain(t *testing.T) {
	w := begin(t)
	w.Want(201, "", "PUT "+elsewhere, body("", ""))
	who := w.Enroll("somebody")
	granted(w, who, contributor, providertest.Other)
	as := w.As(who)
	as.Want(200, "", "PUT "+elsewhere, body(`,"args":["-v"]`, ""))
	as.Want(200, "", "PATCH "+elsewhere, `{"tags":{"a":"b"}}`)
	for _, other := range []string{env + "-b", env + "-none"} {
		as.Want(409, "PropertyChangeNotAllowed", "PUT "+elsewhere, strings.ReplaceAll(body("", ""), env, other))
	}
}
