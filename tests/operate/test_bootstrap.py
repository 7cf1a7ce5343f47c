"""`vendor bootstrap` against stores that run: what it installs, that repeat is fine, and that it keeps no key."""

import json
import os
import secrets
import shutil
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.support.gateways import Api
from tests.support.parts import POLICIES
from vendor.dev.canned import admin_client
from vendor.dev.stack import Stack
from vendor.dev.users import KBASE_ROLE
from vendor.operate.bootstrap import KEY, SECRET, run

BUCKET = "bootstrapped-lake"


def settings(stack: Stack, folder: Path) -> dict[str, str]:
    """The settings of a stack's gateway, for a bucket and policies of other names."""
    policies = folder / "policies"
    shutil.copytree(POLICIES, policies)
    layout = policies / "layout.toml"
    layout.write_text(layout.read_text().replace("cdm-lake", BUCKET))
    mine = {name: text for name, text in stack.gateway.child.program.environment.items() if name.startswith("VENDOR_")}
    mine |= {"VENDOR_POLICIES_DIR": str(policies), "VENDOR_STORE_OPERATOR_POLICY": "boot-operator"}
    if "VENDOR_STORE_POLICY" in mine:
        mine["VENDOR_STORE_POLICY"] = "boot-lease"
    return mine


def keys(stack: Stack) -> dict[str, str]:
    admin = stack.store.site.admin
    return {KEY: admin.access_key, SECRET: admin.secret_key}


def bootstrap(
    capsys: pytest.CaptureFixture[str],
    environment: Mapping[str, str],
    *,
    dry_run: bool = False,
    file: Path | None = None,
) -> dict[str, str]:
    status = run(None, file, dry_run=dry_run, as_json=True, environment=environment)
    said = capsys.readouterr()
    assert status == 0, said.err
    return {step["what"]: step["done"] for step in json.loads(said.out)["steps"]}


def buckets(stack: Stack) -> set[str]:
    return {bucket["Name"] for bucket in stack.store.site.client().list_buckets()["Buckets"]}


def test_everything_is_installed_once_and_repeat_is_fine(
    juicefs_stack: Stack, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    environment = settings(juicefs_stack, tmp_path) | keys(juicefs_stack)
    names = [f"bucket {BUCKET}", "policy boot-lease", "policy boot-operator"]

    assert bootstrap(capsys, environment, dry_run=True) == dict.fromkeys(names, "to be made")
    assert BUCKET not in buckets(juicefs_stack)
    assert bootstrap(capsys, environment) == dict.fromkeys(names, "made")
    assert BUCKET in buckets(juicefs_stack)
    assert bootstrap(capsys, environment) == {names[0]: "there", names[1]: "replaced", names[2]: "replaced"}

    admin = admin_client(juicefs_stack.store.site)
    lease = json.loads(admin.policy_info("boot-lease"))
    assert f"arn:aws:s3:::{BUCKET}/*" in json.dumps(lease)
    for name in ("boot-lease", "boot-operator"):
        admin.policy_remove(name)
    juicefs_stack.store.site.client().delete_bucket(Bucket=BUCKET)


def test_on_seaweedfs_the_role_is_left_to_its_file(
    seaweedfs_stack: Stack, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "admin.env"
    file.write_text("".join(f"{name}={text}\n" for name, text in keys(seaweedfs_stack).items()))

    done = bootstrap(capsys, settings(seaweedfs_stack, tmp_path), file=file)

    assert done == {f"bucket {BUCKET}": "made", "policy boot-operator": "made"}
    seaweedfs_stack.store.site.client().delete_bucket(Bucket=BUCKET)


def test_the_policy_that_was_installed_is_enough_for_ceilings(
    juicefs_stack: Stack, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    name = f"u{secrets.token_hex(5)}"  # without other leases, with which this one might have to share what limits it
    juicefs_stack.kbase.add_user(name, [KBASE_ROLE])
    environment = settings(juicefs_stack, tmp_path) | keys(juicefs_stack)
    bootstrap(capsys, environment)
    other = juicefs_stack.add_gateway("bootstrapped", VENDOR_STORE_OPERATOR_POLICY="boot-operator")
    with Api(other.url, juicefs_stack.kbase.issue(name)) as user:
        lease = user.lease(renewable_for=900)
        ended = user.call("DELETE", f"/v1/leases/{lease['lease']['id']}").json()
    other.child.stop()

    assert ended["effective"] == "now"


@pytest.mark.parametrize("given", [{}, {KEY: "only-half"}])
def test_without_keys_nothing_is_tried(
    juicefs_stack: Stack, tmp_path: Path, given: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(None, None, dry_run=False, as_json=False, environment=settings(juicefs_stack, tmp_path) | given) == 2
    assert "administrator's keys are needed" in capsys.readouterr().err


def test_keys_that_are_wrong_are_refused_and_never_shown(
    juicefs_stack: Stack, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    environment = settings(juicefs_stack, tmp_path) | {KEY: "somebody", SECRET: "wrong-secret-of-somebody"}

    assert run(None, None, dry_run=False, as_json=False, environment=environment) == 1
    said = capsys.readouterr()
    assert "wrong-secret" not in said.out + said.err
    assert os.environ.get(SECRET) != "wrong-secret-of-somebody"
