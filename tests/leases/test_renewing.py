"""Leases that are renewed for days: what each renewal gives, and what ends it."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from tests.leases.renewals import DAY, ORIGIN, TRUST, token_of
from tests.support.callers import caller
from tests.support.house import KBASE
from tests.support.shop import KBASE_DATA, Shop, ask, nothing
from vendor.errors import (
    InvalidDuration,
    InvalidToken,
    LeaseEnded,
    NothingGranted,
    RoleRequired,
    StateUnavailable,
    UnknownLease,
    UnknownUser,
)
from vendor.identity.trust import load_trust
from vendor.leases import register
from vendor.names import UserName
from vendor.policy.grant import Access, Level
from vendor.secret import RawToken
from vendor.times import rfc3339

CAROL = caller("carol", admin=True)


async def test_a_three_day_job(shop: Shop) -> None:
    """Renewals go on through a lost membership, which narrows them, until the hard limit."""
    days = ask(
        (KBASE_DATA, Level.READ), ("s3://cdm-lake/users-general-warehouse/bob/", Level.WRITE), renewable_for=90_000
    )
    first = await shop.vending.vend(caller("bob"), days)
    token = token_of(first)
    start = shop.house.clock.now
    seen = []
    while True:
        shop.house.clock.now += 3000
        if shop.house.clock.now - start == 45_000:
            await shop.house.members.remove(CAROL, KBASE, UserName("bob"), revision=None)
        try:
            renewed = await shop.renewing.renew(token, ORIGIN)
        except LeaseEnded:
            break
        assert renewed.lease.id == first.lease.id
        assert renewed.token is None
        assert renewed.lease.expires_at <= start + 90_000
        seen.append(len(renewed.lease.scope))

    assert shop.house.clock.now == start + 90_000
    assert seen == [2] * 14 + [1] * 15
    assert shop.store.orders[-1].renewals == 29
    assert len({order.subject for order in shop.store.orders}) == 30
    kinds = [event["kind"] for event in await shop.events()]
    assert kinds == ["vend.issued"] + ["vend.renewed"] * 29


async def test_what_comes_back_is_in_the_next_renewal(shop: Shop) -> None:
    token = token_of(await shop.vending.vend(caller("bob"), ask((KBASE_DATA, Level.READ), renewable_for=DAY)))
    await shop.house.members.remove(CAROL, KBASE, UserName("bob"), revision=None)
    with pytest.raises(NothingGranted):
        await shop.renewing.renew(token, ORIGIN)

    await shop.house.members.set(CAROL, KBASE, UserName("bob"), Access.READ_ONLY, revision=None)

    assert (await shop.renewing.renew(token, ORIGIN)).lease.scope


async def test_the_last_keys_end_with_the_lease(shop: Shop) -> None:
    token = token_of(await shop.vending.vend(caller("bob"), ask(duration=60, renewable_for=100)))
    shop.house.clock.now += 90

    renewed = await shop.renewing.renew(token, ORIGIN)

    assert shop.store.orders[-1].seconds == 10
    assert renewed.lease.expires_at == renewed.lease.renewable_until
    shop.house.clock.now += 6  # less is left than the shortest keys would last
    with pytest.raises(LeaseEnded):
        await shop.renewing.renew(token, ORIGIN)


async def test_a_principal_s_own_maximum_ends_the_renewals_too(shop: Shop) -> None:
    issued = await shop.vending.vend(caller("bob", max_lease_seconds=50), ask(renewable_for=DAY))

    assert issued.lease.renewable_until == shop.house.clock.now + 50


@pytest.mark.parametrize("seconds", [0, -1, 100_001])
async def test_renewable_for_has_bounds(shop: Shop, seconds: int) -> None:
    with pytest.raises(InvalidDuration):
        await shop.vending.vend(caller("bob"), ask(renewable_for=seconds))


async def test_a_lease_without_a_token_is_not_renewed(shop: Shop) -> None:
    issued = await shop.vending.vend(caller("bob"), ask())

    assert issued.token is None
    forged = RawToken(f"vlt_{issued.lease.id.removeprefix('l_')}_{'A' * 43}")
    with pytest.raises(InvalidToken):
        await shop.renewing.renew(forged, ORIGIN)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda text: text[:-1] + ("A" if text[-1] != "A" else "B"), id="last-character"),
        pytest.param(lambda text: text.replace("vlt_", "vlt_" + "a" * 20 + "_"), id="longer"),
        pytest.param(lambda text: text[:4] + "a" * 20 + text[24:], id="another-lease"),
        pytest.param(lambda _: "vlt_", id="empty"),
        pytest.param(lambda _: "vlt_../../x_y", id="path"),
    ],
)
async def test_a_wrong_token_opens_nothing(shop: Shop, change: object) -> None:
    token = token_of(await shop.vending.vend(caller("bob"), ask(renewable_for=DAY)))

    with pytest.raises(InvalidToken):
        await shop.renewing.renew(RawToken(change(token.reveal())), ORIGIN)  # type: ignore[operator]


async def test_only_the_hash_of_a_token_is_kept(shop: Shop) -> None:
    issued = await shop.vending.vend(caller("bob"), ask(renewable_for=DAY))

    kept = await shop.house.database.get_hash(f"vendor:lease:{issued.lease.id}")
    assert token_of(issued).reveal() not in json.dumps(kept)
    assert len(kept["token_sha256"]) == 64


async def test_a_revoked_lease_is_not_renewed_and_repeat_answers_the_same(shop: Shop) -> None:
    issued = await shop.vending.vend(caller("bob"), ask(renewable_for=DAY))

    first = await shop.ending.end(caller("bob"), issued.lease.id)
    shop.house.clock.now += 10
    second = await shop.ending.end(CAROL, issued.lease.id)

    assert first == second
    assert first.effective == "at_expiry"
    with pytest.raises(LeaseEnded):
        await shop.renewing.renew(token_of(issued), ORIGIN)
    with pytest.raises(LeaseEnded):
        await shop.renewing.open(token_of(issued))
    assert len(shop.store.orders) == 1, "no keys are made for a lease that was ended"
    assert (await shop.house.kinds()).count("lease.revoked") == 1


async def test_a_lease_that_is_ended_while_it_is_renewed_gives_no_keys(shop: Shop) -> None:
    issued = await shop.vending.vend(caller("bob"), ask(renewable_for=DAY))

    async def end() -> None:
        shop.store.meanwhile = nothing
        await shop.ending.end(caller("bob"), issued.lease.id)

    shop.store.meanwhile = end
    with pytest.raises(LeaseEnded):
        await shop.renewing.renew(token_of(issued), ORIGIN)
    kinds = await shop.house.kinds()
    assert "vend.renewed" not in kinds


async def test_who_may_end_a_lease(shop: Shop) -> None:
    issued = await shop.vending.vend(caller("bob"), ask())

    with pytest.raises(UnknownLease):
        await shop.ending.end(caller("alice"), issued.lease.id)
    with pytest.raises(RoleRequired):
        await shop.ending.end_all(caller("alice"), UserName("bob"))
    ended = await shop.ending.end_all(CAROL, UserName("bob"))
    assert [one.lease for one in ended] == [issued.lease.id]


async def test_an_ended_lease_is_ended_again_with_all_only_while_its_keys_may_work(shop: Shop) -> None:
    first = await shop.vending.vend(caller("bob"), ask(duration=60, renewable_for=DAY))
    await shop.ending.end(caller("bob"), first.lease.id)
    second = await shop.vending.vend(caller("bob"), ask(duration=90, renewable_for=DAY))

    async def ended() -> set[str]:
        return {one.lease for one in await shop.ending.end_all(CAROL, UserName("bob"))}

    assert await ended() == {first.lease.id, second.lease.id}
    shop.house.clock.now += 60
    assert await ended() == {second.lease.id}
    shop.house.clock.now += 30
    assert await ended() == set()


async def test_a_deleted_user_s_lease_is_not_renewed_and_makes_nobody_known(shop: Shop) -> None:
    token = token_of(await shop.vending.vend(caller("bob"), ask(renewable_for=DAY)))
    await shop.house.removal.of_user(CAROL, UserName("bob"), force=True, revision=None)

    with pytest.raises(LeaseEnded):
        await shop.renewing.renew(token, ORIGIN)

    with pytest.raises(UnknownUser):
        await shop.house.users.view(CAROL, UserName("bob"))


async def test_nor_is_it_when_somebody_else_has_the_name(shop: Shop) -> None:
    token = token_of(await shop.vending.vend(caller("bob"), ask(renewable_for=DAY)))
    await shop.house.removal.of_user(CAROL, UserName("bob"), force=True, revision=None)
    shop.house.clock.now += 3600
    theirs = token_of(await shop.vending.vend(caller("bob"), ask(renewable_for=DAY)))

    with pytest.raises(LeaseEnded):
        await shop.renewing.renew(token, ORIGIN)
    assert (await shop.renewing.renew(theirs, ORIGIN)).lease.scope


async def test_the_end_that_is_told_is_that_of_the_newest_keys(shop: Shop) -> None:
    issued = await shop.vending.vend(caller("bob"), ask(duration=60, renewable_for=DAY))
    read = await shop.ending.register.get(issued.lease.id)
    assert read is not None
    shop.house.clock.now += 50
    renewed = await shop.renewing.renew(token_of(issued), ORIGIN)

    ended = await shop.ending.end_kept(CAROL, read)

    assert ended.at_latest == rfc3339(renewed.lease.expires_at)
    with pytest.raises(LeaseEnded):
        await shop.renewing.renew(token_of(issued), ORIGIN)


async def test_all_leases_are_ended_however_many_there_are(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not only so many of those that would end first: somebody could hide a long one behind many short ones."""
    monkeypatch.setattr(register, "READ_AT_ONCE", 2)
    tokens = [
        token_of(await shop.vending.vend(caller("bob"), ask(renewable_for=seconds))) for seconds in (100, 100, 100, DAY)
    ]

    ended = await shop.ending.end_all(CAROL, UserName("bob"))

    assert len(ended) == 4
    for token in tokens:
        with pytest.raises(LeaseEnded):
            await shop.renewing.renew(token, ORIGIN)


async def test_a_damaged_record_is_no_lease(shop: Shop) -> None:
    issued = await shop.vending.vend(caller("bob"), ask(renewable_for=DAY))
    await shop.house.database._client.hset(f"vendor:lease:{issued.lease.id}", "holder", '{"name": "Admin"}')

    with pytest.raises(StateUnavailable):
        await shop.renewing.renew(token_of(issued), ORIGIN)


async def test_a_removed_trust_rule_ends_renewals_and_a_shorter_one_shortens_them(shop: Shop, tmp_path: Path) -> None:
    file = tmp_path / "trust.toml"
    file.write_text(TRUST)
    bob = caller("bob")
    who = replace(bob, principal=replace(bob.principal, trusted_by="lab", rule="people"))
    token = token_of(await shop.vending.vend(who, ask(duration=60, renewable_for=DAY)))
    renewing = replace(shop.renewing, trust=load_trust(file))
    assert (await renewing.renew(token, ORIGIN)).lease.scope

    file.write_text(TRUST + "max_lease_seconds = 30\n")
    shorter = await replace(renewing, trust=load_trust(file)).renew(token, ORIGIN)
    assert shorter.lease.expires_at <= shop.house.clock.now + 30
    shop.house.clock.now += 40
    with pytest.raises(LeaseEnded):
        await replace(renewing, trust=load_trust(file)).renew(token, ORIGIN)

    file.write_text(TRUST.replace("people", "nobody"))
    with pytest.raises(LeaseEnded):
        await replace(renewing, trust=load_trust(file)).renew(token, ORIGIN)
    assert (await shop.events())[-1]["reason"] == "lease_ended"
