"""`vend access`, `can`, `explain` and `who-can` against the real gateway."""

from typing import TYPE_CHECKING

import pytest

from tests.cli.test_lease import BUCKET, HOME, TENANT
from tests.cli.vend import Vend

if TYPE_CHECKING:
    from vendor.dev.stack import Stack

MINE, OURS, OTHERS = (f"s3://{BUCKET}/{path}" for path in (HOME, TENANT, "tenant-general-warehouse/hydro/"))


def test_access_lists_every_grant_with_its_reason(alice: Vend) -> None:
    said = alice("access")
    assert (said.code, said.err) == (0, "")
    rows = {line.split("\t")[0]: line.split("\t")[1:] for line in said.out.splitlines()}
    assert rows[MINE][:2] == ["write", "home"]
    assert rows[OURS][:2] == ["write", "tenant:kbase"]
    found = alice("access", "--json").json
    assert {grant["path"] for grant in found["grants"]} == set(rows)
    assert found["policy"]["bytes"] <= found["policy"]["limit"]


@pytest.mark.parametrize(
    ("arguments", "code", "out"),
    [
        (("write", MINE), 0, "yes, because of home\n"),
        (("read", OURS + "deep/er.txt"), 0, "yes, because of tenant:kbase\n"),
        (("read", OTHERS), 1, "no\n"),
        (("write", OTHERS), 1, "no\n"),
        (("s3:GetObject", MINE + "x"), 0, "yes, because of home\n"),
    ],
)
def test_can_answers_with_its_exit_code(alice: Vend, arguments: tuple[str, ...], code: int, out: str) -> None:
    said = alice("can", *arguments)
    assert (said.code, said.out, said.err) == (code, out, "")
    assert alice("can", *arguments, "--json").json["allowed"] is (code == 0)


def test_explain(alice: Vend) -> None:
    yes = alice("explain", OURS, "--action", "write")
    assert yes.code == 0
    assert "is allowed" in yes.out
    assert "tenant:kbase: write on " in yes.out
    no = alice("explain", OTHERS)
    assert no.code == 0  # the question was answered
    assert "is not allowed" in no.out
    assert alice("explain", OTHERS, "--json").json["remedy"]


def test_for_somebody_else(alice: Vend, seaweedfs_stack: "Stack") -> None:
    bob, carol = ({"VENDOR_TOKEN": seaweedfs_stack.tokens[name]} for name in ("bob", "carol"))
    alice("whoami", env=bob)

    assert alice("can", "write", MINE, "--as", "alice", env=carol).code == 0
    assert alice("can", "write", OURS, "--as", "bob", env=carol).code == 1
    assert alice("can", "read", MINE, "--as", "alice", env=bob).code == 1
    assert "yes" not in alice("can", "read", MINE, "--as", "alice", env=bob).out


def test_who_can(alice: Vend) -> None:
    said = alice("who-can", OURS, "--access", "write")
    assert said.code == 0
    rows = [line.split("\t") for line in said.out.splitlines()]
    assert ["user:alice", "write", "tenant:kbase"] in [row[:3] for row in rows]
    assert not any(row[0] == "user:bob" for row in rows)  # he only reads
    assert alice("who-can", OURS, "--json").json["holders"]


@pytest.mark.parametrize(
    "arguments",
    [
        ("can", "read", "/etc/passwd"),
        ("can", "fly", MINE),
        ("can", "read"),
        ("explain", "s3://b"),
        ("explain", MINE, "--as", "no body"),
        ("who-can", MINE, "--access", "all"),
    ],
)
def test_usage(alice: Vend, arguments: tuple[str, ...]) -> None:
    said = alice(*arguments)
    assert (said.code, said.out) == (2, "")


def test_exit_codes_without_a_sign_in_or_a_gateway(alice: Vend) -> None:
    assert alice("can", "read", MINE, env={"VENDOR_TOKEN": ""}).code == 3
    assert alice("can", "read", MINE, "--gateway", "http://127.0.0.1:9").code == 4
