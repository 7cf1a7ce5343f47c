"""Leases that are renewed for days: what each renewal gives, and what ends it."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.callers import caller
from tests.support.house import KBASE
from tests.support.shop import KBASE_DATA, Shop, ask, nothing
from vendor.audit.event import Origin
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
from vendor.identity.acting import on_behalf
from vendor.identity.principal import PrincipalKind
from vendor.identity.trust import load_trust
from vendor.leases import register
from vendor.leases.lease import Issued
from vendor.leases.renewing import Renewing
from vendor.leases.repeating import Repeating
from vendor.names import UserName
from vendor.policy.grant import Access, Level
from vendor.secret import RawToken
from vendor.times import rfc3339

ORIGIN = Origin(request_id="r_renew", door="test")
DAY = 86_400
TRUST = """\
version = 1
[[issuer]]
name = "lab"
url = "https://idp.example.org"
audiences = ["vendor"]
algorithms = ["ES256"]
tokens = ["id"]
[[issuer.rule]]
name = "people"
"""
HUBS = """\
[[issuer]]
name = "hubs"
url = "https://hubs.example.org"
prefix = "svc."
audiences = ["vendor"]
algorithms = ["ES256"]
tokens = ["workload"]
[[issuer.rule]]
name = "hub"
kind = "workload"
as = "svc.hub"
may_act_for = ["lab"]
"""
CAROL = caller("carol", admin=True)


def token_of(issued: Issued) -> RawToken:
    assert issued.token is not None
    return RawToken(issued.token.reveal())


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


# Leases that somebody began for another -----------------------------------------------------------------------------


@pytest.fixture
async def by_hub(shop: Shop, tmp_path: Path) -> tuple[Renewing, RawToken, Path]:
    """Renewals under a trust file, and the token of a lease of bob's that a hub began."""
    file = tmp_path / "trust.toml"
    file.write_text(TRUST + HUBS)
    bob, hub = caller("bob"), caller("svc.hub")
    who = replace(bob.principal, trusted_by="lab", rule="people")
    itself = replace(hub.principal, kind=PrincipalKind.WORKLOAD, issuer="https://hubs.example.org", has_home=False,
                     trusted_by="hubs", rule="hub", may_act_for=frozenset({"lab"}))  # fmt: skip
    await shop.house.users.standing(replace(hub, principal=itself))
    issued = await shop.vending.vend(replace(bob, principal=on_behalf(who, itself)), ask(renewable_for=DAY))
    return replace(shop.renewing, trust=load_trust(file)), token_of(issued), file


By = tuple[Renewing, RawToken, Path]


def open_repeating(renewing: Renewing, shop: Shop) -> Repeating:
    return Repeating(renewing, shop.house.database, "vendor", "{vendor}:rev")


async def test_a_lease_that_a_hub_began_is_renewed_while_the_hub_may(shop: Shop, by_hub: By) -> None:
    renewing, token, _ = by_hub

    assert (await renewing.renew(token, ORIGIN)).lease.scope
    assert (await open_repeating(renewing, shop).current(token, ORIGIN)).lease


async def test_it_is_not_once_the_rule_does_not_let_the_hub_act(shop: Shop, by_hub: By) -> None:
    renewing, token, file = by_hub
    file.write_text(TRUST + HUBS.replace('may_act_for = ["lab"]', ""))
    renewing = replace(renewing, trust=load_trust(file))

    with pytest.raises(LeaseEnded):
        await renewing.renew(token, ORIGIN)
    with pytest.raises(LeaseEnded):
        await open_repeating(renewing, shop).current(token, ORIGIN)
    assert (await shop.events())[-1]["reason"] == "lease_ended"


async def test_a_renewal_keeps_within_the_scope_of_the_hub(by_hub: By) -> None:
    renewing, token, file = by_hub
    file.write_text(TRUST + HUBS + f'scope = [{{ path = "{KBASE_DATA}" }}]\n')

    renewed = await replace(renewing, trust=load_trust(file)).renew(token, ORIGIN)

    assert [(one.ask.path.text, one.ask.level) for one in renewed.lease.scope] == [(KBASE_DATA, Level.READ)]


async def test_nor_once_the_account_of_the_hub_is_disabled(shop: Shop, by_hub: By) -> None:
    """Also the live keys are not given again: the change of governance is noticed."""
    renewing, token, _ = by_hub
    repeating = open_repeating(renewing, shop)
    assert (await repeating.current(token, ORIGIN)).lease
    hub = UserName("svc.hub")
    await shop.house.users.patch(CAROL, hub, {"disabled": True}, revision=None)

    with pytest.raises(RoleRequired):
        await renewing.renew(token, ORIGIN)
    with pytest.raises(RoleRequired):
        await repeating.current(token, ORIGIN)

    await shop.house.users.patch(CAROL, hub, {"disabled": False}, revision=None)
    assert (await renewing.renew(token, ORIGIN)).lease.scope


async def test_nor_once_it_is_deleted_whoever_has_its_name_later(shop: Shop, by_hub: By) -> None:
    renewing, token, _ = by_hub
    await shop.house.removal.of_user(CAROL, UserName("svc.hub"), force=True, revision=None)
    with pytest.raises(LeaseEnded):
        await renewing.renew(token, ORIGIN)

    shop.house.clock.now += 600
    await shop.house.users.create(CAROL, UserName("svc.hub"), None, None)

    with pytest.raises(LeaseEnded):
        await renewing.renew(token, ORIGIN)


async def test_an_actor_whose_rule_was_not_kept_ends_the_lease(shop: Shop, by_hub: By) -> None:
    """As records of earlier releases are."""
    renewing, token, _ = by_hub
    key = f"vendor:lease:{(await renewing.open(token)).id}"
    holder = json.loads((await shop.house.database.get_hash(key))["holder"])
    del holder["acted_by_rule"]
    await shop.house.database._client.hset(key, "holder", json.dumps(holder))

    with pytest.raises(LeaseEnded):
        await renewing.renew(token, ORIGIN)
