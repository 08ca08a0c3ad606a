package app

import (
	"regexp"
	"strings"

	"lanyard/internal/arm"
	"lanyard/internal/cloud"
	"lanyard/internal/fault"
	"lanyard/internal/provider"
)

var (
	validApp         = regexp.MustCompile(`^[a-z]([a-z0-9-]{0,30}[a-z0-9])?$`)
	validEnvironment = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9-]{0,58}[A-Za-z0-9]$`)
)

// appName holds a name against Azure's rule, in Azure's own sentence, but takes a single letter
// too: `lanyard run --name t` is typed by hand.
func appName(name string) error {
	if validApp.MatchString(name) && !strings.Contains(name, "--") {
		return nil
	}
	return fault.New(fault.Invalid, "ContainerAppInvalidName",
		"Invalid ContainerApp name '%s'. A name must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character and cannot have '--'. The length must be between 1 and 32 characters inclusive.", fault.Clip(name))
}

func environmentName(name string) error {
	if validEnvironment.MatchString(name) {
		return nil
	}
	return fault.New(fault.Invalid, "ManagedEnvironmentInvalidName", "The environment name %s is invalid.", fault.Clip(name)).
		Try("use 2 to 60 letters, digits and hyphens, a letter first, no hyphen last")
}

// readOnly are the properties of an app that the service fills.
var readOnly = []string{
	"provisioningState", "runningStatus", "latestRevisionName", "latestReadyRevisionName", "latestRevisionFqdn",
	"customDomainVerificationId", "outboundIpAddresses", "eventStreamEndpoint", "deploymentErrors", "revisionCreatedTime",
	"revisionIdentities",
}

// shapeApp holds a container app's document against the rules, fills the defaults and gives its
// properties and the environment it names.
func shapeApp(d *arm.Document) (provider.Members, cloud.ID, error) {
	none := cloud.ID{}
	if d.Kind != "" {
		return nil, none, provider.NotOffered("kind: " + d.Kind)
	}
	if raw := d.Rest["extendedLocation"]; !provider.Blank(raw) {
		return nil, none, fault.New(fault.NotOffered, "NotOffered", "'extendedLocation' is not offered in this world: there are no custom locations, on which apps could have no managed identity either.")
	}
	if !provider.Blank(d.Rest["managedBy"]) {
		return nil, none, provider.NotOffered("managedBy")
	}
	m, err := provider.Read("properties", d.Properties)
	if err != nil {
		return nil, none, err
	}
	m.Drop(readOnly...)
	if err := m.Close("properties", "environmentId", "managedEnvironmentId", "configuration", "template", "workloadProfileName"); err != nil {
		return nil, none, err
	}
	env, err := environmentOf(m)
	if err != nil {
		return nil, none, err
	}
	m.Set("environmentId", env.String())
	m.Set("managedEnvironmentId", env.String())
	if profile := m.Text("workloadProfileName"); profile != "" && !strings.EqualFold(profile, "Consumption") {
		return nil, none, provider.NotOffered("properties.workloadProfileName: " + profile)
	}
	if err := shapeConfiguration(d, m); err != nil {
		return nil, none, err
	}
	return m, env, shapeTemplate(m)
}

// environmentOf reads the environment under either of its two names.
func environmentOf(m provider.Members) (cloud.ID, error) {
	var ids []cloud.ID
	for _, name := range []string{"environmentId", "managedEnvironmentId"} {
		text := m.Text(name)
		if text == "" {
			continue
		}
		id, err := cloud.ParseID(text)
		if err != nil || !id.Is(Environments) {
			return cloud.ID{}, badEnvironment(text).Because(err)
		}
		ids = append(ids, id)
	}
	if len(ids) == 0 {
		return cloud.ID{}, badEnvironment("")
	}
	if !ids[0].Equal(ids[len(ids)-1]) {
		return cloud.ID{}, fault.New(fault.Invalid, "InvalidManagedEnvironmentId", "'properties.environmentId' and 'properties.managedEnvironmentId' name different environments.")
	}
	return ids[0], nil
}

func badEnvironment(text string) *fault.Error {
	return fault.New(fault.Invalid, "InvalidManagedEnvironmentId", "Invalid ManagedEnvironmentId value '%s'.", fault.Clip(text))
}

func shapeConfiguration(d *arm.Document, m provider.Members) error {
	const path = "properties.configuration"
	c, err := provider.Read(path, m["configuration"])
	if err != nil {
		return err
	}
	if err := c.Close(path, "activeRevisionsMode", "maxInactiveRevisions", "identitySettings"); err != nil {
		return err
	}
	mode := "Single"
	if err := c.Decode(path, "activeRevisionsMode", &mode); err != nil {
		return err
	}
	switch strings.ToLower(mode) {
	case "single":
		c.Set("activeRevisionsMode", "Single")
	case "multiple", "labels":
		return provider.NotOffered(path + ".activeRevisionsMode: " + mode)
	default:
		return fault.New(fault.Invalid, "ContainerAppInvalidActiveRevisionsMode", "'%s.activeRevisionsMode' must be Single or Multiple, not '%s'.", path, fault.Clip(mode))
	}
	keep := 100
	if err := c.Decode(path, "maxInactiveRevisions", &keep); err != nil {
		return err
	}
	if keep < 0 || keep > 100 {
		return fault.New(fault.Invalid, "ContainerAppInvalidMaxInactiveRevisions", "'%s.maxInactiveRevisions' must be between 0 and 100.", path)
	}
	if err := shapeSettings(d, c); err != nil {
		return err
	}
	m["configuration"] = c.Raw()
	return nil
}
