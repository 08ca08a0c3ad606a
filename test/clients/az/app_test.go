package az

import (
	"strings"
	"testing"
	"time"

	"lanyard/test/clients/stage"
)

// An app from its environment to its end, which reads a secret once its identity was granted a role.
func TestContainerApps(t *testing.T) {
	t.Parallel()
	az := signedIn(t)
	az.run(t, "group create -n shop -l local").done()
	vault := az.run(t, "keyvault create -n hello-kv -g shop -l local").text("id")
	az.run(t, "role assignment create --role", "Key Vault Secrets Officer", "--assignee-object-id", az.owner.Principal,
		"--assignee-principal-type", "ServicePrincipal", "--scope", vault).done()
	az.run(t, "keyvault secret set --vault-name hello-kv -n greeting --value Hello").done()
	environments(t, az)
	id := az.group("shop") + "/providers/Microsoft.App/containerapps/hello"
	row(t, "containerapp create", func(t *testing.T) {
		a := az.run(t, "containerapp create -n hello -g shop --environment shop-env --image local/hello --min-replicas 1 --command", az.Program("hello")).
			is("name", "hello").is("location", "local").is("properties.provisioningState", "Succeeded").is("identity.type", "None").
			is("properties.template.containers.0.image", "local/hello").is("properties.configuration.activeRevisionsMode", "Single").
			is("properties.environmentId", az.group("shop")+"/providers/Microsoft.App/managedEnvironments/shop-env")
		if !strings.EqualFold(a.text("id"), id) {
			t.Errorf("the app's id is %s", a.text("id"))
		}
		az.run(t, "containerapp create -n other -g shop --environment absent --image local/hello").refused(1, "does not exist")
		az.run(t, "containerapp create -n hello_app -g shop --environment shop-env --image local/hello").refused(1, "Invalid")
	})
	row(t, "containerapp show", func(t *testing.T) {
		az.run(t, "containerapp show -n hello -g shop").is("name", "hello").is("resourceGroup", "shop").is("properties.runningStatus", "Running")
		az.run(t, "containerapp show -n absent -g shop").refused(1, "ResourceNotFound", "containerApps/absent")
	})
	row(t, "containerapp list", func(t *testing.T) {
		az.run(t, "containerapp list -g shop").lists("name", "hello")
		az.run(t, "containerapp list").lists("name", "hello")
		az.run(t, "containerapp list --environment shop-env -g shop").lists("name", "hello")
	})
	appIdentities(t, az, vault)
	row(t, "containerapp revision list", func(t *testing.T) {
		az.run(t, "containerapp revision list -n hello -g shop").is("0.properties.active", true)
	})
	row(t, "containerapp update", func(t *testing.T) {
		before := az.run(t, "containerapp revision list -n hello -g shop").text("0.name")
		az.run(t, "containerapp update -n hello -g shop --set-env-vars MOOD=good").is("properties.template.containers.0.env.0.name", "MOOD")
		after := az.run(t, "containerapp revision list -n hello -g shop").has(1).is("0.properties.template.containers.0.env.0.value", "good")
		if after.text("0.name") == before {
			t.Errorf("the revision is %s as before", before)
		}
	})
	row(t, "containerapp delete", func(t *testing.T) {
		az.run(t, "containerapp env delete --yes -n shop-env -g shop").refused(1, "ManagedEnvironmentHasContainerApps")
		az.run(t, "containerapp delete --yes -n hello -g shop").done()
		az.run(t, "containerapp show -n hello -g shop").refused(1, "ResourceNotFound")
	})
	row(t, "containerapp env delete", func(t *testing.T) {
		az.run(t, "containerapp env delete --yes -n shop-env -g shop").done()
		az.run(t, "containerapp env list -g shop").whole([]any{})
	})
}

func environments(t *testing.T, az *shell) {
	row(t, "containerapp env create", func(t *testing.T) {
		az.run(t, "containerapp env create -n shop-env -g shop -l local --logs-destination none").
			is("name", "shop-env").is("location", "local").is("properties.provisioningState", "Succeeded")
		az.run(t, "containerapp env create -n other-env -g shop -l mars --logs-destination none").refused(1, "mars")
		az.run(t, "containerapp env create -n other-env -g absent -l local --logs-destination none").refused(1, "ResourceGroupNotFound")
	})
	row(t, "containerapp env show", func(t *testing.T) {
		az.run(t, "containerapp env show -n shop-env -g shop").is("name", "shop-env").is("resourceGroup", "shop")
		az.run(t, "containerapp env show -n absent -g shop").refused(1, "ResourceNotFound")
	})
	row(t, "containerapp env list", func(t *testing.T) {
		az.run(t, "containerapp env list").lists("name", "shop-env")
		az.run(t, "containerapp env list -g shop").lists("name", "shop-env")
	})
}

// appIdentities tells how a running app comes to its secret without a restart, and loses it again.
func appIdentities(t *testing.T, az *shell, vault string) {
	row(t, "containerapp identity assign", func(t *testing.T) {
		a := az.run(t, "containerapp identity assign -n hello -g shop --system-assigned").is("type", "SystemAssigned").is("tenantId", az.owner.Tenant)
		az.says(t, "hello", "refused with 403")
		az.run(t, "role assignment create --role", "Key Vault Secrets User", "--assignee-object-id", a.text("principalId"),
			"--assignee-principal-type", "ServicePrincipal", "--scope", vault).done()
		az.says(t, "hello", `read the secret "greeting": Hello`)
		az.run(t, "identity create -n billing -g shop").done()
		az.run(t, "containerapp identity assign -n hello -g shop --user-assigned billing").is("type", "SystemAssigned, UserAssigned")
	})
	row(t, "containerapp identity show", func(t *testing.T) {
		az.run(t, "containerapp identity show -n hello -g shop").is("type", "SystemAssigned, UserAssigned").text("principalId")
	})
	row(t, "containerapp logs show", func(t *testing.T) {
		text := az.run(t, "containerapp logs show -n hello -g shop --tail 100 --format text").done().outcome.Out
		if !strings.Contains(text, `read the secret "greeting": Hello`) {
			t.Errorf("the log is\n%s", text)
		}
		az.run(t, "containerapp logs show -n absent -g shop").refused(1, "ResourceNotFound")
	})
	row(t, "containerapp replica list", func(t *testing.T) {
		az.run(t, "containerapp replica list -n hello -g shop").has(1).is("0.properties.containers.0.name", "hello")
	})
	row(t, "containerapp identity remove", func(t *testing.T) {
		az.run(t, "containerapp identity remove -n hello -g shop --user-assigned billing").is("type", "SystemAssigned")
		az.run(t, "containerapp identity remove -n hello -g shop --system-assigned").is("type", "None")
		az.says(t, "hello", "failed: ManagedIdentityCredential")
	})
}

// says waits until an app has printed a text, as the platform's own output shows it.
func (az *shell) says(t *testing.T, app, text string) {
	t.Helper()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(stage.Patience)
	for {
		for line := range strings.Lines(az.Printed()) {
			if name, said, ok := strings.Cut(line, " | "); ok && name == app && strings.Contains(said, text) {
				return
			}
		}
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("%s did not say %q within %s; the platform printed:\n%s", app, text, stage.Patience, az.Printed())
		}
	}
}
