package resources

import (
	"context"

	"lanyard/internal/arm"
	"lanyard/internal/cloud"
	"lanyard/internal/provider"
)

// subscription is made by the platform alone.
type subscription struct {
	arm.Plain
	tenant cloud.TenantID
}

// Shape refuses clients. The display name is a top-level member, kept as the platform gave it.
func (s subscription) Shape(_ context.Context, c *arm.Change) error {
	return provider.PlatformOnly(c, Subscriptions)
}

// Remove refuses clients.
func (s subscription) Remove(_ context.Context, c *arm.Change) error {
	return provider.PlatformOnly(c, Subscriptions)
}

// Show gives a subscription the members that az needs (wire-facts: "Bodies and headers").
func (s subscription) Show(_ context.Context, d *arm.Document) error {
	all := provider.Members{}
	for name, raw := range d.Rest {
		all[name] = raw
	}
	all.Set("subscriptionId", d.ID.Subscription())
	all.Set("tenantId", s.tenant)
	all.Default("displayName", d.ID.Subscription())
	all.Set("state", "Enabled")
	all.Set("managedByTenants", []string{})
	all.Set("authorizationSource", "RoleBased")
	all.Set("subscriptionPolicies", map[string]string{
		"locationPlacementId": "Public_2014-09-01", "quotaId": "PayAsYouGo_2014-09-01", "spendingLimit": "Off",
	})
	d.Rest = all
	return nil
}
