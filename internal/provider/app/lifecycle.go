package app

import (
	"encoding/json"
	"slices"
	"strings"

	"lanyard/internal/arm"
	"lanyard/internal/cloud"
	"lanyard/internal/fault"
	"lanyard/internal/provider"
)

const settingsPath = "properties.configuration.identitySettings"

// ownIdentity stands for the app's system-assigned identity in its settings.
const ownIdentity = "system"

// setting says which of an app's containers may use one of its identities (ID-13).
type setting struct {
	Identity  string          `json:"identity"` // "system", or the id of a user-assigned one
	Lifecycle cloud.Lifecycle `json:"lifecycle"`
}

// lifecycles are those there are; Azure's own examples write them in lower case, too.
var lifecycles = []cloud.Lifecycle{cloud.All, cloud.Init, cloud.Main, cloud.None}

// shapeSettings holds the identity settings against the rules, and spells each lifecycle as Azure does.
func shapeSettings(d *arm.Document, configuration provider.Members) error {
	var entries []json.RawMessage
	if err := configuration.Decode("properties.configuration", "identitySettings", &entries); err != nil {
		return err
	}
	if len(entries) == 0 {
		return nil
	}
	shaped := []setting{}
	for _, raw := range entries {
		s, err := readSetting(raw)
		if err != nil {
			return err
		}
		if !attached(d, s.Identity) {
			return badSettings("the identity '%s' is not assigned to the app", fault.Clip(s.Identity)).
				Try("lanyard containerapp identity assign --name %s --resource-group %s, or take its setting away", d.ID.Name(), d.ID.Group())
		}
		if slices.ContainsFunc(shaped, func(other setting) bool { return sameIdentity(other.Identity, s.Identity) }) {
			return badSettings("the identity '%s' is there twice", fault.Clip(s.Identity))
		}
		shaped = append(shaped, s)
	}
	configuration.Set("identitySettings", shaped)
	return nil
}

func readSetting(raw json.RawMessage) (s setting, err error) {
	m, err := provider.Read(settingsPath, raw)
	if err != nil {
		return s, err
	}
	if err := m.Close(settingsPath, "identity", "lifecycle"); err != nil {
		return s, err
	}
	if err := m.Decode(settingsPath, "identity", &s.Identity); err != nil {
		return s, err
	}
	if err := m.Decode(settingsPath, "lifecycle", &s.Lifecycle); err != nil {
		return s, err
	}
	asked := s.Lifecycle
	if asked == "" {
		asked = cloud.All
	}
	i := slices.IndexFunc(lifecycles, func(l cloud.Lifecycle) bool { return strings.EqualFold(string(l), string(asked)) })
	if i < 0 {
		return s, badSettings("'%s' is no lifecycle: there are %v", fault.Clip(string(s.Lifecycle)), lifecycles)
	}
	s.Lifecycle = lifecycles[i]
	if strings.EqualFold(s.Identity, ownIdentity) {
		s.Identity = ownIdentity
	}
	return s, nil
}

func badSettings(format string, said ...any) *fault.Error {
	return fault.New(fault.Invalid, "ContainerAppInvalidIdentitySettings", "'"+settingsPath+"' is invalid: "+format+".", said...)
}

// attached reports whether an app has an identity, as its settings name it.
func attached(d *arm.Document, name string) bool {
	if d.Identity == nil {
		return false
	}
	if name == ownIdentity {
		return strings.Contains(strings.ToLower(d.Identity.Type), "systemassigned")
	}
	for id, worn := range d.Identity.User {
		if worn != nil && sameIdentity(id, name) {
			return true
		}
	}
	return false
}

func sameIdentity(a, b string) bool {
	if a == ownIdentity || b == ownIdentity {
		return a == b
	}
	x, err := cloud.ParseID(a)
	if err != nil {
		return false
	}
	y, err := cloud.ParseID(b)
	return err == nil && x.Equal(y)
}

// lifecycleOf gives the lifecycle of an identity by its name in the settings; "" is all.
func lifecycleOf(settings []setting, name string) cloud.Lifecycle {
	for _, s := range settings {
		if sameIdentity(s.Identity, name) {
			return s.Lifecycle
		}
	}
	return ""
}
