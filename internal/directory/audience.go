package directory

import (
	"slices"
	"strings"

	"lanyard/internal/cloud"
)

// Resource is something that tokens can be for.
type Resource struct {
	// Audience is what the aud claim says. In v1.0 tokens it is the resource exactly as it was asked
	// for, a trailing slash kept, since targets compare it byte by byte (wire-facts: "Key Vault",
	// AKV10022); in v2.0 ones it is the application's id.
	Audience string
	// Version is that of the tokens which the resource takes, VersionOne or VersionTwo: its own
	// application says, not who asks.
	Version string
	// App is the resource's own application; empty where its id is not known.
	App cloud.ClientID
	// Name is what people call it.
	Name string
}

// The versions of access tokens (wire-facts: "Managed identity access token").
const (
	VersionOne = "1.0"
	VersionTwo = "2.0"
)

// audiences are one service's names in tokens, without a trailing slash (wire-facts: "Audiences").
type audiences struct {
	name  string
	app   cloud.ClientID
	uris  []string
	hosts string // what follows an account's name, for services that have accounts
	two   bool   // it takes v2.0 tokens
}

var services = []audiences{
	{name: "Azure Resource Manager", app: "797f4846-ba00-4fd7-ba43-dac1f8f63013", uris: []string{"https://management.azure.com", "https://management.core.windows.net"}},
	{name: "Microsoft Graph", app: "00000003-0000-0000-c000-000000000000", uris: []string{"https://graph.microsoft.com"}},
	{name: "Azure Key Vault", app: "cfa8b339-82a2-471a-a3c9-0fc0be7a4093", uris: []string{"https://vault.azure.net"}},
	{name: "Azure Key Vault Managed HSM", uris: []string{"https://managedhsm.azure.net"}},
	{name: "Azure Storage", app: "e406a681-f3d4-42a8-90b6-c2b029497af1", uris: []string{"https://storage.azure.com"}, hosts: ".blob.core.windows.net"},
	{name: "Azure Container Registry", uris: []string{"https://containerregistry.azure.net"}},
	{name: "Azure Service Bus", uris: []string{"https://servicebus.azure.net"}},
	{name: "Azure Event Hubs", uris: []string{"https://eventhubs.azure.net"}},
	{name: "Azure SQL Database", uris: []string{"https://database.windows.net"}},
	{name: "Azure Database for PostgreSQL and MySQL", uris: []string{"https://ossrdbms-aad.database.windows.net"}},
	{name: "Azure Cache for Redis", uris: []string{"https://redis.azure.com"}},
	{name: "Azure Cosmos DB", uris: []string{"https://cosmos.azure.com"}, hosts: ".documents.azure.com"},
	{name: "Azure App Configuration", uris: []string{"https://azconfig.io", "https://appconfig.azure.com"}},
	{name: "Azure Log Analytics", uris: []string{"https://api.loganalytics.io"}},
	{name: "Application Insights", uris: []string{"https://api.applicationinsights.io"}},
	{name: "Azure Batch", uris: []string{"https://batch.core.windows.net"}},
	{name: "Azure Container Apps dynamic sessions", uris: []string{"https://dynamicsessions.io"}},
	{name: "Token exchange", app: cloud.TokenExchangeApp, two: true, uris: []string{cloud.TokenExchange}},
}

// Audience says what a requested resource is, and whether there is such a thing: one of Azure's
// services by URI, with or without a trailing slash, or by GUID; one account's host name; or an
// enrolled application by its client id, bare or as api://{client}, or by a URI that is its own.
// Nothing else matches (T12, T20).
func (d *Directory) Audience(resource string) (Resource, bool) {
	for _, s := range services {
		if s.has(resource) {
			return resourceOf(resource, s.app, s.name, s.two), true
		}
	}
	client, isURI := strings.CutPrefix(strings.TrimSuffix(resource, "/"), "api://")
	if !isURI {
		client = resource
	}
	if p, ok := d.ByClient(cloud.ClientID(client)); ok && p.Kind == cloud.Application && string(p.Client) == client {
		a, _ := d.ApplicationOf(p.Client)
		return resourceOf(resource, p.Client, p.Name, a.Version == VersionTwo), true
	}
	if a, ok := d.byURI(resource); ok {
		return resourceOf(resource, a.Client, a.Name, a.Version == VersionTwo), true
	}
	return Resource{}, false
}

// resourceOf gives a resource by the name it was asked for and its application.
func resourceOf(asked string, app cloud.ClientID, name string, two bool) Resource {
	if two {
		return Resource{Audience: string(app), Version: VersionTwo, App: app, Name: name}
	}
	return Resource{Audience: asked, Version: VersionOne, App: app, Name: name}
}

func (s audiences) has(resource string) bool {
	if s.app != "" && resource == string(s.app) {
		return true
	}
	bare := strings.TrimSuffix(resource, "/")
	if slices.Contains(s.uris, bare) {
		return true
	}
	if s.hosts == "" {
		return false
	}
	host, https := strings.CutPrefix(bare, "https://")
	account, ours := strings.CutSuffix(host, s.hosts)
	return https && ours && isAccount(account)
}

// isAccount holds a name against the rule for accounts: 3 to 44 lower-case letters, digits and
// hyphens (Cosmos DB's; those of storage accounts are a part of it).
func isAccount(name string) bool {
	stranger := func(c rune) bool { return (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' }
	return len(name) >= 3 && len(name) <= 44 && !strings.ContainsFunc(name, stranger)
}
