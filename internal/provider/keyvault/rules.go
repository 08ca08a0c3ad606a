package keyvault

import (
	"encoding/json"
	"regexp"
	"strings"

	"lanyard/internal/arm"
	"lanyard/internal/cloud"
	"lanyard/internal/fault"
	"lanyard/internal/provider"
)

// maxValue is Azure's bound of a secret's value in bytes.
const maxValue = 25 << 10

var (
	validVault  = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9-]{1,22}[A-Za-z0-9]$`)
	validSecret = regexp.MustCompile(`^[A-Za-z0-9-]{1,127}$`)
)

// vaultName holds a name against Azure's rule; its sentence is Azure's own.
func vaultName(name string) error {
	if validVault.MatchString(name) && !strings.Contains(name, "--") {
		return nil
	}
	return fault.New(fault.Invalid, "VaultNameNotValid",
		"The vault name '%s' is invalid. A vault's name must be between 3-24 alphanumeric characters. The name must begin with a letter, end with a letter or digit, and not contain consecutive hyphens. Follow this link for more information: https://go.microsoft.com/fwlink/?linkid=2147742", name)
}

func secretName(name string) error {
	if validSecret.MatchString(name) {
		return nil
	}
	return badRequest("The secret name '%s' is invalid: it must have 1 to 127 letters, digits and hyphens.", name)
}

func badRequest(format string, args ...any) *fault.Error {
	return fault.New(fault.Invalid, "BadRequest", format, args...)
}

// shapeVault holds a vault's properties against the rules and fills its defaults. Access is by
// roles alone.
func shapeVault(c *arm.Change, tenant cloud.TenantID) (provider.Members, error) {
	const path = "properties"
	m, err := provider.Read(path, c.After.Properties)
	if err != nil {
		return nil, err
	}
	before, err := propertiesOf(c.Before)
	if err != nil {
		return nil, err
	}
	m.Drop("provisioningState", "vaultUri", "hsmPoolResourceId", "privateEndpointConnections")
	if err := m.Close(path, "tenantId", "sku", "accessPolicies", "enableRbacAuthorization", "enableSoftDelete", "softDeleteRetentionInDays", "enablePurgeProtection",
		"createMode", "publicNetworkAccess", "networkAcls", "enabledForDeployment", "enabledForDiskEncryption", "enabledForTemplateDeployment"); err != nil {
		return nil, err
	}
	if !strings.EqualFold(m.Text("tenantId"), string(tenant)) {
		return nil, fault.New(fault.Invalid, "InvalidTenantId", "'properties.tenantId' must be the tenant of this world, '%s', not '%s'.", tenant, m.Text("tenantId"))
	}
	m.Set("tenantId", tenant)
	for _, shape := range []func(provider.Members) error{shapeSKU, shapeAccess, shapeUses, before.keepRetention, before.keepProtection} {
		if err := shape(m); err != nil {
			return nil, err
		}
	}
	return m, shapeNetwork(m)
}

func shapeSKU(m provider.Members) error {
	var s sku
	if err := m.Decode("properties", "sku", &s); err != nil {
		return err
	}
	name := strings.ToLower(s.Name)
	if !strings.EqualFold(s.Family, "A") || name != "standard" && name != "premium" {
		return badRequest("'properties.sku' is required: family 'A' and name 'standard' or 'premium', not '%s' and '%s'.", s.Family, s.Name)
	}
	m.Set("sku", map[string]string{"family": "A", "name": name})
	return nil
}

// shapeAccess accepts a vault whose access is by roles. Azure keeps the access policies of such a
// vault and takes no notice of them; without the word that roles decide they would decide.
func shapeAccess(m provider.Members) error {
	roles := provider.Blank(m["accessPolicies"])
	if err := m.Decode("properties", "enableRbacAuthorization", &roles); err != nil {
		return err
	}
	if !roles {
		field := "properties.accessPolicies"
		if _, said := m["enableRbacAuthorization"]; said {
			field = "properties.enableRbacAuthorization: false"
		}
		return provider.NotOffered(field).
			Try("set enableRbacAuthorization to true, and grant roles such as 'Key Vault Secrets User' in place of access policies")
	}
	var policies []map[string]any
	if err := m.Decode("properties", "accessPolicies", &policies); err != nil {
		return err
	}
	m.Default("accessPolicies", []string{})
	m.Set("enableRbacAuthorization", true)
	return nil
}

// shapeUses fills the flags that say who may use a vault besides, and holds those that are not free.
func shapeUses(m provider.Members) error {
	soft := true
	if err := m.Decode("properties", "enableSoftDelete", &soft); err != nil {
		return err
	}
	if !soft {
		return badRequest("The property \"enableSoftDelete\" for a vault can't be set to 'false'.")
	}
	m.Set("enableSoftDelete", true)
	for _, name := range []string{"enabledForDeployment", "enabledForDiskEncryption", "enabledForTemplateDeployment"} {
		allowed := false
		if err := m.Decode("properties", name, &allowed); err != nil {
			return err
		}
		m.Set(name, allowed)
	}
	return nil
}

// shapeNetwork accepts only a vault that everyone can reach.
func shapeNetwork(m provider.Members) error {
	if access := m.Text("publicNetworkAccess"); access != "" && !strings.EqualFold(access, "Enabled") {
		return provider.NotOffered("properties.publicNetworkAccess: " + access)
	}
	m.Set("publicNetworkAccess", "Enabled")
	acls, err := provider.Read("properties.networkAcls", m["networkAcls"])
	if err != nil {
		return err
	}
	if err := acls.Close("properties.networkAcls", "bypass", "defaultAction"); err != nil {
		return err
	}
	if bypass := acls.Text("bypass"); bypass != "" && !strings.EqualFold(bypass, "AzureServices") && !strings.EqualFold(bypass, "None") {
		return badRequest("'properties.networkAcls.bypass' must be AzureServices or None, not '%s'.", bypass)
	}
	if action := acls.Text("defaultAction"); action != "" && !strings.EqualFold(action, "Allow") {
		return provider.NotOffered("properties.networkAcls.defaultAction: " + action)
	}
	return nil
}

// readSecret takes a secret's properties apart; the value is in the result alone.
func readSecret(raw json.RawMessage) (p secretProperties, err error) {
	const path = "properties"
	m, err := provider.Read(path, raw)
	if err != nil {
		return p, err
	}
	m.Drop("secretUri", "secretUriWithVersion")
	if err := m.Close(path, "value", "contentType", "attributes"); err != nil {
		return p, err
	}
	for name, v := range map[string]any{"value": &p.Value, "contentType": &p.ContentType} {
		if err := m.Decode(path, name, v); err != nil {
			return p, fault.New(fault.Invalid, "InvalidRequestContent", "The request content was invalid: '%s.%s' is not a string.", path, name)
		}
	}
	if p.Value != nil && len(*p.Value) > maxValue {
		return p, badRequest("The secret's value is longer than %d bytes.", maxValue)
	}
	if _, ok := m["attributes"]; !ok {
		return p, nil
	}
	a, err := provider.Read(path+".attributes", m["attributes"])
	if err != nil {
		return p, err
	}
	a.Drop("created", "updated")
	if err := a.Close(path+".attributes", "enabled", "nbf", "exp"); err != nil {
		return p, err
	}
	p.Attributes = &attributes{}
	for name, v := range map[string]any{"enabled": &p.Attributes.Enabled, "nbf": &p.Attributes.NotBefore, "exp": &p.Attributes.Expires} {
		if err := a.Decode(path+".attributes", name, v); err != nil {
			return p, err
		}
	}
	return p, nil
}
