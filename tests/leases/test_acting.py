"""Leases that somebody began for another: they are renewed for as long as that one may act for their user."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from tests.leases.renewals import DAY, ORIGIN, TRUST, token_of
from tests.support.callers import caller
from tests.support.shop import KBASE_DATA, Shop, ask
from vendor.errors import LeaseEnded, RoleRequired
from vendor.identity.acting import on_behalf
from vendor.identity.principal import PrincipalKind
from vendor.identity.trust import load_trust
from vendor.leases.renewing import Renewing
from vendor.leases.repeating import Repeating
from vendor.names import UserName
from vendor.policy.grant import Level
from vendor.secret import RawToken

CAROL = caller("carol", admin=True)
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
