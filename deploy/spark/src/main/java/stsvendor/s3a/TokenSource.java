package stsvendor.s3a;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.Set;
import java.util.regex.Pattern;
import org.apache.hadoop.io.Text;
import org.apache.hadoop.security.UserGroupInformation;

/**
 * The token that keys are asked for with. A file is read anew each time, because tokens are replaced while jobs run.
 *
 * @param name what it is, for messages and for sharing keys; never the token
 * @param identity whether it says who somebody is, instead of being the token of a lease
 */
record TokenSource(String name, boolean identity, Reading reading) {
    static final int MOST_BYTES = 32 * 1024;
    private static final Pattern TOKEN = Pattern.compile("[A-Za-z0-9._~+/=-]+");
    private static final String LEASE_PREFIX = "vlt_";

    /** Returns the text of the token. */
    interface Reading {
        String text() throws IOException;
    }

    /** Finds the one token that is configured. Throws IllegalArgumentException, which says what to change. */
    static TokenSource of(Settings.Reader reader) {
        String leaseFile = reader.text(Settings.LEASE_FILE);
        String identityFile = reader.text(Settings.IDENTITY_FILE);
        if (leaseFile != null && identityFile != null) {
            throw new IllegalArgumentException("Set " + Settings.PREFIX + Settings.LEASE_FILE + " or "
                    + Settings.PREFIX + Settings.IDENTITY_FILE + ", not both.");
        }
        if (leaseFile != null) {
            return inFile(leaseFile, false);
        }
        if (identityFile != null) {
            return inFile(identityFile, true);
        }
        String given = handedOver(reader);
        if (given == null) {
            throw new IllegalArgumentException("There is no token: set " + Settings.PREFIX + Settings.LEASE_FILE
                    + " to a file with the lease token, or put " + Settings.PREFIX + Settings.LEASE_TOKEN
                    + " into a Hadoop credential provider.");
        }
        String token = given.strip();
        return new TokenSource("the lease token " + fingerprint(token), false, () -> token);
    }

    /** Returns the token now. */
    String now() throws Source.Refused {
        String token;
        try {
            token = reading.text().strip();
        } catch (IOException unreadable) {
            throw new Source.Refused(name + " cannot be used (" + reason(unreadable) + "). It holds the bare token and"
                    + " must be there on every machine of the job.");
        }
        if (!TOKEN.matcher(token).matches() || token.length() > MOST_BYTES) {
            throw new Source.Refused(name + " does not hold a token: put the bare token there, nothing else.");
        }
        if (!identity && !token.startsWith(LEASE_PREFIX)) {
            throw new Source.Refused(name + " is not a lease token (those begin with " + LEASE_PREFIX + "). An identity"
                    + " token goes into the file of " + Settings.PREFIX + Settings.IDENTITY_FILE + ".");
        }
        return token;
    }

    private static TokenSource inFile(String file, boolean identity) {
        Path path = Path.of(file.startsWith("file:") ? file.substring("file:".length()) : file);
        return new TokenSource("the token file " + path, identity, () -> read(path));
    }

    /** Returns a token out of the job's delegation tokens, or of Hadoop's credential providers; null if there is none. */
    private static String handedOver(Settings.Reader reader) {
        String name = Settings.PREFIX + Settings.LEASE_TOKEN;
        try {
            byte[] handed = null;
            var credentials = UserGroupInformation.getCurrentUser().getCredentials();
            if (reader.bucket() != null) {
                handed = credentials.getSecretKey(new Text(reader.ofBucket(name)));
            }
            if (handed == null) {
                handed = credentials.getSecretKey(new Text(name));
            }
            if (handed != null) {
                return new String(handed, StandardCharsets.US_ASCII);
            }
            char[] found = reader.bucket() == null ? null : reader.conf().getPassword(reader.ofBucket(name));
            if (found == null) {
                found = reader.conf().getPassword(name);
            }
            return found == null || found.length == 0 ? null : new String(found);
        } catch (IOException unreadable) {
            throw new IllegalArgumentException("Hadoop's credential provider cannot be read for " + name + " ("
                    + reason(unreadable) + ").");
        }
    }

    private static String read(Path path) throws IOException {
        if (!Files.isRegularFile(path)) { // links are followed: that is how Kubernetes mounts secrets
            throw new IOException(Files.exists(path, LinkOption.NOFOLLOW_LINKS) ? "it is not a regular file" : "there is none");
        }
        Set<PosixFilePermission> permissions = Files.getPosixFilePermissions(path);
        if (permissions.contains(PosixFilePermission.OTHERS_WRITE) || permissions.contains(PosixFilePermission.GROUP_WRITE)) {
            throw new IOException("others may change it; 'chmod 600' it");
        }
        try (InputStream file = Files.newInputStream(path)) {
            return new String(file.readNBytes(MOST_BYTES + 1), StandardCharsets.US_ASCII);
        }
    }

    private static String reason(IOException error) {
        String simple = error.getClass() == IOException.class ? error.getMessage() : error.getClass().getSimpleName();
        return simple == null ? "it cannot be read" : simple;
    }

    private static String fingerprint(String token) {
        try {
            byte[] hash = MessageDigest.getInstance("SHA-256").digest(token.getBytes(StandardCharsets.UTF_8));
            return HexFormat.of().formatHex(hash, 0, 8);
        } catch (NoSuchAlgorithmException impossible) {
            throw new IllegalStateException(impossible);
        }
    }

    @Override
    public String toString() {
        return name;
    }
}
