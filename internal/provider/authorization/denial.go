package authorization

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"lanyard/internal/arm"
	"lanyard/internal/cloud"
	"lanyard/internal/provider"
)

// denial is a deny assignment: made by the platform, read by everyone who may.
type denial struct{ arm.Plain }

// Shape refuses clients.
func (denial) Shape(_ context.Context, c *arm.Change) error {
	return provider.PlatformOnly(c, Denials)
}

// Remove refuses clients.
func (denial) Remove(_ context.Context, c *arm.Change) error {
	return provider.PlatformOnly(c, Denials)
}

// List gives the deny assignments at, below and above a scope; atScope() leaves out those below.
func (denial) List(_ context.Context, q arm.Query) ([]*arm.Document, error) {
	terms, err := provider.ParseFilter(q.Filter)
	if err != nil {
		return nil, err
	}
	var chosen []*arm.Document
	for _, d := range append(q.Above, q.Below...) {
		ok, err := denies(d, q.Scope, terms)
		if err != nil {
			return nil, err
		}
		if ok {
			chosen = append(chosen, d)
		}
	}
	return chosen, nil
}

func denies(d *arm.Document, at cloud.ID, terms []provider.Term) (bool, error) {
	var p struct {
		Name       string `json:"denyAssignmentName"`
		Principals []struct {
			ID string `json:"id"`
		} `json:"principals"`
	}
	if err := json.Unmarshal(d.Properties, &p); err != nil {
		return false, fmt.Errorf("read %s: %w", d.ID, err)
	}
	meets := true
	for _, t := range terms {
		switch {
		case t.Name == "atscope" && t.Call && t.Argument == "":
			meets = meets && d.ID.Scope().Contains(at)
		case t.Name == "denyassignmentname" && !t.Call:
			meets = meets && strings.EqualFold(p.Name, t.Argument)
		case t.Name == "principalid" && !t.Call, t.Name == "gdprexportprincipalid" && !t.Call, t.Name == "assignedto" && t.Call:
			named := false
			for _, who := range p.Principals {
				named = named || slices.Contains([]string{strings.ToLower(t.Argument), string(cloud.AllPrincipals)}, strings.ToLower(who.ID))
			}
			meets = meets && named
		default:
			return false, provider.UnknownTerm(t)
		}
	}
	return meets, nil
}
