import com.azure.core.util.Context;
import com.azure.resourcemanager.msi.MsiManager;
import com.azure.resourcemanager.msi.models.Identity;
import com.azure.resourcemanager.resources.ResourceManager;
import com.azure.resourcemanager.resources.fluentcore.arm.models.HasName;
import com.azure.resourcemanager.resources.models.LockLevel;
import com.azure.resourcemanager.resources.models.ManagementLock;
import java.util.stream.IntStream;

/** Identities, groups and locks. */
final class Resources {
    static void identities(MsiManager manager) {
        Identity[] made = new Identity[1];
        Manage.step("create an identity", () -> {
            made[0] = create(manager, "made");
            return made[0].name() + " in " + made[0].regionName();
        });
        Manage.step("read the identity", () -> {
            Identity read = manager.identities().getByResourceGroup(Manage.GROUP, "made");
            return read.principalId().equals(made[0].principalId()) ? "the same principal" : "another principal";
        });
        Manage.step("patch the identity", () -> "team " + manager.identities().getByResourceGroup(Manage.GROUP, "made").update()
            .withTag("team", "blue").apply().tags().get("team"));
        Manage.step("list the group's identities",
            () -> Manage.names(manager.identities().listByResourceGroup(Manage.GROUP).stream().map(HasName::name)));
        Manage.step("list the subscription's identities", () -> Manage.names(manager.identities().list().stream().map(HasName::name)));
        Manage.step("delete the identity", Manage.done(() -> manager.identities().deleteByResourceGroup(Manage.GROUP, "made")));
        Manage.step("read the deleted identity", Manage.done(() -> manager.identities().getByResourceGroup(Manage.GROUP, "made")));
    }

    static Identity create(MsiManager manager, String name) {
        return manager.identities().define(name).withRegion(Manage.LOCATION).withExistingResourceGroup(Manage.GROUP).create();
    }

    static void groups(ResourceManager manager) {
        var groups = manager.resourceGroups();
        Manage.step("create five groups", Manage.done(() -> five(name -> groups.define(name).withRegion(Manage.LOCATION).create())));
        Manage.step("list groups by pages of two",
            () -> Manage.pages(manager.serviceClient().getResourceGroups().list(null, 2, Context.NONE), "groups"));
        Manage.step("patch a group", () -> "team " + groups.getByName("page-0").update().withTag("team", "blue").apply().tags().get("team"));
        Manage.step("see whether a group exists", () -> String.valueOf(groups.contain("page-0")));
        Manage.step("delete the groups", Manage.done(() -> five(groups::deleteByName)));
        Manage.step("see whether a deleted group exists", () -> String.valueOf(groups.contain("page-0")));
        Manage.step("read a deleted group", Manage.done(() -> groups.getByName("page-0")));
    }

    private static void five(java.util.function.Consumer<String> act) {
        IntStream.range(0, 5).mapToObj(n -> "page-" + n).forEach(act);
    }

    static void locks(ResourceManager manager, MsiManager identities) {
        Identity[] kept = new Identity[1];
        ManagementLock[] lock = new ManagementLock[1];
        Manage.step("create what is to be kept", Manage.done(() -> kept[0] = create(identities, "kept")));
        Manage.step("lock it", () -> {
            lock[0] = manager.managementLocks().define("keep").withLockedResource(kept[0].id()).withLevel(LockLevel.CAN_NOT_DELETE)
                .withNotes("keep this").create();
            return lock[0].level().toString();
        });
        Manage.step("list its locks",
            () -> Manage.names(manager.managementLocks().listForResource(kept[0].id()).stream().map(HasName::name)));
        Runnable delete = () -> identities.identities().deleteById(kept[0].id());
        Manage.step("delete what is locked", Manage.done(delete));
        Manage.step("unlock it", Manage.done(() -> manager.managementLocks().deleteById(lock[0].id())));
        Manage.step("delete what was locked", Manage.done(delete));
    }
}
