package world

import (
	"encoding/json"
	"slices"
	"strings"

	"lanyard/internal/cloud"
	"lanyard/internal/template"
)

// kinds gives the type and api-version of what a world file makes.
var kinds = map[string]struct{ resourceType, version string }{
	"identities": {"Microsoft.ManagedIdentity/userAssignedIdentities", "2024-11-30"},
	"vaults":     {"Microsoft.KeyVault/vaults", "2024-11-01"},
	"apps":       {"Microsoft.App/containerApps", "2025-01-01"},
}

const (
	groupVersion    = "2021-04-01"
	environmentName = "local"
)

// Plan gives the deployment that makes this world in a subscription of a tenant.
func (w World) Plan(subscription cloud.ID, tenant cloud.TenantID) (template.Plan, error) {
	p := planner{world: w, tenant: tenant, group: subscription.String() + "/resourceGroups/" + w.Group}
	p.add(p.group, groupVersion, map[string]any{"location": w.Location})
	for _, x := range w.Identities {
		p.add(p.id("identities", x.Name), kinds["identities"].version, map[string]any{"location": w.Location})
	}
	for _, v := range w.Vaults {
		p.vault(v)
	}
	if len(w.Apps) > 0 {
		p.add(p.environment(), kinds["apps"].version, map[string]any{"location": w.Location, "properties": map[string]any{}})
	}
	// Apps come after the grants' scopes; the grants themselves need the apps' principals.
	for _, a := range w.Apps {
		p.app(a)
	}
	names, err := w.names()
	if err != nil {
		return template.Plan{}, err
	}
	for _, g := range w.Grants {
		scope := g.At
		switch {
		case scope == "group":
			scope = p.group
		case !strings.HasPrefix(scope, "/"):
			scope = p.id(names[scope], scope)
		}
		p.plan.Grants = append(p.plan.Grants, template.Grant{To: p.id(names[g.To], g.To), Role: g.Role, Scope: scope})
	}
	return p.plan, p.err
}

type planner struct {
	world  World
	tenant cloud.TenantID
	group  string
	plan   template.Plan
	err    error
}

func (p *planner) id(kind, name string) string {
	return p.group + "/providers/" + kinds[kind].resourceType + "/" + name
}

func (p *planner) environment() string {
	return p.group + "/providers/Microsoft.App/managedEnvironments/" + environmentName
}

func (p *planner) add(id, version string, body map[string]any) {
	b, err := json.Marshal(body)
	if err != nil && p.err == nil {
		p.err = err
	}
	p.plan.Resources = append(p.plan.Resources, template.Resource{ID: id, APIVersion: version, Body: b})
}

func (p *planner) vault(v Vault) {
	id := p.id("vaults", v.Name)
	p.add(id, kinds["vaults"].version, map[string]any{
		"location": p.world.Location,
		"properties": map[string]any{
			"tenantId": p.tenant, "sku": map[string]any{"family": "A", "name": "standard"}, "enableRbacAuthorization": true,
		},
	})
	for _, name := range sorted(v.Secrets) {
		p.add(id+"/secrets/"+name, kinds["vaults"].version, map[string]any{"properties": map[string]any{"value": v.Secrets[name]}})
	}
}

func (p *planner) app(a App) {
	image := a.Image
	if image == "" {
		image = "local/" + a.Name
	}
	env := []any{}
	for _, name := range sorted(a.Env) {
		env = append(env, map[string]any{"name": name, "value": a.Env[name]})
	}
	body := map[string]any{
		"location": p.world.Location,
		"properties": map[string]any{
			"environmentId": p.environment(),
			"template": map[string]any{"containers": []any{
				map[string]any{"name": a.Name, "image": image, "command": a.Command, "env": env},
			}},
		},
	}
	if block := p.identityBlock(a); block != nil {
		body["identity"] = block
	}
	p.add(p.id("apps", a.Name), kinds["apps"].version, body)
}

func (p *planner) identityBlock(a App) map[string]any {
	worn := map[string]any{}
	var types []string
	for _, name := range a.Identities {
		if name != System {
			worn[p.id("identities", name)] = map[string]any{}
		}
	}
	if slices.Contains(a.Identities, System) {
		types = append(types, "SystemAssigned")
	}
	if len(worn) > 0 {
		types = append(types, "UserAssigned")
	}
	if len(types) == 0 {
		return nil
	}
	block := map[string]any{"type": strings.Join(types, ", ")}
	if len(worn) > 0 {
		block["userAssignedIdentities"] = worn
	}
	return block
}

func sorted(m map[string]string) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
