package authorization

import (
	"encoding/json"
	"fmt"
	"net/url"
	"regexp"
	"strings"

	"lanyard/internal/arm"
	"lanyard/internal/cloud"
	"lanyard/internal/fault"
	"lanyard/internal/provider"
)

// Azure's bounds (wire-facts: "Limits"; API description of locks, 2020-05-01).
const (
	maxDescription = 2048
	maxRoleName    = 512
	maxScopes      = 2000
	maxRoles       = 5000 // custom ones in a tenant
	maxAssignments = 4000 // in a subscription, at and below it
	maxNotes       = 512
	maxLockName    = 260
)

// timeLayout is how createdOn and updatedOn are written.
const timeLayout = "2006-01-02T15:04:05.0000000Z"

func definitionName(name string) error {
	return guidName(name, "InvalidRoleDefinitionId", "role definition")
}

func assignmentName(name string) error {
	return guidName(name, "InvalidRoleAssignmentId", "role assignment")
}

func denialName(name string) error {
	return guidName(name, "InvalidDenyAssignmentId", "deny assignment")
}

func guidName(name, code, noun string) error {
	if cloud.IsGUID(name) {
		return nil
	}
	return fault.New(fault.Invalid, code, "The %s ID '%s' is not valid. The %s ID must be a GUID.", noun, fault.Clip(name), noun)
}

// forbiddenInLocks are the characters that a lock's name cannot have (API description of locks).
var forbiddenInLocks = regexp.MustCompile(`[<>%&:\\?/[:cntrl:]]`)

func lockName(name string) error {
	if len(name) <= maxLockName && !forbiddenInLocks.MatchString(name) {
		return nil
	}
	return fault.New(fault.Invalid, "InvalidLockName",
		"The lock name is not valid: it can have %d characters, and none of <, >, %%, &, :, \\, ?, / and control characters.", maxLockName)
}

// sameTenant refuses the parameter by which other tenants are asked.
func (d Deps) sameTenant(query url.Values) error {
	for name, values := range query {
		for _, value := range values {
			if strings.EqualFold(name, "tenantId") && !strings.EqualFold(value, string(d.Tenant)) {
				return fault.New(fault.NotOffered, "NotOffered", "Requests across tenants are not offered: 'tenantId' can only be %s.", d.Tenant)
			}
		}
	}
	return nil
}

// lift puts members into the properties that a client has sent beside them: bodies of the oldest
// api-versions are flat (API description 2015-07-01, example PutRoleDefinition).
func lift(d *arm.Document, names ...string) {
	if len(d.Properties) > 0 {
		return
	}
	lifted := provider.Members{}
	for sent, value := range d.Rest {
		for _, name := range names {
			if strings.EqualFold(sent, name) {
				lifted[name] = value
				delete(d.Rest, sent)
			}
		}
	}
	if len(lifted) > 0 {
		d.Properties = lifted.Raw()
	}
}

// seen gives the id of a role definition as it is written in answers about a scope: with the
// scope's subscription, whatever deeper scope the role may be for. Clients compare these texts.
func seen(guid string, at cloud.ID) (cloud.ID, error) {
	above := cloud.Root
	if s := at.Subscription(); s != "" {
		var err error
		if above, err = cloud.ParseID("/subscriptions/" + s); err != nil {
			return cloud.ID{}, fmt.Errorf("name subscription: %w", err)
		}
	}
	id, err := above.In(Definitions, guid)
	if err != nil {
		return cloud.ID{}, fmt.Errorf("name role: %w", err)
	}
	return id, nil
}

func tooLong(field string, bound int) error {
	return fault.New(fault.Invalid, "InvalidRequestContent", "'properties.%s' is longer than %d bytes.", field, bound)
}

func setProperties(d *arm.Document, v any) error {
	raw, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("write %s: %w", d.ID, err)
	}
	d.Properties = raw
	return nil
}

// said gives a text that may not be there.
func said(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
