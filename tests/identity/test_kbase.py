"""KBase over time: what is remembered, for how long, and what its failures do."""

import asyncio
import gc
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.identity.world.kbase import FakeKBase
from tests.identity.world.provider import serving
from vendor.dev.kbase import KBase as Emulator
from vendor.errors import ExpiredToken, IdentityProviderUnavailable, InvalidToken, RoleRequired, VendError
from vendor.identity.authenticator import Authenticator, open_authenticator
from vendor.identity.kbase import MAX_ASKING
from vendor.secret import RawToken

CACHE, NEGATIVE = 60, 20
TOKEN = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"

TRUST = """\
version = 1

[[kbase]]
name = "kbase"
url = "{url}"
required_roles = ["BERDL_USER"]
admin_roles = ["KBASE_ADMIN", "CDM_JUPYTERHUB_ADMIN"]
require_mfa = true
cache_seconds = {cache}
negative_cache_seconds = {negative}
timeout_seconds = 1
"""


class Moving:
    """Two clocks that a test can push."""

    def __init__(self) -> None:
        self.offset = 0.0

    def wall(self) -> float:
        return time.time() + self.offset

    def steady(self) -> float:
        return time.monotonic() + self.offset


@pytest.fixture
def moving() -> Moving:
    return Moving()


def opened(file: Path, url: str, moving: Moving) -> Authenticator:
    file.write_text(TRUST.format(url=url, cache=CACHE, negative=NEGATIVE), encoding="utf-8")
    return open_authenticator(
        trust_file=file, own_issuer_url="https://v.example", clock=moving.wall, monotonic=moving.steady
    )


@pytest.fixture
async def fake() -> AsyncIterator[FakeKBase]:
    async with serving() as provider:
        yield FakeKBase(provider)


@pytest.fixture
async def door(fake: FakeKBase, moving: Moving, trust_file: Path) -> AsyncIterator[Authenticator]:
    async with opened(trust_file, fake.url, moving) as made:
        yield made


async def refusal(door: Authenticator, token: str) -> VendError:
    with pytest.raises(VendError) as refused:
        await door.authenticate(RawToken(token))
    return refused.value


async def test_a_good_answer_is_used_again_until_its_time_is_over(
    fake: FakeKBase, door: Authenticator, moving: Moving
) -> None:
    fake.login(TOKEN, "alice", customroles=["BERDL_USER", "KBASE_ADMIN"])
    found = await door.authenticate(RawToken(TOKEN))
    assert (found.name, found.admin, found.email, found.trusted_by) == ("alice", True, "alice@example.org", "kbase")
    assert found.assurance.mfa is True
    assert fake.asked == [("api/V2/token", TOKEN), ("api/V2/me", TOKEN)]
    moving.offset += CACHE - 1
    await door.authenticate(RawToken(TOKEN))
    assert len(fake.asked) == 2
    moving.offset += 2
    await door.authenticate(RawToken(TOKEN))
    assert len(fake.asked) == 4


async def test_kbase_may_ask_for_a_shorter_memory(fake: FakeKBase, door: Authenticator, moving: Moving) -> None:
    fake.login(TOKEN, "alice", cachefor=10_000)
    await door.authenticate(RawToken(TOKEN))
    moving.offset += 11
    await door.authenticate(RawToken(TOKEN))
    assert len(fake.asked) == 4


async def test_the_memory_ends_with_the_token(fake: FakeKBase, door: Authenticator, moving: Moving) -> None:
    fake.login(TOKEN, "alice", expires=int((time.time() + 30) * 1000))
    await door.authenticate(RawToken(TOKEN))
    moving.offset += 31
    assert isinstance(await refusal(door, TOKEN), ExpiredToken)


async def test_a_revoked_token_works_no_longer_than_documented(
    fake: FakeKBase, door: Authenticator, moving: Moving
) -> None:
    fake.login(TOKEN, "alice")
    await door.authenticate(RawToken(TOKEN))
    del fake.logins[TOKEN]
    moving.offset += CACHE + 1
    assert isinstance(await refusal(door, TOKEN), InvalidToken)


async def test_a_lost_role_counts_after_the_same_time(fake: FakeKBase, door: Authenticator, moving: Moving) -> None:
    fake.login(TOKEN, "alice")
    await door.authenticate(RawToken(TOKEN))
    fake.logins[TOKEN]["customroles"] = []
    moving.offset += CACHE + 1
    refused = await refusal(door, TOKEN)
    assert isinstance(refused, RoleRequired)
    assert "BERDL_USER" in refused.message


async def test_a_role_that_was_given_after_a_refusal_helps_soon(
    fake: FakeKBase, door: Authenticator, moving: Moving
) -> None:
    fake.login(TOKEN, "alice", customroles=[])
    await refusal(door, TOKEN)
    fake.logins[TOKEN]["customroles"] = ["BERDL_USER"]
    moving.offset += CACHE + 1
    assert (await door.authenticate(RawToken(TOKEN))).name == "alice"


async def test_a_refusal_is_remembered_shortly(fake: FakeKBase, door: Authenticator, moving: Moving) -> None:
    for _ in range(5):
        assert isinstance(await refusal(door, TOKEN), InvalidToken)
    assert len(fake.asked) == 1
    fake.login(TOKEN, "alice")
    moving.offset += NEGATIVE + 1
    assert (await door.authenticate(RawToken(TOKEN))).name == "alice"


@pytest.mark.parametrize(
    "answers", [(500, "{}", "application/json"), (200, "<html>", "text/html"), (401, "<html>", "text/html")]
)
async def test_a_failure_is_503_and_not_remembered(fake: FakeKBase, door: Authenticator, answers: Any) -> None:
    fake.login(TOKEN, "alice", answers=answers)
    refused = await refusal(door, TOKEN)
    assert (refused.status, refused.retry_after) == (503, 5)
    fake.login(TOKEN, "alice")
    assert (await door.authenticate(RawToken(TOKEN))).name == "alice"


async def test_an_outage_does_not_touch_those_who_are_remembered(fake: FakeKBase, door: Authenticator) -> None:
    fake.login(TOKEN, "alice")
    await door.authenticate(RawToken(TOKEN))
    fake.delay = 5
    assert (await door.authenticate(RawToken(TOKEN))).name == "alice"
    started = time.monotonic()
    assert isinstance(await refusal(door, TOKEN[::-1]), IdentityProviderUnavailable)
    assert time.monotonic() - started < 3


async def test_many_at_once_ask_once(fake: FakeKBase, door: Authenticator) -> None:
    fake.login(TOKEN, "alice", delay=0.05)
    found = await asyncio.gather(*(door.authenticate(RawToken(TOKEN)) for _ in range(100)))
    assert {principal.name for principal in found} == {"alice"}
    assert len(fake.asked) == 2


async def test_a_caller_that_goes_away_takes_nobody_along(fake: FakeKBase, door: Authenticator) -> None:
    fake.login(TOKEN, "alice", delay=0.1)
    first, second = (asyncio.create_task(door.authenticate(RawToken(TOKEN))) for _ in range(2))
    await asyncio.sleep(0.02)
    first.cancel()
    assert (await second).name == "alice"


async def test_a_refusal_that_nobody_waits_for_disturbs_nobody(fake: FakeKBase, door: Authenticator) -> None:
    fake.login(TOKEN, "alice", delay=0.05, answers=(500, "{}", "application/json"))
    complaints: list[Any] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _loop, context: complaints.append(context))
    try:
        alone = asyncio.create_task(door.authenticate(RawToken(TOKEN)))
        await asyncio.sleep(0.01)
        alone.cancel()
        await asyncio.gather(alone, return_exceptions=True)
        del alone
        await asyncio.sleep(0.2)
        gc.collect()  # an exception that nobody has looked at is reported now
    finally:
        loop.set_exception_handler(None)
    assert complaints == []


async def test_a_flood_of_invented_tokens_is_held_at_the_door(fake: FakeKBase, door: Authenticator) -> None:
    fake.delay = 0.4
    tokens = [f"INVENTED{number:024}" for number in range(6 * MAX_ASKING)]
    found = await asyncio.gather(*(refusal(door, token) for token in tokens))
    assert {refused.status for refused in found} == {401, 503}
    assert len(fake.asked) <= 4 * MAX_ASKING


@pytest.mark.parametrize(
    "token",
    [
        "vlt_0123456789012345678901234567",
        "short",
        "A" * 257,
        "with/slash/with/slash/with/slash",
        "a.b",
        "..",
        "a+b+c+d+e==",
    ],
)
async def test_what_is_no_kbase_token_is_never_shown_to_kbase(fake: FakeKBase, door: Authenticator, token: str) -> None:
    assert isinstance(await refusal(door, token), InvalidToken)
    assert fake.asked == []


async def test_the_token_is_not_kept_in_memory(fake: FakeKBase, door: Authenticator) -> None:
    fake.login(TOKEN, "alice")
    await door.authenticate(RawToken(TOKEN))
    await refusal(door, TOKEN[::-1])
    await asyncio.sleep(0)
    gc.collect()
    assert door._kbase is not None
    remembered = repr(vars(door._kbase._logins)) + repr(vars(door._kbase._refusals))
    assert TOKEN not in remembered
    assert TOKEN[::-1] not in remembered
    held = [item for item in gc.get_objects() if isinstance(item, RawToken)]
    assert not [item for item in held if item.reveal() in (TOKEN, TOKEN[::-1])]


async def test_readiness_asks_the_service_itself(fake: FakeKBase, door: Authenticator, moving: Moving) -> None:
    assert await door.ready() == {"kbase": True}
    fake.provider.documents[fake.path] = {"servicename": "Something Else"}
    assert await door.ready() == {"kbase": True}  # asked lately
    moving.offset += 11
    assert await door.ready() == {"kbase": False}


# Against the emulator that the development stack runs ----------------------------------------------------------------


async def test_the_emulator_through_all_its_moods(kbase: Emulator, moving: Moving, trust_file: Path) -> None:
    async with opened(trust_file, kbase.url, moving) as door:

        async def later(token: str) -> object:
            moving.offset += CACHE + 1
            try:
                return (await door.authenticate(RawToken(token))).name
            except VendError as refused:
                return refused.status, refused.code

        alice, carol = kbase.token("alice"), kbase.token("carol")
        assert await later(alice) == "alice"
        assert (await door.authenticate(RawToken(carol))).admin
        for fault in ("500", "503", "html", "nonsense", "huge"):
            kbase.break_down(fault)
            assert await later(alice) == (503, "identity_provider_unavailable"), fault
        kbase.break_down(delay=3)
        assert await later(alice) == (503, "identity_provider_unavailable")
        kbase.recover()
        assert await later(alice) == "alice"
        kbase.set_roles("alice", ["OTHER"])
        assert await later(alice) == (403, "role_required")
        kbase.reset()
        assert await later(kbase.issue("alice", mfa="NotUsed")) == (403, "role_required")
        assert await later(kbase.issue("alice", seconds=-5)) == (401, "invalid_token")
        assert await later(kbase.issue("bob", kind="Developer")) == "bob"
        fresh = kbase.issue("bob")
        assert await later(fresh) == "bob"
        kbase.revoke(fresh)
        assert (await door.authenticate(RawToken(fresh))).name == "bob"  # bounded, and documented
        assert await later(fresh) == (401, "invalid_token")
