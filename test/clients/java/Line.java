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
            putCodes(refused.getValue());
        }
        return this;
    }

    /** The error codes in what the SDK decoded of the answer's body: a ManagementError, or a map. */
    private void putCodes(Object value) throws IOException {
        if (value instanceof ManagementError error) {
            put("code", error.getCode());
        } else if (value instanceof Map<?, ?> body && body.get("error") instanceof Map<?, ?> error) {
            put("code", error.get("code"));
            if (error.get("innererror") instanceof Map<?, ?> inner) put("inner", inner.get("code"));
        }
    }

    @Override
    public void close() throws IOException {
        json.writeEndObject().close();
        System.out.println(text);
    }
}
