"""What is taken away is gone at the next call, for keys that are out already; on every store that keeps ceilings."""

import json
from functools import partial

import pytest
from minio import MinioAdmin
from minio.credentials.providers import StaticProvider
from minio.error import MinioAdminException

from tests.revocation.conftest import BUCKET, Scene, reader
from tests.support.gateways import api, s3_of
from tests.support.sts import allowed
from vendor.dev.juicefs import KIND as JUICEFS
from vendor.dev.stack import running_stack
from vendor.dev.store import KeyPair, s3_client
from vendor.stores.profile import PROFILES, StoreKind


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


def test_a_lease_for_a_hundred_tenants_and_five_hundred_shares(scene: Scene) -> None:
    """One lease of everything, far beyond a session policy; and what is taken away of it is gone at once."""
    owners, bea = [scene.person(), scene.person()], scene.person()
    name = scene.name(bea)
    tenants = [f"{name}t{number}" for number in range(100)]
    for tenant in tenants:
        assert scene.admin.call("PUT", f"/v1/tenants/{tenant}", {}).status_code == 201
        scene.admin.call("PUT", f"/v1/tenants/{tenant}/members/{name}", {"access": "read_only"})
    made = []
    for owner in owners:
        home = f"users-general-warehouse/{scene.name(owner)}"
        for number in range(250):
            body = {"path": f"s3://{BUCKET}/{home}/folder-{number}/", "with": {"users": [name]}, "access": "read"}
            share = owner.call("POST", "/v1/shares", body)
            assert share.status_code == 201, share.text
            made.append((owner, share.json()["shares"][0]["id"], f"{home}/folder-{number}/x"))
    keys = [f"tenant-general-warehouse/{tenant}/x" for tenant in tenants] + [key for _, _, key in made]
    store = scene.stack.store.site.client()
    tried = [keys[0], keys[57], keys[99], keys[100], keys[333], keys[349], keys[350], keys[-1]]
    for key in tried:
        store.put_object(Bucket=BUCKET, Key=key, Body=b"1")

    lease = bea.lease(renewable_for=3600)

    assert lease["lease"]["policy"]["form"] == "ceiling"
    assert lease["lease"]["policy"]["bytes"] > 40_000
    held = reader(lease)
    assert all(held(key) for key in tried)
    assert held(scene.key(name))
    assert not held(scene.key(scene.name(owners[0])))

    owner, share, key = made[-1]
    assert owner.call("DELETE", f"/v1/shares/{share}").status_code == 204
    assert not held(key)
    assert all(held(one) for one in tried if one != key)
    ended = bea.call("DELETE", f"/v1/leases/{lease['lease']['id']}").json()
    assert ended["effective"] == "now"
    assert not any(held(one) for one in (*tried, scene.key(name)))


def test_a_lease_that_only_documents_limit_can_do_all_that_writing_takes(scene: Scene) -> None:
    """Parts of an upload are listed and thrown away, and what is read-only stays so."""
    bea = scene.person()
    name = scene.name(bea)
    tenants = [scene.tenant(name) for _ in range(20)]
    lease = bea.lease(renewable_for=3600)
    assert lease["lease"]["policy"]["form"] == "ceiling"
    s3 = s3_of(lease)
    key = f"users-general-warehouse/{name}/big"

    upload = s3.create_multipart_upload(Bucket=BUCKET, Key=key)["UploadId"]
    s3.upload_part(Bucket=BUCKET, Key=key, UploadId=upload, PartNumber=1, Body=b"x")
    assert len(s3.list_parts(Bucket=BUCKET, Key=key, UploadId=upload)["Parts"]) == 1
    s3.abort_multipart_upload(Bucket=BUCKET, Key=key, UploadId=upload)
    s3.put_object(Bucket=BUCKET, Key=key, Body=b"x")
    s3.delete_object(Bucket=BUCKET, Key=key)

    theirs = f"tenant-general-warehouse/{tenants[0]}/x"
    assert allowed(lambda: s3.get_object(Bucket=BUCKET, Key=theirs))
    assert not allowed(lambda: s3.put_object(Bucket=BUCKET, Key=theirs, Body=b""))
    assert not allowed(lambda: s3.delete_object(Bucket=BUCKET, Key=theirs))


def test_a_lease_that_only_documents_limit_makes_no_service_account(scene: Scene) -> None:
    """Known of MinIO and what derives from it: such an account would outlive everything."""
    kind = scene.stack.store.site.kind
    if kind == "seaweedfs":
        return
    bea = scene.person()
    for _ in range(20):
        scene.tenant(scene.name(bea))
    lease = bea.lease(renewable_for=3600)
    assert lease["lease"]["policy"]["form"] == "ceiling"
    keys = lease["credentials"]
    provider = StaticProvider(keys["access_key_id"], keys["secret_access_key"], keys["session_token"])
    address = scene.stack.store.site.endpoint.removeprefix("http://")
    admin = MinioAdmin(endpoint=address, credentials=provider, secure=False)
    with pytest.raises(MinioAdminException):
        admin.policy_list()
    try:
        account = json.loads(admin.add_service_account())
    except MinioAdminException:
        return
    assert kind == "juicefs"  # asks for no right here; what it makes is limited by the same documents
    made = account["credentials"]
    s3 = s3_client(scene.stack.store.site.endpoint, KeyPair(made["accessKey"], made["secretKey"]))
    assert not allowed(lambda: s3.get_object(Bucket=BUCKET, Key=scene.key("alice")))
    bea.call("DELETE", f"/v1/leases/{lease['lease']['id']}")
    assert not allowed(lambda: s3.get_object(Bucket=BUCKET, Key=scene.key(scene.name(bea))))


def test_why_no_document_is_removed_from_a_juicefs_gateway() -> None:
    """After a policy is removed all live keys are refused, until the gateway reads everything again."""
    with running_stack(JUICEFS, refresh="5m") as stack, api(stack, "alice") as alice:
        s3 = s3_of(alice.lease())
        may = partial(allowed, lambda: s3.get_object(Bucket=BUCKET, Key="users-general-warehouse/alice/hello.txt"))
        site = stack.store.site
        admin = MinioAdmin(
            endpoint=site.endpoint.removeprefix("http://"),
            credentials=StaticProvider(site.admin.access_key, site.admin.secret_key),
            secure=False,
        )
        statement = {"Effect": "Allow", "Action": ["s3:GetObject"], "Resource": ["arn:aws:s3:::nowhere/*"]}
        admin.policy_add("unrelated", policy={"Version": "2012-10-17", "Statement": [statement]})
        assert may()

        admin.policy_remove("unrelated")

        assert not may()
        assert not PROFILES[StoreKind.JUICEFS].removes
        assert PROFILES[StoreKind.MINIO].removes, "nothing of this there"
