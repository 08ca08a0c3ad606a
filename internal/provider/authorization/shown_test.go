package authorization_test

import (
	"strings"
	"testing"

	"lanyard/internal/provider/providertest"
)

// az flattens the properties of what has no systemData, and takes no answer but 201 to a PUT.
func TestRolesAndAssignmentsAreShownAsAzuresClientsReadThem(t *testing.T) {
	w := begin(t)
	made := w.Want(201, "", "PUT "+providertest.Subscription+definitions+mine, role("Shop Reader", atGroup))
	again := w.Want(201, "", "PUT "+providertest.Subscription+definitions+mine, role("Store Reader", atGroup))
	list := w.Want(200, "", "GET "+providertest.Group+"/providers/Microsoft.Authorization/roleDefinitions?$filter=type+eq+%27CustomRole%27", "")
	for _, text := range []string{made.Text, again.Text, list.Text} {
		if strings.Contains(text, "systemData") || strings.Contains(text, "etag") {
			t.Errorf("a role is shown as %s", text)
		}
	}
	if again.Property("properties.roleName") != "Store Reader" {
		t.Errorf("after the second PUT it is %s", again.Text)
	}
}
