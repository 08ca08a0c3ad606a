package authorization

import (
	"context"

	"lanyard/internal/arm"
	"lanyard/internal/cloud"
	"lanyard/internal/provider"
)

// permissions says what the caller may do at a scope: the permissions of each role that was granted
// to it there or above. Deny assignments are not taken off, as in Azure.
type permissions struct {
	arm.Plain
	Directory Directory
}

// Tell gives the permissions of the caller's roles, each role once.
func (p permissions) Tell(_ context.Context, q arm.Query) ([]any, error) {
	var all []any
	counted := map[string]bool{}
	for _, a := range p.Directory.Granted(q.Caller.Principal) {
		role, ok := p.Directory.Role(a.Role)
		if !ok || counted[a.Role] || a.Condition != "" || !a.Scope.Contains(q.Scope) {
			continue
		}
		counted[a.Role] = true
		for _, each := range role.Permissions {
			if each.Condition == "" {
				all = append(all, shownPermission(each))
			}
		}
	}
	return all, nil
}

// Shape refuses: what may be done follows from roles and assignments.
func (permissions) Shape(context.Context, *arm.Change) error { return provider.ReadOnly(Permissions) }

func shownPermission(p cloud.Permission) wirePermissions {
	return wirePermissions{Actions: listed(p.Actions), NotActions: listed(p.NotActions),
		DataActions: listed(p.DataActions), NotDataActions: listed(p.NotDataActions),
		Condition: p.Condition, ConditionVersion: p.ConditionVersion}
}

func listed(s []string) []string {
	if s == nil {
		return []string{}
	}
	return s
}
