package app

import (
	"context"
	"encoding/json"

	"lanyard/internal/arm"
	"lanyard/internal/provider"
)

// What Azure answers for a feature that is not in use: clients index these members without asking
// whether they are there.
var (
	unusedInConfiguration = map[string]any{"dapr": nil, "identitySettings": []string{}, "ingress": nil, "maxInactiveRevisions": 100,
		"registries": nil, "runtime": nil, "secrets": nil, "service": nil}
	unusedInTemplate = map[string]any{"initContainers": nil, "serviceBinds": nil, "terminationGracePeriodSeconds": nil, "volumes": nil}
	unusedInScale    = map[string]any{"minReplicas": nil, "rules": nil}

	unusedInEnvironment = map[string]any{
		"appInsightsConfiguration":    nil,
		"appLogsConfiguration":        map[string]any{"destination": nil, "logAnalyticsConfiguration": nil},
		"customDomainConfiguration":   nil,
		"daprAIConnectionString":      nil,
		"daprAIInstrumentationKey":    nil,
		"infrastructureResourceGroup": nil,
		"openTelemetryConfiguration":  nil,
		"peerAuthentication":          map[string]any{"mtls": map[string]any{"enabled": false}},
		"peerTrafficConfiguration":    map[string]any{"encryption": map[string]any{"enabled": false}},
		"vnetConfiguration":           nil,
		"workloadProfiles":            nil,
		"zoneRedundant":               false,
	}
)

func fill(m provider.Members, unused map[string]any) {
	for name, value := range unused {
		m.Default(name, value)
	}
}

// within changes a member that is an object.
func within(m provider.Members, path, name string, change func(provider.Members) error) error {
	object, err := provider.Read(path+"."+name, m[name])
	if err != nil {
		return err
	}
	if err := change(object); err != nil {
		return err
	}
	m[name] = object.Raw()
	return nil
}

// Show fills what the app does not use, and leaves out what is said of revisions.
func (a containerApp) Show(_ context.Context, d *arm.Document) error {
	m, err := provider.Read("properties", d.Properties)
	if err != nil {
		return err
	}
	m.Drop("revisionCreatedTime", "revisionIdentities")
	if a.Streams != nil {
		m.Set("eventStreamEndpoint", a.streamOf(d)+"/eventstream")
	}
	fill(m, map[string]any{"latestRevisionFqdn": "", "workloadProfileName": nil})
	if err := within(m, "properties", "configuration", func(c provider.Members) error {
		fill(c, unusedInConfiguration)
		return nil
	}); err != nil {
		return err
	}
	if m["template"], err = showTemplate(m["template"]); err != nil {
		return err
	}
	d.Properties = m.Raw()
	return nil
}

// streamOf gives the address under which an app's logs are streamed.
func (d Deps) streamOf(app *arm.Document) string {
	return "https://" + d.Streams(app.Location) + "/subscriptions/" + app.ID.Subscription() + "/resourceGroups/" + app.ID.Group() + "/containerApps/" + app.Name
}

// showTemplate fills what a template does not use.
func showTemplate(raw json.RawMessage) (json.RawMessage, error) {
	t, err := provider.Read(templatePath, raw)
	if err != nil {
		return nil, err
	}
	fill(t, unusedInTemplate)
	if err := within(t, templatePath, "scale", func(s provider.Members) error {
		fill(s, unusedInScale)
		return nil
	}); err != nil {
		return nil, err
	}
	return t.Raw(), nil
}

// Show fills what the environment does not use, and says where its apps are: they are processes of
// this machine.
func (e environment) Show(_ context.Context, d *arm.Document) error {
	m, err := provider.Read("properties", d.Properties)
	if err != nil {
		return err
	}
	fill(m, unusedInEnvironment)
	m.Set("staticIp", "127.0.0.1")
	d.Properties = m.Raw()
	return nil
}
