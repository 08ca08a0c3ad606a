package matrix

import "slices"

// notWorn is what App Service says of an identity that an app does not wear.
const notWorn = "Unable to load the proper Managed Identity."

var appService = source{
	id: "app-service", title: "App Service and Container Apps, api-version 2019-08-01", flag: "app-service",
	columns: slices.Concat(identities(notWorn), strangers(notWorn), []column{
		{name: "a resource that nobody knows", app: both, selector: "none", whose: both, refused: "AADSTS500011", resource: "https://nobody.example"},
		{name: "no identity assigned", app: bare, selector: "none", whose: bare, refused: notWorn},
		{name: "another header", app: both, selector: "none", whose: both, refused: "is missing or wrong", env: []string{"IDENTITY_HEADER=wrong", "MSI_SECRET=wrong"}},
	}),
	raises: map[string]string{
		"go/identity": "*azidentity.AuthenticationFailedError", "go/default": "*azidentity.AuthenticationFailedError", "go/msal": "errors.CallErr",
		"node/identity": "CredentialUnavailableError", "node/default": "AggregateAuthenticationError", "node/msal": "ServerError",
		"python/identity": "CredentialUnavailableError", "python/default": "ClientAuthenticationError", "python/msal": "error invalid_scope",
		"python2024/identity": "ClientAuthenticationError", "python2024/default": "ClientAuthenticationError", "python2024/msal": "error invalid_scope",
		"java/identity": "com.azure.core.exception.ClientAuthenticationException", "java/default": "com.azure.core.exception.ClientAuthenticationException",
		"java/msal": "com.microsoft.aad.msal4j.MsalServiceException",
		"az/az":     "exit status 1", "az2.45/az": "exit status 1",
	},
}

var sources = []source{appService}
