"""`vendor import mms`: what a whole service kept comes back as our state, and what cannot is said."""

import json
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.mms.old_service import BUCKET, Old, OldShare, as_minio_keeps_it, document, old_service
from vendor.governance.statefile import read_line
from vendor.operate.import_mms.command import run
from vendor.operate.import_mms.recover import recover
from vendor.operate.import_mms.source import Report, Source
from vendor.policy.layout import load_layout
from vendor.settings import shipped_policies

LAYOUT = load_layout(shipped_policies() / "layout.toml")


def imported(folder: Path, **options: Any) -> tuple[int, list[dict[str, Any]], dict[str, Any]]:
    """Run the command on a folder; return its status, the lines of the state file, and the report."""
    output, report = folder / "state.ndjson", folder / "report.json"
    chosen: dict[str, Any] = {"minio": None, "policies": None, "strict": False, **options}
    status = run(folder=folder, output=output, report=report, **chosen)
    if status == 2:
        return status, [], {}
    lines = output.read_bytes().splitlines()
    for line in lines:
        read_line(line)
    return status, [json.loads(line) for line in lines], json.loads(report.read_text())


def expected(old: Old) -> dict[str, Any]:
    """What the state should hold, worked out from the model and from nothing that the import does."""
    bases = [group for group in old.groups if not (group.endswith("ro") and group[:-2] in old.groups)]
    members = {
        (base, user): "read_write" if user in old.groups[base] else "read_only"
        for base in bases
        for user in (*old.groups[base], *old.groups[f"{base}ro"])
    }
    shares = {}
    for share in old.shares:
        target, level = f"user:{share.target}", share.level
        if share.is_group:
            half = share.target not in bases
            target = f"tenant:{share.target.removesuffix('ro') if half else share.target}"
            level = "read" if half else level
        shares[f"s3a://{BUCKET}/{share.path}", target] = (f"user:{share.owner}", level)
    return {"users": set(old.users), "tenants": set(bases), "members": members, "shares": shares}


def found(lines: list[dict[str, Any]]) -> dict[str, Any]:
    """The same of a state file."""
    of = {kind: [line for line in lines if line["type"] == kind] for kind in ("user", "tenant", "member", "share")}
    return {
        "users": {line["name"] for line in of["user"]},
        "tenants": {line["name"] for line in of["tenant"]},
        "members": {(line["tenant"], line["user"]): line["access"] for line in of["member"]},
        "shares": {(line["path"], line["with"]): (line["owner"], line["access"]) for line in of["share"]},
    }


@pytest.mark.parametrize("seed", range(5))
def test_a_whole_service_comes_back(tmp_path: Path, seed: int) -> None:
    old = old_service(seed, users=50, tenants=12, shares=200)

    status, lines, report = imported(old.write(tmp_path / "export"), strict=True)

    assert status == 0
    assert found(lines) == expected(old)
    assert report["skipped"] == []
    assert lines[0]["type"] == "header"
    assert lines[-1] == {
        "type": "end", "users": 50, "tenants": 12, "members": len(expected(old)["members"]),
        "stewards": len(old.stewards), "shares": 200,
    }  # fmt: skip


def test_a_minio_s_own_order_and_lists_make_no_difference(tmp_path: Path) -> None:
    old = old_service(7, users=10, tenants=3, shares=30)
    old.policies = {name: as_minio_keeps_it(one) for name, one in old.documents().items()}

    _, lines, report = imported(old.write(tmp_path / "export"))

    assert found(lines) == expected(old)
    assert report["skipped"] == []


def test_what_people_said_comes_along(tmp_path: Path) -> None:
    old = old_service(3, users=4, tenants=1, shares=0)
    old.groups["hyd0ro"], old.groups["hyd0roro"] = ["user01"], []
    old.stewards = [{"tenant_name": "hyd0ro", "username": "user01", "assigned_by": "root1",
                     "assigned_at": "2026-05-02 08:00:00+02"}]  # fmt: skip
    old.metadata[0] |= {"organization": "LBNL", "website": "https://example.org/"}

    _, lines, _ = imported(old.write(tmp_path / "export"))
    by = {line["type"]: line for line in lines}

    assert by["tenant"] == {
        "type": "tenant", "name": "hyd0ro", "display_name": "The hyd0ro", "description": "Rivers,\n\"and\" lakes",
        "website": "https://example.org/", "organization": "LBNL", "created_at": "2026-05-01T00:00:00Z",
        "created_by": "root1", "updated_at": "2026-05-03T10:00:00Z", "updated_by": "root1",
    }  # fmt: skip
    assert by["steward"]["assigned_at"] == "2026-05-02T06:00:00Z"
    assert by["steward"]["assigned_by"] == "root1"
    (user,) = (line for line in lines if line.get("name") == "u.00-x")
    assert user["display_name"] == "Person u.00-x"
    assert user["email"] == "u.00-x@example.org"
    assert user["first_seen"] == "2026-04-01T12:30:00Z"


def test_no_key_of_anybody_is_in_what_is_written(tmp_path: Path) -> None:
    folder = old_service(1, users=3, tenants=1, shares=3).write(tmp_path / "export")
    (folder / "user_credentials.csv").write_text("username,access_key,secret_key\nuser01,user01,hunter2hunter2\n")
    (folder / "users.json").write_text(json.dumps({"accessKey": "user01", "secretKey": "hunter2hunter2"}))

    imported(folder)

    for name in ("state.ndjson", "report.json"):
        assert "hunter2" not in (folder / name).read_text()
        assert stat.S_IMODE((folder / name).stat().st_mode) == 0o600


ANN = f"{BUCKET}/users-general-warehouse/ann"


def small(*shares: OldShare, **policies: Any) -> Old:
    old = Old(["ann", "ben"], {"kbase": ["ann"], "kbasero": ["ben"]}, list(shares))
    old.policies = {name.replace("_", "-"): document_ for name, document_ in policies.items()}
    return old


def report_of(old: Old) -> tuple[set[tuple[str, str]], Report]:
    """Return the shares (path, target) that are recovered, and the report."""
    state, report = recover(Source(old.documents(), old.groups, old.users), LAYOUT)
    return {(share.path.text, str(share.target)) for share in state.shares.values()}, report


def share(path: str, target: str = "ben", level: str = "read", *, is_group: bool = False) -> OldShare:
    return OldShare(path, "ann", target, is_group, level)


@pytest.mark.parametrize(
    ("old", "kind", "why"),
    [
        pytest.param(small(share("users-general-warehouse/ann/a*")), "share", "wildcard", id="wildcard"),
        pytest.param(small(share("users-general-warehouse/ann/a?b")), "share", "wildcard", id="question-mark"),
        pytest.param(small(share("users-general-warehouse/ann/${x}")), "share", "pattern", id="variable"),
        pytest.param(small(share("users-general-warehouse/ann/%41")), "share", "percent", id="encoding"),
        pytest.param(small(share("users-general-warehouse/zoe/x")), "share", "no user", id="unknown-owner"),
        pytest.param(small(share("tenant-general-warehouse/kbase/x")), "share", "no user", id="tenant-path"),
        pytest.param(small(user_home_policy_ben_shadow_1a2b3c4d={}), "policy", "failed", id="shadow"),
        pytest.param(small(mine={}), "policy", "not of a user", id="somebody-else-s"),
        pytest.param(small(user_home_policy_Zed=document([], [])), "user", "is not a user name", id="upper-case"),
        pytest.param(small(user_home_policy_root=document([], [])), "user", "reserved", id="reserved"),
        pytest.param(small(user_home_policy_ben=[]), "policy", "no policy document", id="not-a-document"),
        pytest.param(small(user_home_policy_ben={"Statement": [7]}), "policy", "no object", id="not-a-statement"),
        pytest.param(small(user_home_policy_ben={"Statement": [{"Effect": "Deny"}]}), "policy", "does not allow",
                     id="denial"),
        pytest.param(small(user_home_policy_ben={"Statement": [{"Effect": "Allow", "Action": "s3:*",
                                                                "Resource": "arn:aws:s3:::*"}]}),
                     "policy", "s3:*", id="unknown-action"),
        pytest.param(small(user_home_policy_ben={"Statement": [{"Effect": "Allow", "NotAction": "s3:GetObject",
                                                                "Resource": "arn:aws:s3:::*"}]}),
                     "policy", "never writes", id="not-action"),
        pytest.param(small(user_home_policy_ben={"Statement": [{"Effect": "Allow", "Action": "s3:GetObject",
                                                                "Resource": f"arn:aws:s3:::{ANN}/x/*"}]}),
                     "share", "less than", id="half-a-share"),
    ],
)  # fmt: skip
def test_what_cannot_be_taken_over_is_left_out_and_said(old: Old, kind: str, why: str) -> None:
    shares, report = report_of(old)

    assert shares == set()
    (finding,) = [one for one in report.skipped if one.kind == kind and why in one.text]
    assert finding.subject


def test_a_wildcard_share_does_not_become_a_share_of_the_folder_above() -> None:
    """MMS's fault 3: it also opened the folder that the pattern lies in, and all of it."""
    old = small(share("users-general-warehouse/ann/x"))
    old.policies["user-home-policy-ben"] = document(
        ["users-general-warehouse/ann/foo*", "users-general-warehouse/ann", "users-general-warehouse/ann/x"], []
    )

    shares, report = report_of(old)

    assert shares == {(f"s3a://{ANN}/x", "user:ben")}
    assert {one.subject for one in report.skipped} == {f"{ANN}/foo* with user:ben", f"{ANN} with user:ben"}


def test_rights_to_write_that_are_not_whole_become_rights_to_read() -> None:
    old, whole = small(), [f"{ANN}/x", f"{ANN}/x/*"]
    old.policies["user-home-policy-ben"] = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Action": ["s3:GetObject"],
                "Resource": [f"arn:aws:s3:::{one}" for one in whole],
            },
            {"Effect": "Allow", "Action": ["s3:PutObject"], "Resource": [f"arn:aws:s3:::{whole[1]}"]},
        ],
    }

    state, report = recover(Source(old.documents(), old.groups, old.users), LAYOUT)

    assert [str(one.level) for one in state.shares.values()] == ["read"]
    assert any("taken over as a share to read" in one.text for one in report.skipped)


def test_shares_with_halves_become_one_with_the_tenant_and_that_is_said() -> None:
    whole, half = (
        share("users-general-warehouse/ann/x", name, "write", is_group=True) for name in ("kbase", "kbasero")
    )

    for shares, level in (([whole, half], "write"), ([half, whole], "write"), ([half], "read")):
        old = small(*shares)
        state, report = recover(Source(old.documents(), old.groups, old.users), LAYOUT)
        assert [(str(one.target), str(one.level)) for one in state.shares.values()] == [("tenant:kbase", level)]
        assert any(one.kind == "tenant" and "both halves" in one.text for one in report.noted)
        assert any("readable now" in one.text for one in report.noted) is (half in shares)


def test_a_share_with_oneself_is_nothing() -> None:
    shares, report = report_of(small(share("users-general-warehouse/ann/x", "ann")))

    assert shares == set()
    assert report.skipped == []


def test_people_and_groups_that_are_not_there() -> None:
    old = small()
    old.groups |= {"kbase": ["ann", "trino"], "Bad-Name": []}
    source = Source(
        old.documents(),
        old.groups,
        [*old.users, "trino"],
    )
    state, report = recover(source, LAYOUT)

    assert set(state.users) == {"ann", "ben"}
    assert set(state.tenants) == {"kbase"}
    assert {(one.kind, one.subject) for one in report.skipped} == {
        ("user", "trino"), ("member", "trino of kbase"), ("group", "Bad-Name"), ("policy", "group-policy-Bad-Name"),
    }  # fmt: skip


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(lambda folder: (folder / "policies" / "user-home-policy-ann.json").write_text("{"), id="json"),
        pytest.param(lambda folder: (folder / "policies" / "x.json").write_bytes(b"\xff\xfe"), id="utf-8"),
        pytest.param(lambda folder: (folder / "groups" / "kbase.json").write_text('{"members": "ann"}'), id="members"),
        pytest.param(lambda folder: (folder / "groups.json").write_text("[]"), id="groups"),
        pytest.param(lambda folder: (folder / "users.json").write_text("[7]"), id="users"),
        pytest.param(lambda folder: (folder / "tenant_stewards.json").write_text('{"a": 1}'), id="table"),
        pytest.param(lambda folder: (folder / "policies").rename(folder / "elsewhere"), id="no-policies"),
    ],
)
def test_a_source_that_cannot_be_read(
    tmp_path: Path, spoil: Callable[[Path], object], capsys: pytest.CaptureFixture[str]
) -> None:
    folder = small().write(tmp_path / "export")
    spoil(folder)

    assert imported(folder)[0] == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert not (folder / "state.ndjson").exists()


def test_strict_fails_on_what_was_skipped(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = small(share("users-general-warehouse/ann/a*")).write(tmp_path / "export")

    assert imported(folder)[0] == 0
    assert imported(folder, strict=True)[0] == 1
    assert "not taken over: share" in capsys.readouterr().err


def test_where_to_read_from_has_to_be_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    common: dict[str, Any] = {"output": tmp_path / "x", "report": None, "policies": None, "strict": False}

    assert run(folder=None, minio=None, **common) == 2
    assert run(folder=None, minio="http://127.0.0.1:9", environment={}, **common) == 2
    assert "MINIO_ROOT_PASSWORD" in capsys.readouterr().err
