package specs

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"lanyard/internal/cloud"
	"lanyard/internal/rbac/builtin"
)

func TestRolesAreAsPublished(t *testing.T) {
	found, err := filepath.Glob(filepath.Join(folder(t), "builtin-roles", "*", "*", "built-in-roles-raw.json"))
	if err != nil || len(found) == 0 {
		t.Fatalf("the published role definitions are not in the folder: %v", err)
	}
	raw, err := os.ReadFile(found[0])
	if err != nil {
		t.Fatal(err)
	}
	var published []struct {
		Name        string             `json:"name"`
		RoleName    string             `json:"roleName"`
		Permissions []cloud.Permission `json:"permissions"`
	}
	if err := json.Unmarshal(raw, &published); err != nil {
		t.Fatal(err)
	}
	if len(published) != len(builtin.Roles()) {
		t.Errorf("%d roles are published, we have %d", len(published), len(builtin.Roles()))
	}
	for _, p := range published {
		r, ok := builtin.ByID(p.Name)
		if !ok || r.Name != strings.TrimSpace(p.RoleName) {
			t.Errorf("%s %q: we have %v %q", p.Name, p.RoleName, ok, r.Name)
			continue
		}
		if got, want := spelled(t, r.Permissions), spelled(t, p.Permissions); got != want {
			t.Errorf("%s: permissions\n%s\nwant\n%s", r.Name, got, want)
		}
	}
}

// spelled writes permissions in a form that can be compared: blanks around actions are no part of them.
func spelled(t *testing.T, ps []cloud.Permission) string {
	t.Helper()
	ps = slices.Clone(ps)
	for i := range ps {
		p := &ps[i]
		for _, list := range []*[]string{&p.Actions, &p.NotActions, &p.DataActions, &p.NotDataActions} {
			trimmed := []string{}
			for _, a := range *list {
				trimmed = append(trimmed, strings.TrimSpace(a))
			}
			*list = trimmed
		}
	}
	text, err := json.MarshalIndent(ps, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
