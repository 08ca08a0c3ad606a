// Package matrix declares which identity each client gets where, and proves it.
//
// Where a client gets none, it declares what the client raises instead.
//
// It must not know how Lanyard answers, only what the clients make of it.
package matrix

// A client is one of the libraries that ask for tokens, at one version.
type client struct {
	name    string // as the tables call it
	version string
	program string // which program asks for it: a key of programs
	library string // what the program is told to ask
}

// id names a client among the declarations.
func (c client) id() string { return c.program + "/" + c.library }

var clients = []client{
	{"Go azidentity, `ManagedIdentityCredential`", "1.15.0", "go", "identity"},
	{"Go azidentity, `DefaultAzureCredential`", "1.15.0", "go", "default"},
	{"MSAL Go", "1.10.1", "go", "msal"},
	{"@azure/identity, `ManagedIdentityCredential`", "4.14.1", "node", "identity"},
	{"@azure/identity, `DefaultAzureCredential`", "4.14.1", "node", "default"},
	{"@azure/msal-node", "7.2.1", "node", "msal"},
	{"Python azure-identity, `ManagedIdentityCredential`", "1.27.0", "python", "identity"},
	{"Python azure-identity, `DefaultAzureCredential`", "1.27.0", "python", "default"},
	{"Python msal", "1.39.0", "python", "msal"},
	{"Python azure-identity, `ManagedIdentityCredential`", "1.17.1", "python2024", "identity"},
	{"Python azure-identity, `DefaultAzureCredential`", "1.17.1", "python2024", "default"},
	{"Python msal", "1.31.1", "python2024", "msal"},
	{"Java azure-identity, `ManagedIdentityCredential`", "1.19.0", "java", "identity"},
	{"Java azure-identity, `DefaultAzureCredential`", "1.19.0", "java", "default"},
	{"Java msal4j", "1.26.0", "java", "msal"},
	{"`az login --identity`", "2.91.0", "az", "az"},
	{"`az login --identity`", "2.45.0", "az2.45", "az"},
}

// A source is one of Azure's hosts as an app sees it.
type source struct {
	id      string // names it among the tests
	title   string
	flag    string   // of lanyard run --source
	env     []string // what is set besides; NAME without a value is taken away
	address bool     // the platform serves IMDS's own address besides
	deaf    []string // clients that do not heed the variables, and that another source asks for
	columns []column
	raises  map[string]string             // by client: the exception that a refusal becomes
	except  map[string]map[string]outcome // by client and column: what is otherwise
}

// A column is one request.
type column struct {
	name        string
	app         string // who asks
	selector    string // none, client_id, object_id, resource_id
	whose       string // which identity that names: an app, [worn], [stranger] or [nobody]
	refused     string // what the platform says against it, as clients pass it on; "" is a token
	resource    string // "" is the vaults'
	env         []string
	msiDisabled bool // WEBSITE_DISABLE_MSI
	crowded     bool // comes when the replica has just asked as often as it may in a second
}

// The apps of the matrix.
const (
	both = "both" // wears its own identity and [worn]
	sole = "sole" // wears [worn] alone
	bare = "bare" // wears none
)

// The user-assigned identities of the matrix.
const (
	worn     = "worn"
	stranger = "stranger" // exists, and no app wears it
	nobody   = "nobody"   // does not exist
)

// What tokens are for.
const (
	vault      = "https://vault.azure.net"
	management = "https://management.azure.com"
)

// An outcome is what a client makes of a column; the zero value is a token of the right identity.
type outcome struct {
	raises string // the exception's type
	says   string // words of its message
	why    string // set where the client itself does not ask, or asks for something else
	whose  string // whose token it is, where it is not the column's
}

// noOption is what the programs say for DefaultAzureCredential where its options name no such thing.
const (
	noOption     = "DefaultAzureCredential has no option for "
	noSuchOption = "no option"
)

// options are the selectors that a client has no option for, with what its program raises instead.
var options = map[string]map[string]string{
	"go/default":         {"object_id": "*errors.errorString", "resource_id": "*errors.errorString"},
	"node/default":       {"object_id": "TypeError"},
	"python/default":     {"object_id": "TypeError", "resource_id": "TypeError"},
	"python2024/default": {"object_id": "TypeError", "resource_id": "TypeError"},
	"java/default":       {"object_id": "java.lang.IllegalArgumentException"},
}

// outcome gives what is declared for a client and a column.
func (s source) outcome(of client, c column) outcome {
	if o, ok := s.except[of.id()][c.name]; ok {
		return o
	}
	if raised, ok := options[of.id()][c.selector]; ok {
		return outcome{raises: raised, says: noOption + c.selector, why: noSuchOption}
	}
	if c.refused == "" {
		return outcome{}
	}
	return outcome{raises: s.raises[of.id()], says: c.refused}
}
