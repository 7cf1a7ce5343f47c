"""The quick check: what it finds, where, with how few calls, and that it leaves nothing behind."""

from collections.abc import Callable

import pytest

from tests.probe.liar import Liar, Lie, Seen, Told
from tests.probe.probing import settings_of, store_of
from vendor.dev.ports import Reservation
from vendor.dev.stack import Stack
from vendor.errors import StoreUnavailable
from vendor.policy.access import load_access
from vendor.policy.layout import load_layout
from vendor.settings import Settings
from vendor.stores.probe.quick import QuickVerdict, State, quick_check

FORGEABLE = ("list-forged-header", "list-repeated-prefix", "reach-admin-door")


async def checked(settings: Settings) -> QuickVerdict:
    layout, access = load_layout(settings.policies / "layout.toml"), load_access(settings.policies / "access.toml")
    async with store_of(settings) as store:
        return await quick_check(store, layout, access)


async def test_seaweedfs_is_sound(seaweedfs_stack: Stack) -> None:
    assert await checked(settings_of(seaweedfs_stack)) == QuickVerdict(State.SOUND)


async def test_juicefs_is_sound_and_has_its_holes(juicefs_stack: Stack) -> None:
    assert await checked(settings_of(juicefs_stack)) == QuickVerdict(State.SOUND, "", FORGEABLE)


@pytest.mark.minio
async def test_minio_is_sound_and_has_its_holes(minio_stack: Stack) -> None:
    found = await checked(settings_of(minio_stack))

    assert (found.state, found.holes[:3]) == (State.SOUND, FORGEABLE)


async def test_it_takes_few_calls_and_leaves_nothing(liar: Liar, seaweedfs_stack: Stack) -> None:
    seen: list[str] = []

    def count(request: Seen) -> None:
        seen.append(request.action or request.method)

    liar.lie = Lie(answers=count)
    settings = settings_of(seaweedfs_stack, VENDOR_STORE_ENDPOINT=liar.url)
    assert (await checked(settings)).state is State.SOUND

    assert seen.count("AssumeRoleWithWebIdentity") == 1
    assert len(seen) <= 12
    listed = seaweedfs_stack.store.site.client().list_objects_v2(
        Bucket=seaweedfs_stack.bucket, Prefix="users-general-warehouse/vendor-probe/canary"
    )
    assert listed.get("KeyCount") == 0


def without_policy(form: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in form.items() if name != "Policy"}


def asks(method: str, end: str) -> Callable[[Seen], bool]:
    return lambda seen: seen.method == method and f"{seen.path}?{seen.query.get('prefix', '')}".endswith(end)


@pytest.mark.parametrize(
    ("lie", "state"),
    [
        pytest.param(Lie(form=without_policy), State.OPEN, id="ignores-session-policies"),
        pytest.param(Lie(obliges=asks("GET", "cdm-lake?")), State.OPEN, id="lists-everything"),
        pytest.param(Lie(refuses=asks("PUT", "mine/hello?")), State.BROKEN, id="takes-no-objects"),
        pytest.param(Lie(refuses=asks("GET", "mine/")), State.BROKEN, id="lists-nothing"),
        pytest.param(Lie(refuses=lambda seen: bool(seen.action)), State.BROKEN, id="issues-no-keys"),
    ],
)
async def test_a_store_that_is_not_sound(lie: Lie, state: State, liar: Liar, seaweedfs_stack: Stack) -> None:
    liar.lie = lie
    found = await checked(settings_of(seaweedfs_stack, VENDOR_STORE_ENDPOINT=liar.url))

    assert found.state is state
    assert found.reason.endswith(".")


@pytest.mark.parametrize("who", ["sts", "s3"])
async def test_an_overloaded_store_is_not_judged(who: str, liar: Liar, seaweedfs_stack: Stack) -> None:
    liar.lie = Lie(answers=lambda seen: Told(503, {}, b"") if bool(seen.action) == (who == "sts") else None)
    with pytest.raises(StoreUnavailable):
        await checked(settings_of(seaweedfs_stack, VENDOR_STORE_ENDPOINT=liar.url))


async def test_a_store_that_is_away_is_not_judged(seaweedfs_stack: Stack) -> None:
    with Reservation(1) as reserved:
        nowhere = f"http://127.0.0.1:{reserved.ports[0]}"
    with pytest.raises(StoreUnavailable):
        await checked(settings_of(seaweedfs_stack, VENDOR_STORE_ENDPOINT=nowhere))


async def test_holes_are_those_that_clients_meet(juicefs_stack: Stack) -> None:
    """Where clients come by another way that cannot be tried from here, nothing is said of holes."""
    with Reservation(1) as reserved:
        nowhere = f"http://127.0.0.1:{reserved.ports[0]}"
    found = await checked(settings_of(juicefs_stack, VENDOR_STORE_PUBLIC_ENDPOINT=nowhere))

    assert found == QuickVerdict(State.SOUND)


async def test_an_upload_without_a_signature_is_a_hole(liar: Liar, seaweedfs_stack: Stack) -> None:
    liar.lie = Lie(obliges=lambda seen: "STREAMING" in seen.headers.get("x-amz-content-sha256", ""))
    found = await checked(settings_of(seaweedfs_stack, VENDOR_STORE_ENDPOINT=liar.url))

    assert found.holes == ("unsigned-upload",)
