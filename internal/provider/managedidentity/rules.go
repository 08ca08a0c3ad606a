package managedidentity

import (
	"encoding/json"
	"regexp"
	"strings"

	"lanyard/internal/fault"
	"lanyard/internal/provider"
)

var name = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{2,127}$`)

func identityName(text string) error {
	if name.MatchString(text) {
		return nil
	}
	return fault.New(fault.Invalid, "InvalidResourceName",
		"The identity name '%s' is invalid: it must have 3 to 128 letters, digits, hyphens and underscores, and start with a letter or digit.", text)
}

// isolation gives the only property that clients set, in Azure's spelling. "Regional" is refused:
// a world has one region.
func isolation(raw json.RawMessage) (string, error) {
	m, err := provider.Read("properties", raw)
	if err != nil {
		return "", err
	}
	m.Drop("tenantId", "principalId", "clientId", "clientSecretUrl")
	if err := m.Close("properties", "isolationScope"); err != nil {
		return "", err
	}
	var scope string
	if err := m.Decode("properties", "isolationScope", &scope); err != nil {
		return "", err
	}
	switch strings.ToLower(scope) {
	case "", "none":
		return "None", nil
	case "regional":
		return "", provider.NotOffered("properties.isolationScope: Regional")
	}
	return "", fault.New(fault.Invalid, "InvalidRequestContent", "'properties.isolationScope' must be None or Regional, not '%s'.", scope)
}
