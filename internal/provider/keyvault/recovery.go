package keyvault

import (
	"encoding/json"
	"fmt"
	"strings"

	"lanyard/internal/arm"
	"lanyard/internal/provider"
)

// The bounds and the default of softDeleteRetentionInDays.
const leastRetention, mostRetention = 7, 90

// propertiesOf reads what a vault keeps once it is set; nil is a vault that is yet to be made.
func propertiesOf(d *arm.Document) (p vaultProperties, err error) {
	if d == nil {
		return p, nil
	}
	if err := json.Unmarshal(d.Properties, &p); err != nil {
		return p, fmt.Errorf("read %s: %w", d.ID, err)
	}
	return p, nil
}

// takeMode takes createMode out of a vault's properties and reports whether it says recover.
func takeMode(d *arm.Document) (recovers bool, err error) {
	m, err := provider.Read("properties", d.Properties)
	if err != nil {
		return false, err
	}
	mode := "default"
	if err := m.Decode("properties", "createMode", &mode); err != nil {
		return false, err
	}
	delete(m, "createMode")
	d.Properties = m.Raw()
	switch strings.ToLower(mode) {
	case "default":
		return false, nil
	case "recover":
		return true, nil
	}
	return false, badRequest("'properties.createMode' must be default or recover, not '%s'.", mode)
}

// keepRetention fills how long the vault, and its secrets, can be recovered: it is set once.
func (was vaultProperties) keepRetention(m provider.Members) error {
	days := mostRetention
	if was.Retention != 0 {
		days = was.Retention
	}
	if err := m.Decode("properties", "softDeleteRetentionInDays", &days); err != nil {
		return err
	}
	switch {
	case was.Retention != 0 && days != was.Retention:
		return badRequest("The property \"softDeleteRetentionInDays\" has been set already and it can't be modified.")
	case days < leastRetention || days > mostRetention:
		return badRequest("The property \"softDeleteRetentionInDays\" must be between %d and %d, not %d.", leastRetention, mostRetention, days)
	}
	m.Set("softDeleteRetentionInDays", days)
	return nil
}

// keepProtection holds that protection against purging, once on, stays on.
func (was vaultProperties) keepProtection(m provider.Members) error {
	protected := true
	if err := m.Decode("properties", "enablePurgeProtection", &protected); err != nil {
		return err
	}
	if !protected {
		return badRequest("The property \"enablePurgeProtection\" cannot be set to false. Enabling the purge protection for a vault is an irreversible action.")
	}
	if was.Protected {
		m.Set("enablePurgeProtection", true)
	}
	return nil
}
