import com.azure.core.exception.HttpResponseException;
import com.azure.core.management.exception.ManagementError;
import com.azure.json.JsonProviders;
import com.azure.json.JsonWriter;
import java.io.IOException;
import java.io.StringWriter;
import java.util.Map;

/** One line of output: a JSON object. */
final class Line implements AutoCloseable {
    private final StringWriter text = new StringWriter();
    private final JsonWriter json;

    Line() throws IOException {
        json = JsonProviders.createWriter(text);
        json.writeStartObject();
    }

    Line put(String name, Object value) throws IOException {
        json.writeUntypedField(name, value);
        return this;
    }

    /** Tells what a caller sees of an exception: its stack trace shows the causes too. */
    Line put(RuntimeException error) throws IOException {
        StringBuilder message = new StringBuilder();
        for (Throwable cause = error; cause != null; cause = cause.getCause()) message.append(cause.getMessage()).append('\n');
        put("error", error.getClass().getName()).put("message", message.toString());
        if (error instanceof HttpResponseException refused && refused.getResponse() != null) {
            put("status", refused.getResponse().getStatusCode());
            put("code", code(refused.getValue()));
            if (error(refused.getValue()).get("innererror") instanceof Map<?, ?> inner) put("inner", inner.get("code"));
        }
        return this;
    }

    /** The error code in what the SDK decoded of the answer's body: a ManagementError, or a map. */
    static String code(Object value) {
        return value instanceof ManagementError error ? error.getCode() : String.valueOf(error(value).get("code"));
    }

    private static Map<?, ?> error(Object value) {
        return value instanceof Map<?, ?> body && body.get("error") instanceof Map<?, ?> error ? error : Map.of();
    }

    @Override
    public void close() throws IOException {
        json.writeEndObject().close();
        System.out.println(text);
    }
}
