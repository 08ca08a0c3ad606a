package arm

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"lanyard/internal/cloud"
	"lanyard/internal/fault"
	"lanyard/internal/store"
)

const (
	typeUserAssigned = "Microsoft.ManagedIdentity/userAssignedIdentities"
	assignAction     = typeUserAssigned + "/assign/action"
)

// The identity types in the spelling that is answered.
const (
	wearsNone   = "None"
	wearsSystem = "SystemAssigned"
	wearsUser   = "UserAssigned"
	wearsBoth   = "SystemAssigned, UserAssigned"
)

// worn is an identity block as a client sent it.
type worn struct {
	Type *string
	// User is nil when the member is absent or null; a nil entry detaches.
	User map[string]*struct{}
	// Bare says that the member is null: all that were attached go (RFC 7396).
	Bare bool
}

// UnmarshalJSON tells a map that is null from none.
func (w *worn) UnmarshalJSON(text []byte) error {
	var block struct {
		Type *string         `json:"type"`
		User json.RawMessage `json:"userAssignedIdentities"`
	}
	if err := json.Unmarshal(text, &block); err != nil {
		return err
	}
	w.Type, w.Bare = block.Type, string(block.User) == "null"
	if block.User == nil {
		return nil
	}
	return json.Unmarshal(block.User, &w.User)
}

// wear resolves the identity block of a change (wire-facts 5.6): it fills c.After.Identity, adds
// a demand for each identity newly attached, and gives the writes that enroll or retire the
// system-assigned principal, and take back the tokens of those detached, in the same transaction.
func (e *Engine) wear(c *Change, in *intent) ([]store.Change, error) {
	had := &Identity{}
	if c.Before != nil && c.Before.Identity != nil {
		had = c.Before.Identity
	}
	raw, sent := in.body["identity"]
	if !sent && in.merge {
		c.After.Identity = c.Before.Identity
		return nil, nil
	}
	asked := worn{}
	if sent {
		if err := json.Unmarshal(raw, &asked); err != nil {
			return nil, invalidContent("the member 'identity' has a value of the wrong type.").Because(err)
		}
	}
	wears, err := asked.wears(c, in, had, sent && string(raw) != "null")
	if err != nil {
		return nil, err
	}
	if !in.row.Identity && wears != wearsNone {
		return nil, failedIdentity(c.ID, "The resource type '"+in.row.Type+"' does not support managed identities.")
	}
	now := &Identity{Type: wears}
	writes, err := e.wearSystem(c, had, now)
	if err != nil {
		return nil, err
	}
	checks, err := e.wearUser(c, in, asked, now)
	if err != nil {
		return nil, err
	}
	if sent || c.Before != nil && c.Before.Identity != nil {
		c.After.Identity = now
	}
	recalls, err := e.detach(c.ID, had, now)
	if err != nil {
		return nil, err
	}
	return slices.Concat(writes, checks, recalls), nil
}

// wears gives the identity type that results, in the spelling that is answered, and refuses a
// block whose map does not go with its type.
func (w worn) wears(c *Change, in *intent, had *Identity, present bool) (string, error) {
	said := wearsNone
	switch {
	case w.Type != nil:
		said = *w.Type
	case present && in.merge && had.Type != "":
		said = had.Type
	case present && !in.merge:
		return "", invalidIdentityType("")
	}
	known := map[string]string{"none": wearsNone, "systemassigned": wearsSystem, "userassigned": wearsUser,
		"systemassigned,userassigned": wearsBoth, "userassigned,systemassigned": wearsBoth}
	wears, ok := known[placeName(said)]
	if !ok {
		return "", invalidIdentityType(said)
	}
	if hasUser(wears) || w.User == nil {
		return wears, nil
	}
	detaches := in.merge && len(w.User) > 0
	for _, entry := range w.User {
		detaches = detaches && entry == nil
	}
	if !detaches {
		return "", failedIdentity(c.ID,
			"The request format was unexpected, a non-UserAssigned identity type should not contain: userAssignedIdentities")
	}
	return wears, nil
}

func hasSystem(wears string) bool { return wears == wearsSystem || wears == wearsBoth }
func hasUser(wears string) bool   { return wears == wearsUser || wears == wearsBoth }

func invalidIdentityType(said string) error {
	return fault.New(fault.Invalid, "InvalidIdentityType",
		"The identity type '%s' is not valid. The allowed types are 'None', 'SystemAssigned', 'UserAssigned' and 'SystemAssigned, UserAssigned'.", fault.Clip(said))
}

// failedIdentity wraps what the identity provider said as Azure does, quotes and all.
func failedIdentity(id cloud.ID, said string) error {
	inner, err := json.Marshal(map[string]any{"error": map[string]string{"code": "BadRequest", "message": said}})
	if err != nil {
		return fmt.Errorf("write identity refusal: %w", err)
	}
	return fault.New(fault.Invalid, "FailedIdentityOperation",
		"Identity operation for resource '%s' failed with error 'Failed to perform resource identity operation. Status: 'BadRequest'. Response: '%s'.'.", id, inner)
}

// wearSystem keeps, enrolls or retires the principal that lives and dies with the resource. A new
// one never takes an old one's id (T26).
func (e *Engine) wearSystem(c *Change, had, now *Identity) ([]store.Change, error) {
	switch wants := hasSystem(now.Type); {
	case wants && had.Principal != "":
		now.Principal, now.Tenant, now.Client = had.Principal, had.Tenant, had.Client
	case wants:
		p, enroll, err := e.Directory.Enroll(cloud.SystemAssigned, c.ID.Name(), c.ID)
		if err != nil {
			return nil, fmt.Errorf("enroll %s: %w", c.ID, err)
		}
		now.Principal, now.Tenant, now.Client = p.ID, p.Tenant, p.Client
		return []store.Change{enroll}, nil
	case had.Principal != "":
		return []store.Change{e.retire(had.Principal)}, nil
	}
	return nil, nil
}

func (e *Engine) retire(id cloud.PrincipalID) store.Change {
	p, ok := e.Directory.Principal(id)
	if !ok {
		p = cloud.Principal{ID: id, Tenant: e.Tenant, Kind: cloud.SystemAssigned}
	}
	return e.Directory.Retire(p)
}

// attached is one user-assigned identity a resource wears already.
type attached struct {
	key string // as it was sent
	*UserIdentity
}

// wearUser gives the resource the user-assigned identities that were asked for. Those it wears
// already stay as they are, even when they dangle; the others must exist.
func (e *Engine) wearUser(c *Change, in *intent, asked worn, now *Identity) ([]store.Change, error) {
	if !hasUser(now.Type) {
		return nil, nil
	}
	held := map[string]attached{}
	if c.Before != nil && c.Before.Identity != nil {
		for key, u := range c.Before.Identity.User {
			held[strings.ToLower(key)] = attached{key, u}
		}
	}
	now.User = map[string]*UserIdentity{}
	if in.merge && !asked.Bare {
		for _, a := range held {
			now.User[a.key] = a.UserIdentity
		}
	}
	var checks []store.Change
	named := map[string]bool{}
	for key, entry := range asked.User {
		id, err := cloud.ParseID(key)
		if err != nil || !id.Is(typeUserAssigned) {
			return nil, fault.New(fault.Invalid, "LinkedInvalidPropertyId",
				"Property id '%s' at path 'identity.userAssignedIdentities' is invalid. Expect fully qualified resource Id that start with '/subscriptions/{subscriptionId}' or '/providers/{resourceProviderNamespace}/'.", fault.Clip(key))
		}
		if named[id.Key()] {
			return nil, invalidContent("the identity '%s' stands in userAssignedIdentities twice.", id)
		}
		named[id.Key()] = true
		before, kept := held[id.Key()]
		delete(now.User, before.key)
		if entry == nil {
			continue
		}
		u, check, err := e.attach(c, id, before.UserIdentity, kept)
		if err != nil {
			return nil, err
		}
		now.User[key] = u
		checks = append(checks, check...)
	}
	if len(now.User) == 0 {
		return nil, fault.New(fault.Invalid, "MissingIdentityIds",
			"The identity ids must not be null or empty for '%s' identity type.", wearsUser)
	}
	return checks, nil
}

// attach resolves one identity that was asked for. One that was deleted and made anew under the
// same name is another principal: to wear it is to attach it anew.
func (e *Engine) attach(c *Change, id cloud.ID, before *UserIdentity, kept bool) (*UserIdentity, []store.Change, error) {
	p, exists := e.Directory.ByResource(id)
	if kept && (!exists || p.ID == before.Principal) {
		return before, nil, nil
	}
	c.Demands = append(c.Demands, Demand{Action: assignAction, Scope: id}) // before it is said whether there is one
	if !exists {
		return nil, nil, failedIdentity(c.ID, fmt.Sprintf("Resource '%s' was not found.", id))
	}
	var checks []store.Change
	if d, ok := e.Document(id); ok {
		checks = append(checks, store.Change{Key: cloud.DocumentKey(id), If: d.Revision, Check: true})
	}
	return &UserIdentity{Principal: p.ID, Client: p.Client}, checks, nil
}
