package cloud

import "strings"

// The keyspaces of the store. Every key is lower case.
const (
	KeysARM        = "/arm"                     // followed by a resource id: its document
	KeysGate       = "/gates/"                  // what must stay as it is while a write is made: locks, registrations
	KeysName       = "/names/"                  // followed by a host name: the id of the resource that claims it
	KeysPrincipal  = "/directory/principals/"   // followed by a principal id
	KeysRegistered = "/directory/applications/" // followed by an object id: an application's registration
	KeysGroup      = "/directory/groups/"       // followed by a group's object id
	KeysAppRole    = "/directory/approles/"     // followed by resource, principal and role: an app role assignment
	KeysRecall     = "/directory/recalls/"      // followed by a recall's id
	KeyClock       = "/clock"                   // how the world's clock was moved
	KeyTiming      = "/timing"                  // what the world does as late as Azure
	KeyDrills      = "/drills"                  // which drills are on, and for whom
	KeysSession    = "/entra/"                  // what the sign-in service remembers: codes and refresh tokens
	KeysApp        = "/apps"                    // followed by an app's resource id: what should run
	KeysSigning    = "/issuer/keys/"            // followed by a generation: a sealed signing key
	KeysVault      = "/vault"                   // secrets, by vault
	KeysWorld      = "/world"                   // what this world is: tenant, subscription, owner
	KeysClaim      = "/authorization/"          // what is there once in a tenant, with the id of its holder
)

// DocumentKey gives the key of a resource's document.
func DocumentKey(id ID) string { return KeysARM + id.Key() }

// PrincipalKey gives the key of a principal.
func PrincipalKey(id PrincipalID) string { return KeysPrincipal + strings.ToLower(string(id)) }

// AppKey gives the key of an app's description.
func AppKey(id ID) string { return KeysApp + id.Key() }

// NameKey gives the key that claims a host name.
func NameKey(host string) string { return KeysName + strings.ToLower(host) }

// GrantKey gives the key that claims a grant: nobody is given the same role at the same scope twice.
func GrantKey(scope ID, to PrincipalID, role string) string {
	return strings.ToLower(KeysClaim + "grants" + scope.Key() + "|" + string(to) + "|" + role)
}

// AssignmentKey gives the key that claims the name of a role assignment, a GUID.
func AssignmentKey(name string) string { return strings.ToLower(KeysClaim + "assignments/" + name) }

// RoleNameKey gives the key that claims the name of a custom role.
func RoleNameKey(name string) string { return strings.ToLower(KeysClaim + "rolenames/" + name) }

// SecretPrefix is where a vault's secrets lie.
func SecretPrefix(vault ID) string { return KeysVault + vault.Key() + "/secrets/" }

// SecretKey gives the key of a secret's head.
func SecretKey(vault ID, name string) string { return SecretPrefix(vault) + strings.ToLower(name) }

// VersionPrefix is where a secret's versions lie.
func VersionPrefix(vault ID, name string) string {
	return KeysVault + vault.Key() + "/versions/" + strings.ToLower(name) + "/"
}

// VersionKey gives the key of one version of a secret; its value is sealed in this context.
func VersionKey(vault ID, name, version string) string {
	return VersionPrefix(vault, name) + strings.ToLower(version)
}
