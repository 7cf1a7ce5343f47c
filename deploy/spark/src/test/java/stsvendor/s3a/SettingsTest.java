package stsvendor.s3a;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.s3a.CredentialInitializationException;
import org.apache.hadoop.io.Text;
import org.apache.hadoop.security.Credentials;
import org.apache.hadoop.security.UserGroupInformation;
import org.apache.hadoop.security.alias.CredentialProviderFactory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What can be configured, for all buckets or one, and what is refused with which words. */
class SettingsTest {
    private static final URI LAKE = URI.create("s3a://lake");

    private static Configuration conf(String... pairs) {
        Configuration conf = new Configuration(false);
        conf.set("fs.s3a.vendor.gateway", "https://vendor.example.org/");
        conf.set("fs.s3a.vendor.lease.token.file", "/run/token");
        for (int i = 0; i < pairs.length; i += 2) {
            if (pairs[i + 1] == null) {
                conf.unset(pairs[i]);
            } else {
                conf.set(pairs[i], pairs[i + 1]);
            }
        }
        return conf;
    }

    @Test
    void aBucketsOwnSettingsWin() {
        Configuration conf = conf(
                "fs.s3a.bucket.lake.vendor.gateway", "https://own.example.org",
                "fs.s3a.bucket.lake.vendor.wait", "30s",
                "fs.s3a.vendor.safety.margin", "5m");
        Settings own = Settings.of(LAKE, conf);
        assertEquals("https://own.example.org", own.gateway().toString());
        assertEquals(Duration.ofSeconds(30), own.patience());
        assertEquals(Duration.ofMinutes(5), own.margin());
        Settings other = Settings.of(URI.create("s3a://other"), conf);
        assertEquals("https://vendor.example.org", other.gateway().toString());
        assertEquals(Duration.ofMinutes(2), other.patience());
        assertNotEquals(own.sharedBy(), other.sharedBy());
        assertEquals(own.sharedBy(), Settings.of(LAKE, conf).sharedBy());
    }

    @Test
    void aScopeIsForIdentityTokens() {
        Configuration conf = conf(
                "fs.s3a.vendor.lease.token.file", null,
                "fs.s3a.vendor.identity.token.file", "/run/identity",
                "fs.s3a.vendor.scope", "read:s3a://lake/a:b/, write:s3://lake/c/");
        Settings settings = Settings.of(LAKE, conf);
        assertTrue(settings.token().identity());
        assertEquals(
                List.of(new Settings.Wanted("s3a://lake/a:b/", "read"), new Settings.Wanted("s3://lake/c/", "write")),
                settings.scope());
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "fs.s3a.vendor.gateway | ftp://x | https",
        "fs.s3a.vendor.gateway | http://vendor.example.org | plain http",
        "fs.s3a.vendor.gateway | https://me:secret@vendor.example.org | https",
        "fs.s3a.vendor.gateway | https://vendor.example.org/?token=x | https",
        "fs.s3a.vendor.gateway | https://a b | URL",
        "fs.s3a.vendor.identity.token.file | /run/identity | not both",
        "fs.s3a.vendor.scope | read:s3a://lake/x/ | identity.token.file",
        "fs.s3a.vendor.duration | 1h | identity.token.file",
        "fs.s3a.vendor.wait | soon | a time",
        "fs.s3a.vendor.wait | 0s | a time",
        "fs.s3a.vendor.safety.margin | -1s | a time",
        "fs.s3a.vendor.insecure.http | yes | true or false",
        "fs.s3a.aws.credentials.provider | stsvendor.s3a.LeaseCredentialsProvider,x.Y | other providers",
    })
    void whatCannotBeIsRefusedWithAWordOnWhatToDo(String name, String value, String word) {
        Configuration conf = conf(name, value);
        if (name.endsWith("insecure.http")) {
            conf.set("fs.s3a.vendor.gateway", "http://vendor.example.org");
        }
        var refused = assertThrows(
                CredentialInitializationException.class, () -> new LeaseCredentialsProvider(LAKE, conf));
        assertTrue(refused.getMessage().contains(word), refused.getMessage());
        assertFalse(refused.getMessage().contains("secret"), refused.getMessage());
    }

    @Test
    void aScopeThatCannotBeReadIsRefused() {
        for (String scope : List.of("s3a://lake/x/", "admin:s3a://lake/x/", "read:lake/x", "read:s3a:///x", "read")) {
            Configuration conf = conf(
                    "fs.s3a.vendor.lease.token.file", null,
                    "fs.s3a.vendor.identity.token.file", "/run/identity",
                    "fs.s3a.vendor.scope", scope);
            assertThrows(IllegalArgumentException.class, () -> Settings.of(LAKE, conf), scope);
        }
    }

    @Test
    void plainHttpIsForLoopbackAndForThoseWhoSaySo() {
        Settings.of(LAKE, conf("fs.s3a.vendor.gateway", "http://127.0.0.1:8080"));
        Settings.of(LAKE, conf("fs.s3a.vendor.gateway", "http://vendor:8080", "fs.s3a.vendor.insecure.http", "true"));
    }

    @Test
    void withoutATokenItSaysWhereToPutOne() {
        Configuration conf = conf("fs.s3a.vendor.lease.token.file", null);
        var refused = assertThrows(IllegalArgumentException.class, () -> Settings.of(LAKE, conf));
        assertTrue(refused.getMessage().contains("lease.token.file"));
    }

    @Test
    void theTokenCanLieInAHadoopCredentialProvider(@TempDir Path folder) throws Exception {
        Configuration conf = conf("fs.s3a.vendor.lease.token.file", null);
        conf.set(CredentialProviderFactory.CREDENTIAL_PROVIDER_PATH, "localjceks://file" + folder.resolve("tokens.jceks"));
        var provider = CredentialProviderFactory.getProviders(conf).get(0);
        provider.createCredentialEntry("fs.s3a.vendor.lease.token", "vlt_all".toCharArray());
        provider.createCredentialEntry("fs.s3a.bucket.lake.vendor.lease.token", "vlt_lake".toCharArray());
        provider.flush();

        assertEquals("vlt_lake", Settings.of(LAKE, conf).token().now());
        Settings other = Settings.of(URI.create("s3a://other"), conf);
        assertEquals("vlt_all", other.token().now());
        assertFalse(other.sharedBy().contains("vlt_") || other.toString().contains("vlt_"), "a token is shown");
    }

    @Test
    void theTokenCanComeWithTheJobsOtherTokens() throws Exception {
        Configuration conf = conf("fs.s3a.vendor.lease.token.file", null);
        UserGroupInformation user = UserGroupInformation.createRemoteUser("somebody");
        Credentials credentials = new Credentials();
        credentials.addSecretKey(
                new Text("fs.s3a.vendor.lease.token"), "vlt_handed".getBytes(StandardCharsets.US_ASCII));
        user.addCredentials(credentials);
        Settings settings = user.doAs((java.security.PrivilegedAction<Settings>) () -> Settings.of(LAKE, conf));
        assertEquals("vlt_handed", settings.token().now());
    }
}
