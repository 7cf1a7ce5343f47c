"""Keep the keys of one lease fresh for as long as somebody needs them.

A thread gets new keys when it is time (`refresh_after`, or two thirds of their life), so whoever asks is answered at
once and never with dead keys.  While the gateway is away the old keys go on being served until their end.
"""

import logging
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Self

from vendor.client.answers import Vended
from vendor.client.calls import Ask
from vendor.client.errors import ClientError, GatewayError, Unavailable
from vendor.times import Clock

if TYPE_CHECKING:
    from vendor.client.sync import Client

RETRY_FIRST, RETRY_MOST = 1.0, 30.0
"""Seconds between tries to renew, doubling from the first to the most."""
RENEW_AT = 2 / 3
"""Share of a key's life after which it is renewed at latest, so that even short-lived keys are renewed in time."""
LEAST_BETWEEN = 5.0
"""Seconds between two renewals, at least; a quarter of a shorter life."""
LOOK_EVERY = 1.0
"""Seconds after which the thread looks at the clock again: it jumps when a machine wakes up."""


RENEWABLE_FOR = 24 * 3600
"""Seconds for which a lease is asked to be renewable when nothing else is said."""

_log = logging.getLogger("vendor.client")


class KeySource:
    """Gets the first keys of a lease, the next ones, and ends it.

    A renewable lease is renewed with its own token, so it does not need the identity again; what ended it (a
    revocation, its limit) ends it here, too.  Where the gateway does not renew, each time a new lease is asked for.
    """

    def __init__(self, client: "Client", ask: Ask, *, renewable_for: int = RENEWABLE_FOR) -> None:
        self._client = client
        self._ask = ask
        self._renewable_for = renewable_for

    def first(self) -> Vended:
        """Ask for the lease."""
        if self._ask.renewable_for is not None:
            return self._client.lease(self._ask)
        try:
            return self._client.lease(replace(self._ask, renewable_for=self._renewable_for))
        except GatewayError as refused:
            if refused.status != 400:
                raise
        return self._client.lease(self._ask)  # the gateway caps renewals or has none; say what else is wrong, if it is

    def next(self, held: Vended) -> Vended:
        """Get the keys that follow `held`."""
        if held.lease_token is None:
            return self._client.lease(self._ask)
        fresh = self._client.renew(held.lease_token)
        return fresh if fresh.lease_token is not None else replace(fresh, lease_token=held.lease_token)

    def end(self, held: Vended) -> None:
        """End the lease, if it is ours alone; one without a token may be shared with others of the same user."""
        if held.lease_token is not None:
            self._client.revoke(held.lease.id, held.lease_token)


def end_quietly(source: KeySource, held: Vended, warn: Callable[[str], None]) -> None:
    """End a lease when its use is over.  That a gateway is away, is only worth a warning."""
    try:
        source.end(held)
    except ClientError as error:
        if not (isinstance(error, GatewayError) and error.status in {404, 410}):  # it has ended already
            warn(f"the lease could not be ended ({error}); it runs out at {held.credentials.expiration_text}.")


class Keeper:
    """Holds the keys and renews them in the background until it is closed, which ends the lease.

    `warn` is told once when renewing begins to fail.
    """

    def __init__(
        self, source: KeySource, *, warn: Callable[[str], None] = _log.warning, clock: Clock = time.time
    ) -> None:
        self._source = source
        self._warn = warn
        self._clock = clock
        self._held = source.first()
        self._failure: ClientError | None = None
        self._changed = threading.Condition()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._keep, name="keeper", daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def held(self) -> Vended:
        """The keys in hand, dead or alive."""
        with self._changed:
            return self._held

    def current(self, wait: float = 1.5) -> Vended:
        """Return keys that are alive, waiting at most `wait` seconds for new ones.  Raises why there are none."""
        deadline = time.monotonic() + wait
        with self._changed:
            while self._left() <= 0:
                left = deadline - time.monotonic()
                if left <= 0:
                    raise self._failure or Unavailable("New keys are on their way.", retry_after=1)
                self._changed.wait(left)
            return self._held

    def close(self) -> None:
        """Stop renewing and end the lease.  A gateway that is away is only worth a warning."""
        self._closing.set()
        self._thread.join(timeout=1.0)  # a renewal may be stuck in the network; the thread dies with the process
        end_quietly(self._source, self.held, self._warn)

    def _keep(self) -> None:
        pause = RETRY_FIRST
        while not self._closing.wait(min(max(self._due(), 0.0), LOOK_EVERY)):
            if self._due() > 0:
                continue
            try:
                fresh = self._source.next(self.held)
            except ClientError as error:
                if not self._failed(error) or self._closing.wait(pause):
                    return
                pause = min(pause * 2, RETRY_MOST)
            else:
                pause = RETRY_FIRST
                self._take(fresh)
                # Where the clocks differ much, new keys may look due at once; that must not become a flood.
                if self._closing.wait(min(LEAST_BETWEEN, _life(fresh) / 4)):
                    return

    def _due(self) -> float:
        """Seconds until it is time to renew."""
        lease = self._held.lease
        latest = lease.issued_at + _life(self._held) * RENEW_AT
        return min(latest, lease.refresh_after or latest) - self._clock()

    def _left(self) -> float:
        return self._held.credentials.expiration - self._clock()

    def _take(self, fresh: Vended) -> None:
        with self._changed:
            self._held, self._failure = fresh, None
            self._changed.notify_all()

    def _failed(self, error: ClientError) -> bool:
        """Remember a failure; say whether trying again can help."""
        final = isinstance(error, GatewayError) and error.status < 500 and error.status != 429
        with self._changed:
            first = self._failure is None
            self._failure = error
        if first or final:
            with suppress(OSError):  # the terminal may be gone
                self._warn(f"the keys cannot be renewed ({error}); those in use end at {self._end_text()}.")
        return not final

    def _end_text(self) -> str:
        return self._held.credentials.expiration_text


def _life(vended: Vended) -> float:
    return max(0.0, vended.credentials.expiration - vended.lease.issued_at)
