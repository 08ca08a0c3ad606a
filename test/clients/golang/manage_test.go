package golang

import (
	"testing"

	"lanyard/test/clients/sdk"
)

func TestTheManagementClientsManage(t *testing.T) {
	sdk.Open(t).Manages(program(t, "manage"), "identities", "groups", "locks", "roles", "secrets", "apps")
}

func TestTheManagementClientsAreRefusedWithoutARole(t *testing.T) {
	sdk.Open(t).MayNot(program(t, "manage"))
}
