package stsvendor.s3a;

import java.net.URI;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.apache.hadoop.conf.Configuration;

/** What is configured for one bucket, read once and checked. Names are under {@code fs.s3a.vendor.}, in lower case. */
record Settings(
        URI gateway, TokenSource token, List<Wanted> scope, Duration duration, String store, Duration margin, Duration patience) {
    static final String PREFIX = "fs.s3a.vendor.";
    static final String GATEWAY = "gateway";
    static final String LEASE_FILE = "lease.token.file";
    static final String LEASE_TOKEN = "lease.token";
    static final String IDENTITY_FILE = "identity.token.file";
    static final String SCOPE = "scope";
    static final String DURATION = "duration";
    static final String STORE = "store";
    static final String MARGIN = "safety.margin";
    static final String WAIT = "wait";
    static final String INSECURE = "insecure.http";

    private static final String PROVIDERS = "fs.s3a.aws.credentials.provider";
    private static final Set<String> LOOPBACK = Set.of("127.0.0.1", "localhost", "[::1]");

    /** One path of the scope, and what is to be done with it. */
    record Wanted(String path, String access) {}

    /** Reads the settings for the bucket of {@code uri}. Throws IllegalArgumentException, which says what to change. */
    static Settings of(URI uri, Configuration conf) {
        Reader reader = new Reader(uri == null ? null : uri.getHost() != null ? uri.getHost() : uri.getAuthority(), conf);
        requireAlone(reader);
        URI gateway = gateway(reader);
        TokenSource token = TokenSource.of(reader);
        List<Wanted> scope = scope(reader);
        boolean lease = !token.identity();
        if (lease && (!scope.isEmpty() || reader.text(DURATION) != null || reader.text(STORE) != null)) {
            throw new IllegalArgumentException(PREFIX + SCOPE + ", ." + DURATION + " and ." + STORE
                    + " go with " + PREFIX + IDENTITY_FILE + ". A lease token has what it was asked for: ask for a lease"
                    + " of the scope that is wanted, and set its token for one bucket with fs.s3a.bucket.NAME.vendor."
                    + LEASE_FILE + ".");
        }
        return new Settings(
                gateway,
                token,
                scope,
                reader.duration(DURATION, null),
                reader.text(STORE),
                reader.duration(MARGIN, Duration.ofMinutes(20)),
                reader.duration(WAIT, Duration.ofMinutes(2)));
    }

    /** What two providers share their keys by; holds no secret. */
    String sharedBy() {
        return String.join("\n", gateway.toString(), token.name(), scope.toString(), "" + duration, "" + store,
                margin.toString(), patience.toString());
    }

    private static void requireAlone(Reader reader) {
        String providers = reader.whole(PROVIDERS);
        if (providers != null && providers.indexOf(',') >= 0) {
            throw new IllegalArgumentException(PROVIDERS + " names other providers beside this one. When a lease ends,"
                    + " S3A would go on with their keys, which may reach further: leave them out, or name them for"
                    + " other buckets only (fs.s3a.bucket.NAME.aws.credentials.provider).");
        }
    }

    private static URI gateway(Reader reader) {
        String text = reader.text(GATEWAY);
        if (text == null) {
            throw new IllegalArgumentException("Set " + PREFIX + GATEWAY + " to the gateway's URL.");
        }
        URI url;
        try {
            url = URI.create(text.endsWith("/") ? text.substring(0, text.length() - 1) : text);
        } catch (IllegalArgumentException notOne) {
            throw new IllegalArgumentException(PREFIX + GATEWAY + " is not a URL.");
        }
        boolean plain = "http".equals(url.getScheme());
        boolean form = url.getHost() != null && url.getUserInfo() == null && url.getQuery() == null && url.getFragment() == null;
        if (!form || !(plain || "https".equals(url.getScheme()))) {
            throw new IllegalArgumentException(PREFIX + GATEWAY + " is not an https URL like https://vendor.example.org.");
        }
        if (plain && !LOOPBACK.contains(url.getHost()) && !reader.flag(INSECURE)) {
            throw new IllegalArgumentException(PREFIX + GATEWAY + " is plain http, over which anybody on the way can"
                    + " read the token: use https, or set " + PREFIX + INSECURE + "=true in a network you trust.");
        }
        return url;
    }

    private static List<Wanted> scope(Reader reader) {
        String text = reader.text(SCOPE);
        List<Wanted> scope = new ArrayList<>();
        for (String entry : text == null ? new String[0] : text.split(",")) {
            String[] parts = entry.strip().split(":", 2);
            if (parts.length != 2 || !Set.of("read", "write").contains(parts[0]) || !parts[1].matches("s3a?://[^/].*")) {
                throw new IllegalArgumentException(PREFIX + SCOPE + " is a list like"
                        + " read:s3a://lake/tenants/kbase/,write:s3a://lake/users/alice/");
            }
            scope.add(new Wanted(parts[1], parts[0]));
        }
        return List.copyOf(scope);
    }

    /** Reads one setting: the bucket's own first, then everybody's. */
    record Reader(String bucket, Configuration conf) {

        String text(String name) {
            return whole(PREFIX + name);
        }

        /** Returns a setting by its whole name, null if it is not set. */
        String whole(String name) {
            String own = bucket == null ? null : conf.getTrimmed(ofBucket(name));
            String text = own == null || own.isEmpty() ? conf.getTrimmed(name) : own;
            return text == null || text.isEmpty() ? null : text;
        }

        String ofBucket(String name) {
            return "fs.s3a.bucket." + bucket + "." + name.substring("fs.s3a.".length());
        }

        boolean flag(String name) {
            String text = text(name);
            if (text != null && !Set.of("true", "false").contains(text)) {
                throw new IllegalArgumentException(PREFIX + name + " is true or false.");
            }
            return "true".equals(text);
        }

        Duration duration(String name, Duration otherwise) {
            String text = text(name);
            if (text == null) {
                return otherwise;
            }
            try {
                Configuration one = new Configuration(false);
                one.set(name, text);
                long millis = one.getTimeDuration(name, 0L, TimeUnit.SECONDS, TimeUnit.MILLISECONDS);
                if (millis > 0) {
                    return Duration.ofMillis(millis);
                }
            } catch (NumberFormatException notOne) {
                // said below
            }
            throw new IllegalArgumentException(PREFIX + name + " is a time like 90s, 20m or 1h.");
        }
    }
}
