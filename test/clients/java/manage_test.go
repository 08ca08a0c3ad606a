package java

import (
	"testing"

	"lanyard/test/clients/sdk"
)

func TestTheManagementClientsManage(t *testing.T) {
	sdk.Open(t).Manages(program(t, "Manage"), "identities", "groups", "locks", "roles", "secrets")
}

func TestTheManagementClientsAreRefusedWithoutARole(t *testing.T) {
	sdk.Open(t).MayNot(program(t, "Manage"))
}
