package java

import (
	"testing"

	"lanyard/test/clients/sdk"
)

// tries is how often the vault's client asks for a token: its pipeline tries again after any
// exception, three times, with waits of 0.8, 1.6 and 3.2 seconds.
const tries = 4

func TestAManagedIdentityReadsASecret(t *testing.T) {
	sdk.Open(t).Reads(program(t, "Read"))
}

func TestAMissingRoleIsForbiddenByRbac(t *testing.T) {
	want := sdk.Want{
		Error: "com.azure.core.exception.ResourceModifiedException", Status: 403, Code: "Forbidden", Inner: "ForbiddenByRbac",
		Message: []string{"Status code 403", "Caller is not authorized to perform action on resource."},
	}
	sdk.Open(t).Raises(sdk.Refused, program(t, "Read"), map[string]sdk.Case{
		"a managed identity":     {As: "system", Want: want},
		"DefaultAzureCredential": {As: "default", Want: want},
	})
}

func TestAMissingIdentityIsNamed(t *testing.T) {
	sdk.Open(t).Raises(sdk.Bare, program(t, "Read"), map[string]sdk.Case{
		"a managed identity": {As: "system", Want: sdk.Want{
			Error:   "com.azure.core.exception.ClientAuthenticationException",
			Message: []string{"Managed Identity authentication failed", "Unable to load the proper Managed Identity.", "--name bare"},
			Tries:   tries,
		}},
		"DefaultAzureCredential": {As: "default", Want: sdk.Want{
			Error:   "com.azure.core.exception.ClientAuthenticationException",
			Message: []string{"DefaultAzureCredential authentication failed", "Unable to load the proper Managed Identity."},
			Tries:   tries,
		}},
	})
}

func TestAnIdentityThatTheAppDoesNotWearIsRefused(t *testing.T) {
	sdk.Open(t).RaisesForForeign(program(t, "Read"), sdk.Want{
		Error:   "com.azure.core.exception.ClientAuthenticationException",
		Message: []string{"Managed Identity authentication failed", "Unable to load the proper Managed Identity."},
		Tries:   tries,
	})
}

func TestATokenForAnotherAudienceIsRefused(t *testing.T) {
	sdk.Open(t).Raises(sdk.Reader, program(t, "Read"), map[string]sdk.Case{
		"the management API's": {As: "audience=" + sdk.ManagementScope, Want: sdk.Want{
			Error: "com.azure.core.exception.ClientAuthenticationException", Status: 401, Code: "Unauthorized",
			Message: []string{"AKV10022: Invalid audience. Expected https://vault.azure.net", "found: https://management.azure.com"},
		}},
	})
}
