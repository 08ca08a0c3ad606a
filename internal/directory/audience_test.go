package directory

import (
	"strings"
	"testing"

	"lanyard/internal/cloud"
)

// TestKnownAudiences is wire-facts "Audiences": each as it is sent, and in what it is for.
func TestKnownAudiences(t *testing.T) {
	w := start(t)
	owner := w.enroll(cloud.Application, "owner", "")
	for resource, name := range map[string]string{
		"https://management.azure.com":                     "Azure Resource Manager",
		"https://management.azure.com/":                    "Azure Resource Manager",
		"https://management.core.windows.net":              "Azure Resource Manager",
		"https://management.core.windows.net/":             "Azure Resource Manager",
		"797f4846-ba00-4fd7-ba43-dac1f8f63013":             "Azure Resource Manager",
		"https://graph.microsoft.com":                      "Microsoft Graph",
		"https://graph.microsoft.com/":                     "Microsoft Graph",
		"00000003-0000-0000-c000-000000000000":             "Microsoft Graph",
		"https://vault.azure.net":                          "Azure Key Vault",
		"https://vault.azure.net/":                         "Azure Key Vault",
		"cfa8b339-82a2-471a-a3c9-0fc0be7a4093":             "Azure Key Vault",
		"https://managedhsm.azure.net":                     "Azure Key Vault Managed HSM",
		"https://storage.azure.com/":                       "Azure Storage",
		"e406a681-f3d4-42a8-90b6-c2b029497af1":             "Azure Storage",
		"https://ledger42.blob.core.windows.net":           "Azure Storage",
		"https://ledger42.blob.core.windows.net/":          "Azure Storage",
		"https://containerregistry.azure.net":              "Azure Container Registry",
		"https://servicebus.azure.net/":                    "Azure Service Bus",
		"https://database.windows.net/":                    "Azure SQL Database",
		"https://ossrdbms-aad.database.windows.net":        "Azure Database for PostgreSQL and MySQL",
		"https://ledger.documents.azure.com":               "Azure Cosmos DB",
		"api://AzureADTokenExchange":                       "Token exchange",
		"api://" + string(owner.Client):                    "owner",
		string(owner.Client):                               "owner",
		"https://dynamicsessions.io":                       "Azure Container Apps dynamic sessions",
		"https://a-very-plain-account.documents.azure.com": "Azure Cosmos DB",
	} {
		got, ok := w.Audience(resource)
		want := Resource{Audience: resource, Version: VersionOne, App: got.App, Name: name}
		if name == "Token exchange" {
			want.Audience, want.Version = "fb60f99c-7a34-4190-8149-302f77469936", VersionTwo
		}
		if !ok || got != want {
			t.Errorf("%s: %v %+v, want %s", resource, ok, got, name)
		}
	}
	if got, _ := w.Audience(string(owner.Client)); got.App != owner.Client {
		t.Errorf("the owner's application is %q", got.App)
	}
}

// TestUnknownAudiencesAreRefused is T12 and T20: nothing matches by prefix, suffix, case or port.
func TestUnknownAudiencesAreRefused(t *testing.T) {
	w := start(t)
	user := w.enroll(cloud.UserAssigned, "billing", identity)
	owner := w.enroll(cloud.Application, "owner", "")
	for _, resource := range []string{
		"", "/", "https://", "https://vault.azure.net//", "https://vault.azure.net/x", "https://vault.azure.net:443",
		"https://vault.azure.net.evil.test", "https://evil.test/https://vault.azure.net", "http://vault.azure.net",
		"HTTPS://VAULT.AZURE.NET", "vault.azure.net", "https://kv.vault.azure.net", " https://vault.azure.net", "https://vault.azure.net?x=1",
		"https://.blob.core.windows.net", "https://a.b.blob.core.windows.net", "https://evil.test/.blob.core.windows.net",
		"https://user@ledger.blob.core.windows.net", "https://ledger.blob.core.windows.net.evil.test",
		"https://management.azure.com/.default", "cfa8b339-82a2-471a-a3c9-0fc0be7a4093/",
		string(user.Client), string(user.ID), string(owner.ID), "api://" + string(user.Client), "api://" + strings.ToUpper(string(owner.Client)),
		"00000000-0000-0000-0000-000000000000", "api://",
	} {
		if got, ok := w.Audience(resource); ok {
			t.Errorf("%q is taken for %+v", resource, got)
		}
	}
}

// TestSuggestions is of AC-9: the role that a refusal proposes is the least that people would grant.
func TestSuggestions(t *testing.T) {
	d := &Directory{}
	for _, c := range []struct {
		action string
		data   bool
		role   string
	}{
		{getSecret, true, "Key Vault Secrets User"},
		{"Microsoft.KeyVault/vaults/secrets/readMetadata/action", true, "Key Vault Secrets User"},
		{"Microsoft.KeyVault/vaults/secrets/setSecret/action", true, "Key Vault Secrets Officer"},
		{"Microsoft.KeyVault/vaults/secrets/delete", true, "Key Vault Secrets Officer"},
		{"microsoft.keyvault/vaults/secrets/purge/action", true, "Key Vault Secrets Officer"},
		{"Microsoft.KeyVault/vaults/read", false, "Key Vault Reader"},
		{"Microsoft.KeyVault/vaults/write", false, "Key Vault Contributor"},
		{"Microsoft.App/containerApps/write", false, "Container Apps Contributor"},
		{"Microsoft.App/containerApps/restart/action", false, "Container Apps Operator"},
		{"Microsoft.App/managedEnvironments/write", false, "Container Apps ManagedEnvironments Contributor"},
		{"Microsoft.ManagedIdentity/userAssignedIdentities/assign/action", false, "Managed Identity Operator"},
		{"Microsoft.ManagedIdentity/userAssignedIdentities/write", false, "Managed Identity Contributor"},
		{"Microsoft.Authorization/roleAssignments/write", false, "Role Based Access Control Administrator"},
		{"Microsoft.Authorization/roleAssignments/read", false, "Reader"},
		{"Microsoft.Resources/subscriptions/resourceGroups/read", false, "Reader"},
		{"Microsoft.Resources/subscriptions/resourceGroups/write", false, "Contributor"},
		{"Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read", true, "Storage Blob Data Reader"},
		{"Microsoft.ContainerRegistry/registries/pull/read", false, "AcrPull"},
	} {
		if r, ok := d.Suggest(c.action, c.data); !ok || r.Name != c.role {
			t.Errorf("for %s: %v %q, want %q", c.action, ok, r.Name, c.role)
		}
	}
	for _, nothing := range []string{"", "*", "Contoso.Bakery/ovens/read"} {
		if r, ok := d.Suggest(nothing, true); ok {
			t.Errorf("for %q: %q", nothing, r.Name)
		}
	}
}

func BenchmarkSuggest(b *testing.B) {
	d := &Directory{}
	for b.Loop() {
		d.Suggest("Microsoft.Resources/subscriptions/resourceGroups/write", false)
	}
}
