"""The audit log over HTTP: who sees what, pages and tails, and an export that is checked offline."""

import json
import subprocess
import sys
import time
import uuid
from collections.abc import Generator, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.support.gateways import Api, api
from tests.support.waiting import eventually
from vendor.audit.parts import TAILS_EACH
from vendor.dev.stack import Stack
from vendor.dev.users import KBASE_ROLE
from vendor.sealed.keys import read_keys
from vendor.sealed.verify import verify


def events(caller: Api, **query: object) -> list[dict[str, Any]]:
    """All pages."""
    found: list[dict[str, Any]] = []
    after = "0"
    while True:
        answer = caller.call("GET", "/v1/audit", params={"limit": "500", **query, "after": after})
        assert answer.status_code == 200, answer.text
        assert answer.headers["content-type"].startswith("application/x-ndjson")
        found += [json.loads(line) for line in answer.text.splitlines()]
        if answer.headers["x-more"] == "false":
            return found
        after = answer.headers["x-next"]


def test_an_event_shows_as_soon_as_it_is_recorded(seaweedfs_stack: Stack) -> None:
    with api(seaweedfs_stack, "carol") as carol, api(seaweedfs_stack, "alice") as alice:
        context = {"job": uuid.uuid4().hex}
        lease = alice.lease(audit_context=context)["lease"]

        (issued,) = events(carol, lease=lease["id"])

        assert (issued["kind"], issued["actor"]["name"], issued["audit_context"]) == ("vend.issued", "alice", context)
        assert {"event_id", "time", "kind", "request_id", "actor", "decision", "cursor"} <= set(issued)
        by_key = events(carol, access_key=issued["access_key_id"])
        assert issued in by_key
        assert issued in events(carol, user="alice", kind="vend.issued")
        assert issued in events(alice)


def test_events_come_in_other_forms_too(seaweedfs_stack: Stack) -> None:
    with api(seaweedfs_stack, "carol") as carol, api(seaweedfs_stack, "alice") as alice:
        lease = alice.lease(audit_context={"n": uuid.uuid4().hex})["lease"]["id"]
        (native,) = events(carol, lease=lease)
        (ocsf,) = events(alice, lease=lease, format="ocsf")
        (flex,) = events(alice, lease=lease, format="flex")

    assert (ocsf["class_uid"], ocsf["metadata"]["uid"]) == (6003, native["event_id"])
    assert (flex["type"], flex["id"]) == ("vend", native["event_id"])


def test_others_see_what_they_did_and_what_concerns_them(seaweedfs_stack: Stack) -> None:
    with (
        api(seaweedfs_stack, "carol") as carol,
        api(seaweedfs_stack, "alice") as alice,
        api(seaweedfs_stack, "bob") as bob,
    ):
        name = uuid.uuid4().hex
        path = f"s3a://cdm-lake/tenant-general-warehouse/kbase/{name}/"
        body = {"path": path, "with": {"users": ["bob", "carol"]}, "access": "read"}
        shares = alice.call("POST", "/v1/shares", body).json()["shares"]
        try:
            seen = [one for one in events(bob) if name in str(one.get("path"))]
            assert [one["kind"] for one in seen] == ["share.created"]
            assert seen[0]["actor"] == {"name": "alice"}
            assert "client" not in seen[0]
            assert set(seen[0]["shares"].values()) == {"user:bob"}
            everybody = {one["actor"]["name"] for one in events(bob) if "bob" not in json.dumps(one)}
            assert everybody == set()
            assert bob.refusal("GET", "/v1/audit?user=alice") == (403, "role_required")
            assert bob.refusal("GET", "/v1/audit/export") == (403, "role_required")
            assert carol.refusal("GET", "/v1/audit?user=Alice!") == (400, "invalid_name")
        finally:
            for share in shares:
                alice.call("DELETE", f"/v1/shares/{share['id']}")
        with api(seaweedfs_stack, None) as nobody:
            for path in ("/v1/audit", "/v1/audit/tail", "/v1/audit/head", "/v1/audit/export"):
                assert nobody.refusal("GET", path) == (401, "missing_token")


@pytest.mark.parametrize(
    "query",
    [
        "after=x",
        "after=1",
        "after=1-2-3",
        "after=-1-0",
        "after=99999999999999999999-0",
        "after=18446744073709551616-0",
        "after=%2B1-0",
        "after=0-0&after=0-0",
        "after=0-0%00",
        "after=%D9%A1-0",
        "limit=0",
        "limit=501",
        "limit=-1",
        "limit=1e2",
        "kind=vend.*",
        "kind=%27%20OR%201=1",
        "user=",
        "user=*",
        "user=a%0d%0ab",
        "tenant=*",
        "since=yesterday",
        "since=2026-11-21T06:00:00",
        "until=0001-01-01T00:00:00%2B23:59",
        "since=2026-11-21T06:00:00Z&until=2026-11-21T05:59:59Z",
        "lease=" + "x" * 65,
        "order=desc",
        "format=xml",
    ],
)
def test_what_cannot_be_asked(seaweedfs_stack: Stack, query: str) -> None:
    with api(seaweedfs_stack, "carol") as carol:
        status, code = carol.refusal("GET", f"/v1/audit?{query}")
        assert (status, code) in {(400, "invalid_request"), (400, "invalid_name")}


def followed(
    stack: Stack, user: str, path: str = "/v1/audit/tail", **headers: str
) -> Generator[dict[str, str], None, None]:
    """What a tail sends, as dictionaries of its fields."""
    headers["authorization"] = f"Bearer {stack.tokens[user]}"
    with (
        httpx2.Client(base_url=stack.gateway.url, trust_env=False, timeout=20) as web,
        web.stream("GET", path, headers=headers) as answer,
    ):
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/event-stream")
        fields: dict[str, str] = {}
        for text in answer.iter_lines():
            name, _, value = text.partition(": ")
            if text and name:
                fields[name] = value
            elif fields:
                yield fields
                fields = {}


def test_a_tail_sends_what_comes_and_goes_on_where_it_was(seaweedfs_stack: Stack) -> None:
    with api(seaweedfs_stack, "alice") as alice:
        tail = followed(seaweedfs_stack, "carol", "/v1/audit/tail?user=alice&kind=vend.issued")
        assert next(tail) == {"retry": "2000"}
        leases = [alice.lease(audit_context={"n": uuid.uuid4().hex})["lease"]["id"] for _ in range(3)]
        first = next(tail)
        tail.close()
        rest = followed(
            seaweedfs_stack, "carol", "/v1/audit/tail?user=alice&kind=vend.issued", **{"last-event-id": first["id"]}
        )
        assert next(rest) == {"retry": "2000"}
        following = [next(rest), next(rest)]
        rest.close()

    assert [json.loads(one["data"])["lease"] for one in (first, *following)] == leases
    assert {one["event"] for one in following} == {"vend.issued"}
    assert [json.loads(one["data"])["cursor"] for one in following] == [one["id"] for one in following]


def test_a_tail_of_somebody_else_is_refused(seaweedfs_stack: Stack) -> None:
    with api(seaweedfs_stack, "bob") as bob:
        assert bob.refusal("GET", "/v1/audit/tail?user=alice") == (403, "role_required")
        headers = {"last-event-id": "nonsense"}
        assert bob.refusal("GET", "/v1/audit/tail", headers=headers) == (400, "invalid_request")


@pytest.mark.parametrize("method", ["PATCH", "DELETE"])
def test_a_tail_ends_with_the_right_to_listen(seaweedfs_stack: Stack, method: str) -> None:
    """Somebody who is shut out sees nothing that happens from then on, though their token is good for hours."""
    name = f"u{uuid.uuid4().hex[:10]}"
    seaweedfs_stack.kbase.add_user(name, [KBASE_ROLE])
    seaweedfs_stack.tokens[name] = seaweedfs_stack.kbase.issue(name)
    with api(seaweedfs_stack, "carol") as carol, api(seaweedfs_stack, name) as person:
        assert person.call("GET", "/v1/whoami").is_success
        tail = followed(seaweedfs_stack, name)
        assert next(tail) == {"retry": "2000"}
        body = {"disabled": True} if method == "PATCH" else None
        assert carol.call(method, f"/v1/users/{name}", body).is_success

        assert next(tail, None) is None
    del seaweedfs_stack.tokens[name]


@pytest.fixture
def reborn(seaweedfs_stack: Stack) -> Iterator[str]:
    """A name whose user is known to the development stack's KBase, to be deleted and to come again."""
    name = f"u{uuid.uuid4().hex[:10]}"
    seaweedfs_stack.kbase.add_user(name, [KBASE_ROLE])
    seaweedfs_stack.tokens[name] = seaweedfs_stack.kbase.issue(name)
    yield name
    del seaweedfs_stack.tokens[name]


def a_new_second() -> None:
    """Wait until a time in whole seconds is another than it was."""
    now = int(time.time())
    eventually(lambda: int(time.time()) > now)


def test_nobody_sees_what_was_a_former_owner_s_of_their_name(seaweedfs_stack: Stack, reborn: str) -> None:
    with api(seaweedfs_stack, "carol") as carol, api(seaweedfs_stack, reborn) as person:
        old = person.lease(audit_context={"n": uuid.uuid4().hex})["lease"]["id"]
        cursor = events(person, lease=old)[0]["cursor"]
        eventually(lambda: person.call("GET", f"/v1/audit/proof?cursor={cursor}").is_success)
        assert carol.call("DELETE", f"/v1/users/{reborn}").is_success
        a_new_second()
        new = person.lease(audit_context={"n": uuid.uuid4().hex})["lease"]["id"]

        seen = events(person)

        assert [one["kind"] for one in seen] == ["user.created", "vend.issued"]
        assert seen[-1]["lease"] == new
        assert events(person, lease=old) == []
        assert events(person, since="2020-01-01T00:00:00Z", user=reborn) == seen
        assert person.refusal("GET", f"/v1/audit/proof?cursor={cursor}") == (404, "unknown_event")
        tail = followed(seaweedfs_stack, reborn, "/v1/audit/tail?after=0")
        next(tail)
        assert next(tail)["event"] == "user.created"
        tail.close()
        assert {old, new} <= {one.get("lease") for one in events(carol, user=reborn)}
        assert carol.call("GET", f"/v1/audit/proof?cursor={cursor}").is_success


def test_nobody_takes_all_places_of_those_who_follow(seaweedfs_stack: Stack) -> None:
    with ExitStack() as open_tails:
        for _ in range(TAILS_EACH):
            tail = followed(seaweedfs_stack, "bob")
            open_tails.callback(tail.close)
            assert next(tail) == {"retry": "2000"}
        with api(seaweedfs_stack, "bob") as bob:
            assert bob.refusal("GET", "/v1/audit/tail") == (429, "too_many_requests")
        other = followed(seaweedfs_stack, "carol")
        open_tails.callback(other.close)
        assert next(other) == {"retry": "2000"}


def test_events_are_sealed_within_five_seconds(seaweedfs_stack: Stack) -> None:
    with api(seaweedfs_stack, "alice") as alice:
        before = alice.call("GET", "/v1/audit/head").json()
        began = time.monotonic()
        alice.lease(audit_context={"n": uuid.uuid4().hex})

        def sealed() -> bool:
            return bool(alice.call("GET", "/v1/audit/head").json()["size"] > before["size"])

        eventually(sealed, within=10)
        assert time.monotonic() - began < 6


def exported(stack: Stack, folder: Path, query: str = "") -> tuple[Path, Path]:
    """An export and the keys, as files."""
    with api(stack, "carol") as carol:
        file, keys = folder / "export.ndjson", folder / "keys.json"
        answer = carol.call("GET", f"/v1/audit/export{query}")
        assert answer.status_code == 200, answer.text
        file.write_bytes(answer.content)
        keys.write_bytes(carol.call("GET", "/.well-known/audit-keys.json").content)
    return file, keys


def checked(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run `vendor audit verify`."""
    command = [sys.executable, "-m", "vendor.operate.main", "audit", "verify", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_an_export_is_checked_offline(seaweedfs_stack: Stack, tmp_path: Path) -> None:
    with api(seaweedfs_stack, "alice") as alice:
        lease = alice.lease(audit_context={"why": "line\r\nbreak <script>=cmd()\u2028"})["lease"]["id"]
    file, keys = exported(seaweedfs_stack, tmp_path)

    fine = checked(file, "--keys", keys)
    assert fine.returncode == 0, fine.stderr

    lines = file.read_bytes().splitlines(keepends=True)
    verdict = verify(lines, read_keys(keys.read_bytes()))
    assert verdict.ended
    shown = [json.loads(line) for line in lines]
    kinds = [one["event"]["kind"] for one in shown if "event" in one]
    assert kinds[-1] == "audit.exported"
    at = next(at for at, one in enumerate(shown) if one.get("event", {}).get("lease") == lease)
    file.write_bytes(b"".join([*lines[:at], lines[at].replace(b"alice", b"alicf"), *lines[at + 1 :]]))
    bad = checked(file, "--keys", keys)
    assert bad.returncode == 1
    assert f"line {at + 1}: event {shown[at]['cursor']}" in bad.stderr

    file.write_bytes(b"".join(lines[:-1]))
    assert checked(file, "--keys", keys).returncode == 1
    keys.write_text("{}")
    assert checked(file, "--keys", keys).returncode == 2
    assert checked(tmp_path / "nothing", "--keys", keys).returncode == 2


def test_an_export_can_begin_later(seaweedfs_stack: Stack, tmp_path: Path) -> None:
    with api(seaweedfs_stack, "carol") as carol:
        first = events(carol)[0]
        assert carol.refusal("GET", "/v1/audit/export?since=2999-01-01T00:00:00Z") == (400, "invalid_request")
    moment = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    file, keys = exported(seaweedfs_stack, tmp_path, f"?since={moment}")

    assert checked(file, "--keys", keys).returncode == 0
    assert first["cursor"] not in file.read_text()


def test_one_event_is_proved(seaweedfs_stack: Stack, tmp_path: Path) -> None:
    with api(seaweedfs_stack, "alice") as alice, api(seaweedfs_stack, "bob") as bob:
        lease = alice.lease(audit_context={"n": uuid.uuid4().hex})["lease"]["id"]
        cursor = events(alice, lease=lease)[0]["cursor"]
        path = f"/v1/audit/proof?cursor={cursor}"

        eventually(lambda: alice.call("GET", path).is_success)
        proof = alice.call("GET", path)

        assert bob.refusal("GET", path) == (404, "unknown_event")
        assert alice.refusal("GET", "/v1/audit/proof?cursor=1-1") == (404, "unknown_event")
    file, keys = tmp_path / "proof.json", tmp_path / "keys.json"
    with api(seaweedfs_stack, None) as nobody:
        keys.write_bytes(nobody.call("GET", "/.well-known/audit-keys.json").content)
        assert nobody.call("GET", "/.well-known/jwks.json").content != keys.read_bytes()
    file.write_bytes(proof.content)
    fine = checked(file, "--keys", keys)
    assert (fine.returncode, cursor in fine.stdout) == (0, True), fine.stderr
    file.write_bytes(proof.content.replace(b"alice", b"alicf"))
    assert checked(file, "--keys", keys).returncode == 1


def test_rejected_requests_are_counted_at_every_door(seaweedfs_stack: Stack) -> None:
    name = f"agent-{uuid.uuid4().hex}"
    with Api(seaweedfs_stack.gateway.url, "not-a-token") as stranger, api(seaweedfs_stack, "carol") as carol:
        before = sum(one["count"] for one in events(carol, kind="identity.rejected"))
        for _ in range(20):
            assert stranger.call("GET", "/v1/whoami", headers={"user-agent": name}).status_code == 401
            assert stranger.call("GET", "/workspaces/me", headers={"user-agent": name}).status_code == 401
            assert stranger.call("POST", "/v1/leases", {}, headers={"user-agent": name}).status_code == 401

        def counted() -> bool:
            return bool(sum(one["count"] for one in events(carol, kind="identity.rejected")) >= before + 60)

        eventually(counted, within=12)
        assert len([one for one in events(carol, kind="identity.rejected") if name in json.dumps(one)]) <= 4


def test_a_steward_reviews_a_tenant(seaweedfs_stack: Stack) -> None:
    since = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - 86_400))
    path = f"/v1/audit/review?tenant=kbase&since={since}"
    with (
        api(seaweedfs_stack, "alice") as alice,
        api(seaweedfs_stack, "bob") as bob,
        api(seaweedfs_stack, "carol") as carol,
    ):
        rows = alice.call("GET", path).json()["rows"]
        assert {row["who"] for row in rows if row["through"] == "member"} >= {"alice", "bob"}
        table = carol.call("GET", path.replace("review", "review.csv"))
        assert table.headers["content-type"].startswith("text/csv")
        assert table.text.startswith("who,through,access,path,begun,until,leases,writing,last_used,finding\r\n")
        assert bob.refusal("GET", path) == (403, "not_steward")
        assert alice.refusal("GET", "/v1/audit/review?tenant=hydro&since=" + since) == (404, "unknown_tenant")
        assert alice.refusal("GET", "/v1/audit/review?tenant=kbase") == (400, "invalid_request")
        assert alice.refusal("GET", "/v1/audit/review?tenant=kbase&since=90d") == (400, "invalid_request")
