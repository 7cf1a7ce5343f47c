"""What is taken away is gone at the next call, for keys that are out already; on every store that keeps ceilings."""

from tests.revocation.conftest import BUCKET, Scene, reader


def test_a_share_that_is_taken_away_is_denied_at_the_next_call(scene: Scene) -> None:
    ann, bea = scene.person(), scene.person()
    share, key = scene.share(ann, scene.name(ann), scene.name(bea))
    whole = reader(bea.lease())
    narrow = reader(bea.lease((f"s3://{BUCKET}/{key[:-1]}", "read"), renewable_for=3600))
    assert whole(key)
    assert narrow(key)

    assert ann.call("DELETE", f"/v1/shares/{share}").status_code == 204

    assert not whole(key)
    assert not narrow(key)
    assert whole(scene.key(scene.name(bea)))


def test_a_share_that_comes_back_is_there_again_for_live_keys(scene: Scene) -> None:
    ann, bea = scene.person(), scene.person()
    share, key = scene.share(ann, scene.name(ann), scene.name(bea))
    held = reader(bea.lease())
    ann.call("DELETE", f"/v1/shares/{share}")
    assert not held(key)

    scene.share(ann, scene.name(ann), scene.name(bea))

    assert held(key)


def test_a_membership_that_ends_is_denied_at_the_next_call(scene: Scene) -> None:
    bea = scene.person()
    tenant = scene.tenant(scene.name(bea))
    held = reader(bea.lease())
    key = f"tenant-general-warehouse/{tenant}/x"
    assert held(key)

    assert scene.admin.call("DELETE", f"/v1/tenants/{tenant}/members/{scene.name(bea)}").status_code == 204

    assert not held(key)


def test_a_tenant_that_is_deleted_is_denied_at_the_next_call(scene: Scene) -> None:
    bea = scene.person()
    tenant = scene.tenant(scene.name(bea))
    held = reader(bea.lease())
    key = f"tenant-general-warehouse/{tenant}/x"
    assert held(key)

    assert scene.admin.call("DELETE", f"/v1/tenants/{tenant}").status_code == 204

    assert not held(key)
    assert held(scene.key(scene.name(bea)))


def test_what_a_tenant_was_given_is_denied_at_the_next_call(scene: Scene) -> None:
    ann, bea = scene.person(), scene.person()
    tenant = scene.tenant(scene.name(bea))
    key = f"users-general-warehouse/{scene.name(ann)}/given/x"
    scene.stack.store.site.client().put_object(Bucket=BUCKET, Key=key, Body=b"1")
    body = {"path": f"s3://{BUCKET}/{key[:-1]}", "with": {"tenants": [tenant]}, "access": "read"}
    share = ann.call("POST", "/v1/shares", body).json()["shares"][0]["id"]
    held = reader(bea.lease())
    assert held(key)

    ann.call("DELETE", f"/v1/shares/{share}")

    assert not held(key)


def test_what_everyone_was_given_is_denied_at_the_next_call(scene: Scene) -> None:
    ann, bea = scene.person(), scene.person()
    key = f"users-general-warehouse/{scene.name(ann)}/public/x"
    scene.stack.store.site.client().put_object(Bucket=BUCKET, Key=key, Body=b"1")
    body = {"path": f"s3://{BUCKET}/{key[:-1]}", "with": {"everyone": True}, "access": "read"}
    share = ann.call("POST", "/v1/shares", body).json()["shares"][0]["id"]
    held = reader(bea.lease())
    assert held(key)

    ann.call("DELETE", f"/v1/shares/{share}")

    assert not held(key)


def test_a_disabled_user_has_nothing_left_and_gets_nothing_back_with_old_keys(scene: Scene) -> None:
    bea = scene.person()
    name = scene.name(bea)
    lease = bea.lease(renewable_for=3600)
    held = reader(lease)
    assert held(scene.key(name))

    assert scene.admin.call("PATCH", f"/v1/users/{name}", {"disabled": True}).status_code == 200
    assert not held(scene.key(name))

    assert scene.admin.call("PATCH", f"/v1/users/{name}", {"disabled": False}).status_code == 200
    assert not held(scene.key(name))
    renewal = bea.call("POST", "/v1/leases/renew", {}, headers={"authorization": f"Bearer {lease['lease_token']}"})
    assert renewal.status_code == 410
    assert reader(bea.lease())(scene.key(name))


def test_a_deleted_user_has_nothing_left_even_when_they_come_back(scene: Scene) -> None:
    bea = scene.person()
    name = scene.name(bea)
    held = reader(bea.lease())
    assert held(scene.key(name))

    assert scene.admin.call("DELETE", f"/v1/users/{name}").status_code == 204
    assert not held(scene.key(name))

    again = reader(bea.lease())  # who signs in again is known again, with a home
    assert again(scene.key(name))
    assert not held(scene.key(name))


def test_ending_one_lease_leaves_the_others_alone(scene: Scene) -> None:
    bea = scene.person()
    key = scene.key(scene.name(bea))
    first, second = bea.lease(renewable_for=3600), bea.lease(renewable_for=3600)

    answer = bea.call("DELETE", f"/v1/leases/{first['lease']['id']}").json()

    assert (answer["effective"], answer["how"]) == ("now", "ceiling")
    assert not reader(first)(key)
    assert reader(second)(key)
    again = bea.call("DELETE", f"/v1/leases/{first['lease']['id']}").json()
    assert again == answer


def test_what_is_leased_afterwards_does_not_revive_an_ended_lease(scene: Scene) -> None:
    bea = scene.person()
    key = scene.key(scene.name(bea))
    ended = bea.lease(renewable_for=3600)
    bea.call("DELETE", f"/v1/leases/{ended['lease']['id']}")

    later = [bea.lease(renewable_for=3600) for _ in range(4)]

    assert all(reader(lease)(key) for lease in later)
    assert not reader(ended)(key)


def test_a_lease_among_too_many_is_ended_honestly_and_all_of_them_at_once(scene: Scene) -> None:
    bea = scene.person()
    key = scene.key(scene.name(bea))
    leases = [bea.lease(renewable_for=3600) for _ in range(10)]  # two more than there are slots

    shared = bea.call("DELETE", f"/v1/leases/{leases[-1]['lease']['id']}").json()
    assert (shared["effective"], shared["how"]) == ("at_expiry", "expiry")
    assert reader(leases[-1])(key)
    alone = bea.call("DELETE", f"/v1/leases/{leases[0]['lease']['id']}").json()
    assert alone["effective"] == "now"

    everything = bea.call("DELETE", f"/v1/leases?user={scene.name(bea)}").json()

    assert {one["effective"] for one in everything["leases"]} == {"now"}
    assert not any(reader(lease)(key) for lease in leases)


def test_the_event_says_how_a_lease_ended(scene: Scene) -> None:
    bea = scene.person()
    lease = bea.lease()
    bea.call("DELETE", f"/v1/leases/{lease['lease']['id']}")

    shown = bea.call("GET", f"/v1/leases/{lease['lease']['id']}").json()["lease"]

    assert shown["ended"]["effective"] == "now"
    assert shown["ended"]["how"] == "ceiling"
