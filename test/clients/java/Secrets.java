import com.azure.core.credential.TokenCredential;
import com.azure.security.keyvault.secrets.SecretClient;
import com.azure.security.keyvault.secrets.SecretClientBuilder;
import com.azure.security.keyvault.secrets.models.SecretProperties;
import java.util.stream.IntStream;

/** Secrets of a vault. */
final class Secrets {
    static void secrets(TokenCredential credential) {
        SecretClient client = new SecretClientBuilder().vaultUrl(System.getenv("VAULT")).credential(credential).buildClient();
        Manage.step("set thirty secrets", Manage.done(() -> IntStream.range(0, 30).forEach(n -> client.setSecret("many-" + n, "v"))));
        Manage.step("list secrets", () -> Manage.pages(client.listPropertiesOfSecrets(), "secrets"));
        Manage.step("set a secret again", Manage.done(() -> client.setSecret("many-0", "w")));
        Manage.step("list its versions", () -> String.valueOf(client.listPropertiesOfSecretVersions("many-0").stream().count()));
        Manage.step("change its content type", () -> {
            SecretProperties properties = client.getSecret("many-0").getProperties().setContentType("text/plain");
            return client.updateSecretProperties(properties).getContentType();
        });
        Manage.step("delete it", Manage.done(() -> client.beginDeleteSecret("many-0").waitForCompletion()));
        Manage.step("read the deleted secret", Manage.done(() -> client.getSecret("many-0")));
        Manage.step("recover it", () -> {
            client.beginRecoverDeletedSecret("many-0").waitForCompletion();
            return client.getSecret("many-0").getValue();
        });
    }
}
