// Package dotnet replays the requests that Microsoft's library for .NET sends, and reads the answers as
// it does: there is no .NET where the tests run.
//
// It must not know more of the library than its published source says.
package dotnet

// Where the requests were read: the folder of github.com/AzureAD/microsoft-authentication-library-for-dotnet
// that sends them, at one commit. Azure.Identity and Az PowerShell ask through this library.
const (
	folder = "src/client/Microsoft.Identity.Client/ManagedIdentity"
	commit = "39d200113f6e26d06d12a7025c0dc49d66096048"
)

// A transcript is how the library asks at one of Azure's hosts. Query values go as they are: the library
// encodes nothing.
type transcript struct {
	run     string // lanyard run --source
	file    string // of folder
	address string // host:port; ${NAME} stands for what the environment says, and NAME.host and NAME.path for parts of a URL
	request string // %s stands for a selector, as &NAME=VALUE
	// selectors are the query's names for a client id, an object id and a resource id; "" where the
	// library raises without asking.
	client, object, resource string
	// lacking is what the library adds to the query where nothing is selected.
	lacking string
}

var transcripts = []transcript{
	{
		run: "app-service", file: "AppServiceManagedIdentitySource.cs",
		address: "${IDENTITY_ENDPOINT.host}",
		request: "GET ${IDENTITY_ENDPOINT.path}?api-version=2019-08-01&resource=https://vault.azure.net%s HTTP/1.1\n" +
			"Host: ${IDENTITY_ENDPOINT.host}\nX-IDENTITY-HEADER: ${IDENTITY_HEADER}\n\n",
		client: "client_id", object: "object_id", resource: "mi_res_id",
	},
	{
		run: "app-service-2017", file: "MachineLearningManagedIdentitySource.cs",
		address: "${MSI_ENDPOINT.host}",
		request: "GET ${MSI_ENDPOINT.path}?api-version=2017-09-01&resource=https://vault.azure.net%s HTTP/1.1\n" +
			"Host: ${MSI_ENDPOINT.host}\nMetadata: true\nsecret: ${MSI_SECRET}\n\n",
		client: "clientid", lacking: "&clientid=${DEFAULT_IDENTITY_CLIENT_ID}",
	},
	{
		// The path of AZURE_POD_IDENTITY_AUTHORITY_HOST is replaced, not appended to: what tells the
		// replica is its process alone.
		run: "imds", file: "ImdsManagedIdentitySource.cs",
		address: "${AZURE_POD_IDENTITY_AUTHORITY_HOST.host}",
		request: "GET /metadata/identity/oauth2/token?api-version=2018-02-01&resource=https://vault.azure.net%s HTTP/1.1\n" +
			"Host: ${AZURE_POD_IDENTITY_AUTHORITY_HOST.host}\nMetadata: true\nx-client-SKU: MSAL.CoreCLR\nx-client-Ver: 4.84.0.0\n" +
			"x-ms-correlation-id: 0d1d3ed3-2d5a-4a6c-9a3e-4f1b3a3d5c55\n\n",
		client: "client_id", object: "object_id", resource: "msi_res_id",
	},
}

// The library looks whether a virtual machine is there by requests without the header Metadata, and
// takes 400 for a yes (ImdsManagedIdentitySource.cs, ProbeImdsEndpointAsync).
const (
	probe = "GET %s HTTP/1.1\nHost: ${AZURE_POD_IDENTITY_AUTHORITY_HOST.host}\nx-ms-correlation-id: 0d1d3ed3-2d5a-4a6c-9a3e-4f1b3a3d5c55\n\n"

	firstVersion  = "/metadata/identity/oauth2/token?api-version=2018-02-01"
	secondVersion = "/metadata/identity/getplatformmetadata?cred-api-version=2.0"
)

// arc is asked twice: the second time with what the file holds that the first answer named
// (AzureArcManagedIdentitySource.cs). It knows no user-assigned identity.
const arc = "GET ${IDENTITY_ENDPOINT.path}?api-version=2020-06-01&resource=https://vault.azure.net HTTP/1.1\n" +
	"Host: ${IDENTITY_ENDPOINT.host}\nMetadata: true\n%s\n"
