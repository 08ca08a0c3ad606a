package az

import "testing"

func TestLocks(t *testing.T) {
	t.Parallel()
	az := signedIn(t)
	az.run(t, "group create -n shop -l local").done()
	az.run(t, "identity create -n billing -g shop").done()
	row(t, "lock create", func(t *testing.T) {
		az.run(t, "lock create -n keep --lock-type CanNotDelete -g shop --notes", "in use").
			is("level", "CanNotDelete").is("name", "keep").is("notes", "in use").is("id", az.group("shop")+"/providers/Microsoft.Authorization/locks/keep")
		az.run(t, "identity delete -n billing -g shop").refused(1, "ScopeLocked", "cannot perform delete operation", az.group("shop"))
		az.run(t, "group delete --yes -n shop").refused(1, "ScopeLocked")
		az.run(t, "identity update -n billing -g shop --tags team=red").is("tags.team", "red")
		az.run(t, "lock create -n still --lock-type ReadOnly -g shop --resource-type Microsoft.ManagedIdentity/userAssignedIdentities --resource billing").
			is("level", "ReadOnly")
		az.run(t, "identity update -n billing -g shop --tags team=blue").refused(1, "ScopeLocked", "cannot perform write operation")
	})
	row(t, "lock show", func(t *testing.T) {
		az.run(t, "lock show -n keep -g shop").is("level", "CanNotDelete")
		az.run(t, "lock show -n absent -g shop").refused(3, "LockNotFound")
	})
	row(t, "lock list", func(t *testing.T) {
		az.run(t, "lock list").lists("name", "keep", "still")
		az.run(t, "lock list -g shop").lists("name", "keep", "still")
	})
	row(t, "lock delete", func(t *testing.T) {
		az.run(t, "lock delete -n still -g shop --resource-type Microsoft.ManagedIdentity/userAssignedIdentities --resource billing").nothing()
		az.run(t, "lock delete -n keep -g shop").nothing()
		az.run(t, "lock list").whole([]any{})
		az.run(t, "identity delete -n billing -g shop").nothing()
	})
}

func TestRecordsAndProviders(t *testing.T) {
	t.Parallel()
	az := signedIn(t)
	row(t, "provider list", func(t *testing.T) {
		az.run(t, "provider list --query", "[?namespace=='Microsoft.App' || namespace=='Microsoft.KeyVault']").lists("namespace", "Microsoft.App", "Microsoft.KeyVault")
	})
	row(t, "provider show", func(t *testing.T) {
		az.run(t, "provider show -n Microsoft.KeyVault").is("registrationState", "Registered")
		az.run(t, "provider show -n Microsoft.Nothing").refused(3, "InvalidResourceNamespace", "Microsoft.Nothing")
	})
	row(t, "provider register", func(t *testing.T) {
		az.run(t, "provider register --wait -n Microsoft.App").done()
		az.run(t, "provider show -n Microsoft.App").is("registrationState", "Registered")
	})
	row(t, "monitor activity-log list", func(t *testing.T) {
		az.run(t, "group create -n shop -l local").done()
		az.run(t, "monitor activity-log list -g shop --offset 1h --query", "[?status.value=='Succeeded']").
			is("0.operationName.value", "Microsoft.Resources/subscriptions/resourceGroups/write").is("0.resourceGroupName", "shop").
			is("0.caller", az.owner.Client).text("0.correlationId")
	})
	row(t, "rest", func(t *testing.T) {
		az.run(t, "rest --url", az.group("shop")+"?api-version=2021-04-01").is("name", "shop")
		az.run(t, "rest --method put --url", az.group("store")+"?api-version=2021-04-01", "--body", `{"location":"local"}`).is("name", "store")
		az.run(t, "rest --method delete --url", az.group("store")+"?api-version=2021-04-01").nothing()
		az.run(t, "rest --url", az.group("shop")+"?api-version=1999-01-01").refused(1, "InvalidApiVersionParameter", "1999-01-01")
		az.run(t, "rest --url", az.group("shop")).refused(1, "MissingApiVersionParameter")
		az.run(t, "rest --url", "https://graph.microsoft.com/v1.0/servicePrincipals/"+az.owner.Principal).is("appId", az.owner.Client)
		az.run(t, "rest --url", "https://graph.microsoft.com/v1.0/servicePrincipals/"+nobody).refused(1, "Request_ResourceNotFound")
	})
}
