package arm

import (
	"context"
	"encoding/json"
	"strings"

	"lanyard/internal/cloud"
	"lanyard/internal/fault"
)

// wireIdentity is the identity block as it is answered: a system-assigned identity's client id
// is not shown (wire-facts 5.6).
type wireIdentity struct {
	Type      string                   `json:"type"`
	Principal cloud.PrincipalID        `json:"principalId,omitempty"`
	Tenant    cloud.TenantID           `json:"tenantId,omitempty"`
	User      map[string]*UserIdentity `json:"userAssignedIdentities,omitempty"`
}

// show gives a document as clients see it. It takes d over.
func (e *Engine) show(ctx context.Context, row *Row, d *Document) (map[string]any, error) {
	going := d.Deleting != ""
	if err := row.Behaviour.Show(ctx, d); err != nil {
		return nil, err
	}
	if err := d.showState(row, going); err != nil {
		return nil, err
	}
	shown := d.brief()
	if d.Properties != nil {
		shown["properties"] = d.Properties
	}
	if d.SystemData != nil {
		shown["systemData"] = d.SystemData
	}
	if d.Revision != 0 && !d.ID.Is(typeGroup) && !d.ID.Is(typeSubscription) { // Azure's have none in the body
		shown["etag"] = d.etag()
	}
	return shown, nil
}

// brief gives a document as the listings over all types show it: without properties.
func (d *Document) brief() map[string]any {
	shown := make(map[string]any, len(d.Rest)+9)
	for name, value := range d.Rest {
		shown[name] = value
	}
	shown["id"], shown["name"], shown["type"] = d.ID, d.Name, d.Type
	if d.Location != "" {
		shown["location"] = d.Location
	}
	if d.Tags != nil {
		shown["tags"] = d.Tags
	}
	if d.Kind != "" {
		shown["kind"] = d.Kind
	}
	if d.Identity != nil {
		shown["identity"] = wireIdentity{d.Identity.Type, d.Identity.Principal, d.Identity.Tenant, d.Identity.User}
	}
	return shown
}

// showState sets properties.provisioningState of what is going, and of tracked resources whose
// type says nothing of its own.
func (d *Document) showState(row *Row, going bool) error {
	if !going && !row.Tracked {
		return nil
	}
	var properties map[string]json.RawMessage
	if d.Properties != nil {
		if err := json.Unmarshal(d.Properties, &properties); err != nil {
			return err
		}
	}
	if properties == nil {
		properties = map[string]json.RawMessage{}
	}
	switch _, has := properties["provisioningState"]; {
	case going:
		properties["provisioningState"] = json.RawMessage(`"` + deleting + `"`)
	case !has:
		properties["provisioningState"] = json.RawMessage(`"` + succeeded + `"`)
	}
	raw, err := json.Marshal(properties)
	d.Properties = raw
	return err
}

// expansions are what $expand adds to an entry of the listings over all types.
var expansions = map[string]func(*Document) string{
	"createdTime":       func(d *Document) string { return d.SystemData.CreatedAt },
	"changedTime":       func(d *Document) string { return d.SystemData.LastModifiedAt },
	"provisioningState": (*Document).state,
}

// briefly gives how a listing over all types shows an entry under an $expand: a list of the
// expansions' names.
func briefly(expand string) (func(*Document) (map[string]any, error), error) {
	var chosen []string
	for _, said := range strings.Split(expand, ",") {
		found := strings.TrimSpace(said) == ""
		for name := range expansions {
			if strings.EqualFold(name, strings.TrimSpace(said)) {
				chosen, found = append(chosen, name), true
			}
		}
		if !found {
			return nil, fault.New(fault.Invalid, "InvalidExpandInQueryString", "Invalid $expand '%s' specified in the query string.", fault.Clip(expand)).
				Try("use createdTime, changedTime and provisioningState")
		}
	}
	return func(d *Document) (map[string]any, error) {
		shown := d.brief()
		if d.SystemData == nil {
			d.SystemData = &Authorship{}
		}
		for _, name := range chosen {
			shown[name] = expansions[name](d)
		}
		return shown, nil
	}, nil
}
