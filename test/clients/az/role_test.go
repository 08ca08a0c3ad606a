package az

import "testing"

func TestRoleAssignments(t *testing.T) {
	t.Parallel()
	az := signedIn(t)
	az.run(t, "group create -n shop -l local").done()
	billing := az.run(t, "identity create -n billing -g shop")
	principal, scope := billing.text("principalId"), az.group("shop")
	row(t, "role assignment create", func(t *testing.T) {
		a := az.run(t, "role assignment create --role", "Key Vault Secrets User", "--assignee-object-id", principal,
			"--assignee-principal-type", "ServicePrincipal", "--scope", scope).
			is("principalId", principal).is("principalType", "ServicePrincipal").is("scope", scope).is("createdBy", az.owner.Principal)
		if want := "/subscriptions/" + az.owner.Subscription + "/providers/Microsoft.Authorization/roleDefinitions/" + secretsUser; a.text("roleDefinitionId") != want {
			t.Errorf("the role is %s, want %s", a.text("roleDefinitionId"), want)
		}
		t.Run("twice gives the one that is there", func(t *testing.T) {
			az.run(t, "role assignment create --role", "Key Vault Secrets User", "--assignee-object-id", principal,
				"--assignee-principal-type", "ServicePrincipal", "--scope", scope).is("name", a.text("name"))
		})
		t.Run("of a role that is not there", func(t *testing.T) {
			az.run(t, "role assignment create --role", "No Such Role", "--assignee-object-id", principal,
				"--assignee-principal-type", "ServicePrincipal", "--scope", scope).refused(1, "Role 'No Such Role' doesn't exist")
		})
		t.Run("to a principal that is not there", func(t *testing.T) {
			az.run(t, "role assignment create --role Reader --assignee-object-id", nobody, "--scope", scope).refused(1, "PrincipalNotFound", nobody)
		})
	})
	row(t, "role assignment create --assignee", func(t *testing.T) {
		az.run(t, "role assignment create --role Reader --assignee", billing.text("clientId"), "--scope", scope).
			is("principalId", principal).is("principalType", "ServicePrincipal")
		az.run(t, "role assignment create --role Reader --assignee", az.owner.SignIn, "--scope", scope).is("principalType", "User")
		az.run(t, "role assignment create --role Reader --assignee nobody@lanyard.localhost --scope", scope).
			refused(1, "Cannot find user or service principal in graph database for 'nobody@lanyard.localhost'")
	})
	row(t, "role assignment list", func(t *testing.T) {
		az.run(t, "role assignment list -g shop").
			lists("roleDefinitionName", "Key Vault Secrets User", "Reader", "Reader").lists("scope", scope, scope, scope)
		az.run(t, "role assignment list -g shop --role Reader --assignee", principal).lists("principalId", principal).is("0.principalName", billing.text("clientId"))
		az.run(t, "role assignment list --all --assignee", az.owner.SignIn).lists("roleDefinitionName", "Owner", "Reader").
			lists("principalName", az.owner.SignIn, az.owner.SignIn)
		az.run(t, "role assignment list -g shop --include-inherited --assignee", az.owner.Principal).lists("roleDefinitionName", "Owner").is("0.scope", "/")
		az.run(t, "role assignment list").whole([]any{})
	})
	row(t, "role assignment delete", func(t *testing.T) {
		az.run(t, "role assignment delete --role Reader --assignee", az.owner.SignIn, "--scope", scope).nothing()
		az.run(t, "role assignment list -g shop --role Reader").lists("principalId", principal)
		az.run(t, "role assignment delete --role", "Key Vault Secrets User", "--assignee", principal, "-g", "shop").nothing()
		az.run(t, "role assignment list -g shop").lists("roleDefinitionName", "Reader")
		az.run(t, "role assignment delete --ids", az.run(t, "role assignment list -g shop").text("0.id")).nothing()
		az.run(t, "role assignment list -g shop").whole([]any{})
	})
}

// secretsUser is the name of the built-in role Key Vault Secrets User.
const secretsUser = "4633458b-17de-408a-b874-0445c86b69e6"

func TestRoleDefinitions(t *testing.T) {
	t.Parallel()
	az := signedIn(t)
	az.run(t, "group create -n shop -l local").done()
	custom := func(role, actions string) string {
		return `{"Name":"` + role + `","Description":"Starts apps.","Actions":[` + actions + `],"AssignableScopes":["/subscriptions/` + az.owner.Subscription + `"]}`
	}
	row(t, "role definition list", func(t *testing.T) {
		az.run(t, "role definition list --name", "Key Vault Secrets User").lists("name", secretsUser).
			is("0.roleType", "BuiltInRole").is("0.roleName", "Key Vault Secrets User").
			is("0.permissions.0.dataActions.0", "Microsoft.KeyVault/vaults/secrets/getSecret/action")
		az.run(t, "role definition list --name", secretsUser).lists("roleName", "Key Vault Secrets User")
		az.run(t, "role definition list --name", "No Such Role").whole([]any{})
	})
	row(t, "role definition create", func(t *testing.T) {
		az.run(t, "role definition create --role-definition", custom("App Starter", `"Microsoft.App/containerApps/start/action"`)).
			is("roleName", "App Starter").is("roleType", "CustomRole").is("permissions.0.actions.0", "Microsoft.App/containerApps/start/action").
			is("assignableScopes.0", "/subscriptions/"+az.owner.Subscription)
		az.run(t, "role definition list --custom-role-only").lists("roleName", "App Starter")
		az.run(t, "role definition create --role-definition", custom("App Starter", `"*/read"`)).refused(1, "RoleDefinitionWithSameNameExists")
	})
	row(t, "role definition update", func(t *testing.T) {
		az.run(t, "role definition update --role-definition", custom("App Starter", `"Microsoft.App/containerApps/start/action","Microsoft.App/containerApps/stop/action"`)).
			is("permissions.0.actions.1", "Microsoft.App/containerApps/stop/action")
	})
	row(t, "role definition show", func(t *testing.T) {
		az.run(t, "role definition show --scope", az.group("shop"), "--name", secretsUser).is("roleName", "Key Vault Secrets User")
	})
	row(t, "role definition delete", func(t *testing.T) {
		az.run(t, "identity create -n starter -g shop").done()
		principal := az.run(t, "identity show -n starter -g shop").text("principalId")
		az.run(t, "role assignment create --role", "App Starter", "--assignee-object-id", principal, "--assignee-principal-type", "ServicePrincipal", "--scope", az.group("shop")).done()
		az.run(t, "role definition delete --name", "App Starter").refused(1, "RoleDefinitionHasAssignments")
		az.run(t, "role assignment delete --role", "App Starter", "-g", "shop").nothing()
		az.run(t, "role definition delete --name", "App Starter").nothing()
		az.run(t, "role definition list --custom-role-only").whole([]any{})
	})
}
