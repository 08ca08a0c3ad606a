package arm

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"lanyard/internal/cloud"
	"lanyard/internal/fault"
)

const (
	succeeded = "Succeeded"
	deleting  = "Deleting"
)

// compose gives the document that a write asks for, before identities and the type's own rules.
func (e *Engine) compose(in *intent, before *Document, parent cloud.ID) (*Document, error) {
	patch := maps.Clone(in.body)
	if err := in.checkNames(patch); err != nil {
		return nil, err
	}
	for _, ours := range []string{"systemData", "etag", "identity"} {
		delete(patch, ours)
	}
	if err := checkTags(patch["tags"]); err != nil {
		return nil, err
	}
	if err := checkState(patch, before); err != nil {
		return nil, err
	}
	base := members{}
	if in.merge {
		var err error
		if base, err = before.members(); err != nil {
			return nil, err
		}
	}
	merged, err := merge(base, patch)
	if err != nil {
		return nil, err
	}
	after, err := merged.document()
	if err != nil {
		return nil, err
	}
	after.ID = in.id
	if in.merge {
		after.ID = before.ID
	} else if after.ID, err = in.row.spell(parent, in.id.Name()); err != nil {
		return nil, fmt.Errorf("spell id: %w", err)
	}
	after.Name, after.Type = after.ID.Name(), in.row.Type
	after.SystemData = e.sign(in.caller, before)
	return after, in.checkLocation(before, after)
}

// spell gives the id of a resource with its parent's spelling, the type's own and the name as
// last written (wire-facts 5.2).
func (row *Row) spell(parent cloud.ID, name string) (cloud.ID, error) {
	short := row.Type[strings.LastIndexByte(row.Type, '/')+1:]
	switch {
	case strings.EqualFold(row.Type, typeSubscription):
		return cloud.ParseID("/subscriptions/" + name)
	case strings.EqualFold(row.Type, typeGroup), row.nested():
		return parent.Child(short, name)
	}
	return parent.In(row.Type, name)
}

// checkNames refuses an id, name or type in the body that is not the path's.
func (in *intent) checkNames(m members) error {
	for name, path := range map[string]string{"id": in.id.String(), "name": in.id.Name(), "type": in.row.Type} {
		said, err := m.take(name)
		if err != nil {
			return err
		}
		if said != "" && !strings.EqualFold(strings.TrimSuffix(said, "/"), path) {
			return fault.New(fault.Invalid, "InvalidRequestContent",
				"The request content is not valid: its '%s' is '%s' where the request's path says '%s'.", name, fault.Clip(said), path)
		}
	}
	return nil
}

// checkState takes properties.provisioningState out of what was sent: it is not the client's to
// set, and one that differs from the present state is refused (wire-facts 5.4).
func checkState(m members, before *Document) error {
	raw, ok := m["properties"]
	if !ok || bytes.Equal(raw, []byte("null")) {
		return nil
	}
	var properties map[string]json.RawMessage
	if err := json.Unmarshal(raw, &properties); err != nil {
		return invalidContent("the member 'properties' is not an object.").Because(err)
	}
	var sent json.RawMessage
	for name, value := range properties {
		if strings.EqualFold(name, "provisioningState") {
			sent = value
			delete(properties, name)
		}
	}
	if sent == nil {
		return nil
	}
	var said string
	if err := json.Unmarshal(sent, &said); err != nil {
		return invalidContent("the member 'provisioningState' is not a string.").Because(err)
	}
	state := succeeded // as what is made will have
	if before != nil {
		state = before.state()
	}
	if said != "" && !strings.EqualFold(said, state) {
		return fault.New(fault.Invalid, "InvalidRequestContent",
			"The provisioningState '%s' cannot be set: the resource's is '%s'.", fault.Clip(said), state)
	}
	raw, err := json.Marshal(properties)
	m["properties"] = raw
	return err
}

// state gives properties.provisioningState; a resource without one has succeeded.
func (d *Document) state() string {
	var p struct {
		State string `json:"provisioningState"`
	}
	if json.Unmarshal(d.Properties, &p) != nil || p.State == "" {
		return succeeded
	}
	return p.State
}

// checkLocation holds that tracked resources have a location of those there are, and keep it:
// other words for it could not stand in ids.
func (in *intent) checkLocation(before, after *Document) error {
	if !in.row.Tracked {
		return nil
	}
	if before != nil && after.Location == "" {
		after.Location = before.Location
	}
	if after.Location == "" {
		return fault.New(fault.Invalid, "LocationRequired", "The location property is required for this definition.")
	}
	if before == nil {
		return in.checkRegion(after)
	}
	if after.Location == placeName(before.Location) {
		return nil
	}
	if after.ID.Is(typeGroup) {
		return fault.New(fault.Conflict, "InvalidResourceGroupLocation",
			"Invalid resource group location '%s'. The Resource group already exists in location '%s'.", fault.Clip(after.Location), before.Location)
	}
	return fault.New(fault.Conflict, "InvalidResourceLocation",
		"The resource '%s' already exists in location '%s' in resource group '%s'. A resource with the same name cannot be created in location '%s'. Please select a new resource name.",
		after.Name, before.Location, after.ID.Group(), fault.Clip(after.Location))
}

// checkRegion refuses a location that /locations does not list.
func (in *intent) checkRegion(after *Document) error {
	names := regionNames()
	if slices.Contains(names, after.Location) {
		return nil
	}
	said, all := fault.Clip(after.Location), strings.Join(names, ",")
	if after.ID.Is(typeGroup) {
		return fault.New(fault.Invalid, "LocationNotAvailableForResourceGroup",
			"The provided location '%s' is not available for resource group. List of available regions is '%s'.", said, all)
	}
	return fault.New(fault.Invalid, "LocationNotAvailableForResourceType",
		"The provided location '%s' is not available for resource type '%s'. List of available regions for the resource type is '%s'.",
		said, in.row.Type, all)
}

// sign says who wrote, and who created (wire-facts 5.5).
func (e *Engine) sign(by cloud.Caller, before *Document) *Authorship {
	who, sort := by.Name(), "Application"
	switch {
	case by.SignIn != "":
		sort = "User"
	case by.Resource != "":
		sort = "ManagedIdentity"
	case by.Principal == "":
		who = "platform"
	}
	at := e.now().UTC().Format("2006-01-02T15:04:05.0000000Z07:00")
	s := &Authorship{CreatedBy: who, CreatedByType: sort, CreatedAt: at,
		LastModifiedBy: who, LastModifiedByType: sort, LastModifiedAt: at}
	if before != nil && before.SystemData != nil {
		s.CreatedBy, s.CreatedByType, s.CreatedAt = before.SystemData.CreatedBy, before.SystemData.CreatedByType, before.SystemData.CreatedAt
	}
	return s
}
