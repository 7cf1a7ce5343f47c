"""Two gateways on one Redis and one store: what one is told counts for what the other leased, and outages heal."""

from collections.abc import Iterator

import pytest

from tests.revocation.conftest import BUCKET, Scene, reader
from tests.support.gateways import Api, api
from tests.support.sweeping import swept
from tests.support.waiting import eventually
from vendor.dev.gateway import Gateway
from vendor.dev.stack import Stack, running_stack


@pytest.fixture(scope="module")
def two() -> Iterator[tuple[Stack, Gateway]]:
    """A stack of the module's own, since its store is stopped, with a second gateway."""
    with running_stack("juicefs") as stack:
        yield stack, stack.add_gateway("second")
        swept(stack)


def test_what_one_gateway_takes_away_is_gone_from_leases_of_the_other(two: tuple[Stack, Gateway]) -> None:
    stack, second = two
    with api(stack, "carol") as admin, api(stack, "bob", url=second.url) as bob:
        scene = Scene(stack, admin)
        ann = scene.person()
        share, key = scene.share(ann, scene.name(ann), "bob")
        lease = bob.lease((f"s3://{BUCKET}/{key[:-1]}", "read"), renewable_for=3600)
        held = reader(lease)
        assert held(key)

        assert ann.call("DELETE", f"/v1/shares/{share}").status_code == 204
        assert not held(key)

        other = bob.lease(renewable_for=3600)
        with api(stack, "bob") as there:
            assert there.call("DELETE", f"/v1/leases/{other['lease']['id']}").json()["effective"] == "now"
        scene.close()


def test_a_change_stands_while_the_store_is_frozen_and_acts_when_it_is_back(two: tuple[Stack, Gateway]) -> None:
    stack, _ = two
    with api(stack, "carol") as admin:
        scene = Scene(stack, admin)
        ann, bea = scene.person(), scene.person()
        share, key = scene.share(ann, scene.name(ann), scene.name(bea))
        held = reader(bea.lease(renewable_for=3600))
        assert held(key)
        stack.store.child.freeze()
        try:
            assert ann.call("DELETE", f"/v1/shares/{share}").status_code == 204
        finally:
            stack.store.child.thaw()

        eventually(lambda: not held(key), within=30, what="the document")
        assert held(scene.key(scene.name(bea)))
        scene.close()


def test_what_a_killed_gateway_left_undone_another_one_does(two: tuple[Stack, Gateway]) -> None:
    stack, _ = two
    third = stack.add_gateway("third")
    with api(stack, "carol") as admin:
        scene = Scene(stack, admin)
        ann, bea = scene.person(), scene.person()
        share, key = scene.share(ann, scene.name(ann), scene.name(bea))
        held = reader(bea.lease(renewable_for=3600))
        stack.store.child.freeze()
        try:
            with Api(third.url, stack.kbase.issue(scene.name(ann))) as there:
                assert there.call("DELETE", f"/v1/shares/{share}").status_code == 204
            third.child.stop(kill=True)
        finally:
            stack.store.child.thaw()

        eventually(lambda: not held(key), within=60, what="the document")
        scene.close()
