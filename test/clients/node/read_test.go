package node

import (
	"testing"

	"lanyard/test/clients/sdk"
)

func TestAManagedIdentityReadsASecret(t *testing.T) {
	sdk.Open(t).Reads(program(t, "read.js"))
}

func TestAMissingRoleIsForbiddenByRbac(t *testing.T) {
	want := sdk.Want{
		Error: "RestError", Status: 403, Code: "Forbidden", Inner: "ForbiddenByRbac",
		Message: []string{"Caller is not authorized to perform action on resource."},
	}
	sdk.Open(t).Raises(sdk.Refused, program(t, "read.js"), map[string]sdk.Case{
		"a managed identity":     {As: "system", Want: want},
		"DefaultAzureCredential": {As: "default", Want: want},
	})
}

func TestAMissingIdentityIsNamed(t *testing.T) {
	sdk.Open(t).Raises(sdk.Bare, program(t, "read.js"), map[string]sdk.Case{
		"a managed identity": {As: "system", Want: sdk.Want{
			Error:   "CredentialUnavailableError",
			Message: []string{"ManagedIdentityCredential: Authentication failed.", "Unable to load the proper Managed Identity.", "--name bare"},
		}},
		"DefaultAzureCredential": {As: "default", Want: sdk.Want{
			Error:   "AggregateAuthenticationError",
			Message: []string{"ChainedTokenCredential authentication failed.", "Unable to load the proper Managed Identity."},
		}},
	})
}

func TestAnIdentityThatTheAppDoesNotWearIsRefused(t *testing.T) {
	sdk.Open(t).RaisesForForeign(program(t, "read.js"), sdk.Want{
		Error:   "CredentialUnavailableError",
		Message: []string{"ManagedIdentityCredential: Authentication failed.", "Unable to load the proper Managed Identity."},
	})
}

func TestATokenForAnotherAudienceIsRefused(t *testing.T) {
	sdk.Open(t).Raises(sdk.Reader, program(t, "read.js"), map[string]sdk.Case{
		"the management API's": {As: "audience=" + sdk.ManagementScope, Want: sdk.Want{
			Error: "RestError", Status: 401, Code: "Unauthorized",
			Message: []string{"AKV10022: Invalid audience. Expected https://vault.azure.net", "found: https://management.azure.com"},
		}},
	})
}
