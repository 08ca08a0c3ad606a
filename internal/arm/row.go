// Package arm is the management protocol for any resource type that a Row describes.
//
// It must not know any particular type, nor how callers are verified or rights decided.
package arm

import (
	"context"
	"net/http"
	"net/url"

	"lanyard/internal/cloud"
	"lanyard/internal/fault"
)

// Row describes one resource type; everything not in it is the same for all types.
type Row struct {
	// Type is the full name as Azure spells it, e.g. Microsoft.KeyVault/vaults.
	Type string
	// Versions are the api-versions it answers to, newest first.
	Versions []string
	// Name checks the resource's own name; nil accepts any of 1 to 260 characters that an ID accepts.
	Name func(name string) error
	// Absent types are known by their name alone, and refused by it; nothing else in the row counts.
	Absent bool
	// At says where resources of the type may lie.
	At Place
	// Tracked types have a location (required on create) and tags.
	Tracked bool
	// Identity types take the identity block.
	Identity bool
	// Behaviour is what is particular to the type.
	Behaviour Behaviour
	// Actions are the POST operations on one resource, by their name in the path, lower case.
	Actions map[string]Action
	// Calls are what the path of the type's collection answers itself, by method. A type that has
	// any has no resources: it is a question (Microsoft.KeyVault/checkNameAvailability), or a list
	// whose members are none (Microsoft.Authorization/permissions).
	Calls map[string]Call
	// Async types answer a create with an Azure-AsyncOperation address, which az's containerapp
	// commands insist on after a 201 (wire-facts 5.4).
	Async bool
	// Anew types answer every PUT with 201, also of what was there (role definitions, wire-facts 5.7).
	Anew bool
	// Echo types answer a DELETE with the document that went (role assignments, wire-facts 5.7).
	Echo bool
	// Ask holds the query parameters that only this type has against its rules; nil has none.
	Ask func(query url.Values) error
	// Missing is what is said when there is no such resource; nil says ARM's ResourceNotFound.
	Missing func(id cloud.ID) *fault.Error
}

// Place says where resources of a type may lie.
type Place int

// The places. A type with more than one name segment lies in its parent resource whatever its Place.
const (
	InGroup        Place = iota // in a resource group
	InSubscription              // directly in a subscription (resource groups)
	InTenant                    // at the root (subscriptions)
	Extension                   // at any scope (role assignments, locks)
)

// Action is a POST operation on one resource.
type Action struct {
	// Needs is the right it takes, e.g. Microsoft.App/containerApps/restart/action.
	Needs string
	// Do answers it. It gets the document as it is, and changes nothing of it.
	Do func(ctx context.Context, d *Document, w http.ResponseWriter, r *http.Request) error
	// Turn stands instead of Do where the action changes the document: it replaces members of c.After,
	// though neither the identity nor the host names, and the engine then writes that with c.Writes,
	// once c.Demands are met, and shows it. As the methods of a Behaviour it may run again.
	Turn func(ctx context.Context, c *Change) error
}

// Call is a request on the path …/providers/{namespace}/{type} that concerns no resource of that
// type. Its query options beyond api-version are its own to check.
type Call struct {
	// Needs is the right it takes, e.g. Microsoft.KeyVault/checkNameAvailability/read.
	Needs string
	// Where gives the scope at which the right is needed; nil means what the path lies in.
	Where func(v Visit, r *http.Request) (cloud.ID, error)
	Do    func(ctx context.Context, v Visit, w http.ResponseWriter, r *http.Request) error
}

// Visit says who calls, and where.
type Visit struct {
	Caller cloud.Caller
	// Scope is what the path lies in: a subscription, a group, a resource or the root. It exists.
	Scope cloud.ID
}
