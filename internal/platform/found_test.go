package platform

import (
	"fmt"
	"testing"

	"lanyard/internal/cloud"
	"lanyard/internal/fault"
)

// What a world begins with is unique as what is granted later.
func TestTheOwnersGrantIsThereOnce(t *testing.T) {
	s := newStage(t)
	again := cloud.MustID("/providers/Microsoft.Authorization/roleAssignments/00000000-0000-0000-0000-0000000000a1")
	body := fmt.Sprintf(`{"properties":{"roleDefinitionId":"/providers/Microsoft.Authorization/roleDefinitions/%s","principalId":"%s"}}`, ownerRole, s.owner.Principal)
	_, err := s.arm.Place(t.Context(), again, cloud.Caller{}, []byte(body))
	if fault.Of(err).Code != "RoleAssignmentExists" {
		t.Errorf("a second grant of Owner to the owner: %v", err)
	}
}
