package matrix

import "slices"

const (
	azureFailed = "*azidentity.AuthenticationFailedError"
	javaFailed  = "com.azure.core.exception.ClientAuthenticationException"
	javaAbsent  = "com.azure.identity.CredentialUnavailableException"
	javaService = "com.microsoft.aad.msal4j.MsalServiceException"
)

var appService = source{
	id: "app-service", title: "App Service and Container Apps, api-version 2019-08-01", flag: "app-service",
	columns: appServiceColumns,
	raises: map[string]string{
		"go/identity": azureFailed, "go/default": azureFailed, "go/msal": "errors.CallErr",
		"node/identity": "CredentialUnavailableError", "node/default": "AggregateAuthenticationError", "node/msal": "ServerError",
		"python/identity": "CredentialUnavailableError", "python/default": "ClientAuthenticationError", "python/msal": "error invalid_scope",
		"python2024/identity": "ClientAuthenticationError", "python2024/default": "ClientAuthenticationError", "python2024/msal": "error invalid_scope",
		"java/identity": javaFailed, "java/default": javaFailed, "java/msal": javaService,
		"az/az": "exit status 1", "az2.45/az": "exit status 1",
	},
	except: map[string]map[string]outcome{
		"python/default": remembered(),
		"az2.45/az": at(outcome{raises: "exit status 1", says: "Failed to connect to MSI",
			why: "it asks by POST, as in Cloud Shell, where App Service's APPSETTING_WEBSITE_SITE_NAME is not set"}, names(appServiceColumns)...),
	},
}

var appServiceColumns = slices.Concat(identities(notWorn), strangers(notWorn), []column{
	unknown,
	{name: wrongHeader, app: both, selector: "none", whose: both, refused: "is missing or wrong", env: []string{"IDENTITY_HEADER=wrong", "MSI_SECRET=wrong"}},
})

// learning are those that MSAL holds against a source without identities but by client id.
const (
	learningGo     = "Azure ML supports specifying a user-assigned managed identity by client ID only"
	learningNode   = "Only client id is supported for user-assigned managed identity in MachineLearning."
	learningServer = "names no identity in the protocol"
	shellAzure     = "User-assigned managed identity is not supported in CLOUD_SHELL"
	shellMSAL      = "User assigned identity is not supported by the cloud shell"
	clientOnly     = "by client id only"
	takenForShell  = "it takes MSI_ENDPOINT for Cloud Shell's, and asks by POST"
)

// unnamed are the columns that name an identity otherwise than by its client id.
var unnamed = []string{byObject, byResource, anothersObject, anothersID}

// shell is what Java's clients make of App Service's older variables.
func shell(raises, absent, says string) map[string]outcome {
	return and(
		at(outcome{raises: raises, says: "is missing or wrong", why: takenForShell}, systemAssigned, aloneUnselected, unknownResource, noIdentity, wrongHeader),
		at(outcome{raises: absent, says: says, why: takenForShell}, byClient, byResource, nobodysClient, anothersClient, anothersID),
	)
}

var appService2017 = source{
	id: "app-service-2017", title: "App Service, api-version 2017-09-01 (to MSAL: Azure Machine Learning)", flag: "app-service-2017",
	columns: slices.Concat(identities(""), strangers(notLoaded), []column{
		unknown,
		{name: wrongHeader, app: both, selector: "none", whose: both, refused: "is missing or wrong", env: []string{"MSI_SECRET=wrong"}},
	}),
	raises: appService.raises,
	except: map[string]map[string]outcome{
		"go/identity":   at(outcome{raises: "*errors.errorString", says: learningGo, why: clientOnly}, unnamed...),
		"go/msal":       at(outcome{raises: "*errors.errorString", says: learningGo, why: clientOnly}, unnamed...),
		"node/identity": at(outcome{raises: "CredentialUnavailableError", says: learningNode, why: clientOnly}, unnamed...),
		"node/default":  at(outcome{raises: "AggregateAuthenticationError", says: learningNode, why: clientOnly}, byResource, anothersID),
		"node/msal":     at(outcome{raises: "Error", says: learningNode, why: clientOnly}, unnamed...),
		"python/identity": and(at(outcome{raises: "CredentialUnavailableError", says: learningServer}, unnamed...),
			at(outcome{raises: "CredentialUnavailableError", says: notLoaded}, aloneUnselected)),
		"python/default": and(remembered(), at(outcome{raises: "ClientAuthenticationError", says: notLoaded}, aloneUnselected)),
		"python/msal": and(at(outcome{raises: "error invalid_scope", says: learningServer}, unnamed...),
			at(outcome{raises: "error invalid_scope", says: notLoaded}, aloneUnselected)),
		"python2024/identity": and(at(outcome{raises: "ClientAuthenticationError", says: learningServer}, unnamed...),
			at(outcome{raises: "ClientAuthenticationError", says: notLoaded}, aloneUnselected)),
		"python2024/default": at(outcome{raises: "ClientAuthenticationError", says: notLoaded}, aloneUnselected),
		"python2024/msal": and(at(outcome{raises: "error invalid_scope", says: learningServer}, unnamed...),
			at(outcome{raises: "error invalid_scope", says: notLoaded}, aloneUnselected)),
		"java/identity": and(shell(javaFailed, javaAbsent, shellAzure), at(outcome{raises: javaAbsent, says: shellAzure, why: takenForShell}, byObject, anothersObject)),
		"java/default":  shell(javaFailed, javaAbsent, shellAzure),
		"java/msal":     and(shell(javaService, javaService, shellMSAL), at(outcome{raises: javaService, says: shellMSAL, why: takenForShell}, byObject, anothersObject)),
		"az/az": and(at(outcome{raises: "exit status 1", says: learningServer}, unnamed...),
			at(outcome{raises: "exit status 1", says: notLoaded}, aloneUnselected)),
		"az2.45/az": and(at(outcome{raises: "exit status 1", says: notLoaded}, aloneUnselected, byObject),
			at(outcome{raises: "exit status 1", says: "is the only supported explicit identity option on WebApp", why: clientOnly}, byResource, anothersID)),
	},
}
