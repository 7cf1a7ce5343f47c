"""The import against live servers: read out of a real admin API, and restored into a real gateway."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.mms.old_service import BUCKET, Old, old_service
from tests.mms.people import People, people_of
from tests.mms.test_import import expected, found, imported
from vendor.dev.canned import admin_client
from vendor.dev.stack import Stack
from vendor.dev.users import KBASE_ROLE
from vendor.operate.import_mms.command import KEY, SECRET, run
from vendor.operate.import_mms.minio import read_minio
from vendor.operate.import_mms.source import SourceError
from vendor.secret import Secret

MEDIA = {"content-type": "application/x-ndjson"}


@pytest.fixture
def elsewhere(seaweedfs_stack: Stack) -> Iterator[People]:
    """People at a gateway with a state of its own, so that replacing it disturbs no other test."""
    other = seaweedfs_stack.add_gateway("mms-import", VENDOR_REDIS_PREFIX="imported")
    with people_of(seaweedfs_stack, other.url) as made:
        yield made
    other.child.stop()


def test_an_imported_service_is_restored_and_comes_out_again(tmp_path: Path, elsewhere: People) -> None:
    old = old_service(11, users=50, tenants=12, shares=200)
    folder = old.write(tmp_path / "export")
    _, lines, _ = imported(folder)
    content, carol = (folder / "state.ndjson").read_bytes(), elsewhere.admin()

    tried = carol.call("PUT", "/v1/state?dry_run=true", content=content, headers=MEDIA)
    assert tried.status_code == 200, tried.text
    assert tried.json()["dry_run"] is True
    done = carol.call("PUT", "/v1/state", content=content, headers=MEDIA)
    assert done.status_code == 200, done.text
    assert (done.json()["users"], done.json()["tenants"], done.json()["shares"]) == (50, 12, 200)

    exported = [json.loads(line) for line in carol.call("GET", "/v1/state").content.splitlines()]
    again = [line for line in exported[1:-1] if line.get("name", line.get("user")) != "carol"]
    assert sorted(map(json.dumps, again)) == sorted(map(json.dumps, lines[1:-1]))
    for user in [name for name in old.users if name.startswith("user")][::10]:
        assert _paths_of(elsewhere, user) == _expected_paths(old, user), user


def _paths_of(people: People, user: str) -> set[str]:
    people.stack.kbase.add_user(user, [KBASE_ROLE])
    person = people.holder(user, people.stack.kbase.issue(user))
    return set(person.get("/workspaces/me/accessible-paths")["accessible_paths"])


def _expected_paths(old: Old, user: str) -> set[str]:
    state: dict[str, Any] = expected(old)
    tenants = {tenant for tenant, member in state["members"] if member == user}
    own = {f"users-{kind}-warehouse/{user}/" for kind in ("general", "sql")}
    theirs = {f"tenant-{kind}-warehouse/{tenant}/" for kind in ("general", "sql") for tenant in tenants}
    targets = {f"user:{user}", *(f"tenant:{tenant}" for tenant in tenants)}
    shared = {f"{path}/" for path, target in state["shares"] if target in targets}
    return {f"s3a://{BUCKET}/{folder}" for folder in own | theirs} | shared


def test_a_service_is_read_out_of_a_live_admin_api(tmp_path: Path, juicefs_stack: Stack) -> None:
    site = juicefs_stack.store.site
    old = old_service(5, users=6, tenants=2, shares=12)
    old.stewards, old.metadata = [], []
    admin = admin_client(site)
    for user in old.users:
        admin.user_add(user, "long-enough-secret")
    old.groups = {group: members or old.users[:1] for group, members in old.groups.items()}  # none is ever empty there
    for group, members in old.groups.items():
        admin.group_add(group, members)  # type: ignore[arg-type]  # the library means a list
    for name, document in old.documents().items():
        admin.policy_add(name, policy=document)

    output = tmp_path / "state.ndjson"
    environment = {KEY: site.admin.access_key, SECRET: site.admin.secret_key}
    status = run(
        folder=None, minio=site.endpoint, output=output, report=tmp_path / "report.json", policies=None,
        strict=False, environment=environment,
    )  # fmt: skip

    assert status == 0
    assert found([json.loads(line) for line in output.read_bytes().splitlines()]) == expected(old)
    report = json.loads((tmp_path / "report.json").read_text())
    skipped = {(one["kind"], one["subject"]) for one in report["skipped"]}
    # The gateway's own account and policies in that store, which are none of MMS's.
    assert skipped >= {("user", site.service.access_key), ("policy", "vendor-lease")}
    policies = {name for kind, name in skipped if kind == "policy" and not re.search("-ceiling-|-state-", name)}
    assert policies <= {
        "vendor-lease",
        "vendor-operator",
        "other-lease",
        "other-operator",
        "boot-lease",
        "boot-operator",
    }


@pytest.mark.parametrize("endpoint", ["{url}/path", "ftp://127.0.0.1", "127.0.0.1:9000", "http://127.0.0.1:9"])
def test_addresses_that_lead_nowhere(juicefs_stack: Stack, endpoint: str) -> None:
    with pytest.raises(SourceError):
        read_minio(endpoint.format(url=juicefs_stack.store.site.endpoint), "key", Secret("secret"))


def test_a_wrong_secret_is_refused_and_not_told(juicefs_stack: Stack, capsys: pytest.CaptureFixture[str]) -> None:
    site = juicefs_stack.store.site
    status = run(
        folder=None, minio=site.endpoint, output=Path("-"), report=None, policies=None, strict=False,
        environment={KEY: site.admin.access_key, SECRET: "not-the-secret-at-all"},
    )  # fmt: skip

    told = capsys.readouterr()
    assert status == 2
    assert "refused" in told.err
    assert "not-the-secret" not in told.err + told.out
