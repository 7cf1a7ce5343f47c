package stsvendor.s3a;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.stream.Collectors;
import software.amazon.awssdk.auth.credentials.AwsSessionCredentials;

/**
 * Asks the gateway: with a lease token at the door for containers, which gives the same living keys to all who come
 * with it; with an identity token for a lease of the configured scope, which the gateway shares in the same way.
 */
final class Gateway implements Source {
    static final Duration CONNECT = Duration.ofSeconds(5);
    static final Duration ANSWER = Duration.ofSeconds(15);

    private static final HttpClient HTTP = HttpClient.newBuilder()
            .connectTimeout(CONNECT)
            .followRedirects(HttpClient.Redirect.NEVER) // a redirect could carry the token away
            .version(HttpClient.Version.HTTP_1_1)
            .build();

    private final Settings settings;

    Gateway(Settings settings) {
        this.settings = settings;
    }

    @Override
    public Answer get() throws Refused, Unavailable {
        String token = settings.token().now();
        HttpRequest.Builder request = settings.token().identity()
                ? HttpRequest.newBuilder(at("/v1/leases"))
                        .header("content-type", "application/json")
                        .POST(HttpRequest.BodyPublishers.ofString(wanted()))
                : HttpRequest.newBuilder(at("/v1/container-credentials")).GET();
        HttpResponse<byte[]> response = send(request.header("authorization", "Bearer " + token).build());
        Map<String, Object> body = object(response);
        if (response.statusCode() / 100 != 2) {
            throw refusal(response, body);
        }
        return settings.token().identity() ? ofLease(body) : ofContainer(body);
    }

    private URI at(String path) {
        return URI.create(settings.gateway() + path);
    }

    private String wanted() {
        StringBuilder json = new StringBuilder("{");
        if (!settings.scope().isEmpty()) {
            json.append(settings.scope().stream()
                    .map(one -> "{\"path\":" + Json.quote(one.path()) + ",\"access\":" + Json.quote(one.access()) + "}")
                    .collect(Collectors.joining(",", "\"scope\":[", "],")));
        }
        if (settings.duration() != null) {
            json.append("\"duration\":").append(settings.duration().toSeconds()).append(',');
        }
        if (settings.store() != null) {
            json.append("\"store\":").append(Json.quote(settings.store())).append(',');
        }
        return json.append("\"audit_context\":{\"client\":\"s3a\"}}").toString();
    }

    private HttpResponse<byte[]> send(HttpRequest request) throws Unavailable {
        CompletableFuture<HttpResponse<byte[]>> asked =
                HTTP.sendAsync(request, answer -> new LimitedBody());
        try {
            return asked.get(ANSWER.toMillis(), TimeUnit.MILLISECONDS);
        } catch (TimeoutException slow) {
            asked.cancel(true);
            throw away("has not answered within " + ANSWER.toSeconds() + " s");
        } catch (ExecutionException failed) {
            Throwable why = failed.getCause() instanceof IOException ? failed.getCause() : failed;
            throw away("cannot be reached (" + why.getClass().getSimpleName() + ")");
        } catch (InterruptedException interrupted) {
            asked.cancel(true);
            Thread.currentThread().interrupt();
            throw away("was not waited for");
        }
    }

    private Map<String, Object> object(HttpResponse<byte[]> response) throws Refused, Unavailable {
        try {
            return Json.object(new String(response.body(), StandardCharsets.UTF_8));
        } catch (Json.Malformed notJson) {
            if (response.statusCode() >= 500) {
                throw away("is not available (status " + response.statusCode() + ")");
            }
            throw new Refused(settings.gateway() + " does not answer as a gateway does (status " + response.statusCode()
                    + "): look at " + Settings.PREFIX + Settings.GATEWAY + ".");
        }
    }

    /** Returns what a refusal means; throws Unavailable for one that will pass. */
    private Refused refusal(HttpResponse<byte[]> response, Map<String, Object> body) throws Unavailable {
        Map<String, Object> error = body.get("error") instanceof Map<?, ?> inner ? Json.members(inner) : body;
        String said = error.get("message") instanceof String text ? printable(text) : "it gave no reason";
        int status = response.statusCode();
        if (status >= 500 || status == 429) {
            throw new Unavailable("The gateway " + settings.gateway() + " cannot give keys now: " + said,
                    response.headers().firstValueAsLong("retry-after").orElse(0));
        }
        String remedy = error.get("remedy") instanceof String text ? printable(text) : remedy(status);
        return new Refused("The gateway gives no keys for " + settings.token().name() + " (" + status + "): " + said
                + " " + remedy);
    }

    private static String remedy(int status) {
        return switch (status) {
            case 401 -> "Put a valid token there: ask for a new lease, or sign in again.";
            case 403 -> "Ask the steward of the data for access, or ask for less.";
            case 410 -> "The lease is over: ask for a new one and put its token there; a running job takes it up.";
            default -> "Look at the settings under " + Settings.PREFIX;
        };
    }

    private Answer ofContainer(Map<String, Object> body) throws Unavailable {
        return answer(body, "AccessKeyId", "SecretAccessKey", "Token", "Expiration");
    }

    private Answer ofLease(Map<String, Object> body) throws Unavailable {
        if (!(body.get("credentials") instanceof Map<?, ?> credentials)) {
            throw away("answered without keys");
        }
        return answer(Json.members(credentials), "access_key_id", "secret_access_key", "session_token", "expiration");
    }

    private Answer answer(Map<String, Object> keys, String id, String secret, String session, String end) throws Unavailable {
        if (keys.get(id) instanceof String key
                && keys.get(secret) instanceof String hidden
                && keys.get(session) instanceof String token
                && keys.get(end) instanceof String time) {
            try {
                return new Answer(AwsSessionCredentials.create(key, hidden, token), Instant.parse(time));
            } catch (DateTimeException notATime) {
                throw away("answered with something that is no time");
            }
        }
        throw away("answered without keys");
    }

    private Unavailable away(String what) {
        return new Unavailable("The gateway " + settings.gateway() + " " + what + ".", 0);
    }

    private static String printable(String text) {
        String cut = text.length() > 500 ? text.substring(0, 500) : text;
        return cut.replaceAll("\\p{Cntrl}", " ");
    }
}
