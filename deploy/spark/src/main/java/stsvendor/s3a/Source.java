package stsvendor.s3a;

import java.time.Instant;
import software.amazon.awssdk.auth.credentials.AwsSessionCredentials;

/** Where keys come from. */
interface Source {

    /** Gets the keys to use from now on, fresh or those that live already. May take some seconds. */
    Answer get() throws Refused, Unavailable;

    /** Keys as the gateway gave them. */
    record Answer(AwsSessionCredentials credentials, Instant expiration) {

        @Override
        public String toString() {
            return "Answer[" + credentials.accessKeyId() + ", until " + expiration + "]";
        }
    }

    /** The gateway said no, or what was configured cannot work: trying again soon does not help. */
    final class Refused extends Exception {
        private static final long serialVersionUID = 1L;

        Refused(String message) {
            super(message);
        }
    }

    /** No answer, or none that can be used: trying again can help. */
    final class Unavailable extends Exception {
        private static final long serialVersionUID = 1L;
        private final long retryAfterSeconds;

        Unavailable(String message, long retryAfterSeconds) {
            super(message);
            this.retryAfterSeconds = retryAfterSeconds;
        }

        long retryAfterSeconds() {
            return retryAfterSeconds;
        }
    }
}
