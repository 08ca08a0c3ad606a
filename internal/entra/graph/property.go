package graph

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"unicode/utf8"

	jsonpatch "github.com/evanphx/json-patch/v5"

	"lanyard/internal/cloud"
	"lanyard/internal/directory"
	"lanyard/internal/fault"
)

// homeTenant is the only sign-in audience: this world has one tenant.
const homeTenant = "AzureADMyOrg"

// unset is an application of which nothing was said (Microsoft Graph v1.0, "application"). What the
// rules below do not take has this value, and none that Lanyard would have to honour.
const unset = `{
	"addIns": [], "applicationTemplateId": null, "certification": null, "defaultRedirectUri": null,
	"deletedDateTime": null, "description": null, "disabledByMicrosoftStatus": null, "groupMembershipClaims": null,
	"isDeviceOnlyAuthSupported": null, "isFallbackPublicClient": null, "notes": null, "optionalClaims": null,
	"requestSignatureVerification": null, "requiredResourceAccess": [], "samlMetadataUrl": null,
	"serviceManagementReference": null, "servicePrincipalLockConfiguration": null, "tags": [], "tokenEncryptionKeyId": null,
	"uniqueName": null,
	"api": {"acceptMappedClaims": null, "knownClientApplications": [], "oauth2PermissionScopes": [],
		"preAuthorizedApplications": [], "requestedAccessTokenVersion": null},
	"info": {"logoUrl": null, "marketingUrl": null, "privacyStatementUrl": null, "supportUrl": null, "termsOfServiceUrl": null},
	"parentalControlSettings": {"countriesBlockedForMinors": [], "legalAgeGroupRule": "Allow"},
	"publicClient": {"redirectUris": []}, "spa": {"redirectUris": []},
	"verifiedPublisher": {"addedDateTime": null, "displayName": null, "verifiedPublisherId": null},
	"web": {"homePageUrl": null, "implicitGrantSettings": {"enableAccessTokenIssuance": false, "enableIdTokenIssuance": false},
		"logoutUrl": null, "redirectUriSettings": [], "redirectUris": []}
}`

// rule judges the value of one property of an application.
type rule func(value json.RawMessage) bool

// kept are the properties that are kept as sent: those that only describe an application, and those that
// say what is in tokens for it, see heed. Others that change what a token says or who may sign in are
// taken only with the value that they have anyway.
var kept = map[string]rule{
	"description": words(1024), "notes": words(1024), "serviceManagementReference": words(1024),
	"tags": tags, "requiredResourceAccess": wishes,
	"info.marketingUrl": words(1024), "info.privacyStatementUrl": words(1024), "info.supportUrl": words(1024),
	"info.termsOfServiceUrl": words(1024), "web.homePageUrl": words(256),
	"isFallbackPublicClient": oneOf("null", "false"), "api.requestedAccessTokenVersion": oneOf("null", "1", "2"),
	"groupMembershipClaims": oneOf("null", `"None"`, `"SecurityGroup"`, `"All"`),
	"signInAudience":        oneOf(`"` + homeTenant + `"`),
}

// properties gives an application's properties, those that were set over those that were not.
func properties(set json.RawMessage) map[string]any {
	whole := []byte(unset)
	if len(set) > 0 {
		if merged, err := jsonpatch.MergePatch(whole, set); err == nil {
			whole = merged
		}
	}
	shape := map[string]any{}
	_ = json.Unmarshal(whole, &shape) // it is ours
	return shape
}

// merge lays the properties of a request over those that an application has (RFC 7396), and refuses
// what would be kept without effect.
func merge(set json.RawMessage, sent map[string]json.RawMessage) (json.RawMessage, error) {
	plain := map[string]any{}
	if err := json.Unmarshal([]byte(unset), &plain); err != nil {
		return nil, err
	}
	if err := check("", sent, plain); err != nil {
		return nil, err
	}
	delete(sent, "signInAudience")
	patch, err := json.Marshal(sent)
	if err != nil {
		return nil, err
	}
	if len(set) == 0 {
		set = json.RawMessage("{}")
	}
	// A patch that says null unsets; merging patches would keep the null, so it is applied.
	return jsonpatch.MergePatch(set, patch)
}

// heed takes from an application's properties what its tokens follow (Microsoft Graph v1.0,
// "apiApplication", "application").
func heed(a *directory.Application) error {
	var p struct {
		API struct {
			Version int `json:"requestedAccessTokenVersion"`
		} `json:"api"`
		Groups string `json:"groupMembershipClaims"`
	}
	if len(a.Properties) > 0 {
		if err := json.Unmarshal(a.Properties, &p); err != nil {
			return fmt.Errorf("read properties of application %s: %w", a.ID, err)
		}
	}
	a.Version, a.GroupClaims = "", ""
	if p.API.Version == 2 {
		a.Version = directory.VersionTwo
	}
	if p.Groups != "None" {
		a.GroupClaims = p.Groups
	}
	return nil
}

// check holds what was sent against the rules; path is "" or the name of a property and a dot.
func check(path string, sent map[string]json.RawMessage, plain map[string]any) error {
	for name, value := range sent {
		usual, known := plain[name]
		if takes, ok := kept[path+name]; ok {
			if !takes(value) {
				return badRequest("Invalid value specified for property '%s' of resource 'Application', or one that Lanyard does not offer.", path+name)
			}
			continue
		}
		inner, nested := usual.(map[string]any)
		switch {
		case !known:
			return badRequest("Invalid property '%s'.", fault.Clip(path+name))
		case nested && isObject(value):
			var members map[string]json.RawMessage
			if err := json.Unmarshal(value, &members); err != nil {
				return badRequest("Invalid value specified for property '%s' of resource 'Application'.", path+name)
			}
			if err := check(path+name+".", members, inner); err != nil {
				return err
			}
		case !same(value, usual):
			return fault.New(fault.NotOffered, "NotImplemented",
				"Lanyard does not offer the property '%s' of applications: it would be kept without effect.", path+name)
		}
	}
	return nil
}

func isObject(value json.RawMessage) bool {
	return bytes.HasPrefix(bytes.TrimSpace(value), []byte("{"))
}

// same reports whether a value says nothing but what holds anyway.
func same(value json.RawMessage, usual any) bool {
	text, err := json.Marshal(usual)
	return err == nil && (string(value) == "null" || jsonpatch.Equal(value, text))
}

func words(most int) rule {
	return func(value json.RawMessage) bool {
		var s *string
		return json.Unmarshal(value, &s) == nil && (s == nil || utf8.RuneCountInString(*s) <= most)
	}
}

func oneOf(values ...string) rule {
	return func(value json.RawMessage) bool { return slices.Contains(values, string(value)) }
}

// tags are texts of up to 256 characters (Microsoft Graph v1.0, "application").
func tags(value json.RawMessage) bool {
	var all []string
	long := func(s string) bool { return s == "" || utf8.RuneCountInString(s) > 256 }
	return json.Unmarshal(value, &all) == nil && all != nil && len(all) <= 100 && !slices.ContainsFunc(all, long)
}

// wishes are the permissions that an application would like to have. Nobody can consent to them here,
// and without consent they change nothing in Entra either.
func wishes(value json.RawMessage) bool {
	var all []struct {
		App    string `json:"resourceAppId"`
		Access []struct {
			ID   string `json:"id"`
			Type string `json:"type"`
		} `json:"resourceAccess"`
	}
	decoder := json.NewDecoder(bytes.NewReader(value))
	decoder.DisallowUnknownFields()
	if decoder.Decode(&all) != nil || all == nil || len(all) > 50 {
		return false
	}
	for _, wish := range all {
		if !cloud.IsGUID(wish.App) || len(wish.Access) == 0 {
			return false
		}
		for _, access := range wish.Access {
			if !cloud.IsGUID(access.ID) || access.Type != "Scope" && access.Type != "Role" {
				return false
			}
		}
	}
	return true
}
