package golang

import (
	"testing"

	"lanyard/test/clients/sdk"
)

func TestAManagedIdentityReadsASecret(t *testing.T) {
	sdk.Open(t).Reads(program(t, "read"))
}

func TestAMissingRoleIsForbiddenByRbac(t *testing.T) {
	want := sdk.Want{
		Error: "*exported.ResponseError", Status: 403, Code: "Forbidden",
		Message: []string{"RESPONSE 403: 403 Forbidden", "Caller is not authorized to perform action on resource.", `"code": "ForbiddenByRbac"`},
	}
	sdk.Open(t).Raises(sdk.Refused, program(t, "read"), map[string]sdk.Case{
		"a managed identity":     {As: "system", Want: want},
		"DefaultAzureCredential": {As: "default", Want: want},
	})
}

func TestAMissingIdentityIsNamed(t *testing.T) {
	sdk.Open(t).Raises(sdk.Bare, program(t, "read"), map[string]sdk.Case{
		"a managed identity": {As: "system", Want: sdk.Want{
			Error:   "*azidentity.AuthenticationFailedError",
			Message: []string{"ManagedIdentityCredential authentication failed", "RESPONSE 400", "Unable to load the proper Managed Identity.", "--name bare"},
		}},
		"DefaultAzureCredential": {As: "default", Want: sdk.Want{
			Error:   "*azidentity.AuthenticationFailedError",
			Message: []string{"DefaultAzureCredential: failed to acquire a token", "Unable to load the proper Managed Identity."},
		}},
	})
}

func TestAnIdentityThatTheAppDoesNotWearIsRefused(t *testing.T) {
	sdk.Open(t).RaisesForForeign(program(t, "read"), sdk.Want{
		Error:   "*azidentity.AuthenticationFailedError",
		Message: []string{"ManagedIdentityCredential authentication failed", "RESPONSE 400", "Unable to load the proper Managed Identity."},
	})
}

func TestATokenForAnotherAudienceIsRefused(t *testing.T) {
	sdk.Open(t).Raises(sdk.Reader, program(t, "read"), map[string]sdk.Case{
		"the management API's": {As: "audience=" + sdk.ManagementScope, Want: sdk.Want{
			Error: "*exported.ResponseError", Status: 401, Code: "Unauthorized",
			Message: []string{"AKV10022: Invalid audience. Expected https://vault.azure.net", "found: https://management.azure.com"},
		}},
	})
}
