// Package arm is the management protocol for any resource type that a Row describes.
//
// It must not know any particular type, nor how callers are verified or rights decided.
package arm

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"

	"lanyard/internal/cloud"
	"lanyard/internal/fault"
	"lanyard/internal/store"
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

// Behaviour is what a type does beyond being stored. Its methods run before the transaction
// commits and may run again when it has to be retried: they change only the Change they are given.
type Behaviour interface {
	// Shape holds the new document against the type's rules and fills its defaults.
	Shape(ctx context.Context, c *Change) error
	// Place adds to c what else has to be written with the document.
	Place(ctx context.Context, c *Change) error
	// Remove adds to c what else has to be written when the document goes.
	Remove(ctx context.Context, c *Change) error
	// Show completes a document for the wire: what is computed or must not be shown.
	Show(ctx context.Context, d *Document) error
}

// Plain is the Behaviour that does nothing; types embed it and override what they need.
type Plain struct{}

// Shape accepts everything.
func (Plain) Shape(context.Context, *Change) error { return nil }

// Place adds nothing.
func (Plain) Place(context.Context, *Change) error { return nil }

// Remove adds nothing.
func (Plain) Remove(context.Context, *Change) error { return nil }

// Show changes nothing.
func (Plain) Show(context.Context, *Document) error { return nil }

// Change is one resource on its way from one state to the next.
type Change struct {
	ID cloud.ID
	// Caller is who asked for it; zero when the platform acts by itself: for what a world begins
	// with, and for what goes along with a resource that somebody deletes.
	Caller cloud.Caller
	Before *Document // nil on create
	After  *Document // nil on delete
	// Going is set on delete: what the client deletes, which is ID itself or what it lies in.
	Going cloud.ID
	// Writes are made in the same transaction as the document itself.
	Writes []store.Change
	// Hosts are the DNS names the resource claims in this world, without regard to case; a name
	// another resource holds is a conflict. The engine releases those it held before and no longer names.
	// On delete it names those that stay claimed (a soft-deleted vault keeps its own).
	Hosts []string
	// HostTaken is what is said when another resource holds one of Hosts; nil says Conflict.
	HostTaken *fault.Error
	// Demands are further rights the caller needs besides the one on the document itself, e.g.
	// userAssignedIdentities/assign/action on each identity newly attached.
	Demands []Demand
}

// Demand is one further right that a change needs.
type Demand struct {
	Action string
	Scope  cloud.ID
}

// Document is a stored resource. Properties is the raw JSON that clients sent, merged, so that
// nothing they said is lost; typed views are read from it and single fields are set in it.
type Document struct {
	ID         cloud.ID          `json:"id"`
	Name       string            `json:"name"`
	Type       string            `json:"type"`
	Location   string            `json:"location,omitempty"`
	Tags       map[string]string `json:"tags,omitempty"`
	Kind       string            `json:"kind,omitempty"`
	Identity   *Identity         `json:"identity,omitempty"`
	Properties json.RawMessage   `json:"properties,omitempty"`
	// Rest holds further top-level members by name (sku, managedBy, ...), as sent.
	Rest       map[string]json.RawMessage `json:"rest,omitempty"`
	SystemData *Authorship                `json:"systemData,omitempty"`
	// Hosts are the DNS names it holds in this world, in lower case; never shown.
	Hosts []string `json:"hosts,omitempty"`
	// Deleting names the deletion under way that takes the resource and all that lies in it;
	// empty while it is in use, never shown.
	Deleting string `json:"deleting,omitempty"`
	// Departure is the record of the request that began that deletion; never shown.
	Departure *cloud.Activity `json:"departure,omitempty"`
	// Revision is the store's; the ETag is made from it. 0 when not yet stored.
	Revision int64 `json:"-"`
}

// Identity is the identity block of a resource, resolved (wire-facts: "identity block").
type Identity struct {
	Type      string                   `json:"type"` // None, SystemAssigned, UserAssigned, "SystemAssigned, UserAssigned"
	Principal cloud.PrincipalID        `json:"principalId,omitempty"`
	Tenant    cloud.TenantID           `json:"tenantId,omitempty"`
	Client    cloud.ClientID           `json:"clientId,omitempty"` // kept, never shown for system-assigned ones
	User      map[string]*UserIdentity `json:"userAssignedIdentities,omitempty"`
}

// UserIdentity is one attached user-assigned identity; the map's key is its resource id as sent.
type UserIdentity struct {
	Principal cloud.PrincipalID `json:"principalId,omitempty"`
	Client    cloud.ClientID    `json:"clientId,omitempty"`
}

// Authorship says who made and last changed a resource.
type Authorship struct {
	CreatedBy          string `json:"createdBy"`
	CreatedByType      string `json:"createdByType"`
	CreatedAt          string `json:"createdAt"`
	LastModifiedBy     string `json:"lastModifiedBy"`
	LastModifiedByType string `json:"lastModifiedByType"`
	LastModifiedAt     string `json:"lastModifiedAt"`
}

// Action is a POST operation on one resource.
type Action struct {
	// Needs is the right it takes, e.g. Microsoft.App/containerApps/restart/action.
	Needs string
	Do    func(ctx context.Context, d *Document, w http.ResponseWriter, r *http.Request) error
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
