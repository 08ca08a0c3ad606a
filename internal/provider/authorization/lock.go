package authorization

import (
	"context"
	"encoding/json"
	"strings"

	"lanyard/internal/arm"
	"lanyard/internal/cloud"
	"lanyard/internal/fault"
	"lanyard/internal/provider"
)

// lock keeps what lies at and below its scope from deletion (CanNotDelete) or from any change
// (ReadOnly). The engine that makes changes is what heeds it.
type lock struct{ arm.Plain }

// Shape checks a lock (API description of locks, 2020-05-01).
func (lock) Shape(_ context.Context, c *arm.Change) error {
	if c.ID.Scope().Equal(cloud.Root) {
		return fault.New(fault.Invalid, "InvalidLockScope", "A lock lies at a subscription, a resource group or a resource.")
	}
	lift(c.After, "level", "notes", "owners")
	p, err := readLock(c.After.Properties)
	if err != nil {
		return err
	}
	return setProperties(c.After, p)
}

// Show takes the entity tag off: Azure's locks have none.
func (lock) Show(_ context.Context, d *arm.Document) error {
	d.Revision = 0
	return nil
}

// List gives the locks at, above and below a scope; atScope() leaves out those below.
func (lock) List(_ context.Context, q arm.Query) ([]*arm.Document, error) {
	terms, err := provider.ParseFilter(q.Filter)
	if err != nil {
		return nil, err
	}
	for _, t := range terms {
		if t.Name != "atscope" || !t.Call || t.Argument != "" {
			return nil, provider.UnknownTerm(t)
		}
	}
	var chosen []*arm.Document
	for _, d := range append(q.Above, q.Below...) {
		if len(terms) == 0 || d.ID.Scope().Contains(q.Scope) {
			chosen = append(chosen, d)
		}
	}
	return chosen, nil
}

func readLock(raw json.RawMessage) (p lockProperties, err error) {
	m, err := provider.Read("properties", raw)
	if err != nil {
		return p, err
	}
	if err := m.Close("properties", "level", "notes", "owners"); err != nil {
		return p, err
	}
	for name, v := range map[string]any{"level": &p.Level, "notes": &p.Notes, "owners": &p.Owners} {
		if err := m.Decode("properties", name, v); err != nil {
			return p, err
		}
	}
	if p.Level, err = lockLevel(p.Level); err != nil {
		return p, err
	}
	if len(p.Notes) > maxNotes {
		return p, tooLong("notes", maxNotes)
	}
	for _, owner := range p.Owners {
		if owner.ApplicationID == "" {
			return p, fault.New(fault.Invalid, "InvalidRequestContent", "Each of 'properties.owners' must have an 'applicationId'.")
		}
	}
	return p, nil
}

// lockLevel gives Azure's spelling of a level.
func lockLevel(sent string) (string, error) {
	all := []string{"NotSpecified", "CanNotDelete", "ReadOnly"}
	for _, level := range all {
		if strings.EqualFold(level, sent) {
			return level, nil
		}
	}
	return "", fault.New(fault.Invalid, "InvalidLockLevel", "'properties.level' must be one of %s, not '%s'.", strings.Join(all, ", "), fault.Clip(sent))
}
