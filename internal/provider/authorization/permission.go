package authorization

import (
	"context"
	"net/http"

	"lanyard/internal/arm"
	"lanyard/internal/cloud"
	"lanyard/internal/httpkit"
)

// permissions answers what the caller may do at a scope: the permissions of each role that was
// granted to it there or above, each role once. Deny assignments are not taken off, as in Azure.
func (d Deps) permissions(_ context.Context, v arm.Visit, w http.ResponseWriter, _ *http.Request) error {
	said := struct {
		Value []wirePermissions `json:"value"`
	}{[]wirePermissions{}}
	counted := map[string]bool{}
	for _, a := range d.Directory.Granted(v.Caller.Principal) {
		role, ok := d.Directory.Role(a.Role)
		if !ok || counted[a.Role] || a.Condition != "" || !a.Scope.Contains(v.Scope) {
			continue
		}
		counted[a.Role] = true
		for _, each := range role.Permissions {
			if each.Condition == "" {
				said.Value = append(said.Value, shownPermission(each))
			}
		}
	}
	return httpkit.WriteJSON(w, http.StatusOK, said)
}

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
