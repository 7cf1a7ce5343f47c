"""`/credentials/`: the same keys while they are good and true, other ones as soon as either ends."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

from tests.mms.people import People, Person, events
from tests.support.sts import allowed
from vendor.dev.stack import Stack
from vendor.dev.users import KBASE_ROLE


def test_the_first_call_makes_a_user_known_and_their_homes_visible(people: People, carol: Person) -> None:
    new = people.person("new", known=False)
    assert new.name not in carol.get("/management/users/names")["usernames"]

    s3 = new.s3()

    assert new.name in carol.get("/management/users/names")["usernames"]
    for home in ("users-general-warehouse", "users-sql-warehouse"):
        prefix = f"{home}/{new.name}/"
        listed = s3.list_objects_v2(Bucket=new.stack.bucket, Prefix=prefix)["Contents"]
        assert [entry["Key"] for entry in listed] == [f"{prefix}.s3keep"]


def test_the_marker_does_not_replace_what_is_there(people: People) -> None:
    new = people.person("new", known=False)
    key = f"users-general-warehouse/{new.name}/.s3keep"
    admin = new.stack.store.site.client()
    admin.put_object(Bucket=new.stack.bucket, Key=key, Body=b"mine")

    new.get("/credentials/")

    assert admin.get_object(Bucket=new.stack.bucket, Key=key)["Body"].read() == b"mine"


def test_the_answer_has_the_names_of_all_generations_and_the_rest_of_the_lease(ann: Person) -> None:
    keys = ann.get("/credentials/")

    assert keys["username"] == ann.name
    assert keys["access_key"] == keys["s3_access_key"]
    assert keys["secret_key"] == keys["s3_secret_key"]
    assert len(keys["secret_key"]) >= 8
    assert keys["polaris_client_id"] == keys["polaris_client_secret"] == "not-configured"
    assert keys["lease_id"].startswith("l_")
    assert keys["endpoint"] == {"url": ann.stack.store.site.endpoint, "region": "us-east-1", "path_style": True}
    assert datetime.fromisoformat(keys["expiration"]) > datetime.now(UTC)
    assert ann.call("GET", "/credentials/").headers["cache-control"] == "no-store"


def test_the_same_keys_come_back_for_any_token_of_the_same_user(ann: Person, people: People) -> None:
    keys = ann.get("/credentials/")
    again = people.holder(ann.name, ann.stack.kbase.issue(ann.name))

    assert ann.get("/credentials/") == keys
    assert again.get("/credentials/") == keys


def test_parallel_first_calls_get_one_lease(people: People) -> None:
    new = people.person("new", known=False)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: new.get("/credentials/")["lease_id"], range(16)))

    assert len(set(answers)) == 1


def test_rotate_gives_others_and_the_next_get_returns_them(ann: Person) -> None:
    old = ann.get("/credentials/")

    new = ann.post("/credentials/rotate")

    assert new["access_key"] != old["access_key"]
    assert new["secret_key"] != old["secret_key"]
    assert ann.get("/credentials/") == new
    assert allowed(lambda: ann.s3(new).list_objects_v2(Bucket=ann.stack.bucket, Prefix=_home(ann)))


def test_a_rotation_counts_on_every_replica(seaweedfs_stack: Stack, ann: Person, people: People) -> None:
    other = seaweedfs_stack.add_gateway("mms-replica")
    try:
        there = people.holder(ann.name, seaweedfs_stack.kbase.issue(ann.name), url=other.url)
        old = there.get("/credentials/")

        ann.post("/credentials/rotate")

        assert there.get("/credentials/")["access_key"] != old["access_key"]
    finally:
        other.child.stop()


def test_a_new_share_is_in_the_next_answer(ann: Person, ben: Person) -> None:
    stack, key = ann.stack, f"users-general-warehouse/{ann.name}/shared/x.txt"
    ann.s3().put_object(Bucket=stack.bucket, Key=key, Body=b"x")
    before = ben.get("/credentials/")
    assert not allowed(lambda: ben.s3(before).get_object(Bucket=stack.bucket, Key=key))

    ann.post("/sharing/share", {"path": ann.home + "shared", "with_users": [ben.name], "permission": "read"})
    after = ben.get("/credentials/")

    assert after["lease_id"] != before["lease_id"]
    assert allowed(lambda: ben.s3(after).get_object(Bucket=stack.bucket, Key=key))
    assert not allowed(lambda: ben.s3(after).put_object(Bucket=stack.bucket, Key=key, Body=b"y"))


def test_keys_with_a_share_are_not_given_again_once_it_is_taken_back(ann: Person, ben: Person) -> None:
    share = {"path": ann.home + "shared"}
    ann.post("/sharing/share", {**share, "with_users": [ben.name], "permission": "read"})
    before = ben.get("/credentials/")

    ann.post("/sharing/unshare", {**share, "from_users": [ben.name]})

    after = ben.get("/credentials/")
    assert after["lease_id"] != before["lease_id"]
    key = f"users-general-warehouse/{ann.name}/shared/x.txt"
    assert not allowed(lambda: ben.s3(after).get_object(Bucket=ben.stack.bucket, Key=key))


def test_what_happens_to_others_does_not_change_ones_keys(ann: Person, ben: Person, people: People) -> None:
    keys = ann.get("/credentials/")
    people.tenant(ben)
    ben.post("/sharing/share", {"path": ben.home + "x", "with_users": ["alice"]})

    assert ann.get("/credentials/") == keys


def test_a_disabled_user_gets_no_keys_not_even_those_of_before(ann: Person, carol: Person) -> None:
    ann.get("/credentials/")
    assert carol.call("PATCH", f"/v1/users/{ann.name}", {"disabled": True}).status_code == 200

    assert ann.error("GET", "/credentials/") == (403, 20042)
    assert ann.error("POST", "/credentials/rotate")[0] == 403


def test_a_revoked_token_gets_no_keys(people: People, seaweedfs_stack: Stack) -> None:
    seaweedfs_stack.kbase.add_user("gone1", [KBASE_ROLE])
    token = seaweedfs_stack.kbase.issue("gone1")
    seaweedfs_stack.kbase.revoke(token)

    assert people.holder("gone1", token).error("GET", "/credentials/") == (401, 10020)


def test_each_lease_is_recorded_once(ann: Person) -> None:
    (lease,) = {ann.get("/credentials/")["lease_id"] for _ in range(3)}

    recorded = [
        event for event in events(ann.stack) if event["kind"] == "vend.issued" and event["actor"]["name"] == ann.name
    ]

    assert [event["lease"] for event in recorded] == [lease]
    assert recorded[0]["door"] == "mms"


def _home(one: Person) -> str:
    return f"users-general-warehouse/{one.name}/"
