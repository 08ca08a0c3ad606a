package az

import (
	"path/filepath"
	"strings"
	"testing"
)

func TestServicePrincipals(t *testing.T) {
	t.Parallel()
	az := signedIn(t)
	az.run(t, "group create -n shop -l local").done()
	var ci *answer
	row(t, "ad sp create-for-rbac", func(t *testing.T) {
		ci = az.run(t, "ad sp create-for-rbac -n ci --role Reader --scopes", az.group("shop")).is("displayName", "ci").is("tenant", az.owner.Tenant)
		az.run(t, "role assignment list -g shop --assignee", ci.text("appId")).lists("roleDefinitionName", "Reader")
	})
	if ci == nil || t.Failed() {
		return
	}
	row(t, "login as the new service principal", func(t *testing.T) {
		reader := az.other(t)
		reader.run(t, "login --service-principal --username", ci.text("appId"), "--password", ci.text("password"), "--tenant", az.owner.Tenant).
			is("0.user.name", ci.text("appId"))
		reader.run(t, "group list").lists("name", "shop")
		reader.run(t, "identity create -n mine -g shop").refused(1, "AuthorizationFailed",
			"does not have authorization to perform action 'Microsoft.ManagedIdentity/userAssignedIdentities/write'", ci.text("appId"))
		reader.run(t, "group create -n other -l local").refused(1, "AuthorizationFailed")
		reader.run(t, "ad sp create-for-rbac -n second").refused(1, "Insufficient privileges to complete the operation.")
	})
	row(t, "ad sp list", func(t *testing.T) {
		az.run(t, "ad sp list --display-name ci").lists("appId", ci.text("appId")).is("0.servicePrincipalType", "Application")
		az.run(t, "identity create -n billing -g shop").done()
		az.run(t, "ad sp list --display-name billing").is("0.servicePrincipalType", "ManagedIdentity")
		az.run(t, "ad sp list --all --query", "[?displayName=='ci' || displayName=='owner']").lists("displayName", "ci", "owner")
	})
	row(t, "ad sp show", func(t *testing.T) {
		a := az.run(t, "ad sp show --id", ci.text("appId")).is("displayName", "ci").is("accountEnabled", true)
		az.run(t, "ad sp show --id", a.text("id")).is("appId", ci.text("appId"))
		az.run(t, "ad sp show --id", nobody).refused(3, "does not exist")
	})
	row(t, "ad sp credential reset", func(t *testing.T) {
		for range 2 { // the second takes the first one's place
			az.run(t, "ad sp credential reset --id", ci.text("appId")).is("appId", ci.text("appId")).text("password")
			az.run(t, "ad sp credential list --id", ci.text("appId")).has(1)
		}
	})
	row(t, "ad sp delete", func(t *testing.T) {
		az.run(t, "ad sp delete --id", ci.text("appId")).nothing()
		az.run(t, "ad sp list --display-name ci").whole([]any{})
		az.other(t).run(t, "login --service-principal --username", ci.text("appId"), "--password", ci.text("password"), "--tenant", az.owner.Tenant).
			refused(1, "AADSTS7000")
	})
}

func TestApplications(t *testing.T) {
	t.Parallel()
	az := signedIn(t)
	var app *answer
	row(t, "ad app create", func(t *testing.T) {
		app = az.run(t, "ad app create --display-name shop").is("displayName", "shop").is("signInAudience", "AzureADMyOrg")
		if app.text("id") == app.text("appId") {
			t.Error("object id and client id are one")
		}
	})
	if app == nil || t.Failed() {
		return
	}
	row(t, "ad app show", func(t *testing.T) {
		az.run(t, "ad app show --id", app.text("appId")).is("id", app.text("id"))
		az.run(t, "ad app show --id", nobody).refused(3, "does not exist")
	})
	row(t, "ad app list", func(t *testing.T) {
		az.run(t, "ad app list --display-name shop").lists("appId", app.text("appId"))
		az.run(t, "ad app list --app-id", app.text("appId")).lists("displayName", "shop")
	})
	row(t, "ad app update", func(t *testing.T) {
		az.run(t, "ad app update --display-name store --id", app.text("appId")).nothing()
		az.run(t, "ad app show --id", app.text("appId")).is("displayName", "store")
	})
	row(t, "ad sp create", func(t *testing.T) {
		az.run(t, "ad sp create --id", app.text("appId")).is("appId", app.text("appId")).is("displayName", "store")
	})
	row(t, "ad app credential reset", func(t *testing.T) {
		before := az.run(t, "ad app credential reset --id", app.text("appId")).text("password")
		after := az.run(t, "ad app credential reset --display-name build --id", app.text("appId")).is("appId", app.text("appId")).text("password")
		build := az.other(t)
		build.run(t, "login --service-principal --allow-no-subscriptions --username", app.text("appId"), "--password", before, "--tenant", az.owner.Tenant).
			refused(1, "AADSTS7000215")
		build.run(t, "login --service-principal --allow-no-subscriptions --username", app.text("appId"), "--password", after, "--tenant", az.owner.Tenant).
			is("0.name", "N/A(tenant level account)")
		az.run(t, "ad app credential list --id", app.text("appId")).lists("displayName", "build")
	})
	row(t, "ad app delete", func(t *testing.T) {
		az.run(t, "ad app delete --id", app.text("appId")).nothing()
		az.run(t, "ad app show --id", app.text("appId")).refused(3, "does not exist")
		az.run(t, "ad sp show --id", app.text("appId")).refused(3, "does not exist")
	})
}

func TestLoginByCertificate(t *testing.T) {
	t.Parallel()
	az := signedIn(t)
	row(t, "login --service-principal --certificate", func(t *testing.T) {
		ci := az.run(t, "ad sp create-for-rbac -n ci --create-cert --role Reader --scopes", "/subscriptions/"+az.owner.Subscription)
		file := strings.TrimSpace(ci.text("fileWithCertAndPrivateKey"))
		if filepath.Dir(file) != az.Dir {
			t.Errorf("the private key lies in %s", file)
		}
		reader := az.other(t)
		reader.run(t, "login --service-principal --username", ci.text("appId"), "--certificate", file, "--tenant", az.owner.Tenant).
			is("0.user.name", ci.text("appId")).is("0.user.type", "servicePrincipal")
		reader.run(t, "group list").whole([]any{})
		t.Run("that is another application's", func(t *testing.T) {
			az.other(t).run(t, "login --service-principal --username", az.owner.Client, "--certificate", file, "--tenant", az.owner.Tenant).
				refused(1, "AADSTS700027")
		})
	})
}
