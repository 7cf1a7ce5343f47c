package stsvendor.s3a;

import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.concurrent.Executor;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.DoubleSupplier;
import org.apache.hadoop.fs.s3a.CredentialInitializationException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import software.amazon.awssdk.auth.credentials.AwsCredentials;
import software.amazon.awssdk.core.exception.SdkClientException;

/**
 * Holds the keys of one lease for everybody in this JVM.
 *
 * <p>Whoever asks while the keys live is answered at once; when it is time, one thread gets the next ones behind their
 * back. While the gateway is away, the keys in hand go on being given until they really end, and then callers wait, up
 * to {@code patience}, for it to come back. A refusal is an answer: it ends the use of the keys in hand.
 */
final class Renewer {
    static final Duration FIRST_PAUSE = Duration.ofMillis(500);
    static final Duration LONGEST_PAUSE = Duration.ofSeconds(15);
    /** How long a refusal is repeated without asking the gateway again. */
    static final Duration REFUSED_FOR = Duration.ofSeconds(5);

    private static final Logger LOG = LoggerFactory.getLogger(LeaseCredentialsProvider.class);
    private static final ExecutorService BEHIND = Executors.newCachedThreadPool(Renewer::daemon);

    private final Source source;
    private final Duration ahead;
    private final Duration patience;
    private final Clock clock;
    private final DoubleSupplier random;
    private final Executor behind;

    private final ReentrantLock turn = new ReentrantLock();
    private final AtomicBoolean renewing = new AtomicBoolean();
    private volatile Keys held;
    private volatile Failure failure;

    /** The newest thing that went wrong; nothing is asked for before {@code until}. */
    private record Failure(String message, boolean refused, int times, Instant until) {}

    Renewer(Source source, Duration ahead, Duration patience) {
        this(source, ahead, patience, Clock.systemUTC(), Math::random, BEHIND);
    }

    Renewer(Source source, Duration ahead, Duration patience, Clock clock, DoubleSupplier random, Executor behind) {
        this.source = source;
        this.ahead = ahead;
        this.patience = patience;
        this.clock = clock;
        this.random = random;
        this.behind = behind;
    }

    /** Returns keys that are alive, waiting for them if there is no other way. */
    AwsCredentials current() {
        Instant now = clock.instant();
        Keys keys = held;
        if (keys == null || !keys.aliveAt(now)) {
            return awaited().credentials();
        }
        if (keys.dueAt(now) && !rests(now) && renewing.compareAndSet(false, true)) {
            behind.execute(this::renewBehind);
        }
        return keys.credentials();
    }

    /** Lets the next caller wait for fresh keys, even if those in hand are alive. */
    void renewNow() {
        turn.lock();
        try {
            failure = null;
            held = null;
        } finally {
            turn.unlock();
        }
    }

    private boolean rests(Instant now) {
        Failure last = failure;
        return last != null && now.isBefore(last.until());
    }

    private void renewBehind() {
        try {
            if (turn.tryLock()) { // otherwise somebody is at it
                try {
                    ask();
                } finally {
                    turn.unlock();
                }
            }
        } finally {
            renewing.set(false);
        }
    }

    /** Waits for keys: in turn, one thread asks and the others wait for what it gets. */
    private Keys awaited() {
        long deadline = System.nanoTime() + patience.toNanos();
        try {
            if (!turn.tryLock(patience.toNanos(), TimeUnit.NANOSECONDS)) {
                throw unavailable(failure);
            }
            try {
                return askedUntil(deadline);
            } finally {
                turn.unlock();
            }
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
            throw SdkClientException.create("Interrupted while waiting for keys.", interrupted);
        }
    }

    private Keys askedUntil(long deadline) throws InterruptedException {
        while (true) {
            Keys keys = held;
            if (keys != null && keys.aliveAt(clock.instant())) {
                return keys;
            }
            Failure last = failure;
            boolean rests = rests(clock.instant());
            if (rests && last.refused()) {
                throw new CredentialInitializationException(last.message());
            }
            if (!rests) {
                ask();
                continue;
            }
            long pause = Math.max(1, Duration.between(clock.instant(), last.until()).toNanos());
            if (System.nanoTime() + pause > deadline) {
                throw unavailable(last);
            }
            TimeUnit.NANOSECONDS.sleep(pause);
        }
    }

    /** Asks once and remembers what came of it. Whoever calls holds the turn. */
    private void ask() {
        Failure before = failure;
        try {
            Source.Answer answer = source.get();
            Keys fresh = Keys.got(answer.credentials(), answer.expiration(), clock.instant(), ahead, random.getAsDouble());
            Keys old = held;
            boolean same = old != null && old.credentials().accessKeyId().equals(fresh.credentials().accessKeyId());
            held = fresh;
            failure = null;
            if (!fresh.aliveAt(clock.instant())) {
                fail("The gateway's keys have ended already: the clock of this machine is probably wrong.", before, 0);
            } else if (!same) {
                LOG.info("Keys {} are good until {}", fresh.credentials().accessKeyId(), fresh.expiration());
            }
        } catch (Source.Refused refused) {
            held = null; // what is denied there must not go on here
            failure = new Failure(refused.getMessage(), true, 1, clock.instant().plus(REFUSED_FOR));
            LOG.warn("No more keys: {}", refused.getMessage());
        } catch (Source.Unavailable away) {
            fail(away.getMessage(), before, away.retryAfterSeconds());
        } catch (RuntimeException bug) { // must not end the thread that others wait for
            fail("Unexpected " + bug.getClass().getSimpleName() + " while asking for keys.", before, 0);
        }
    }

    private void fail(String message, Failure before, long retryAfterSeconds) {
        int times = before == null || before.refused() ? 1 : before.times() + 1;
        long doubled = FIRST_PAUSE.toMillis() << Math.min(times - 1, 10);
        long pause = Math.min(doubled, LONGEST_PAUSE.toMillis());
        pause = Math.max(pause, Math.min(retryAfterSeconds * 1000, LONGEST_PAUSE.toMillis()));
        pause -= (long) (pause / 4.0 * random.getAsDouble()); // so that the JVMs of a job do not come back at once
        failure = new Failure(message, false, times, clock.instant().plusMillis(pause));
        if (times == 1) {
            Keys keys = held;
            String left = keys == null ? "there are none yet" : "those in use end at " + keys.expiration();
            LOG.warn("Keys cannot be renewed, {}: {} Trying again until they can.", left, message);
        }
    }

    private SdkClientException unavailable(Failure last) {
        String why = last == null ? "the gateway has not answered yet." : last.message();
        return SdkClientException.create("No keys for " + patience.toSeconds() + " s (" + Settings.PREFIX
                + Settings.WAIT + "): " + why);
    }

    private static Thread daemon(Runnable work) {
        Thread thread = new Thread(work, "vendor-keys");
        thread.setDaemon(true);
        return thread;
    }
}
