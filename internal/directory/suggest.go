package directory

import (
	"cmp"
	"slices"
	"strings"
	"sync"

	"lanyard/internal/cloud"
	"lanyard/internal/rbac"
	"lanyard/internal/rbac/builtin"
)

// suggestion is a role that may be proposed to people.
type suggestion struct {
	role    cloud.Role
	rules   *rbac.Rules
	common  bool // people know it: proposed before those made for one Azure service's own use
	general bool // it is not about one service
	breadth int
}

// general are the roles that are about no service in particular.
var general = []string{
	"Reader", "Contributor", "Owner", "User Access Administrator", "Role Based Access Control Administrator",
}

// common are the roles that people grant (wire-facts: "Role GUIDs").
var common = []string{
	"Managed Identity Contributor", "Managed Identity Operator", "Website Contributor",
	"Key Vault Administrator", "Key Vault Reader", "Key Vault Contributor", "Key Vault Data Access Administrator",
	"Key Vault Secrets Officer", "Key Vault Secrets User", "Key Vault Crypto Officer", "Key Vault Crypto User",
	"Key Vault Crypto Service Encryption User", "Key Vault Crypto Service Release User",
	"Key Vault Certificates Officer", "Key Vault Certificate User",
	"Storage Blob Data Owner", "Storage Blob Data Contributor", "Storage Blob Data Reader", "Storage Blob Delegator",
	"Storage Queue Data Contributor", "Storage Queue Data Message Processor", "Storage Queue Data Message Sender",
	"Storage Queue Data Reader", "Storage Table Data Contributor", "Storage Table Data Reader",
	"AcrPull", "AcrPush", "AcrDelete", "Container Registry Repository Reader", "Container Registry Repository Writer",
	"Container Registry Repository Contributor", "Container Registry Repository Catalog Lister",
	"Container Apps Contributor", "Container Apps Operator", "Container Apps ManagedEnvironments Contributor",
	"Container Apps Jobs Contributor", "App Configuration Data Owner", "App Configuration Data Reader",
	"EventGrid Data Sender", "Azure Service Bus Data Owner", "Azure Service Bus Data Receiver",
	"Azure Service Bus Data Sender", "Azure Event Hubs Data Owner", "Azure Event Hubs Data Receiver",
	"Azure Event Hubs Data Sender", "Cosmos DB Account Reader Role", "SQL DB Contributor", "Redis Cache Contributor",
}

// plumbing are the namespaces that nearly every role has a hand in: for their actions a role about
// some service would allow the right thing for the wrong reason.
var plumbing = []string{"microsoft.authorization/", "microsoft.resources/", "microsoft.insights/", "microsoft.support/"}

// narrowest gives the built-in roles in the order in which they are to be proposed.
var narrowest = sync.OnceValue(func() []suggestion {
	var all []suggestion
	for _, role := range builtin.Roles() {
		s := suggestion{role: role, rules: rbac.Compile(role), breadth: breadth(role)}
		s.general = slices.Contains(general, role.Name)
		s.common = s.general || slices.Contains(common, role.Name)
		all = append(all, s)
	}
	slices.SortFunc(all, func(a, b suggestion) int {
		if a.common != b.common {
			if a.common {
				return -1
			}
			return 1
		}
		return cmp.Or(cmp.Compare(a.breadth, b.breadth), cmp.Compare(a.role.Name, b.role.Name))
	})
	return all
})

// breadth weighs how much a role allows: an action counts 1, a wildcard the more the fewer
// segments stand before it, and what a role takes away counts a little against it.
func breadth(role cloud.Role) int {
	sum := 0
	for _, p := range role.Permissions {
		for _, action := range slices.Concat(p.Actions, p.DataActions) {
			before, _, isWild := strings.Cut(action, "*")
			switch {
			case action == "*":
				sum += 1 << 14
			case isWild:
				sum += 1 << max(2, 12-2*strings.Count(before, "/"))
			default:
				sum++
			}
		}
		sum -= len(p.NotActions) + len(p.NotDataActions)
	}
	return sum
}

// Suggest gives the least built-in role that allows an action, for hints: the narrowest of those
// that people commonly grant, or else of all.
func (d *Directory) Suggest(action string, data bool) (cloud.Role, bool) {
	isPlumbing := slices.ContainsFunc(plumbing, func(namespace string) bool {
		return strings.HasPrefix(strings.ToLower(action), namespace)
	})
	for _, s := range narrowest() {
		if s.rules.Allow(action, data) && (s.general || !isPlumbing) {
			return s.role, true
		}
	}
	return cloud.Role{}, false
}
