package app_test

import (
	"fmt"
	"strings"
	"testing"

	"lanyard/internal/cloud"
	"lanyard/internal/provider/providertest"
)

// worn gives an app with both kinds of identity, and with settings for them.
func worn(settings string) string {
	return strings.Replace(body("", `,"configuration":{"identitySettings":`+settings+`}`), `{`,
		`{"identity":{"type":"SystemAssigned, UserAssigned","userAssignedIdentities":{"`+badge+`":{}}},`, 1)
}

func beginWithBadge(t *testing.T) *providertest.World {
	w := begin(t)
	w.Want(201, "", "PUT "+badge+uv, here)
	return w
}

// TestAnIdentityHasALifecycle is ID-13 as far as the description goes.
func TestAnIdentityHasALifecycle(t *testing.T) {
	w := beginWithBadge(t)
	a := w.Want(201, "", "PUT "+shop, worn(`[{"identity":"SYSTEM","lifecycle":"init"},{"identity":"`+strings.ToUpper(badge)+`","lifecycle":"NONE"}]`))
	lives := func() string {
		t.Helper()
		text := ""
		for _, id := range described(t, w).Identities {
			text += fmt.Sprintf("%s:%s ", id.Kind, id.Lifecycle)
		}
		return strings.TrimSpace(text)
	}
	if got := lives(); got != "SystemAssigned:Init UserAssigned:None" {
		t.Errorf("the identities live %s", got)
	}
	if got := fmt.Sprint(a.Property("properties.configuration.identitySettings")); got != "[map[identity:system lifecycle:Init] map[identity:"+strings.ToUpper(badge)+" lifecycle:None]]" {
		t.Errorf("the settings are shown as %s", got)
	}
	revision := described(t, w).Revision
	w.Want(200, "", "PATCH "+shop, `{"properties":{"configuration":{"identitySettings":[{"identity":"`+badge+`"}]}}}`)
	if got := lives(); got != "SystemAssigned: UserAssigned:All" {
		t.Errorf("after a change they live %s", got)
	}
	if got := described(t, w).Revision; got != revision {
		t.Errorf("a change of lifecycles made revision %s of %s (ID-7)", got, revision)
	}
	w.Want(200, "", "PATCH "+shop, `{"properties":{"configuration":{"identitySettings":[]}}}`)
	if got := lives(); got != "SystemAssigned: UserAssigned:" {
		t.Errorf("without settings they live %s", got)
	}
}

func TestWhatIsWrongInIdentitySettings(t *testing.T) {
	w := beginWithBadge(t)
	for claim, settings := range map[string]string{
		"one that is not assigned": `[{"identity":"` + badge + `-other","lifecycle":"All"}]`,
		"one that is no id":        `[{"identity":"billing","lifecycle":"All"}]`,
		"none":                     `[{"lifecycle":"All"}]`,
		"one of two spellings":     `[{"identity":"` + badge + `"},{"identity":"` + strings.ToLower(badge) + `"}]`,
		"the own one twice":        `[{"identity":"system"},{"identity":"System"}]`,
		"no lifecycle there is":    `[{"identity":"system","lifecycle":"Sometimes"}]`,
	} {
		t.Run(claim, func(t *testing.T) { w.Want(400, "ContainerAppInvalidIdentitySettings", "PUT "+shop, worn(settings)) })
	}
	w.Want(400, "InvalidRequestContent", "PUT "+shop, worn(`[7]`))
	w.Want(400, "ContainerAppInvalidIdentitySettings", "PUT "+shop, body("", `,"configuration":{"identitySettings":[{"identity":"system"}]}`))
	w.Want(201, "", "PUT "+shop, worn(`[{"identity":"system","lifecycle":"Main"}]`))
	w.Want(400, "ContainerAppInvalidIdentitySettings", "PATCH "+shop, `{"identity":{"type":"None"}}`)
	if got := described(t, w).Identities; len(got) != 2 || got[0].Lifecycle != cloud.Main {
		t.Errorf("after refusals it wears %+v", got)
	}
}
