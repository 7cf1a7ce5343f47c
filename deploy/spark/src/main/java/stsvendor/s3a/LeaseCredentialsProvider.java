package stsvendor.s3a;

import java.io.Closeable;
import java.net.URI;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.atomic.AtomicBoolean;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.s3a.CredentialInitializationException;
import software.amazon.awssdk.auth.credentials.AwsCredentials;
import software.amazon.awssdk.auth.credentials.AwsCredentialsProvider;

/**
 * Gives Hadoop S3A the keys of a lease, renewed for as long as the lease goes on.
 *
 * <pre>
 * fs.s3a.aws.credentials.provider = stsvendor.s3a.LeaseCredentialsProvider
 * fs.s3a.vendor.gateway           = https://vendor.example.org
 * fs.s3a.vendor.lease.token.file  = /var/run/secrets/vendor/lease-token
 * </pre>
 *
 * <p>All settings can be given for one bucket ({@code fs.s3a.bucket.NAME.vendor.…}). All providers of a JVM with the
 * same settings share one set of keys, and one of them renews it. There is no other source of keys behind this one:
 * without a lease, nothing is signed.
 */
public final class LeaseCredentialsProvider implements AwsCredentialsProvider, Closeable {
    private static final Map<String, Shared> IN_USE = new HashMap<>();

    private final String key;
    private final Renewer renewer;
    private final AtomicBoolean closed = new AtomicBoolean();

    private static final class Shared {
        private final Renewer renewer;
        private int users;

        private Shared(Settings settings) {
            renewer = new Renewer(new Gateway(settings), settings.margin(), settings.patience());
        }
    }

    /** Makes the provider for the bucket of {@code uri}; the constructor that S3A calls. */
    public LeaseCredentialsProvider(URI uri, Configuration conf) {
        Settings settings;
        try {
            settings = Settings.of(uri, conf);
        } catch (IllegalArgumentException wrong) {
            throw new CredentialInitializationException(wrong.getMessage());
        }
        key = settings.sharedBy();
        synchronized (IN_USE) {
            Shared shared = IN_USE.computeIfAbsent(key, unused -> new Shared(settings));
            shared.users++;
            renewer = shared.renewer;
        }
    }

    /** Makes a provider without the settings of any bucket. */
    public LeaseCredentialsProvider(Configuration conf) {
        this(null, conf);
    }

    @Override
    public AwsCredentials resolveCredentials() {
        if (closed.get()) {
            throw new CredentialInitializationException("This credentials provider was closed with its file system.");
        }
        return renewer.current();
    }

    /** Lets all keys of this JVM be renewed with their next use, so that what was granted since is in them. */
    public static void renewNow() {
        synchronized (IN_USE) {
            IN_USE.values().forEach(shared -> shared.renewer.renewNow());
        }
    }

    /** Forgets the keys once nobody uses them. The lease goes on; whoever asked for it ends it. */
    @Override
    public void close() {
        if (!closed.compareAndSet(false, true)) {
            return;
        }
        synchronized (IN_USE) {
            Shared shared = IN_USE.get(key);
            if (--shared.users == 0) {
                IN_USE.remove(key);
            }
        }
    }

    @Override
    public String toString() {
        return "LeaseCredentialsProvider";
    }
}
