package arm

import (
	"net"
	"net/http"
	"strings"

	"lanyard/internal/cloud"
	"lanyard/internal/httpkit"
)

// metadataVersions are the api-versions of /metadata/endpoints: three shapes (wire-facts 4.1).
var metadataVersions = []string{"2022-09-01", "2020-06-01", "2019-05-01", "latest", "2015-01-01"}

// metadata says where this cloud's services are. It is asked before anybody has signed in.
func (e *Engine) metadata(w http.ResponseWriter, r *http.Request, c call) error {
	at := e.whereabouts(r)
	login := "https://" + e.Profile.Authority + at.suffix + at.port
	switch strings.ToLower(c.options["api-version"]) {
	case "2015-01-01":
		return httpkit.WriteJSON(w, http.StatusOK, map[string]any{
			"galleryEndpoint": "https://gallery.azure.com/", "graphEndpoint": "https://graph.windows.net/", "portalEndpoint": "https://portal.azure.com/",
			"authentication": map[string]any{"loginEndpoint": login + "/", "audiences": audiences()},
		})
	case "2022-09-01":
		return httpkit.WriteJSON(w, http.StatusOK, e.cloud(at, login))
	}
	return httpkit.WriteJSON(w, http.StatusOK, []any{e.cloud(at, login+"/")})
}

func audiences() []string {
	return []string{"https://management.core.windows.net/", "https://management.azure.com/"}
}

// whereabouts are how the caller reaches this cloud: under its public names, or under local ones.
type whereabouts struct{ suffix, port string }

func (e *Engine) whereabouts(r *http.Request) whereabouts {
	name, port := cloud.HostName(r.Host), ""
	public := e.Profile.Public(name)
	if !e.Profile.Serves(name) || public == name {
		return whereabouts{}
	}
	if _, number, err := net.SplitHostPort(r.Host); err == nil {
		port = ":" + number
	}
	return whereabouts{suffix: name[len(public):], port: port}
}

// cloud gives the endpoints and suffixes of this cloud. Clients refuse a description that lacks
// the services which this world does not offer, so those have the public cloud's names.
func (e *Engine) cloud(at whereabouts, login string) map[string]any {
	here := func(host string) string { return "https://" + host + at.suffix + at.port }
	return map[string]any{
		"name": e.Profile.Name, "portal": "https://portal.azure.com", "resourceManager": here(e.Profile.Management) + "/",
		"authentication": map[string]any{"loginEndpoint": login, "audiences": audiences(), "tenant": "common", "identityProvider": "AAD"},
		"graph":          "https://graph.windows.net/", "graphAudience": "https://graph.windows.net/",
		"microsoftGraphResourceId": here(e.Profile.Graph) + "/",
		"media":                    "https://rest.media.azure.net", "batch": "https://batch.core.windows.net/", "gallery": "https://gallery.azure.com/",
		"vmImageAliasDoc":         "https://raw.githubusercontent.com/Azure/azure-rest-api-specs/main/arm-compute/quickstart-templates/aliases.json",
		"activeDirectoryDataLake": "https://datalake.azure.net/", "sqlManagement": "https://management.core.windows.net:8443/",
		"appInsightsResourceId": "https://api.applicationinsights.io", "appInsightsTelemetryChannelResourceId": "https://dc.applicationinsights.azure.com/v2/track",
		"attestationResourceId": "https://attest.azure.net", "synapseAnalyticsResourceId": "https://dev.azuresynapse.net",
		"logAnalyticsResourceId": "https://api.loganalytics.io",
		// Terraform reads the one spelling, az the other (wire-facts 4.1).
		"ossrDbmsResourceId": "https://ossrdbms-aad.database.windows.net", "ossrdbmsResourceId": "https://ossrdbms-aad.database.windows.net",
		"suffixes": map[string]string{
			"keyVaultDns": e.Profile.VaultSuffix + at.suffix, "storage": "core.windows.net", "acrLoginServer": "azurecr.io",
			"sqlServerHostname": "database.windows.net", "azureDataLakeStoreFileSystem": "azuredatalakestore.net",
			"azureDataLakeAnalyticsCatalogAndJob": "azuredatalakeanalytics.net", "azureFrontDoorEndpointSuffix": "azurefd.net",
			"storageSyncEndpointSuffix": "afs.azure.net", "mhsmDns": "managedhsm.azure.net", "mysqlServerEndpoint": "mysql.database.azure.com",
			"postgresqlServerEndpoint": "postgres.database.azure.com", "mariadbServerEndpoint": "mariadb.database.azure.com",
			"synapseAnalytics": "dev.azuresynapse.net", "attestationEndpoint": "attest.azure.net",
		},
	}
}
