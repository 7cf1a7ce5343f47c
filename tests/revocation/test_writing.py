"""Documents follow governance whatever happens meanwhile: failures, crashes, races, time."""

import asyncio
import json
from collections.abc import AsyncIterator

import pytest

from tests.support.callers import caller
from tests.support.house import KBASE, House
from tests.support.shop import KBASE_DATA, ask
from tests.support.vault import Guarded, nothing, open_guarded
from vendor.errors import Conflict, LeaseEnded, PolicyTooLarge, StoreUnavailable
from vendor.governance.records import Target, TargetKind
from vendor.leases.ceilings import worker as worker_module
from vendor.leases.ceilings.sweep import EVERY
from vendor.leases.ceilings.writer import DOUBT
from vendor.leases.lease import Lease
from vendor.names import TenantName, UserName, parse_s3_path
from vendor.policy.grant import Access, Level
from vendor.stewardship.shares import Offer
from vendor.stewardship.tenants import Metadata
from vendor.times import rfc3339

BOB, ALICE, CAROL = caller("bob"), caller("alice"), caller("carol", admin=True)
HOME = "cdm-lake/users-general-warehouse/bob/"
DATA = "cdm-lake/tenant-general-warehouse/kbase/"
GIVEN = "cdm-lake/users-general-warehouse/alice/given/"


@pytest.fixture
async def guarded(house: House) -> AsyncIterator[Guarded]:
    made = open_guarded(house)
    await made.worker.database.join_group(made.worker.stream, worker_module.GROUP)
    yield made
    await made.shop.close()
    await made.aftermath.close()


async def leased(guarded: Guarded, **more: object) -> Lease:
    return (await guarded.shop.vending.vend(BOB, ask(**more))).lease


async def leave(house: House) -> None:
    await house.members.remove(CAROL, KBASE, UserName("bob"), revision=None)


async def join(house: House) -> None:
    await house.members.set(CAROL, KBASE, UserName("bob"), Access.READ_ONLY, revision=None)


async def share(house: House, expires_at: float | None = None) -> None:
    targets = (Target(TargetKind.USER, "bob"),)
    await house.shares.create(ALICE, Offer(parse_s3_path(f"s3://{GIVEN}"), targets, Level.READ, expires_at))


async def test_the_documents_are_there_before_the_keys(guarded: Guarded) -> None:
    seen: list[bool] = []

    async def look() -> None:
        (order,) = guarded.shop.store.orders
        seen.append(guarded.vault.allows(order.ceiling, "cdm-lake", HOME.partition("/")[2]))

    guarded.shop.store.meanwhile = look
    lease = await leased(guarded)

    assert seen == [True]
    assert guarded.may(lease, DATA)
    assert not guarded.may(lease, "cdm-lake/users-general-warehouse/alice/")


async def test_keys_are_not_asked_for_when_the_documents_cannot_be_written(guarded: Guarded) -> None:
    guarded.vault.away = True
    with pytest.raises(StoreUnavailable):
        await leased(guarded)
    assert guarded.shop.store.orders == []


async def test_a_lease_in_a_slot_that_was_used_before_writes_nothing(guarded: Guarded) -> None:
    await leased(guarded)
    guarded.shop.house.clock.now += 1000
    before = len(guarded.vault.writes)

    await leased(guarded)

    assert len(guarded.vault.writes) == before


async def test_a_slot_that_was_used_long_ago_is_brought_up_to_date(guarded: Guarded) -> None:
    await leased(guarded)
    guarded.shop.house.clock.now += 1000
    await leave(guarded.shop.house)

    assert not guarded.may(await leased(guarded), DATA)


async def test_what_is_lost_while_the_store_issues_keys_is_in_no_document(guarded: Guarded) -> None:
    async def lose() -> None:
        guarded.shop.store.meanwhile = nothing
        await leave(guarded.shop.house)

    guarded.shop.store.meanwhile = lose
    lease = await leased(guarded)

    assert [granted.source for granted in lease.scope] == ["home", "home"]
    assert not guarded.may(lease, DATA)


async def test_what_is_lost_while_documents_are_written_is_written_again(guarded: Guarded) -> None:
    async def lose() -> None:
        guarded.vault.meanwhile = nothing
        await leave(guarded.shop.house)

    guarded.vault.meanwhile = lose
    lease = await leased(guarded)

    assert not guarded.may(lease, DATA)
    assert guarded.may(lease, HOME)


async def test_the_feed_alone_is_enough(guarded: Guarded) -> None:
    lease = await leased(guarded)
    await leave(guarded.shop.house)
    assert guarded.may(lease, DATA)

    await guarded.worker.turn()

    assert not guarded.may(lease, DATA)


async def test_a_change_stands_while_the_store_is_away_and_acts_once_it_is_back(guarded: Guarded) -> None:
    lease = await leased(guarded)
    guarded.vault.away = True
    await leave(guarded.shop.house)
    await guarded.aftermath([f'{{"kind":"tenant.member_removed","user":"bob","tenant":"{KBASE}","event_id":"e_1"}}'])
    assert guarded.may(lease, DATA)
    assert await guarded.writer.unsettled.overdue(guarded.shop.house.clock.now + 60) == ["bob"]

    guarded.vault.away = False
    guarded.shop.house.clock.now += 10
    await guarded.worker.turn()

    assert not guarded.may(lease, DATA)
    assert await guarded.writer.unsettled.overdue(guarded.shop.house.clock.now + 60) == []


async def test_who_dies_between_writing_and_looking_leaves_the_work_to_others(
    guarded: Guarded, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was written, but nobody knows: another replica writes it again, since what is there may be older."""
    lease = await leased(guarded)
    await leave(guarded.shop.house)
    with monkeypatch.context() as patched:
        patched.setattr(type(guarded.writer.slots), "written", died)
        with pytest.raises(RuntimeError):
            await guarded.writer.settle(UserName("bob"))
    guarded.vault.documents = dict.fromkeys(guarded.vault.documents, "stale")
    other = open_guarded(guarded.shop.house, guarded.vault)

    guarded.shop.house.clock.now += 60
    await other.worker._overdue()

    assert guarded.may(lease, HOME)
    assert not guarded.may(lease, DATA)


async def died(*_: object) -> None:
    raise RuntimeError("killed")


async def test_what_a_replica_read_and_did_not_deal_with_is_dealt_with_by_another(
    guarded: Guarded, monkeypatch: pytest.MonkeyPatch
) -> None:
    lease = await leased(guarded)
    await leave(guarded.shop.house)
    stream, group = guarded.worker.stream, worker_module.GROUP
    assert await guarded.worker.database.read_group(stream, group, "dead", 1000)
    other = open_guarded(guarded.shop.house, guarded.vault)
    monkeypatch.setattr(worker_module, "TAKEN_OVER", 0.0)

    await other.worker._read()

    assert not guarded.may(lease, DATA)
    assert await guarded.worker.database.take_over(stream, group, "last", idle_seconds=0, count=10) == []


async def test_two_replicas_that_write_at_once_end_with_what_holds(guarded: Guarded) -> None:
    other = open_guarded(guarded.shop.house, guarded.vault)
    lease = await leased(guarded)
    house = guarded.shop.house

    async def back_and_forth() -> None:
        for _ in range(5):
            await leave(house)
            await join(house)
        await leave(house)

    async def write(who: Guarded) -> None:
        for _ in range(15):
            await who.writer.settle(UserName("bob"))

    await asyncio.gather(back_and_forth(), write(guarded), write(other))
    await guarded.worker.turn()

    assert not guarded.may(lease, DATA)
    assert guarded.may(lease, HOME)


async def test_a_share_that_ends_is_gone_from_documents(guarded: Guarded) -> None:
    house = guarded.shop.house
    lease = await leased(guarded, duration=3000)
    await share(house, house.clock.now + 600)
    await guarded.worker.turn()
    assert guarded.may(lease, GIVEN)

    house.clock.now += 601
    await guarded.worker.turn()

    assert not guarded.may(lease, GIVEN)
    assert guarded.may(lease, HOME)


async def many(house: House, count: int = 40) -> list[str]:
    """Make bob a member of so many tenants that no session policy holds them."""
    names = [TenantName(f"tenant{number:03}") for number in range(count)]
    for name in names:
        await house.tenants.put(CAROL, name, Metadata(name), revision=None)
        await house.members.set(CAROL, name, UserName("bob"), Access.READ_ONLY, revision=None)
    return [f"cdm-lake/tenant-general-warehouse/{name}/" for name in names]


async def test_everything_that_fits_no_session_policy_needs_none(guarded: Guarded) -> None:
    paths = await many(guarded.shop.house)
    lease = await leased(guarded)

    assert lease.form == "ceiling"
    assert guarded.shop.store.orders[-1].policy is None
    assert all(guarded.may(lease, path) for path in (*paths, HOME, DATA))


async def test_a_part_that_fits_no_session_policy_has_documents_of_its_own(guarded: Guarded) -> None:
    paths = await many(guarded.shop.house)
    scope = ask(*((f"s3://{path}", Level.READ) for path in paths[1:]))
    lease = (await guarded.shop.vending.vend(BOB, scope)).lease

    assert lease.form == "ceiling"
    assert all(guarded.may(lease, path) for path in paths[1:])
    assert not any(guarded.may(lease, path) for path in (paths[0], HOME, DATA))
    await guarded.shop.house.members.remove(CAROL, TenantName("tenant002"), UserName("bob"), revision=None)
    await guarded.worker.turn()
    assert [path for path in paths[1:] if not guarded.may(lease, path)] == [paths[2]]


async def test_a_part_that_fits_no_session_policy_is_refused_where_no_slot_is_free(house: House) -> None:
    guarded = open_guarded(house, own=1)
    paths = await many(house)
    await leased(guarded)

    with pytest.raises(PolicyTooLarge):
        await guarded.shop.vending.vend(BOB, ask(*((f"s3://{path}", Level.READ) for path in paths)))
    assert (await leased(guarded)).form == "ceiling"


async def test_a_lease_is_ended_at_once_only_if_that_was_seen(guarded: Guarded) -> None:
    lease = await leased(guarded)
    guarded.vault.away = True
    first = await guarded.shop.ending.end(BOB, lease.id)
    assert (first.effective, first.how) == ("at_expiry", "expiry")

    guarded.vault.away = False
    second = await guarded.shop.ending.end(BOB, lease.id)

    assert (second.effective, second.how) == ("now", "ceiling")
    assert not guarded.may(lease, HOME)
    assert (await guarded.shop.ending.end(BOB, lease.id)).answer() == second.answer()


async def test_older_keys_of_a_lease_in_a_shared_slot_are_not_said_to_be_over(house: House) -> None:
    guarded = open_guarded(house, own=1)
    alone = await leased(guarded)
    shared = (await guarded.shop.vending.vend(BOB, ask(duration=600, renewable_for=90_000))).lease
    await guarded.shop.ending.end(BOB, alone.id)
    kept = await guarded.shop.vending.register.get(shared.id)
    assert kept is not None
    await guarded.shop.renewing.renew_opened(kept, kept.ask, BOB.origin)

    assert (await guarded.shop.ending.end(BOB, shared.id)).effective == "at_expiry"


async def test_a_lease_that_is_ended_while_its_keys_are_made_is_not_given(guarded: Guarded) -> None:
    async def end() -> None:
        guarded.shop.store.meanwhile = nothing
        await guarded.writer.slots.end(UserName("bob"), None)

    guarded.shop.store.meanwhile = end
    with pytest.raises(Conflict):
        await leased(guarded)
    issued = await guarded.shop.vending.vend(BOB, ask(renewable_for=90_000))
    kept = await guarded.shop.vending.register.get(issued.lease.id)
    assert kept is not None
    await guarded.writer.slots.end(UserName("bob"), issued.lease.id)
    with pytest.raises(LeaseEnded):
        await guarded.shop.renewing.renew_opened(kept, kept.ask, BOB.origin)


async def test_documents_of_unused_slots_are_removed_and_nothing_else(guarded: Guarded) -> None:
    house = guarded.shop.house
    old = await leased(guarded)
    await leased(guarded)
    house.clock.now += 10_000
    new = await leased(guarded)
    guarded.vault.documents |= {"readonly": "{}", "vendor-lease": "{}", "vendor-ceiling-3-0-dave": "{}"}

    await guarded.worker.sweep.run()

    assert set(guarded.vault.documents) == {*new.ceiling, "readonly", "vendor-lease"}
    assert old.ceiling == new.ceiling
    again = await leased(guarded)
    assert again.ceiling != new.ceiling
    assert guarded.may(again, HOME)
    assert EVERY > 0


async def test_nothing_is_removed_where_that_would_harm_others(house: House) -> None:
    guarded = open_guarded(house, removes=False)
    old, other = await leased(guarded), await leased(guarded)
    house.clock.now += 10_000

    await guarded.worker.sweep.run()

    assert {*old.ceiling, *other.ceiling} <= set(guarded.vault.documents)
    assert (await leased(guarded)).ceiling == old.ceiling, "used again"
    await guarded.shop.close()
    await guarded.aftermath.close()


async def test_a_renewal_of_everything_follows_governance_in_its_own_slot(guarded: Guarded) -> None:
    issued = await guarded.shop.vending.vend(BOB, ask((KBASE_DATA, Level.READ), renewable_for=90_000))
    kept = await guarded.shop.vending.register.get(issued.lease.id)
    assert kept is not None
    renewed = await guarded.shop.renewing.renew_opened(kept, kept.ask, BOB.origin)

    assert renewed.lease.ceiling == issued.lease.ceiling
    assert (await guarded.shop.ending.end(BOB, renewed.lease.id)).effective == "now"


async def test_a_store_that_says_it_wrote_and_did_not_is_found_out(guarded: Guarded) -> None:
    lease = await leased(guarded)

    async def keep_nothing(_name: str, _text: str) -> None:
        return None

    guarded.vault.put = keep_nothing  # type: ignore[method-assign,assignment]  # a store that lies
    ended = await guarded.shop.ending.end(BOB, lease.id)

    assert guarded.may(lease, HOME)
    assert (ended.effective, ended.how) == ("at_expiry", "expiry")
    assert ended.at_latest == rfc3339(lease.expires_at)


async def test_what_a_stuck_store_does_late_does_not_stay(guarded: Guarded) -> None:
    """It was given up on, what is true now was written, and only then the store does what it was asked before."""
    lease = await leased(guarded)
    stuck: list[tuple[str, str]] = []

    async def get_stuck(name: str, text: str) -> None:
        stuck.append((name, text))
        raise StoreUnavailable("No answer.")

    put, guarded.vault.put = guarded.vault.put, get_stuck  # type: ignore[method-assign]
    await guarded.shop.house.members.set(CAROL, KBASE, UserName("bob"), Access.READ_WRITE, revision=None)
    assert not await guarded.worker.effects.settled(UserName("bob"))
    guarded.vault.put = put  # type: ignore[method-assign]
    await leave(guarded.shop.house)
    guarded.shop.house.clock.now += 10
    await guarded.worker.turn()
    assert not guarded.may(lease, DATA)

    for name, text in stuck:
        await put(name, text)
    assert guarded.may(lease, DATA)
    guarded.shop.house.clock.now += DOUBT
    await guarded.worker.turn()

    assert not guarded.may(lease, DATA)
    assert await guarded.writer.doubted.overdue(guarded.shop.house.clock.now + 600) == []


async def test_a_change_that_could_not_be_dealt_with_stays_in_the_feed(guarded: Guarded) -> None:
    await leased(guarded)
    await leave(guarded.shop.house)
    guarded.vault.away = True
    await guarded.worker._read()
    stream, group = guarded.worker.stream, worker_module.GROUP

    assert await guarded.worker.database.take_over(stream, group, "other", idle_seconds=0, count=100)


async def test_all_leases_of_somebody_disabled_are_ended_once_by_request_and_feed(guarded: Guarded) -> None:
    house = guarded.shop.house
    lease = await leased(guarded)
    await house.users.patch(CAROL, UserName("bob"), {"disabled": True}, revision=None)
    await guarded.worker.turn()
    assert not guarded.may(lease, HOME)
    await house.users.patch(CAROL, UserName("bob"), {"disabled": False}, revision=None)
    new = await leased(guarded)

    for text in [text for _, text in await house.trail.read(count=1000)]:
        await guarded.aftermath([text])  # told everything again

    assert guarded.may(new, HOME)
    assert not guarded.may(lease, HOME)
    kept = await guarded.shop.vending.register.get(lease.id)
    assert kept is not None
    assert kept.ended is not None
    assert kept.ended["by"] == "carol"
    kinds = [kind for kind in await house.kinds() if kind == "lease.revoked"]
    assert len(kinds) == 1


async def test_an_event_that_somebody_is_dealing_with_is_left_to_them_and_comes_again(guarded: Guarded) -> None:
    """Or what begins after the user was let in again would be ended, too."""
    house, database = guarded.shop.house, guarded.worker.database
    await leased(guarded)
    await house.users.patch(CAROL, UserName("bob"), {"disabled": True}, revision=None)
    texts = [text for _, text in await house.trail.read(count=1000) if '"kind":"user.changed"' in text]
    event = json.loads(texts[-1])
    await database.acquire(f"vendor:ending-by:{event['event_id']}", 60)
    await house.users.patch(CAROL, UserName("bob"), {"disabled": False}, revision=None)
    new = await leased(guarded)

    assert await guarded.aftermath.ended(event) is False
    await guarded.worker.turn()
    assert guarded.may(new, HOME)
    stream, group = guarded.worker.stream, worker_module.GROUP
    assert await database.take_over(stream, group, "other", idle_seconds=0, count=100), "not acknowledged"

    await database.delete(f"vendor:ending-by:{event['event_id']}")  # they died with it
    assert await guarded.aftermath.ended(event) is True
    assert not guarded.may(new, HOME), "over-cautious, rather than never"


async def test_what_happens_to_one_who_came_back_under_the_name_of_another(guarded: Guarded) -> None:
    """Even if ending their leases was forgotten: the documents of the old ones hold nothing of the new user's."""
    house = guarded.shop.house
    lease = await leased(guarded, duration=3000)
    await house.removal.of_user(CAROL, UserName("bob"), force=True, revision=None)
    house.clock.now += 100
    await house.users.standing(BOB)

    await guarded.writer.settle(UserName("bob"))

    assert not guarded.may(lease, HOME)


async def test_documents_in_doubt_are_written_even_if_they_should_be_what_they_once_were(
    guarded: Guarded, monkeypatch: pytest.MonkeyPatch
) -> None:
    lease = await leased(guarded)
    await leave(guarded.shop.house)
    with monkeypatch.context() as patched:
        patched.setattr(type(guarded.writer.slots), "written", died)
        with pytest.raises(RuntimeError):
            await guarded.writer.settle(UserName("bob"))
    await join(guarded.shop.house)
    assert not guarded.may(lease, DATA)

    await guarded.writer.settle(UserName("bob"))

    assert guarded.may(lease, DATA)


async def test_a_change_during_a_write_is_written_before_the_writer_is_done(guarded: Guarded) -> None:
    lease = await leased(guarded)

    async def lose() -> None:
        guarded.vault.meanwhile = nothing
        await leave(guarded.shop.house)

    await share(guarded.shop.house)
    guarded.vault.meanwhile = lose
    await guarded.writer.settle(UserName("bob"))

    assert guarded.may(lease, GIVEN)
    assert not guarded.may(lease, DATA)
