package resources

import (
	"context"
	"maps"

	"lanyard/internal/arm"
	"lanyard/internal/cloud"
	"lanyard/internal/provider"
)

// subscription is made by the platform alone.
type subscription struct {
	arm.Plain
	tenant cloud.TenantID
}

// Shape refuses clients.
func (s subscription) Shape(_ context.Context, c *arm.Change) error {
	return provider.PlatformOnly(c, Subscriptions)
}

// Remove refuses clients.
func (s subscription) Remove(_ context.Context, c *arm.Change) error {
	return provider.PlatformOnly(c, Subscriptions)
}

// Show gives a subscription the members that az needs, which are top-level ones on the wire
// (wire-facts: "Bodies and headers").
func (s subscription) Show(_ context.Context, d *arm.Document) error {
	kept, err := provider.Read("properties", d.Properties)
	if err != nil {
		return err
	}
	all := provider.Members{}
	maps.Copy(all, d.Rest)
	name := kept.Text("displayName")
	if name == "" {
		name = d.ID.Subscription()
	}
	all.Default("displayName", name)
	all.Set("subscriptionId", d.ID.Subscription())
	all.Set("tenantId", s.tenant)
	all.Set("state", "Enabled")
	all.Set("managedByTenants", []string{})
	all.Set("authorizationSource", "RoleBased")
	all.Set("subscriptionPolicies", map[string]string{
		"locationPlacementId": "Public_2014-09-01", "quotaId": "PayAsYouGo_2014-09-01", "spendingLimit": "Off",
	})
	d.Rest, d.Properties = all, nil
	return nil
}
