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

const (
	// maxValue is Azure's bound of a secret's value in bytes.
	maxValue = 25 << 10
	// The bounds and the default of softDeleteRetentionInDays.
	leastRetention, mostRetention = 7, 90
)

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
func shapeVault(d *arm.Document, tenant cloud.TenantID) (provider.Members, error) {
	const path = "properties"
	m, err := provider.Read(path, d.Properties)
	if err != nil {
		return nil, err
	}
	m.Drop("provisioningState", "vaultUri", "hsmPoolResourceId", "privateEndpointConnections")
	if err := m.Close(path, "tenantId", "sku", "enableRbacAuthorization", "enableSoftDelete", "softDeleteRetentionInDays", "createMode",
		"publicNetworkAccess", "networkAcls", "enabledForDeployment", "enabledForDiskEncryption", "enabledForTemplateDeployment"); err != nil {
		return nil, err
	}
	if !strings.EqualFold(m.Text("tenantId"), string(tenant)) {
		return nil, fault.New(fault.Invalid, "InvalidTenantId", "'properties.tenantId' must be the tenant of this world, '%s', not '%s'.", tenant, m.Text("tenantId"))
	}
	m.Set("tenantId", tenant)
	if err := shapeSKU(m); err != nil {
		return nil, err
	}
	if err := shapeAccess(m); err != nil {
		return nil, err
	}
	if err := shapeRetention(m); err != nil {
		return nil, err
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

func shapeAccess(m provider.Members) error {
	roles, soft := true, true
	if err := m.Decode("properties", "enableRbacAuthorization", &roles); err != nil {
		return err
	}
	if !roles {
		return provider.NotOffered("properties.enableRbacAuthorization: false").
			Try("set it to true, and grant roles such as 'Key Vault Secrets User' in place of access policies")
	}
	if err := m.Decode("properties", "enableSoftDelete", &soft); err != nil {
		return err
	}
	if !soft {
		return badRequest("The property \"enableSoftDelete\" for a vault can't be set to 'false'.")
	}
	switch mode := m.Text("createMode"); strings.ToLower(mode) {
	case "", "default":
	case "recover":
		return provider.NotOffered("properties.createMode: recover")
	default:
		return badRequest("'properties.createMode' must be default or recover, not '%s'.", mode)
	}
	delete(m, "createMode")
	for _, name := range []string{"enabledForDeployment", "enabledForDiskEncryption", "enabledForTemplateDeployment"} {
		allowed := false
		if err := m.Decode("properties", name, &allowed); err != nil {
			return err
		}
		m.Set(name, allowed)
	}
	m.Set("enableRbacAuthorization", true)
	m.Set("enableSoftDelete", true)
	m.Set("accessPolicies", []string{})
	return nil
}

func shapeRetention(m provider.Members) error {
	days := mostRetention
	if err := m.Decode("properties", "softDeleteRetentionInDays", &days); err != nil {
		return err
	}
	if days < leastRetention || days > mostRetention {
		return badRequest("The property \"softDeleteRetentionInDays\" must be between %d and %d, not %d.", leastRetention, mostRetention, days)
	}
	m.Set("softDeleteRetentionInDays", days)
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
	if action := acls.Text("defaultAction"); action != "" && !strings.EqualFold(action, "Allow") {
		return provider.NotOffered("properties.networkAcls.defaultAction: " + action)
	}
	return nil
}

// keptRetention refuses a new retention period: it is set once.
func keptRetention(before, after json.RawMessage) error {
	type period struct {
		Days int `json:"softDeleteRetentionInDays"`
	}
	var was, is period
	if json.Unmarshal(before, &was) != nil || json.Unmarshal(after, &is) != nil || was == is {
		return nil
	}
	return badRequest("The property \"softDeleteRetentionInDays\" has been set already and it can't be modified.")
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
