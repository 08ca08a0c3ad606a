package keyvault_test

import (
	"fmt"
	"testing"

	"lanyard/internal/arm"
	"lanyard/internal/cloud"
	"lanyard/internal/provider/providertest"
)

func TestWhetherAVaultsNameIsFree(t *testing.T) {
	var c clock
	w, _ := beginAt(t, c.now)
	const line = "POST " + providertest.Subscription + "/providers/Microsoft.KeyVault/checkNameAvailability"
	want := func(name string, available bool, reason any) {
		t.Helper()
		a := w.Want(200, "", line, fmt.Sprintf(`{"name":%q,"type":"Microsoft.KeyVault/vaults"}`, name))
		if a.Property("nameAvailable") != available || a.Property("reason") != reason || (a.Property("message") == nil) != available {
			t.Errorf("%s: %s", name, a.Text)
		}
	}
	want("another-kv", true, nil)
	want("Shop-KV", false, "AlreadyExists")
	want("9lives", false, "AccountNameInvalid")
	w.Want(200, "", "DELETE "+vault, "")
	want("shop-kv", false, "AlreadyExists")
	c.days.Store(90)
	want("shop-kv", true, nil)
	w.Want(400, "BadRequest", line, `{"name":"a","type":"Microsoft.Storage/storageAccounts"}`)
	w.Want(400, "InvalidRequestContent", line, `"a"`)
	w.Refuse = arm.Demand{Action: "Microsoft.KeyVault/checkNameAvailability/read", Scope: cloud.Root}
	w.Want(403, "AuthorizationFailed", line, `{}`)
}
