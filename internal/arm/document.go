package arm

import (
	"encoding/json"
	"strings"

	"lanyard/internal/cloud"
	"lanyard/internal/httpkit"
	"lanyard/internal/store"
)

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

// Document gives the stored document of a resource. It is the caller's to change.
func (e *Engine) Document(id cloud.ID) (*Document, bool) {
	e.setup()
	entry, ok := e.docs.Get(cloud.DocumentKey(e.home(id)))
	if !ok {
		return nil, false
	}
	return e.decode(entry)
}

// home gives the id under which a resource is stored.
func (e *Engine) home(id cloud.ID) cloud.ID {
	if row := e.rows[strings.ToLower(id.Type())]; row != nil {
		if keeper, ok := row.Behaviour.(Keeper); ok {
			return keeper.Home(id)
		}
	}
	return id
}

// Documents gives the stored documents at prefix and below it that are of a type, in key order;
// an empty type gives them all.
func (e *Engine) Documents(prefix cloud.ID, resourceType string) []*Document {
	e.setup()
	var found []*Document
	for _, entry := range e.docs.List(cloud.DocumentKey(prefix)) {
		id, err := cloud.ParseID(strings.TrimPrefix(entry.Key, cloud.KeysARM))
		if err != nil || !prefix.Contains(id) || resourceType != "" && !id.Is(resourceType) {
			continue
		}
		if d, ok := e.decode(entry); ok {
			found = append(found, d)
		}
	}
	return found
}

// At gives the stored documents of an extension type that lie directly at a scope, in key order.
func (e *Engine) At(scope cloud.ID, resourceType string) []*Document {
	e.setup()
	prefix := strings.TrimSuffix(cloud.DocumentKey(scope), "/") + "/providers/" + strings.ToLower(resourceType) + "/"
	var found []*Document
	for _, entry := range e.docs.List(prefix) {
		if strings.Contains(entry.Key[len(prefix):], "/") {
			continue
		}
		if d, ok := e.decode(entry); ok {
			found = append(found, d)
		}
	}
	return found
}

// Count says how many stored documents of a type there are at prefix and below it.
func (e *Engine) Count(prefix cloud.ID, resourceType string) int {
	e.setup()
	n := 0
	for _, entry := range e.docs.List(cloud.DocumentKey(prefix)) {
		id, err := cloud.ParseID(strings.TrimPrefix(entry.Key, cloud.KeysARM))
		if err == nil && prefix.Contains(id) && id.Is(resourceType) {
			n++
		}
	}
	return n
}

// ByHost gives the resource that holds a DNS name in this world.
func (e *Engine) ByHost(host string) (*Document, bool) {
	e.setup()
	entry, ok := e.names.Get(cloud.NameKey(host))
	if !ok {
		return nil, false
	}
	id, err := cloud.ParseID(string(entry.Value))
	if err != nil {
		return nil, false
	}
	return e.Document(id)
}

func (e *Engine) decode(entry store.Entry) (*Document, bool) {
	d := new(Document)
	if err := json.Unmarshal(entry.Value, d); err != nil {
		e.log().Error("read document", httpkit.KeyDocument, entry.Key, httpkit.KeyError, err)
		return nil, false
	}
	d.Revision = entry.Revision
	return d, true
}
