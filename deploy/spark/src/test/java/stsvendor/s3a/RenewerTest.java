package stsvendor.s3a;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.concurrent.Executor;
import org.apache.hadoop.fs.s3a.CredentialInitializationException;
import org.junit.jupiter.api.Test;
import software.amazon.awssdk.auth.credentials.AwsSessionCredentials;
import software.amazon.awssdk.core.exception.SdkClientException;

/** When keys are renewed, kept and given up; with a clock that is moved. */
class RenewerTest {
    private static final Instant START = Instant.parse("2026-01-01T00:00:00Z");

    private final Hand clock = new Hand();
    private final Script script = new Script();
    private final Deque<Runnable> behind = new ArrayDeque<>();
    private double random;

    private static final class Hand extends Clock {
        private Instant now = START;

        @Override
        public ZoneId getZone() {
            return ZoneOffset.UTC;
        }

        @Override
        public Clock withZone(ZoneId zone) {
            return this;
        }

        @Override
        public Instant instant() {
            return now;
        }

        void on(long seconds) {
            now = now.plusSeconds(seconds);
        }
    }

    /** A gateway whose answers are laid out before: a lifetime in seconds, or an exception. */
    private final class Script implements Source {
        private final Deque<Object> next = new ArrayDeque<>();
        private int asked;

        @Override
        public Answer get() throws Refused, Unavailable {
            asked++;
            Object answer = next.pop();
            if (answer instanceof Refused refused) {
                throw refused;
            }
            if (answer instanceof Unavailable away) {
                throw away;
            }
            if (answer instanceof RuntimeException bug) {
                throw bug;
            }
            AwsSessionCredentials keys = AwsSessionCredentials.create("K" + asked, "secret-of-keys", "session");
            return new Answer(keys, clock.instant().plusSeconds((Integer) answer));
        }
    }

    private Renewer renewer(Duration patience) {
        Executor later = behind::add;
        return new Renewer(script, Duration.ofMinutes(20), patience, clock, () -> random, later);
    }

    private void answers(Object... answers) {
        script.next.addAll(java.util.List.of(answers));
    }

    @Test
    void keysAreRenewedBehindTheBackOfTheCaller() {
        answers(3600, 3600);
        Renewer renewer = renewer(Duration.ZERO.plusMillis(1));
        assertEquals("K1", renewer.current().accessKeyId());
        clock.on(3600 - 20 * 60 - 1);
        assertEquals("K1", renewer.current().accessKeyId());
        assertTrue(behind.isEmpty(), "too early");
        clock.on(1);
        assertEquals("K1", renewer.current().accessKeyId());
        renewer.current();
        assertEquals(1, behind.size(), "one renewal at a time");
        behind.pop().run();
        assertEquals("K2", renewer.current().accessKeyId());
    }

    @Test
    void shortKeysAreRenewedAtHalfOfWhatIsLeft() {
        answers(30, 30);
        Renewer renewer = renewer(Duration.ofMillis(1));
        renewer.current();
        clock.on(14);
        renewer.current();
        assertTrue(behind.isEmpty());
        clock.on(1);
        renewer.current();
        assertEquals(1, behind.size());
    }

    @Test
    void theMomentIsSpreadOverATenthOfTheLife() {
        random = 1.0;
        answers(3600, 3600);
        Renewer renewer = renewer(Duration.ofMillis(1));
        renewer.current();
        clock.on(3600 - 20 * 60 - 360);
        renewer.current();
        assertEquals(1, behind.size());
    }

    @Test
    void anOutageIsBridgedWithTheKeysInHandUntilTheirEnd() {
        answers(3600, away(), away());
        Renewer renewer = renewer(Duration.ofMillis(1));
        renewer.current();
        clock.on(3000);
        renewer.current();
        behind.pop().run();
        assertEquals("K1", renewer.current().accessKeyId());
        assertTrue(behind.isEmpty(), "it rests before the next try");
        clock.on(599);
        assertEquals("K1", renewer.current().accessKeyId());
        clock.on(1);
        SdkClientException none = assertThrows(SdkClientException.class, renewer::current);
        assertTrue(none.getMessage().contains("is away"), none.getMessage());
    }

    @Test
    void aCallerWithoutKeysWaitsForThem() throws Exception {
        Renewer renewer = new Renewer(
                script, Duration.ofMinutes(20), Duration.ofSeconds(20), Clock.systemUTC(), () -> 1.0, Runnable::run);
        clock.now = Instant.now();
        answers(away(), new Source.Unavailable("busy", 0), 3600);
        assertEquals("K3", renewer.current().accessKeyId());
    }

    @Test
    void aRefusalEndsTheUseOfTheKeysInHandAndIsNotAskedForAgainAtOnce() {
        answers(3600, new Source.Refused("You lost it."), 3600);
        Renewer renewer = renewer(Duration.ofSeconds(1));
        renewer.current();
        clock.on(3000);
        renewer.current();
        behind.pop().run();
        for (int i = 0; i < 100; i++) {
            var refused = assertThrows(CredentialInitializationException.class, renewer::current);
            assertTrue(refused.getMessage().contains("You lost it."));
        }
        assertEquals(2, script.asked);
        clock.on(Renewer.REFUSED_FOR.toSeconds());
        assertEquals("K3", renewer.current().accessKeyId());
    }

    @Test
    void aBugIsAFailureLikeAnyOtherAndEndsNothing() {
        answers(3600, new IllegalStateException("a bug with secret-of-keys"), 3600);
        Renewer renewer = renewer(Duration.ofMillis(1));
        renewer.current();
        clock.on(3000);
        renewer.current();
        behind.pop().run();
        clock.on(30);
        assertEquals("K1", renewer.current().accessKeyId());
        behind.pop().run();
        assertEquals("K3", renewer.current().accessKeyId());
    }

    @Test
    void keysCanBeRenewedAtOnce() {
        answers(3600, 3600);
        Renewer renewer = renewer(Duration.ofSeconds(1));
        renewer.current();
        renewer.renewNow();
        assertEquals("K2", renewer.current().accessKeyId());
    }

    @Test
    void deadKeysFromTheGatewayBlameTheClock() {
        answers(-5);
        SdkClientException none = assertThrows(SdkClientException.class, renewer(Duration.ofMillis(1))::current);
        assertTrue(none.getMessage().contains("clock"), none.getMessage());
    }

    @Test
    void nothingPrintsASecret() throws Exception {
        Source.Answer answer = new Source.Answer(AwsSessionCredentials.create("K", "hidden", "session"), START);
        Keys keys = Keys.got(answer.credentials(), START, START, Duration.ZERO, 0);
        for (Object shown : new Object[] {answer, keys}) {
            assertFalse(shown.toString().contains("hidden") || shown.toString().contains("session"), shown.toString());
        }
    }

    private static Source.Unavailable away() {
        return new Source.Unavailable("The gateway is away.", 0);
    }
}
