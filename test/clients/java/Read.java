import com.azure.core.credential.TokenCredential;
import com.azure.core.credential.TokenRequestContext;
import com.azure.identity.DefaultAzureCredentialBuilder;
import com.azure.identity.ManagedIdentityCredentialBuilder;
import com.azure.security.keyvault.secrets.SecretClientBuilder;
import java.io.IOException;

/** Reads one secret by each of the credentials named, with the Java SDK as it is. */
public final class Read {
    public static void main(String[] words) throws IOException {
        for (String word : words) {
            long start = System.nanoTime();
            try (Line line = new Line()) {
                line.put("as", word);
                try {
                    line.put("value", read(word));
                } catch (RuntimeException error) {
                    line.put(error);
                }
                line.put("milliseconds", (System.nanoTime() - start) / 1_000_000);
            }
        }
        System.exit(0); // the SDK's threads are not waited for
    }

    private static String read(String word) {
        return new SecretClientBuilder().vaultUrl(System.getenv("VAULT")).credential(credentialFor(word))
            .buildClient().getSecret(System.getenv("SECRET")).getValue();
    }

    /** The credential of a word: system, client=ID, object=ID, resource=ID, default, audience=SCOPE. */
    private static TokenCredential credentialFor(String word) {
        String[] parts = word.split("=", 2);
        ManagedIdentityCredentialBuilder managed = new ManagedIdentityCredentialBuilder();
        switch (parts[0]) {
            case "default":
                return new DefaultAzureCredentialBuilder().build();
            case "system":
                return managed.build();
            case "client":
                return managed.clientId(parts[1]).build();
            case "object":
                return managed.objectId(parts[1]).build();
            case "resource":
                return managed.resourceId(parts[1]).build();
            case "audience":
                // Asks for one scope, whatever the client wants.
                TokenCredential credential = managed.build();
                return asked -> credential.getToken(new TokenRequestContext().addScopes(parts[1]));
            default:
                throw new IllegalArgumentException("no credential is called " + word);
        }
    }
}
