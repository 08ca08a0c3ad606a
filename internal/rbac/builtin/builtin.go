// Package builtin holds Azure's built-in roles: ids, names and permissions.
//
// It must not know who was granted any of them, nor what their permissions mean.
package builtin

import (
	_ "embed"
	"fmt"
	"strings"
	"sync"

	"lanyard/internal/cloud"
)

//go:generate go run ./generate $LANYARD_SPECS/builtin-roles roles.txt

// text is the roles, ordered by id, in lines that their first character tells apart:
//
//	8e3af657-a8ff-443c-a75c-2fe8c4bcb635 Owner    a role
//	+Microsoft.KeyVault/vaults/read               an action; - one taken away
//	>Microsoft.KeyVault/vaults/secrets/*          a data action; < one taken away
//	?2.0 ((!(ActionMatches{...                    version and text of the permission's condition
//	&                                             another permission of the same role
//
//go:embed roles.txt
var text string

// index is the roles with their ways in.
type index struct {
	roles  []cloud.Role
	byID   map[string]int
	byName map[string]int
}

var load = sync.OnceValue(func() index {
	roles, err := parse(text)
	if err != nil {
		panic(err) // the file is part of the program
	}
	x := index{roles: roles, byID: make(map[string]int, len(roles)), byName: make(map[string]int, len(roles))}
	for i := range roles {
		x.byID[roles[i].ID.Name()] = i
		x.byName[strings.ToLower(roles[i].Name)] = i
	}
	return x
})

// Roles gives all built-in roles, ordered by id. The slice is shared: read it, do not change it.
func Roles() []cloud.Role { return load().roles }

// ByID finds a role by its GUID, in either case.
func ByID(guid string) (cloud.Role, bool) { return load().find(load().byID, guid) }

// ByName finds a role by its name, without regard to case, as Azure does.
func ByName(name string) (cloud.Role, bool) {
	return load().find(load().byName, strings.TrimSpace(name))
}

func (x index) find(in map[string]int, key string) (cloud.Role, bool) {
	i, ok := in[strings.ToLower(key)]
	if !ok {
		return cloud.Role{}, false
	}
	return x.roles[i], true
}

// everywhere is what all built-in roles have for assignable scopes.
var everywhere = []cloud.ID{cloud.Root}

func parse(text string) ([]cloud.Role, error) {
	roles := make([]cloud.Role, 0, strings.Count(text, "\n")/12)
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		if line == "" {
			return nil, fmt.Errorf("built-in roles: an empty line")
		}
		if !strings.ContainsRune("+-><?&", rune(line[0])) {
			role, err := head(line)
			if err != nil {
				return nil, err
			}
			roles = append(roles, role)
			continue
		}
		if len(roles) == 0 {
			return nil, fmt.Errorf("built-in roles: %q stands before any role", line)
		}
		add(&roles[len(roles)-1], line[0], line[1:])
	}
	return roles, nil
}

func head(line string) (cloud.Role, error) {
	guid, name, _ := strings.Cut(line, " ")
	if !cloud.IsGUID(guid) || name == "" {
		return cloud.Role{}, fmt.Errorf("built-in roles: %q is no id with a name", line)
	}
	id, err := cloud.ParseID("/providers/Microsoft.Authorization/roleDefinitions/" + guid)
	if err != nil {
		return cloud.Role{}, fmt.Errorf("built-in roles: %w", err)
	}
	return cloud.Role{ID: id, Name: name, Permissions: []cloud.Permission{blank()}, Assignable: everywhere}, nil
}

// blank is a permission that says nothing; its lists are empty rather than nil, which JSON tells apart.
func blank() cloud.Permission {
	none := []string{}
	return cloud.Permission{Actions: none, NotActions: none, DataActions: none, NotDataActions: none}
}

func add(role *cloud.Role, sign byte, rest string) {
	p := &role.Permissions[len(role.Permissions)-1]
	switch sign {
	case '+':
		p.Actions = append(p.Actions, rest)
	case '-':
		p.NotActions = append(p.NotActions, rest)
	case '>':
		p.DataActions = append(p.DataActions, rest)
	case '<':
		p.NotDataActions = append(p.NotDataActions, rest)
	case '?':
		p.ConditionVersion, p.Condition, _ = strings.Cut(rest, " ")
	case '&':
		role.Permissions = append(role.Permissions, blank())
	}
}
