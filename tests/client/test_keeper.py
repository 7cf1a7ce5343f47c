"""Keys that are renewed in the background: never dead, never silently dropped, ended at the end."""

import threading
import time
from collections.abc import Callable, Iterator

import pytest

from tests.client.leases import lease
from tests.client.stub import Reply, Seen, Stub
from tests.support.waiting import eventually
from vendor.client import keeper as keeper_module
from vendor.client.answers import Vended
from vendor.client.calls import Ask
from vendor.client.errors import ClientError, GatewayError, Unavailable
from vendor.client.keeper import Keeper, KeySource
from vendor.client.sync import Client
from vendor.client.tokens import fixed
from vendor.secret import RawToken

REFUSED = Reply(403, {"error": {"code": "scope_not_granted", "message": "Taken away.", "remedy": "Ask."}})
ENDED = Reply(410, {"error": {"code": "lease_ended", "message": "The lease has ended.", "remedy": "Ask anew."}})
AWAY = Reply(503, {"error": {"code": "state_unavailable", "message": "Redis is away.", "remedy": "Wait."}})
NO_RENEWALS = Reply(400, {"error": {"code": "invalid_request", "message": "renewable_for: unknown", "remedy": ""}})


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeper_module, "RETRY_FIRST", 0.02)
    monkeypatch.setattr(keeper_module, "RETRY_MOST", 0.05)


class Held:
    """A keeper at a stub, with what it warned of."""

    def __init__(self, stub: Stub, ask: Ask) -> None:
        self.warnings: list[str] = []
        self.client = Client(stub.url, fixed(RawToken("identity")))
        self.keeper = Keeper(KeySource(self.client, ask, renewable_for=60), warn=self.warnings.append)

    def close(self) -> None:
        self.keeper.close()
        self.client.close()


@pytest.fixture
def hold(stub: Stub) -> Iterator[Callable[..., Held]]:
    made: list[Held] = []

    def make(ask: Ask | None = None) -> Held:
        made.append(Held(stub, ask or Ask()))
        return made[-1]

    yield make
    for held in made:
        held.close()


def use_until_dead(keeper: Keeper) -> None:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        keeper.current(wait=0.01)


def paths(stub: Stub) -> list[str]:
    return [f"{seen.method} {seen.path} {seen.headers['authorization'].removeprefix('Bearer ')}" for seen in stub.seen]


def test_keys_are_alive_whenever_they_are_asked_for(stub: Stub, hold: Callable[..., Held]) -> None:
    stub.answer = lambda _seen: Reply(201, lease(0.4, token="vlt_1"))
    held = hold()
    seen: set[str] = set()
    end = time.monotonic() + 1.5
    while time.monotonic() < end:
        current = held.keeper.current()
        assert current.credentials.expiration > time.time()
        seen.add(current.credentials.access_key_id)

    assert len(seen) >= 4
    assert held.warnings == []


def test_a_renewable_lease_is_renewed_and_ended_with_its_own_token(stub: Stub, hold: Callable[..., Held]) -> None:
    def answer(seen: Seen) -> Reply:
        if seen.method == "DELETE":
            return Reply(200, {"revoked": True})
        fresh = lease(0.4, token="vlt_1" if seen.path == "/v1/leases" else None)
        return Reply(201, fresh)

    stub.answer = answer
    held = hold(Ask(renewable_for=600))
    eventually(lambda: len(stub.seen) >= 3, within=5)
    held.keeper.close()

    said = paths(stub)
    assert said[0] == "POST /v1/leases identity"
    assert stub.seen[0].body == b'{"renewable_for":600}'
    assert set(said[1:-1]) == {"POST /v1/leases/renew vlt_1"}
    assert said[-1] == "DELETE /v1/leases/l_1 vlt_1"


def test_without_renewal_a_new_lease_is_asked_for_and_a_shared_one_is_not_ended(
    stub: Stub, hold: Callable[..., Held]
) -> None:
    stub.answer = lambda seen: NO_RENEWALS if b"renewable_for" in seen.body else Reply(201, lease(0.4))
    held = hold()
    eventually(lambda: len(stub.seen) >= 4, within=5)
    held.keeper.close()

    assert set(paths(stub)) == {"POST /v1/leases identity"}
    assert [b"renewable_for" in seen.body for seen in stub.seen[:4]] == [True, False, False, False]


def test_renewal_that_was_asked_for_is_not_dropped_silently(stub: Stub, hold: Callable[..., Held]) -> None:
    stub.answer = lambda _seen: NO_RENEWALS
    with pytest.raises(GatewayError, match="renewable_for"):
        hold(Ask(renewable_for=600))
    assert len(stub.seen) == 1


def test_a_gateway_that_is_away_costs_nothing_until_the_keys_end(stub: Stub, hold: Callable[..., Held]) -> None:
    stub.answer = lambda _seen: Reply(201, lease(0.6, token="vlt_1"))
    held = hold()
    stub.answer = lambda _seen: AWAY
    first = held.keeper.current().credentials

    eventually(lambda: held.warnings, within=5)
    assert held.keeper.current().credentials == first  # alive, so still served
    with pytest.raises(GatewayError, match="Redis is away"):
        use_until_dead(held.keeper)

    stub.answer = lambda _seen: Reply(201, lease(60, token="vlt_1"))
    assert held.keeper.current(wait=5).credentials.access_key_id != first.access_key_id
    assert len(held.warnings) == 1  # told once, not each time


@pytest.mark.parametrize(("reply", "token"), [(ENDED, "vlt_1"), (REFUSED, None)], ids=["revoked", "taken-away"])
def test_what_was_taken_away_is_not_asked_for_again(
    stub: Stub, hold: Callable[..., Held], reply: Reply, token: str | None
) -> None:
    stub.answer = lambda _seen: Reply(201, lease(0.3, token=token))
    held = hold()
    stub.seen.clear()
    stub.answer = lambda _seen: reply

    eventually(lambda: held.warnings, within=5)
    with pytest.raises(ClientError):
        use_until_dead(held.keeper)
    eventually(lambda: not any(thread.name == "keeper" for thread in threading.enumerate()), within=5)
    assert len(stub.seen) == 1


def test_clocks_that_differ_do_not_make_a_flood(stub: Stub, hold: Callable[..., Held]) -> None:
    stub.answer = lambda _seen: Reply(201, {**lease(3600, refresh_at=-1.0)})
    hold()
    eventually(lambda: len(stub.seen) >= 2, within=5)
    time.sleep(0.3)  # time in which a flood would show

    assert len(stub.seen) <= 3


def test_waiting_for_keys_is_bounded(stub: Stub, hold: Callable[..., Held]) -> None:
    stub.answer = lambda _seen: Reply(201, lease(0.05, refresh_at=1.0))
    held = hold()
    release = threading.Event()

    def slow(_seen: Seen) -> Reply:
        release.wait(5)
        return Reply(201, lease(60))

    stub.answer = slow
    eventually(lambda: held.keeper.held.credentials.expiration < time.time(), within=5)
    began = time.monotonic()
    with pytest.raises(Unavailable):
        held.keeper.current(wait=0.2)
    assert time.monotonic() - began < 1.5
    release.set()
    assert isinstance(held.keeper.current(wait=5), Vended)


def test_an_end_that_fails_is_a_warning(stub: Stub, hold: Callable[..., Held]) -> None:
    stub.answer = lambda _seen: Reply(201, lease(60, token="vlt_1"))
    held = hold()
    stub.answer = lambda _seen: AWAY
    held.keeper.close()
    assert "could not be ended" in held.warnings[0]

    stub.answer = lambda _seen: ENDED
    held.warnings.clear()
    held.keeper.close()
    assert held.warnings == []
