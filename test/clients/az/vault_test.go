package az

import (
	"strings"
	"testing"
)

func TestVaults(t *testing.T) {
	t.Parallel()
	az := signedIn(t)
	az.run(t, "group create -n shop -l local").done()
	id := az.group("shop") + "/providers/Microsoft.KeyVault/vaults/shop-kv"
	row(t, "keyvault create", func(t *testing.T) {
		az.run(t, "keyvault create -n shop-kv -g shop -l local --tags team=red").
			is("id", id).is("name", "shop-kv").is("location", "local").is("resourceGroup", "shop").is("type", "Microsoft.KeyVault/vaults").
			is("properties.vaultUri", "https://shop-kv.vault.azure.net/").is("properties.tenantId", az.owner.Tenant).is("tags.team", "red").
			is("properties.enableRbacAuthorization", true).is("properties.enableSoftDelete", true).is("properties.sku.name", "standard").
			is("properties.provisioningState", "Succeeded")
		az.run(t, "keyvault create -n 1-kv -g shop -l local").refused(1, "VaultNameNotValid")
		az.run(t, "group create -n store -l local").done()
		az.run(t, "keyvault create -n shop-kv -g store -l local").refused(1, "VaultAlreadyExists", "shop-kv")
	})
	row(t, "keyvault show", func(t *testing.T) {
		az.run(t, "keyvault show -n shop-kv").is("id", id)
		az.run(t, "keyvault show -n shop-kv -g shop").is("properties.softDeleteRetentionInDays", 90)
		az.run(t, "keyvault show -n absent-kv -g shop").refused(3, "ResourceNotFound", "vaults/absent-kv")
	})
	row(t, "keyvault list", func(t *testing.T) {
		az.run(t, "keyvault list").lists("id", id)
		az.run(t, "keyvault list -g shop").lists("id", id)
	})
	row(t, "keyvault update", func(t *testing.T) {
		az.run(t, "keyvault update -n shop-kv -g shop --set tags.stage=test").is("tags.stage", "test")
	})
	row(t, "keyvault delete", func(t *testing.T) {
		az.run(t, "keyvault delete -n shop-kv -g shop").done()
		az.run(t, "keyvault show -n shop-kv -g shop").refused(3, "ResourceNotFound")
		az.run(t, "keyvault create -n shop-kv -g shop -l local").refused(1, "deleted state", "recover")
	})
	row(t, "keyvault list-deleted", func(t *testing.T) {
		az.run(t, "keyvault list-deleted --resource-type vault").lists("name", "shop-kv").is("0.properties.vaultId", id)
	})
	row(t, "keyvault show-deleted", func(t *testing.T) {
		az.run(t, "keyvault show-deleted -n shop-kv").is("properties.vaultId", id).is("properties.location", "local")
	})
	row(t, "keyvault recover", func(t *testing.T) {
		az.run(t, "keyvault recover -n shop-kv").is("id", id)
		az.run(t, "keyvault show -n shop-kv").is("tags.team", "red")
		az.run(t, "keyvault list-deleted --resource-type vault").whole([]any{})
	})
	row(t, "keyvault purge", func(t *testing.T) {
		az.run(t, "keyvault delete -n shop-kv -g shop").done()
		az.run(t, "keyvault purge -n shop-kv").done()
		az.run(t, "keyvault list-deleted --resource-type vault").whole([]any{})
		az.run(t, "keyvault purge -n shop-kv").refused(1, "shop-kv")
	})
}

func TestSecrets(t *testing.T) {
	t.Parallel()
	az := signedIn(t)
	az.run(t, "group create -n shop -l local").done()
	vault := az.run(t, "keyvault create -n secrets-kv -g shop -l local").text("id")
	const at = "https://secrets-kv.vault.azure.net/secrets/db"
	row(t, "keyvault secret set", func(t *testing.T) {
		az.run(t, "keyvault secret set --vault-name secrets-kv -n db --value first").
			refused(1, "(Forbidden)", "ForbiddenByRbac", "Microsoft.KeyVault/vaults/secrets/setSecret/action", az.owner.Principal)
		az.run(t, "role assignment create --role", "Key Vault Secrets Officer", "--assignee-object-id", az.owner.Principal,
			"--assignee-principal-type", "ServicePrincipal", "--scope", vault).done()
		a := az.run(t, "keyvault secret set --vault-name secrets-kv -n db --value first --tags team=red").
			is("value", "first").is("name", "db").is("tags.team", "red").is("attributes.enabled", true)
		if !strings.HasPrefix(a.text("id"), at+"/") {
			t.Errorf("the secret's id is %s", a.text("id"))
		}
		az.run(t, "keyvault secret set --vault-name secrets-kv -n db --value second").is("value", "second")
		az.run(t, "keyvault secret set --vault-name secrets-kv -n bad_name --value x").refused(1, "BadParameter")
	})
	row(t, "keyvault secret show", func(t *testing.T) {
		az.run(t, "keyvault secret show --vault-name secrets-kv -n db").is("value", "second")
		az.run(t, "keyvault secret show --id", at).is("value", "second")
		az.run(t, "keyvault secret show --vault-name secrets-kv -n absent").refused(3, "SecretNotFound")
	})
	row(t, "keyvault secret list", func(t *testing.T) {
		az.run(t, "keyvault secret set --vault-name secrets-kv -n mail --value x").done()
		az.run(t, "keyvault secret list --vault-name secrets-kv").lists("name", "db", "mail").is("0.id", at)
	})
	row(t, "keyvault secret list-versions", func(t *testing.T) {
		versions := az.run(t, "keyvault secret list-versions --vault-name secrets-kv -n db").lists("name", "db", "db")
		values := map[string]bool{}
		for _, i := range []string{"0.id", "1.id"} {
			values[az.run(t, "keyvault secret show --id", versions.text(i)).text("value")] = true
		}
		if !values["first"] || !values["second"] {
			t.Errorf("the versions hold %v", values)
		}
	})
	row(t, "keyvault secret set-attributes", func(t *testing.T) {
		az.run(t, "keyvault secret set-attributes --vault-name secrets-kv -n mail --enabled false").is("attributes.enabled", false)
		az.run(t, "keyvault secret show --vault-name secrets-kv -n mail").refused(1, "Forbidden", "disabled")
	})
	row(t, "keyvault secret delete", func(t *testing.T) {
		az.run(t, "keyvault secret delete --vault-name secrets-kv -n db").is("recoveryId", "https://secrets-kv.vault.azure.net/deletedsecrets/db")
		az.run(t, "keyvault secret show --vault-name secrets-kv -n db").refused(3, "SecretNotFound")
		az.run(t, "keyvault secret set --vault-name secrets-kv -n db --value third").refused(1, "Conflict", "deleted but recoverable")
	})
	row(t, "keyvault secret list-deleted", func(t *testing.T) {
		az.run(t, "keyvault secret list-deleted --vault-name secrets-kv").lists("name", "db")
	})
	row(t, "keyvault secret recover", func(t *testing.T) {
		az.run(t, "keyvault secret recover --vault-name secrets-kv -n db").is("name", "db")
		az.run(t, "keyvault secret show --vault-name secrets-kv -n db").is("value", "second")
	})
	row(t, "keyvault secret purge", func(t *testing.T) {
		az.run(t, "keyvault secret delete --vault-name secrets-kv -n db").done()
		az.run(t, "keyvault secret purge --vault-name secrets-kv -n db").nothing()
		az.run(t, "keyvault secret list-deleted --vault-name secrets-kv").whole([]any{})
	})
	t.Run("a vault that is not there has no name", func(t *testing.T) {
		az.run(t, "keyvault secret list --vault-name absent-kv").refused(1, "VaultNotFound")
	})
}
