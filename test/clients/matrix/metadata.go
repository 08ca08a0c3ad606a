package matrix

import "slices"

// deaf are the clients that do not heed AZURE_POD_IDENTITY_AUTHORITY_HOST.
var deaf = []string{"go/identity", "go/default", "go/msal", "python2024/msal", "az2.45/az"}

var metadata = source{
	id: "imds", title: "IMDS, led by AZURE_POD_IDENTITY_AUTHORITY_HOST", flag: "imds", deaf: deaf,
	columns: identities(""),
	raises:  linkLocal.raises,
}

// absentGo is what azidentity raises where IMDS answers 400 to who names no identity, so that a chain goes on.
const absentGo = "*azidentity.credentialUnavailableError"

var (
	// waits is a client that tries again when it was told to.
	waits = at(outcome{why: "it waits, tries again and has its token"}, crowd)
	// starts is one that takes longer to start than it would have to wait.
	starts = at(outcome{why: "it takes longer to start than it would have to wait"}, crowd)
	// hurries is one that leaves that to its caller.
	hurries = and(at(outcome{raises: "error too_many_requests", says: "Too many requests"}, crowd),
		at(outcome{raises: "error invalid_resource", says: "AADSTS500011"}, unknownResource))
	unselectedGo = and(at(outcome{raises: absentGo, says: "AADSTS500011"}, unknownResource), at(outcome{raises: absentGo, says: notFound}, noIdentity),
		at(outcome{raises: absentGo, says: "turned off by WEBSITE_DISABLE_MSI"}, disabled))
)

var linkLocal = source{
	id: "link", title: "IMDS at 169.254.169.254 (`lanyard up --imds`)", flag: "imds", address: true,
	columns: slices.Concat(identities(""), strangers(notFound), []column{
		unknown,
		{name: disabled, app: both, selector: "none", whose: both, refused: "turned off by WEBSITE_DISABLE_MSI", msiDisabled: true},
		{name: crowd, app: both, selector: "none", whose: both, crowded: true, refused: "Too many requests"},
	}),
	raises: otherwise(appService.raises, map[string]string{
		"python/msal": "error invalid_request", "python2024/msal": "error invalid_request",
		"python2024/identity": "CredentialUnavailableError", "java/default": javaAbsent,
	}),
	except: map[string]map[string]outcome{
		"go/identity": and(waits, unselectedGo), "go/default": and(waits, unselectedGo), "go/msal": waits,
		"node/identity": waits, "node/default": waits, "node/msal": waits,
		"python/identity": waits, "python/default": and(waits, remembered()), "python/msal": hurries,
		"python2024/identity": waits, "python2024/default": and(waits, remembered()), "python2024/msal": hurries,
		"java/identity": waits, "java/msal": waits,
		"java/default": and(waits, at(outcome{raises: javaAbsent, says: "Managed Identity authentication is not available"},
			nobodysClient, anothersClient, anothersID, noIdentity, disabled)),
		"az/az": starts,
		"az2.45/az": and(
			starts,
			at(outcome{raises: "exit status 1", says: "check your managed service identity id"}, nobodysClient, anothersClient, anothersObject),
			at(outcome{raises: "exit status 1", says: "Failed to connect to MSI. Please make sure MSI is configured correctly"}, anothersID, unknownResource, noIdentity, disabled)),
	},
}

var arcColumns = slices.Concat(identities(notFound), []column{unknown})

var arc = source{
	id: "arc", title: "Azure Arc", flag: "arc",
	columns: arcColumns,
	raises:  otherwise(appService.raises, map[string]string{"python/msal": "error invalid_request", "python2024/msal": "error invalid_request"}),
	except: map[string]map[string]outcome{
		"python/default": remembered(),
		"python2024/identity": at(outcome{raises: "ClientAuthenticationError", says: "User assigned managed identities are not supported by Azure Arc",
			why: "system-assigned only"}, byClient, byObject, byResource),
		"python2024/default": at(outcome{raises: "ClientAuthenticationError", says: "User assigned managed identities are not supported by Azure Arc",
			why: "system-assigned only"}, byClient),
		"python2024/msal": at(outcome{raises: "ManagedIdentityError", says: "Azure Arc supports only system-assigned managed identity",
			why: "system-assigned only"}, byClient, byObject, byResource),
		"az2.45/az": at(outcome{raises: "exit status 1", says: "Network is unreachable", why: "it knows no Arc, and asks at 169.254.169.254"}, names(arcColumns)...),
	},
}

// knowsNone is said of a managed identity credential that does not heed the variables of workload identity.
const knowsNone = "it does not heed the variables, and asks IMDS"

var workload = source{
	id: "workload", title: "Workload identity", flag: "workload", address: true,
	columns: []column{
		{name: unselected, app: both, selector: "none", whose: worn},
		{name: byClient, app: both, selector: "client_id", whose: worn},
		{name: nobodysClient, app: both, selector: "client_id", whose: nobody, refused: "AADSTS700016"},
		{name: anothersClient, app: both, selector: "client_id", whose: stranger, refused: "AADSTS700211"},
		{name: unknownResource, app: both, selector: "none", whose: worn, refused: "AADSTS500011", resource: "https://nobody.example"},
	},
	raises: otherwise(appService.raises, map[string]string{
		"node/identity": "AuthenticationRequiredError", "python/identity": "ClientAuthenticationError",
		"python/msal": "error invalid_client", "python2024/msal": "error invalid_client",
	}),
	except: map[string]map[string]outcome{
		"go/identity": and(at(outcome{whose: both, why: knowsNone}, unselected), at(outcome{why: knowsNone}, byClient),
			at(outcome{raises: azureFailed, says: notFound, why: knowsNone}, nobodysClient, anothersClient),
			at(outcome{raises: absentGo, says: "AADSTS500011", why: knowsNone}, unknownResource)),
		"python/msal": and(at(outcome{raises: "error unauthorized_client", says: "AADSTS700016"}, nobodysClient),
			at(outcome{raises: "error invalid_resource", says: "AADSTS500011"}, unknownResource)),
		"python2024/msal": and(at(outcome{raises: "error unauthorized_client", says: "AADSTS700016"}, nobodysClient),
			at(outcome{raises: "error invalid_resource", says: "AADSTS500011"}, unknownResource)),
		"java/identity": and(at(outcome{raises: javaAbsent, says: "The request to the authority host was invalid"}, nobodysClient, unknownResource),
			at(outcome{raises: javaAbsent, says: "Server returned HTTP response code: 401"}, anothersClient)),
	},
}
