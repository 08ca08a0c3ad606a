package directory

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"lanyard/internal/cloud"
	"lanyard/internal/store"
)

// The types of document that the directory reads (API description Microsoft.Authorization, 2022-04-01).
const (
	assignmentType = "Microsoft.Authorization/roleAssignments"
	definitionType = "Microsoft.Authorization/roleDefinitions"
	denialType     = "Microsoft.Authorization/denyAssignments"
)

// authorization tells keys that may be of these types from all others, cheaply.
const authorization = "/providers/microsoft.authorization/"

// document is what the directory needs of a stored resource.
type document struct {
	ID         cloud.ID        `json:"id"`
	Properties json.RawMessage `json:"properties"`
}

// read decodes a document's properties into properties, and holds its id against its key.
func read(e store.Event, properties any) (cloud.ID, error) {
	var d document
	if err := json.Unmarshal(e.Value, &d); err != nil {
		return cloud.ID{}, fmt.Errorf("decode document: %w", err)
	}
	if cloud.DocumentKey(d.ID) != e.Key {
		return cloud.ID{}, fmt.Errorf("decode document: it calls itself %q", d.ID)
	}
	if err := json.Unmarshal(d.Properties, properties); err != nil {
		return cloud.ID{}, fmt.Errorf("decode properties: %w", err)
	}
	return d.ID, nil
}

// readAssignment takes the scope from the id alone: what the body says of it is the client's word.
func readAssignment(e store.Event) (cloud.Assignment, error) {
	var p struct {
		Role      cloud.ID          `json:"roleDefinitionId"`
		Principal cloud.PrincipalID `json:"principalId"`
		Condition string            `json:"condition"`
	}
	id, err := read(e, &p)
	if err != nil {
		return cloud.Assignment{}, err
	}
	if !p.Role.Is(definitionType) || p.Principal == "" {
		return cloud.Assignment{}, errors.New("decode role assignment: it names no role definition or no principal")
	}
	return cloud.Assignment{
		ID:        id,
		Role:      strings.ToLower(p.Role.Name()),
		Principal: lowered(p.Principal),
		Scope:     id.Scope(),
		Condition: p.Condition,
	}, nil
}

func readRole(e store.Event) (cloud.Role, error) {
	var p struct {
		Name        string             `json:"roleName"`
		Description string             `json:"description"`
		Permissions []cloud.Permission `json:"permissions"`
		Assignable  []cloud.ID         `json:"assignableScopes"`
	}
	id, err := read(e, &p)
	if err != nil {
		return cloud.Role{}, err
	}
	return cloud.Role{
		ID: id, Name: p.Name, Custom: true, Description: p.Description,
		Permissions: p.Permissions, Assignable: p.Assignable,
	}, nil
}

func readDenial(e store.Event) (cloud.Denial, error) {
	type someone struct {
		ID cloud.PrincipalID `json:"id"`
	}
	var p struct {
		Name        string             `json:"denyAssignmentName"`
		Permissions []cloud.Permission `json:"permissions"`
		OnlyHere    bool               `json:"doNotApplyToChildScopes"`
		Principals  []someone          `json:"principals"`
		Excluded    []someone          `json:"excludePrincipals"`
	}
	id, err := read(e, &p)
	if err != nil {
		return cloud.Denial{}, err
	}
	if len(p.Principals) == 0 || len(p.Permissions) == 0 {
		return cloud.Denial{}, errors.New("decode deny assignment: it names no principals or no permissions")
	}
	d := cloud.Denial{ID: id, Name: p.Name, Permissions: p.Permissions, Scope: id.Scope(), OnlyHere: p.OnlyHere}
	for _, who := range p.Principals {
		d.Principals = append(d.Principals, lowered(who.ID))
	}
	for _, who := range p.Excluded {
		d.Excluded = append(d.Excluded, lowered(who.ID))
	}
	return d, nil
}

// unreadable is what stands for a deny assignment that cannot be read: it denies everything to
// everyone at its scope, for what cannot be judged is refused (T28).
func unreadable(id cloud.ID) cloud.Denial {
	all := cloud.Permission{Actions: []string{"*"}, DataActions: []string{"*"}}
	return cloud.Denial{
		ID: id, Name: "(unreadable deny assignment)", Scope: id.Scope(),
		Permissions: []cloud.Permission{all}, Principals: []cloud.PrincipalID{cloud.AllPrincipals},
	}
}

func lowered(p cloud.PrincipalID) cloud.PrincipalID {
	return cloud.PrincipalID(strings.ToLower(string(p)))
}
