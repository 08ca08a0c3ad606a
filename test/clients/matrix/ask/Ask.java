import com.azure.core.credential.TokenCredential;
import com.azure.core.credential.TokenRequestContext;
import com.azure.core.credential.AccessToken;
import com.azure.identity.DefaultAzureCredentialBuilder;
import com.azure.identity.ManagedIdentityCredentialBuilder;
import com.azure.identity.WorkloadIdentityCredentialBuilder;
import com.azure.json.JsonProviders;
import com.azure.json.JsonReader;
import com.azure.json.JsonWriter;
import com.azure.security.keyvault.secrets.SecretClient;
import com.azure.security.keyvault.secrets.SecretClientBuilder;
import com.microsoft.aad.msal4j.ClientCredentialFactory;
import com.microsoft.aad.msal4j.ClientCredentialParameters;
import com.microsoft.aad.msal4j.ConfidentialClientApplication;
import com.microsoft.aad.msal4j.IAuthenticationResult;
import com.microsoft.aad.msal4j.ManagedIdentityApplication;
import com.microsoft.aad.msal4j.ManagedIdentityId;
import com.microsoft.aad.msal4j.ManagedIdentityParameters;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.StringWriter;
import java.net.Authenticator;
import java.net.PasswordAuthentication;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Base64;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;

/**
 * Asks for tokens by each way that a line of its standard input names, with the Java clients as they
 * are, and prints what came of each as a line of JSON.
 */
public final class Ask {
    /** Those made so far: what a client keeps, it keeps from one question to the next. */
    private static final Map<String, Object> CLIENTS = new HashMap<>();

    private interface Maker {
        Object make() throws Exception;
    }

    public static void main(String[] none) throws Exception {
        shareProxyCredential();
        BufferedReader lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            long start = System.nanoTime();
            Map<String, Object> answer;
            try {
                answer = ask(read(line));
            } catch (Exception error) {
                answer = raised(error);
            }
            answer.put("milliseconds", (System.nanoTime() - start) / 1_000_000);
            StringWriter text = new StringWriter();
            try (JsonWriter json = JsonProviders.createWriter(text)) {
                json.writeMap(answer, JsonWriter::writeUntyped);
            }
            System.out.println(text);
        }
        System.exit(0); // the clients' threads are not waited for
    }

    private static Map<String, Object> read(String line) throws Exception {
        try (JsonReader json = JsonProviders.createReader(line)) {
            return json.readMap(JsonReader::readUntyped);
        }
    }

    /** Tells what a caller sees of an exception: its stack trace shows the causes too. */
    private static Map<String, Object> raised(Exception error) {
        Throwable seen = error instanceof ExecutionException || error instanceof CompletionException ? error.getCause() : error;
        StringBuilder message = new StringBuilder();
        for (Throwable cause = seen; cause != null; cause = cause.getCause()) message.append(cause.getMessage()).append('\n');
        Map<String, Object> answer = new LinkedHashMap<>();
        answer.put("error", seen.getClass().getName());
        answer.put("message", message.toString());
        return answer;
    }

    private static Object once(Map<String, Object> question, Maker maker) throws Exception {
        String key = ((String) question.get("Library")).replace("claims", "msal") + " " + question.get("Selector");
        if (!CLIENTS.containsKey(key)) CLIENTS.put(key, maker.make());
        return CLIENTS.get(key);
    }

    private static Map<String, Object> ask(Map<String, Object> question) throws Exception {
        String resource = (String) question.get("Resource");
        switch ((String) question.get("Library")) {
            case "msal":
            case "claims":
                return byMSAL(question, resource);
            case "crowd":
                return crowd();
            case "secret": {
                SecretClient client = (SecretClient) once(question, () -> new SecretClientBuilder()
                    .vaultUrl(System.getenv("VAULT")).credential(credentialFor(question)).buildClient());
                Map<String, Object> answer = new LinkedHashMap<>();
                answer.put("value", client.getSecret(System.getenv("SECRET")).getValue());
                return answer;
            }
            default: {
                TokenCredential credential = (TokenCredential) once(question, () -> credentialFor(question));
                AccessToken got = credential.getTokenSync(new TokenRequestContext().addScopes(resource + "/.default"));
                return said(got.getToken(), got.getExpiresAt().toInstant());
            }
        }
    }

    /** Asks IMDS, without any client, until it is told to wait. */
    private static Map<String, Object> crowd() throws Exception {
        URI address = URI.create("http://169.254.169.254/metadata/identity/oauth2/token?api-version=2018-02-01&resource=none");
        HttpClient client = HttpClient.newHttpClient();
        HttpRequest request = HttpRequest.newBuilder(address).header("Metadata", "true").build();
        while (client.send(request, HttpResponse.BodyHandlers.discarding()).statusCode() != 429) continue;
        return new LinkedHashMap<>();
    }

    private static TokenCredential credentialFor(Map<String, Object> question) {
        String[] selector = ((String) question.get("Selector")).split("=", 2);
        if (question.get("Library").equals("default")) {
            DefaultAzureCredentialBuilder chain = new DefaultAzureCredentialBuilder();
            if (selector[0].equals("client_id")) chain.managedIdentityClientId(selector[1]);
            else if (selector[0].equals("resource_id")) chain.managedIdentityResourceId(selector[1]);
            else if (selector.length > 1) throw new IllegalArgumentException("DefaultAzureCredential has no option for " + selector[0]);
            return chain.build();
        }
        if (question.get("Library").equals("workload")) {
            WorkloadIdentityCredentialBuilder workload = new WorkloadIdentityCredentialBuilder();
            return selector[0].equals("client_id") ? workload.clientId(selector[1]).build() : workload.build();
        }
        ManagedIdentityCredentialBuilder managed = new ManagedIdentityCredentialBuilder();
        switch (selector[0]) {
            case "client_id":
                return managed.clientId(selector[1]).build();
            case "object_id":
                return managed.objectId(selector[1]).build();
            case "resource_id":
                return managed.resourceId(selector[1]).build();
            default:
                return managed.build();
        }
    }

    private static Map<String, Object> byMSAL(Map<String, Object> question, String resource) throws Exception {
        IAuthenticationResult got;
        if (System.getenv("AZURE_FEDERATED_TOKEN_FILE") == null) {
            ManagedIdentityApplication client = (ManagedIdentityApplication) once(question, () -> managed(question));
            ManagedIdentityParameters.ManagedIdentityParametersBuilder asked = ManagedIdentityParameters.builder(resource);
            if (question.get("Library").equals("claims")) asked.claims((String) question.get("Claims"));
            got = client.acquireTokenForManagedIdentity(asked.build()).get();
        } else {
            ConfidentialClientApplication client = (ConfidentialClientApplication) once(question, () -> confidential(question));
            got = client.acquireToken(ClientCredentialParameters.builder(Set.of(resource + "/.default")).build()).get();
        }
        return said(got.accessToken(), got.expiresOnDate().toInstant());
    }

    private static ManagedIdentityApplication managed(Map<String, Object> question) {
        String[] selector = ((String) question.get("Selector")).split("=", 2);
        ManagedIdentityId id;
        switch (selector[0]) {
            case "client_id":
                id = ManagedIdentityId.userAssignedClientId(selector[1]);
                break;
            case "object_id":
                id = ManagedIdentityId.userAssignedObjectId(selector[1]);
                break;
            case "resource_id":
                id = ManagedIdentityId.userAssignedResourceId(selector[1]);
                break;
            default:
                id = ManagedIdentityId.systemAssigned();
        }
        return ManagedIdentityApplication.builder(id).build();
    }

    /** MSAL has no source for workload identity, but a confidential client with an assertion. */
    private static ConfidentialClientApplication confidential(Map<String, Object> question) throws Exception {
        String[] selector = ((String) question.get("Selector")).split("=", 2);
        String id = System.getenv("AZURE_CLIENT_ID");
        if (selector[0].equals("client_id")) id = selector[1];
        else if (selector.length > 1) throw new IllegalArgumentException("a confidential client is named by its client id only");
        String text = Files.readString(Path.of(System.getenv("AZURE_FEDERATED_TOKEN_FILE")));
        String authority = System.getenv("AZURE_AUTHORITY_HOST").replaceAll("/$", "") + "/" + System.getenv("AZURE_TENANT_ID");
        return ConfidentialClientApplication.builder(id, ClientCredentialFactory.createFromClientAssertion(text)).authority(authority).build();
    }

    /**
     * Java's own client, by which MSAL exchanges assertions, knows the proxy but not the credential that
     * HTTPS_PROXY holds, and sends none in a tunnel unless told to before its first request.
     */
    private static void shareProxyCredential() {
        System.setProperty("jdk.http.auth.tunneling.disabledSchemes", "");
        String[] user = URI.create(System.getenv("HTTPS_PROXY")).getUserInfo().split(":", 2);
        Authenticator.setDefault(new Authenticator() {
            @Override
            protected PasswordAuthentication getPasswordAuthentication() {
                return getRequestorType() == RequestorType.PROXY ? new PasswordAuthentication(user[0], user[1].toCharArray()) : null;
            }
        });
    }

    /** Tells what a token says. */
    private static Map<String, Object> said(String token, Instant expires) throws Exception {
        byte[] claims = Base64.getUrlDecoder().decode(token.split("\\.")[1]);
        Map<String, Object> answer = new LinkedHashMap<>();
        answer.put("claims", read(new String(claims, StandardCharsets.UTF_8)));
        answer.put("expires", expires.getEpochSecond());
        return answer;
    }
}
