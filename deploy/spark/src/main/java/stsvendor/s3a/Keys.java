package stsvendor.s3a;

import java.time.Duration;
import java.time.Instant;
import software.amazon.awssdk.auth.credentials.AwsSessionCredentials;

/** One set of temporary keys, until when they are good, and when to ask for the next. Never prints a secret. */
record Keys(AwsSessionCredentials credentials, Instant expiration, Instant renewFrom) {
    /** Milliseconds between two asks, at least. */
    static final long LEAST_PAUSE = 1000;

    /**
     * Returns keys that were got {@code now}.
     *
     * <p>They are renewed {@code ahead} of their end, or at half of what is left of shorter ones. {@code spread} (0 to
     * 1) moves that by up to a tenth of what is left, so that the JVMs of a job do not all come at once.
     */
    static Keys got(AwsSessionCredentials credentials, Instant expiration, Instant now, Duration ahead, double spread) {
        long left = Math.max(0, Duration.between(now, expiration).toMillis());
        long before = Math.min(ahead.toMillis(), left / 2) + (long) (left / 10 * spread);
        long pause = Math.max(LEAST_PAUSE, left - before); // also when the same keys are given again and again
        return new Keys(credentials, expiration, now.plusMillis(pause));
    }

    boolean aliveAt(Instant now) {
        return now.isBefore(expiration);
    }

    boolean dueAt(Instant now) {
        return !now.isBefore(renewFrom);
    }

    @Override
    public String toString() {
        return "Keys[" + credentials.accessKeyId() + ", until " + expiration + "]";
    }
}
