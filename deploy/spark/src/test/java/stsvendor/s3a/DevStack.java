package stsvendor.s3a;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Assumptions;

/** The project's own development stack: a real gateway, store, Redis and identity provider on loopback. */
final class DevStack implements AutoCloseable {
    static final String LAKE = "cdm-lake";
    private static final HttpClient HTTP = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();

    private final Process process;
    private final Path folder;
    private final Map<String, Object> ready;

    private DevStack(Process process, Path folder, Map<String, Object> ready) {
        this.process = process;
        this.folder = folder;
        this.ready = ready;
    }

    static DevStack start(String store) throws Exception {
        Path python = Path.of(System.getProperty("vendor.python", "../../.venv/bin/python"));
        Assumptions.assumeTrue(Files.isExecutable(python), "no " + python + " with the development stack");
        Path folder = Files.createTempDirectory("vendor-s3a-");
        Path ready = folder.resolve("ready.json");
        Process process = new ProcessBuilder(
                        python.toString(), "-m", "vendor.operate.main", "dev", "--store", store, "--ready-file", ready.toString())
                .redirectErrorStream(true)
                .redirectOutput(folder.resolve("log").toFile())
                .start();
        for (long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(90); !Files.exists(ready); Thread.sleep(100)) {
            if (!process.isAlive() || System.nanoTime() > deadline) {
                process.destroy();
                throw new IOException("The development stack did not start:\n" + Files.readString(folder.resolve("log")));
            }
        }
        return new DevStack(process, folder, Json.object(Files.readString(ready)));
    }

    URI gateway() {
        return URI.create((String) ready.get("gateway"));
    }

    String storeEndpoint() {
        return (String) Json.members((Map<?, ?>) ready.get("store")).get("endpoint");
    }

    String token(String user) {
        return (String) Json.members((Map<?, ?>) Json.members((Map<?, ?>) ready.get("users")).get(user)).get("token");
    }

    /** Calls the gateway as somebody and returns its answer. */
    Map<String, Object> call(String user, String method, String path, String body) throws Exception {
        HttpRequest.Builder request = HttpRequest.newBuilder(URI.create(gateway() + path))
                .header("authorization", "Bearer " + token(user))
                .method(method, body == null ? HttpRequest.BodyPublishers.noBody() : HttpRequest.BodyPublishers.ofString(body));
        if (body != null) {
            request.header("content-type", "application/json");
        }
        HttpResponse<String> answer = HTTP.send(request.build(), HttpResponse.BodyHandlers.ofString());
        if (answer.statusCode() / 100 != 2) {
            throw new IOException(method + " " + path + ": " + answer.statusCode() + " " + answer.body());
        }
        return answer.body().isEmpty() ? Map.of() : Json.object(answer.body());
    }

    /** The sum of a counter of the gateway over all lines that hold {@code label}. */
    double counted(String name, String label) throws Exception {
        HttpRequest request = HttpRequest.newBuilder(URI.create(gateway() + "/metrics")).build();
        return HTTP.send(request, HttpResponse.BodyHandlers.ofString()).body().lines()
                .filter(line -> line.startsWith(name) && line.contains(label))
                .mapToDouble(line -> Double.parseDouble(line.substring(line.lastIndexOf(' ') + 1)))
                .sum();
    }

    /** A renewable lease of a user. */
    Held lease(String user, String scope, int seconds) throws Exception {
        Map<String, Object> answer = call(user, "POST", "/v1/leases",
                "{\"duration\":" + seconds + ",\"renewable_for\":3600,\"scope\":" + scope + "}");
        Path file = Files.createTempFile(folder, "lease", "");
        Files.writeString(file, (String) answer.get("lease_token"));
        return new Held((String) Json.members((Map<?, ?>) answer.get("lease")).get("id"), file);
    }

    record Held(String id, Path file) {}

    @Override
    public void close() throws Exception {
        process.destroy();
        if (!process.waitFor(30, TimeUnit.SECONDS)) {
            process.destroyForcibly().waitFor();
        }
        try (var files = Files.list(folder)) {
            for (Path file : files.toList()) {
                Files.delete(file);
            }
        }
        Files.delete(folder);
    }
}
