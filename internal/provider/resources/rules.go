package resources

import (
	"strings"

	"lanyard/internal/cloud"
	"lanyard/internal/fault"
)

// maxGroupName is Azure's bound of a resource group's name (wire-facts: "Identifiers").
const maxGroupName = 90

func subscriptionName(name string) error {
	if !cloud.IsGUID(name) {
		return fault.New(fault.Invalid, "InvalidSubscriptionId", "The provided subscription identifier '%s' is malformed or invalid.", name)
	}
	return nil
}

// groupName holds a name against Azure's rule: letters, digits, '-', '.', '(', ')' and '_', no
// period at the end.
func groupName(name string) error {
	if len(name) > maxGroupName {
		return fault.New(fault.Invalid, "InvalidResourceGroup", "The provided resource group name has %d characters; it may have no more than %d.", len(name), maxGroupName)
	}
	invalid := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-.()_", r) {
			return -1
		}
		return r
	}, name)
	if invalid != "" {
		return fault.New(fault.Invalid, "InvalidResourceGroup", "The provided resource group name '%s' has these invalid characters: '%s'. The name can only be a letter, digit, '-', '.', '(', ')' or '_'.", name, invalid)
	}
	if strings.HasSuffix(name, ".") {
		return fault.New(fault.Invalid, "InvalidResourceGroup", "The provided resource group name '%s' ends in a period.", name)
	}
	return nil
}
