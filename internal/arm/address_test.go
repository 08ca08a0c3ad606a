package arm

import (
	"strings"
	"testing"

	"lanyard/internal/cloud"
)

// The three shapes of the description of a cloud, and who reads which (wire-facts 4.1).
func TestTheCloudDescribesItselfToStrangers(t *testing.T) {
	w := newWorld(t)
	ask := func(version, host string) said {
		return w.want(200, w.askAt(host, "/metadata/endpoints?api-version="+version))
	}
	s := ask("2015-01-01", "management.azure.com")
	if s.at("authentication", "loginEndpoint") != "https://login.microsoftonline.com/" || s.at("graphEndpoint") == nil || s.at("galleryEndpoint") == nil || s.at("portalEndpoint") == nil {
		t.Errorf("az cloud register reads %s", s.text)
	}
	s = ask("2022-09-01", "management.azure.com")
	for _, name := range []string{"portal", "media", "graphAudience", "graph", "name", "batch", "resourceManager", "vmImageAliasDoc", "activeDirectoryDataLake",
		"sqlManagement", "microsoftGraphResourceId", "appInsightsResourceId", "appInsightsTelemetryChannelResourceId", "attestationResourceId",
		"synapseAnalyticsResourceId", "logAnalyticsResourceId", "ossrDbmsResourceId", "ossrdbmsResourceId", "gallery"} {
		if text, _ := s.at(name).(string); text == "" {
			t.Errorf("Terraform misses %s", name)
		}
	}
	for _, name := range []string{"azureDataLakeStoreFileSystem", "acrLoginServer", "sqlServerHostname", "azureDataLakeAnalyticsCatalogAndJob", "keyVaultDns",
		"storage", "azureFrontDoorEndpointSuffix", "storageSyncEndpointSuffix", "mhsmDns", "mysqlServerEndpoint", "postgresqlServerEndpoint",
		"mariadbServerEndpoint", "synapseAnalytics", "attestationEndpoint"} {
		if text, _ := s.at("suffixes", name).(string); text == "" || strings.HasPrefix(text, ".") {
			t.Errorf("the suffix %s is %q", name, text)
		}
	}
	if s.at("authentication", "loginEndpoint") != "https://login.microsoftonline.com" || s.at("authentication", "tenant") != "common" || s.at("authentication", "identityProvider") != "AAD" {
		t.Error(s.text)
	}
	for _, version := range []string{"2019-05-01", "2020-06-01", "latest"} {
		if s := ask(version, "management.azure.com"); !strings.HasPrefix(s.text, `[{`) || !strings.Contains(s.text, `"https://login.microsoftonline.com/"`) {
			t.Errorf("%s: %s", version, s.text)
		}
	}
	s = ask("2022-09-01", "management.azure.com.lanyard.localhost:4140")
	if s.at("resourceManager") != "https://management.azure.com.lanyard.localhost:4140/" || s.at("suffixes", "keyVaultDns") != "vault.azure.net.lanyard.localhost" ||
		s.at("authentication", "loginEndpoint") != "https://login.microsoftonline.com.lanyard.localhost:4140" {
		t.Errorf("under a local name: %s", s.text)
	}
	if s := w.want(400, w.askAt("management.azure.com", "/metadata/endpoints?api-version=2001-01-01")); s.code() != "InvalidApiVersionParameter" || !strings.Contains(s.text, "2015-01-01") {
		t.Error(s.text)
	}
}

func TestTenantsAreShownToWhoIsKnown(t *testing.T) {
	w := newWorld(t)
	w.refuse(func(cloud.Caller, string, cloud.ID) bool { return true })
	s := w.want(200, w.ask("GET", "/tenants", ""))
	one := s.at("value").([]any)[0].(map[string]any)
	if one["tenantId"] != "t" || one["id"] != "/tenants/t" || one["defaultDomain"] != "lanyard.localhost" {
		t.Error(s.text)
	}
	w.want(401, w.ask("GET", "/tenants", "", "Authorization", ""))
}

func TestLocationsAreThoseThatProvidersName(t *testing.T) {
	w := newWorld(t)
	s := w.want(200, w.ask("GET", sub+"/locations", ""))
	known := map[any]bool{}
	for _, v := range s.at("value").([]any) {
		each := v.(map[string]any)
		known[each["displayName"]] = true
		if each["type"] != "Region" || each["id"] != sub+"/locations/"+each["name"].(string) || each["name"] != placeName(each["displayName"].(string)) {
			t.Errorf("%v", each)
		}
	}
	s = w.want(200, w.ask("GET", toyShop, ""))
	places := s.at("resourceTypes").([]any)[0].(map[string]any)["locations"].([]any)
	for _, place := range places {
		if !known[place] {
			t.Errorf("%v is no location", place)
		}
	}
	if !known["West Europe"] || !known["Local"] || len(places) != len(known) {
		t.Errorf("%d locations, %d of a type", len(known), len(places))
	}
	if s := w.want(404, w.ask("GET", "/subscriptions/none/locations", "")); s.code() != "SubscriptionNotFound" {
		t.Error(s.text)
	}
}

func TestProvidersOfTheTenantAreShownToWhoIsKnown(t *testing.T) {
	w := newWorld(t)
	w.refuse(func(cloud.Caller, string, cloud.ID) bool { return true })
	if s := w.want(200, w.ask("GET", "/providers", "")); !strings.Contains(s.text, `"Toy.Shop"`) || strings.Contains(s.text, "registrationState") {
		t.Error(s.text)
	}
	w.want(200, w.ask("GET", "/providers/Toy.Shop", ""))
	if s := w.want(501, w.ask("GET", sub+"/tagNames", "")); s.code() != "NotOffered" {
		t.Error(s.text)
	}
}

func TestATypeMayAnswerForItsCollection(t *testing.T) {
	w := newWorld(t)
	at := sub + "/providers/Toy.Shop/checkName"
	if s := w.want(200, w.ask("POST", at+version+"&$own=7", `{}`)); s.at("at") != sub || s.at("by") != "owner-app" || s.at("query") != "7" {
		t.Error(s.text)
	}
	if s := w.want(405, w.ask("GET", at, "")); s.header.Get("Allow") != "POST" {
		t.Error(s.header)
	}
	w.want(404, w.ask("GET", at+"/x", ""))
	w.want(404, w.ask("POST", "/subscriptions/none/providers/Toy.Shop/checkName", `{}`))
	w.refuse(func(_ cloud.Caller, action string, _ cloud.ID) bool { return action == "Toy.Shop/checkName/read" })
	w.want(403, w.ask("POST", at, `{}`))
}
