package stsvendor.s3a;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.s3a.CredentialInitializationException;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import software.amazon.awssdk.core.exception.SdkClientException;

/** The provider in a real S3A file system, against a real gateway and a real store. */
class RealGatewayTest {
    private static final String HOME = "users-general-warehouse/alice/";
    private static final String ALL_OF_HOME = "[{\"path\":\"s3a://cdm-lake/" + HOME + "\",\"access\":\"write\"}]";
    private static final int SHORT = 20; // seconds: the shortest keys of the development stack on SeaweedFS
    private static DevStack stack;

    @BeforeAll
    static void start() throws Exception {
        stack = DevStack.start("seaweedfs");
    }

    @AfterAll
    static void stop() throws Exception {
        if (stack != null) {
            stack.close();
        }
    }

    private static Configuration conf(URI gateway, java.nio.file.Path token) {
        Configuration conf = new Configuration();
        conf.set("fs.s3a.endpoint", stack.storeEndpoint());
        conf.set("fs.s3a.endpoint.region", "us-east-1");
        conf.set("fs.s3a.path.style.access", "true");
        conf.set("fs.s3a.connection.ssl.enabled", "false");
        conf.set("fs.s3a.attempts.maximum", "2");
        conf.set("fs.s3a.retry.limit", "2");
        conf.set("fs.s3a.aws.credentials.provider", LeaseCredentialsProvider.class.getName());
        conf.set("fs.s3a.vendor.gateway", gateway.toString());
        conf.set("fs.s3a.vendor.lease.token.file", token.toString());
        return conf;
    }

    private static FileSystem open(Configuration conf) throws Exception {
        return FileSystem.newInstance(URI.create("s3a://" + DevStack.LAKE + "/"), conf);
    }

    private static void write(FileSystem files, String path) throws Exception {
        try (var out = files.create(new Path(path), true)) {
            out.write("x".getBytes(StandardCharsets.US_ASCII));
        }
    }

    private static String keyOf(LeaseCredentialsProvider provider) {
        return provider.resolveCredentials().accessKeyId();
    }

    /** Waits until something is so; fails when it takes longer than keys last. */
    private static void eventually(Callable<Boolean> so) throws Exception {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(SHORT + 10);
        while (!so.call()) {
            assertTrue(System.nanoTime() < deadline, "it took too long");
            Thread.sleep(200);
        }
    }

    @Test
    void aFileSystemReadsAndWritesInsideTheLeaseAndNowhereElse() throws Exception {
        DevStack.Held lease = stack.lease("alice", ALL_OF_HOME, 900);
        try (FileSystem files = open(conf(stack.gateway(), lease.file()))) {
            write(files, "/" + HOME + "inside");

            assertEquals(1, files.listStatus(new Path("/" + HOME + "inside")).length);
            assertThrows(AccessDeniedException.class, () -> write(files, "/users-general-warehouse/bob/outside"));
        }
    }

    @Test
    void keysAreRenewedBeforeTheyEndAndAnOutageIsBridged() throws Exception {
        DevStack.Held lease = stack.lease("alice", ALL_OF_HOME, SHORT);
        try (Relay relay = new Relay(stack.gateway());
                FileSystem files = open(conf(relay.url(), lease.file()));
                LeaseCredentialsProvider provider =
                        new LeaseCredentialsProvider(files.getUri(), conf(relay.url(), lease.file()))) {
            Set<String> seen = new HashSet<>();
            eventually(() -> {
                write(files, "/" + HOME + "renewed");
                seen.add(keyOf(provider));
                return seen.size() >= 2;
            });
            relay.cut(true);
            String last = keyOf(provider);
            ExecutorService later = Executors.newSingleThreadExecutor();
            Future<Boolean> works = later.submit(() -> {
                while (keyOf(provider).equals(last)) { // from keys in hand, over none at all, to the next ones
                    write(files, "/" + HOME + "outage");
                    Thread.sleep(500);
                }
                write(files, "/" + HOME + "outage");
                return true;
            });
            Thread.sleep(SHORT * 1000L);
            assertFalse(works.isDone());
            relay.cut(false);
            assertTrue(works.get(SHORT, TimeUnit.SECONDS));
            later.shutdown();
        }
    }

    @Test
    void aRevokedLeaseSaysWhatToDoAndANewTokenInTheFileIsTakenUp() throws Exception {
        DevStack.Held lease = stack.lease("alice", ALL_OF_HOME, SHORT);
        try (LeaseCredentialsProvider provider = new LeaseCredentialsProvider(
                URI.create("s3a://cdm-lake"), conf(stack.gateway(), lease.file()))) {
            String first = keyOf(provider);
            stack.call("alice", "DELETE", "/v1/leases/" + lease.id(), null);

            CredentialInitializationException[] refused = new CredentialInitializationException[1];
            eventually(() -> {
                try {
                    keyOf(provider);
                    return false;
                } catch (CredentialInitializationException expected) {
                    refused[0] = expected;
                    return true;
                }
            });
            assertTrue(refused[0].getMessage().contains("410"), refused[0].getMessage());
            assertTrue(refused[0].getMessage().contains("new"), refused[0].getMessage());
            assertFalse(refused[0].getMessage().contains("vlt_"), "a token is in the message");

            DevStack.Held next = stack.lease("alice", ALL_OF_HOME, SHORT);
            Files.move(next.file(), lease.file(), java.nio.file.StandardCopyOption.REPLACE_EXISTING);
            eventually(() -> {
                try {
                    return !keyOf(provider).equals(first);
                } catch (CredentialInitializationException stillRefused) {
                    return false;
                }
            });
        }
    }

    @Test
    void twoHundredExecutorsCostAtMostTwoRenewalsAndNoRefusal() throws Exception {
        DevStack.Held lease = stack.lease("alice", ALL_OF_HOME, SHORT);
        Configuration conf = conf(stack.gateway(), lease.file());
        Settings settings = Settings.of(URI.create("s3a://cdm-lake"), conf);
        double answered = stack.counted("vendor_http_requests_total", "/v1/container-credentials");
        double asked = stack.counted("vendor_sts_calls_total", "");
        ExecutorService pool = Executors.newFixedThreadPool(200);
        try {
            // Each has its own keys, as if it were a JVM of its own.
            List<Callable<String>> executors = java.util.stream.IntStream.range(0, 200)
                    .<Callable<String>>mapToObj(unused -> () -> {
                        Renewer own = new Renewer(new Gateway(settings), Duration.ofMinutes(20), Duration.ofSeconds(30));
                        return own.current().accessKeyId();
                    })
                    .toList();
            Set<String> keys = new HashSet<>();
            for (Future<String> one : pool.invokeAll(executors)) {
                keys.add(one.get());
            }
            assertTrue(keys.size() <= 2, "they were given " + keys.size() + " sets of keys");
        } finally {
            pool.shutdown();
        }
        assertTrue(stack.counted("vendor_http_requests_total", "/v1/container-credentials") - answered >= 200);
        assertTrue(stack.counted("vendor_sts_calls_total", "") - asked <= 2, "the store was asked too often");
        assertEquals(0, stack.counted("vendor_http_requests_total", "status=\"429\""), "somebody was refused");
        Map<String, Object> shown = stack.call("alice", "GET", "/v1/leases/" + lease.id(), null);
        Object renewals = Json.members((Map<?, ?>) shown.get("lease")).get("renewals");
        assertTrue((Double) renewals <= 2, "the store was asked " + renewals + " times");
    }

    @Test
    void aScopePerBucketComesFromAnIdentityToken() throws Exception {
        java.nio.file.Path identity = Files.createTempFile("identity", "");
        try {
            Files.writeString(identity, stack.token("alice"));
            Configuration conf = conf(stack.gateway(), identity);
            conf.unset("fs.s3a.vendor.lease.token.file");
            conf.set("fs.s3a.vendor.identity.token.file", identity.toString());
            conf.set("fs.s3a.bucket.cdm-lake.vendor.scope", "read:s3a://cdm-lake/tenant-general-warehouse/kbase/");
            try (FileSystem files = open(conf)) {
                assertEquals(1, files.listStatus(new Path("/tenant-general-warehouse/kbase/hello.txt")).length);
                assertThrows(AccessDeniedException.class, () -> write(files, "/" + HOME + "not-in-scope"));
                assertThrows(
                        AccessDeniedException.class, () -> write(files, "/tenant-general-warehouse/kbase/only-read"));
            }
        } finally {
            Files.delete(identity);
        }
    }

    @Test
    void providersOfOneJvmShareTheirKeysUntilTheLastIsClosed() throws Exception {
        DevStack.Held lease = stack.lease("alice", ALL_OF_HOME, 900);
        try (Relay relay = new Relay(stack.gateway())) {
            Configuration conf = conf(relay.url(), lease.file());
            LeaseCredentialsProvider one = new LeaseCredentialsProvider(URI.create("s3a://cdm-lake"), conf);
            LeaseCredentialsProvider two = new LeaseCredentialsProvider(URI.create("s3a://other"), conf);
            assertEquals(keyOf(one), keyOf(two));
            one.close();
            one.close();
            assertThrows(SdkClientException.class, one::resolveCredentials);
            relay.cut(true);
            assertFalse(keyOf(two).isEmpty(), "still there, without another ask");
            two.close();
        }
    }

    @Test
    void anotherUsersLeaseIsAnotherSetOfKeys() throws Exception {
        DevStack.Held alice = stack.lease("alice", ALL_OF_HOME, 900);
        DevStack.Held bob = stack.lease("bob", ALL_OF_HOME.replace("alice", "bob"), 900);
        Configuration conf = conf(stack.gateway(), alice.file());
        conf.set("fs.s3a.bucket.other.vendor.lease.token.file", bob.file().toString());
        try (LeaseCredentialsProvider one = new LeaseCredentialsProvider(URI.create("s3a://cdm-lake"), conf);
                LeaseCredentialsProvider two = new LeaseCredentialsProvider(URI.create("s3a://other"), conf)) {
            assertNotEquals(keyOf(one), keyOf(two));
        }
    }
}
