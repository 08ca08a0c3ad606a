package matrix

import (
	"maps"
	"slices"
)

var sources = []source{appService, appService2017, metadata, linkLocal, arc, workload}

// What the columns that several sources have are called.
const (
	systemAssigned  = "system-assigned, no selector"
	byClient        = "user-assigned by client id"
	byObject        = "user-assigned by object id"
	byResource      = "user-assigned by resource id"
	aloneUnselected = "user-assigned alone, no selector"
	nobodysClient   = "a client id that nobody has"
	anothersClient  = "another's client id"
	anothersObject  = "another's object id"
	anothersID      = "another's resource id"
	unknownResource = "a resource that nobody knows"
	noIdentity      = "no identity assigned"
	wrongHeader     = "another header"
	unselected      = "no selector"
	disabled        = "WEBSITE_DISABLE_MSI"
	crowd           = "when told to wait (429)"
)

// unknown is a request for what nobody knows.
var unknown = column{name: unknownResource, app: both, selector: "none", whose: both, refused: "AADSTS500011", resource: "https://nobody.example"}

// What the platform says of an identity that an app does not wear, in each protocol.
const (
	notWorn   = "Unable to load the proper Managed Identity."
	notLoaded = "Unable to load requested managed identity."
	notFound  = "Identity not found"
)

// identities are the columns that every source but workload identity has: one for each way to name an
// identity. alone says what a source has against an app that wears one user-assigned identity and names
// none.
func identities(alone string) []column {
	return []column{
		{name: systemAssigned, app: both, selector: "none", whose: both},
		{name: byClient, app: both, selector: "client_id", whose: worn},
		{name: byObject, app: both, selector: "object_id", whose: worn},
		{name: byResource, app: both, selector: "resource_id", whose: worn},
		{name: aloneUnselected, app: sole, selector: "none", whose: worn, refused: alone},
	}
}

// strangers are requests for identities that the app does not wear, and of an app that wears none.
func strangers(refused string) []column {
	return []column{
		{name: nobodysClient, app: both, selector: "client_id", whose: nobody, refused: refused},
		{name: anothersClient, app: both, selector: "client_id", whose: stranger, refused: refused},
		{name: anothersObject, app: both, selector: "object_id", whose: stranger, refused: refused},
		{name: anothersID, app: both, selector: "resource_id", whose: stranger, refused: refused},
		{name: noIdentity, app: bare, selector: "none", whose: bare, refused: refused},
	}
}

// at declares one outcome for some columns.
func at(o outcome, columns ...string) map[string]outcome {
	all := map[string]outcome{}
	for _, c := range columns {
		all[c] = o
	}
	return all
}

// and joins declarations.
func and(all ...map[string]outcome) map[string]outcome {
	joined := map[string]outcome{}
	for _, of := range all {
		maps.Copy(joined, of)
	}
	return joined
}

// otherwise gives exceptions with those of some clients changed.
func otherwise(raises map[string]string, changed map[string]string) map[string]string {
	joined := maps.Clone(raises)
	maps.Copy(joined, changed)
	return joined
}

// remembered is what DefaultAzureCredential for Python raises once it has chosen a credential: that
// one's exception as it is.
func remembered() map[string]outcome {
	return at(outcome{raises: "CredentialUnavailableError", says: "AADSTS500011"}, unknownResource)
}

// names are the columns of a source.
func names(all []column) []string {
	var n []string
	for _, c := range all {
		n = append(n, c.name)
	}
	return slices.Clip(n)
}
