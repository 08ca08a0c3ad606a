import com.azure.core.util.Context;
import com.azure.resourcemanager.authorization.AuthorizationManager;
import com.azure.resourcemanager.authorization.fluent.RoleAssignmentsClient;
import com.azure.resourcemanager.authorization.fluent.RoleDefinitionsClient;
import com.azure.resourcemanager.authorization.fluent.models.PermissionInner;
import com.azure.resourcemanager.authorization.fluent.models.RoleAssignmentInner;
import com.azure.resourcemanager.authorization.fluent.models.RoleDefinitionInner;
import com.azure.resourcemanager.authorization.models.RoleAssignment;
import com.azure.resourcemanager.authorization.models.RoleAssignmentCreateParameters;
import com.azure.resourcemanager.authorization.models.RoleDefinition;
import com.azure.resourcemanager.msi.MsiManager;
import com.azure.resourcemanager.msi.models.Identity;
import java.util.List;

/** Role definitions and role assignments. */
final class Roles {
    private static final String NOBODY = "11111111-2222-4333-8444-555555555555";

    static void roles(AuthorizationManager manager, MsiManager identities) {
        RoleDefinition[] role = new RoleDefinition[1];
        Identity[] granted = new Identity[1];
        Manage.step("find a role by its name", () -> {
            role[0] = manager.roleDefinitions().getByScopeAndRoleName(Manage.VAULT_ID, "Key Vault Secrets User");
            return role[0].name();
        });
        Manage.step("create who is to be granted it", Manage.done(() -> granted[0] = Resources.create(identities, "granted")));
        grants(manager, role[0].id(), granted[0].principalId());
        Manage.step("delete who was granted it", Manage.done(() -> identities.identities().deleteById(granted[0].id())));
        ownRole(manager.roleServiceClient().getRoleDefinitions());
    }

    private static void grants(AuthorizationManager manager, String role, String principal) {
        RoleAssignmentsClient client = manager.roleServiceClient().getRoleAssignments();
        String name = id(1);
        Manage.step("grant it", () -> grant(client, name, role, principal).principalType().toString());
        Manage.step("grant it twice", Manage.done(() -> grant(client, id(2), role, principal)));
        Manage.step("grant it to nobody", Manage.done(() -> grant(client, id(3), role, NOBODY)));
        Manage.step("read the grant",
            () -> client.get(Manage.VAULT_ID, name).principalId().equals(principal) ? "the same principal" : "another principal");
        Manage.step("list the principal's grants",
            () -> Manage.names(manager.roleAssignments().listByServicePrincipal(principal).stream().map(RoleAssignment::name)));
        Manage.step("take the grant away", Manage.done(() -> client.delete(Manage.VAULT_ID, name)));
        Manage.step("read the grant that is gone", Manage.done(() -> client.get(Manage.VAULT_ID, name)));
    }

    private static RoleAssignmentInner grant(RoleAssignmentsClient client, String name, String role, String principal) {
        return client.create(Manage.VAULT_ID, name, new RoleAssignmentCreateParameters().withRoleDefinitionId(role).withPrincipalId(principal));
    }

    private static void ownRole(RoleDefinitionsClient client) {
        String scope = "/subscriptions/" + Manage.SUBSCRIPTION;
        String name = id(4);
        RoleDefinitionInner role = new RoleDefinitionInner().withRoleName("Group Watcher").withRoleType("CustomRole")
            .withAssignableScopes(List.of(scope))
            .withPermissions(List.of(new PermissionInner().withActions(List.of("Microsoft.Resources/subscriptions/resourceGroups/read"))));
        Manage.step("make a role", () -> client.createOrUpdate(scope, name, role).roleType());
        Manage.step("list the roles made",
            () -> Manage.names(client.list(scope, "type eq 'CustomRole'", Context.NONE).stream().map(RoleDefinitionInner::roleName)));
        Manage.step("delete the role", Manage.done(() -> client.delete(scope, name)));
        Manage.step("read the deleted role", Manage.done(() -> client.get(scope, name)));
    }

    private static String id(int n) {
        return "0f0f0f0f-0000-4000-8000-00000000000" + n;
    }
}
