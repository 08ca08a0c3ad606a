// Package cloud holds the nouns: who, what, where, and what may be done.
//
// It must not know how any of them is stored, sent or enforced.
package cloud

import "time"

type (
	// TenantID names a directory, a GUID in lower case.
	TenantID string
	// ClientID is what an app asks for: a token's appid, a GUID in lower case.
	ClientID string
	// PrincipalID is who a role is granted to: a token's oid, a GUID in lower case. Never reused (T26).
	PrincipalID string
)

// Kind says what sort of principal someone is.
type Kind string

// The kinds of principal, in the words of the directory.
const (
	SystemAssigned Kind = "SystemAssigned" // a managed identity that lives and dies with one resource
	UserAssigned   Kind = "UserAssigned"   // a managed identity that is a resource of its own
	Application    Kind = "Application"    // a service principal that has credentials of its own
	User           Kind = "User"           // a person
	Group          Kind = "Group"          // principals that are granted roles together; nobody signs in as one
)

// IsManaged reports whether the platform, and nobody else, holds this principal's credential.
func (k Kind) IsManaged() bool { return k == SystemAssigned || k == UserAssigned }

// Principal is someone a token can speak for, as the directory knows them.
type Principal struct {
	ID      PrincipalID `json:"id"`
	Tenant  TenantID    `json:"tenant"`
	Client  ClientID    `json:"client"`
	Kind    Kind        `json:"kind"`
	Name    string      `json:"name"`
	Created time.Time   `json:"created"`
	// Resource is the user-assigned identity itself, or the resource that a system-assigned one
	// belongs to; zero for applications and people.
	Resource ID `json:"resource,omitzero"`
	// SignIn is a person's user principal name, owner@lanyard.localhost; empty for all others.
	SignIn string `json:"signIn,omitempty"`
	// Credentials are an application's client secrets or a person's passwords, hashed; managed
	// identities have none.
	Credentials []Credential `json:"credentials,omitempty"`
	// Certificates are those with whose keys an application signs its assertions (RFC 7523).
	Certificates []Certificate `json:"certificates,omitempty"`
	// ValidFrom refuses tokens minted before it; zero refuses none.
	ValidFrom time.Time `json:"validFrom,omitzero"`
}

// Revoke refuses every token minted until now, and every session begun until now. It holds from the
// next microsecond, as the ids of tokens say no finer when they were minted.
func (p *Principal) Revoke(now time.Time) {
	if from := now.Truncate(time.Microsecond).Add(time.Microsecond).UTC(); from.After(p.ValidFrom) {
		p.ValidFrom = from
	}
}

// Credential is one client secret of an application or password of a person, kept as a salted hash.
type Credential struct {
	KeyID  string    `json:"keyId"`
	Name   string    `json:"name,omitempty"` // what its maker calls it
	Hint   string    `json:"hint"`           // the first three characters, as Azure shows them
	Salt   []byte    `json:"salt"`
	Hash   []byte    `json:"hash"` // SHA-256 of salt and secret; the secret has 256 bits of its own
	Starts time.Time `json:"starts,omitzero"`
	Ends   time.Time `json:"ends"`
}

// Certificate is one certificate of an application; its key is the application's own secret.
type Certificate struct {
	KeyID  string    `json:"keyId"`
	Name   string    `json:"name,omitempty"`
	DER    []byte    `json:"der"` // X.509
	Starts time.Time `json:"starts"`
	Ends   time.Time `json:"ends"`
}

// Identity is a managed identity as one app wears it.
type Identity struct {
	Kind      Kind        `json:"kind"`
	Resource  ID          `json:"resource"` // the user-assigned identity, or the app itself
	Tenant    TenantID    `json:"tenant"`
	Client    ClientID    `json:"client"`
	Principal PrincipalID `json:"principal"`
	// Lifecycle says which of the app's containers may use it; empty means All.
	Lifecycle Lifecycle `json:"lifecycle,omitempty"`
}

// Lifecycle says when an app's own code may use an identity (wire-facts: "Container Apps specifics").
type Lifecycle string

// The lifecycles, in Azure's words.
const (
	All  Lifecycle = "All"
	Init Lifecycle = "Init" // init containers alone
	Main Lifecycle = "Main" // all containers but those
	None Lifecycle = "None" // the platform alone
)

// Opens reports whether code in an init container, or in a main one, may use the identity.
func (l Lifecycle) Opens(init bool) bool {
	switch l {
	case "", All:
		return true
	case Init:
		return init
	case Main:
		return !init
	}
	return false
}

// Caller is who a verified token says is calling.
type Caller struct {
	Principal PrincipalID
	Client    ClientID
	Tenant    TenantID
	TokenID   string    // uti: names the token in records
	KeyID     string    // kid of the key that signed it
	Issued    time.Time // iat
	Expires   time.Time // exp
	Resource  string    // xms_mirid, as the token spells it
	Host      string    // xms_az_rid: the app the token was minted for
	SignIn    string    // upn: the person who signed in; empty for apps
	Scopes    []string  // scp: what the app may do in that person's name; nil for apps
}

// Name is what Azure calls a caller in texts and records: a person by their sign-in name, an app by
// its client id.
func (c Caller) Name() string {
	if c.SignIn != "" {
		return c.SignIn
	}
	return string(c.Client)
}

// Role is a role definition.
type Role struct {
	ID          ID           `json:"id"` // .../providers/Microsoft.Authorization/roleDefinitions/{guid}
	Name        string       `json:"name"`
	Custom      bool         `json:"custom,omitempty"`
	Description string       `json:"description,omitempty"`
	Permissions []Permission `json:"permissions"`
	Assignable  []ID         `json:"assignable"`
}

// Permission is one entry of a role: what it allows less what it takes away again. Actions are
// of the management plane, data actions of the services behind it; both may hold wildcards.
type Permission struct {
	Actions          []string `json:"actions"`
	NotActions       []string `json:"notActions"`
	DataActions      []string `json:"dataActions"`
	NotDataActions   []string `json:"notDataActions"`
	Condition        string   `json:"condition,omitempty"`
	ConditionVersion string   `json:"conditionVersion,omitempty"`
}

// Assignment grants a role to a principal at a scope.
type Assignment struct {
	ID        ID          `json:"id"`
	Role      string      `json:"role"` // GUID of the role definition, lower case
	Principal PrincipalID `json:"principal"`
	Scope     ID          `json:"scope"`
	Condition string      `json:"condition,omitempty"`
}

// Denial is a deny assignment: what it names is refused whatever roles allow.
type Denial struct {
	ID          ID            `json:"id"`
	Name        string        `json:"name"`
	Permissions []Permission  `json:"permissions"`
	Scope       ID            `json:"scope"`
	OnlyHere    bool          `json:"onlyHere,omitempty"` // doNotApplyToChildScopes
	Principals  []PrincipalID `json:"principals"`         // AllPrincipals denies everyone
	Excluded    []PrincipalID `json:"excluded,omitempty"`
}

// AllPrincipals in a Denial stands for everyone.
const AllPrincipals PrincipalID = "00000000-0000-0000-0000-000000000000"

// App is the description of what should run for one container app: written by its provider,
// followed by the host. A new Revision restarts it; a change of Identities alone does not (ID-7).
type App struct {
	ID         ID         `json:"id"`
	Revision   string     `json:"revision"`
	Replicas   int        `json:"replicas"` // 0 stops it
	Container  Container  `json:"container"`
	Identities []Identity `json:"identities"`
	// Since are those that it wore when Revision was made; nil when that is not known.
	Since []PrincipalID `json:"since,omitzero"`
}

// Container is the one container of an app: a command with its environment.
type Container struct {
	Name    string     `json:"name"`
	Image   string     `json:"image"`
	Command []string   `json:"command"`
	Args    []string   `json:"args"`
	Env     []Variable `json:"env"`
}

// Variable is one environment variable with its value.
type Variable struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}
