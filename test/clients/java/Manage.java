import com.azure.core.credential.TokenCredential;
import com.azure.core.exception.HttpResponseException;
import com.azure.core.http.rest.PagedIterable;
import com.azure.core.http.rest.PagedResponse;
import com.azure.core.management.AzureEnvironment;
import com.azure.core.management.profile.AzureProfile;
import com.azure.identity.ManagedIdentityCredentialBuilder;
import com.azure.resourcemanager.authorization.AuthorizationManager;
import com.azure.resourcemanager.msi.MsiManager;
import com.azure.resourcemanager.resources.ResourceManager;
import java.io.IOException;
import java.util.List;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Makes, reads, changes, lists and deletes what its arguments name, with the Java SDK's management
 * libraries as they are: identities, groups, locks, roles, secrets.
 */
public final class Manage {
    static final String SUBSCRIPTION = System.getenv("SUBSCRIPTION");
    static final String GROUP = System.getenv("GROUP");
    static final String VAULT_ID = System.getenv("VAULT_ID");
    static final String LOCATION = "local";

    private static final AzureProfile PROFILE = new AzureProfile(null, SUBSCRIPTION, AzureEnvironment.AZURE);
    private static final TokenCredential CREDENTIAL = new ManagedIdentityCredentialBuilder().build();

    public static void main(String[] parts) {
        MsiManager identities = MsiManager.authenticate(CREDENTIAL, PROFILE);
        ResourceManager resources = ResourceManager.authenticate(CREDENTIAL, PROFILE).withSubscription(SUBSCRIPTION);
        for (String part : parts) {
            switch (part) {
                case "identities" -> Resources.identities(identities);
                case "groups" -> Resources.groups(resources);
                case "locks" -> Resources.locks(resources, identities);
                case "roles" -> Roles.roles(AuthorizationManager.authenticate(CREDENTIAL, PROFILE), identities);
                case "secrets" -> Secrets.secrets(CREDENTIAL);
                default -> throw new IllegalArgumentException("no part is called " + part);
            }
        }
        System.exit(0); // the SDK's threads are not waited for
    }

    /** Does one thing and prints what came of it: a word, or status and code of the refusal. */
    static void step(String name, Supplier<String> act) {
        String said;
        try {
            said = act.get();
        } catch (HttpResponseException refused) {
            said = refused.getResponse().getStatusCode() + " " + Line.code(refused.getValue());
        }
        try (Line line = new Line()) {
            line.put("step", name).put("said", said);
        } catch (IOException broken) {
            throw new java.io.UncheckedIOException(broken);
        }
    }

    /** Says that something went well which has nothing to tell. */
    static Supplier<String> done(Runnable act) {
        return () -> {
            act.run();
            return "done";
        };
    }

    static String names(Stream<String> names) {
        return names.sorted().collect(Collectors.joining(" "));
    }

    /** Counts what a list holds, and the pages it came in. */
    static <T> String pages(PagedIterable<T> list, String what) {
        List<PagedResponse<T>> pages = list.streamByPage().toList();
        return pages.stream().mapToInt(page -> page.getValue().size()).sum() + " " + what + " on " + pages.size() + " pages";
    }
}
