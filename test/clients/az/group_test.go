package az

import "testing"

func TestGroups(t *testing.T) {
	t.Parallel()
	az := signedIn(t)
	row(t, "group create", func(t *testing.T) {
		az.run(t, "group create -n shop -l local --tags team=red").
			is("name", "shop").is("id", az.group("shop")).is("location", "local").is("tags.team", "red").
			is("type", "Microsoft.Resources/resourceGroups").is("properties.provisioningState", "Succeeded")
		az.run(t, "group create -n shop -l westeurope").refused(1, "InvalidResourceGroupLocation", "already exists in location 'local'")
		az.run(t, "group create -n shop. -l local").refused(1, "(InvalidResourceGroup)", "shop.")
	})
	row(t, "group show", func(t *testing.T) {
		az.run(t, "group show -n SHOP").is("id", az.group("shop")).is("tags.team", "red")
		az.run(t, "group show -n absent").refused(3, "(ResourceGroupNotFound) Resource group 'absent' could not be found.")
	})
	row(t, "group list", func(t *testing.T) {
		az.run(t, "group create -n store -l local").done()
		az.run(t, "group list").lists("name", "shop", "store")
		az.run(t, "group list --tag team=red").lists("name", "shop")
	})
	row(t, "group exists", func(t *testing.T) {
		az.run(t, "group exists -n shop").whole(true)
		az.run(t, "group exists -n absent").whole(false)
	})
	row(t, "group update", func(t *testing.T) {
		az.run(t, "group update -n shop --set tags.stage=test").is("tags.team", "red").is("tags.stage", "test")
	})
	row(t, "resource tag", func(t *testing.T) {
		az.run(t, "resource tag --is-incremental --tags owner=ann --ids", az.group("shop")).is("tags.owner", "ann").is("tags.team", "red")
		az.run(t, "resource tag --tags only=this --ids", az.group("shop")).is("tags", map[string]any{"only": "this"})
		az.run(t, "group show -n shop").is("tags", map[string]any{"only": "this"})
	})
	t.Run("what is not offered is refused by name: tag", func(t *testing.T) {
		az.run(t, "tag list").refused(1, "NotOffered", "tag names")
		az.run(t, "tag create --tags a=b --resource-id", az.group("shop")).refused(1, "NotOffered", "Microsoft.Resources/tags")
	})
	row(t, "group delete", func(t *testing.T) {
		az.run(t, "identity create -n billing -g shop -l local").done()
		az.run(t, "group delete --yes -n shop").nothing()
		az.run(t, "group exists -n shop").whole(false)
		az.run(t, "identity list").whole([]any{})
		az.run(t, "group delete --yes -n shop").refused(3, "ResourceGroupNotFound")
	})
}

func TestIdentities(t *testing.T) {
	t.Parallel()
	az := signedIn(t)
	az.run(t, "group create -n shop -l local").done()
	id := az.group("shop") + "/providers/Microsoft.ManagedIdentity/userAssignedIdentities/billing"
	row(t, "identity create", func(t *testing.T) {
		a := az.run(t, "identity create -n billing -g shop --tags team=red").
			is("id", id).is("name", "billing").is("location", "local").is("resourceGroup", "shop").is("tenantId", az.owner.Tenant).
			is("tags.team", "red").is("type", "Microsoft.ManagedIdentity/userAssignedIdentities")
		if a.text("clientId") == a.text("principalId") {
			t.Error("client id and principal id are one")
		}
		az.run(t, "identity create -n billing -g shop").is("principalId", a.text("principalId"))
		az.run(t, "identity create -n billing -g absent -l local").refused(3, "ResourceGroupNotFound")
	})
	row(t, "identity show", func(t *testing.T) {
		az.run(t, "identity show -n billing -g shop").is("id", id)
		az.run(t, "identity show --ids", id).is("name", "billing")
		az.run(t, "identity show -n absent -g shop").refused(3, "ResourceNotFound", "userAssignedIdentities/absent")
	})
	row(t, "identity list", func(t *testing.T) {
		az.run(t, "identity create -n audit -g shop").done()
		az.run(t, "identity list").lists("name", "audit", "billing")
		az.run(t, "identity list -g shop").lists("name", "audit", "billing")
	})
	row(t, "identity update", func(t *testing.T) {
		az.run(t, "identity update -n billing -g shop --tags team=blue").is("tags", map[string]any{"team": "blue"})
	})
	row(t, "resource list", func(t *testing.T) {
		az.run(t, "resource list -g shop").lists("name", "audit", "billing")
		az.run(t, "resource list --tag team=blue").lists("id", id)
		az.run(t, "resource list --resource-type Microsoft.KeyVault/vaults").whole([]any{})
	})
	row(t, "resource show", func(t *testing.T) {
		az.run(t, "resource show --ids", id).is("name", "billing").is("properties.tenantId", az.owner.Tenant)
		az.run(t, "resource show -g shop -n billing --resource-type Microsoft.ManagedIdentity/userAssignedIdentities").is("id", id)
		az.run(t, "resource show -g shop -n x --resource-type Microsoft.Nothing/things").refused(3, "Microsoft.Nothing")
	})
	row(t, "identity delete", func(t *testing.T) {
		az.run(t, "identity delete -n billing -g shop").nothing()
		az.run(t, "identity delete -n billing -g shop").nothing()
		az.run(t, "identity list -g shop").lists("name", "audit")
	})
}
