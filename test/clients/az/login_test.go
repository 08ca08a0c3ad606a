package az

import "testing"

func TestLogin(t *testing.T) {
	t.Parallel()
	az := open(t)
	row(t, "login --service-principal --password", func(t *testing.T) {
		az.run(t, "login --service-principal --username", az.owner.Client, "--password", az.owner.Secret, "--tenant", az.owner.Tenant).
			is("0.id", az.owner.Subscription).is("0.tenantId", az.owner.Tenant).is("0.homeTenantId", az.owner.Tenant).
			is("0.state", "Enabled").is("0.isDefault", true).is("0.cloudName", "AzureCloud").
			is("0.user.name", az.owner.Client).is("0.user.type", "servicePrincipal")
		wrong := az.other(t)
		wrong.run(t, "login --service-principal --username", az.owner.Client, "--password", "wrong", "--tenant", az.owner.Tenant).
			refused(1, "AADSTS7000215", "Invalid client secret provided")
		wrong.run(t, "login --service-principal --username", nobody, "--password", az.owner.Secret, "--tenant", az.owner.Tenant).
			refused(1, "AADSTS700016", nobody)
		wrong.run(t, "login --service-principal --username", az.owner.Client, "--password", az.owner.Secret, "--tenant", nobody).
			refused(1, "AADSTS90002")
		wrong.run(t, "group list").refused(1, "az login")
	})
	row(t, "account show", func(t *testing.T) {
		az.run(t, "account show").is("id", az.owner.Subscription).is("name", "Lanyard").is("environmentName", "AzureCloud")
	})
	row(t, "account list", func(t *testing.T) {
		az.run(t, "account list --refresh").lists("id", az.owner.Subscription)
	})
	row(t, "account set", func(t *testing.T) {
		az.run(t, "account set --subscription Lanyard").nothing()
		az.run(t, "account set --subscription Elsewhere").refused(1, "elsewhere")
	})
	row(t, "account get-access-token", func(t *testing.T) {
		a := az.run(t, "account get-access-token").is("tokenType", "Bearer").is("tenant", az.owner.Tenant).is("subscription", az.owner.Subscription)
		claims(t, a.text("accessToken")).is("aud", "https://management.core.windows.net/").is("oid", az.owner.Principal).is("appid", az.owner.Client)
		a = az.run(t, "account get-access-token --resource https://vault.azure.net")
		claims(t, a.text("accessToken")).is("aud", "https://vault.azure.net")
		az.run(t, "account get-access-token --resource https://nowhere.example").refused(1, "AADSTS500011")
	})
	row(t, "account list-locations", func(t *testing.T) {
		a := az.run(t, "account list-locations --query", "[?name=='westeurope']").lists("name", "westeurope")
		a.is("0.displayName", "West Europe").is("0.regionalDisplayName", "(Europe) West Europe").is("0.type", "Region")
	})
	row(t, "cloud show", func(t *testing.T) {
		az.run(t, "cloud show").is("name", "AzureCloud").is("endpoints.resourceManager", "https://management.azure.com/")
	})
	row(t, "logout", func(t *testing.T) {
		az.run(t, "logout").nothing()
		az.run(t, "account show").refused(1, "az login")
	})
}

// nobody is a GUID that no directory gives out.
const nobody = "00000000-0000-4000-8000-000000000000"
