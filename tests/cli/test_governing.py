"""`vend share`, `unshare`, `shares` and `vend tenant …` against the real gateway, for people and for machines."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.cli.test_child import Terminal
from tests.cli.test_lease import BUCKET, HOME
from tests.cli.vend import Vend
from tests.client.stub import Reply, Seen, stub_server

if TYPE_CHECKING:
    from vendor.dev.stack import Stack

PLOTS = f"s3://{BUCKET}/{HOME}plots/"


class People:
    """One installation for each of the people of the stack."""

    def __init__(self, folder: Path, stack: "Stack") -> None:
        self.alice, self.bob, self.carol = (self._of(folder, stack, name) for name in ("alice", "bob", "carol"))

    def _of(self, folder: Path, stack: "Stack", name: str) -> Vend:
        home = folder / name
        home.mkdir(mode=0o700)
        return Vend(home, {"VENDOR_URL": stack.gateway.url, "VENDOR_TOKEN": stack.tokens[name]})


@pytest.fixture
def people(tmp_path: Path, seaweedfs_stack: "Stack") -> Iterator[People]:
    made = People(tmp_path, seaweedfs_stack)
    yield made
    for share in made.alice("shares", "--json").json["shares"]:
        made.alice("unshare", share["id"])


def test_a_share_is_made_listed_used_and_taken_back(people: People) -> None:
    assert people.bob("lease", "--read", PLOTS).code == 1
    assert people.bob("whoami").code == 0  # bob is known from here on

    made = people.alice("share", PLOTS, "--with", "bob", "--with", "tenant:kbase", "--for", "1d")
    assert (made.code, made.err) == (0, "")
    rows = [line.split("\t") for line in made.out.splitlines()]
    assert [(row[1], row[2], row[3]) for row in rows] == [(PLOTS, "user:bob", "read"), (PLOTS, "tenant:kbase", "read")]
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:]+Z", row[4]) for row in rows)

    assert sorted(people.alice("shares").out.splitlines()) == sorted(made.out.splitlines())
    (given,) = people.bob("shares", "--with", "me", "--json").json["shares"]
    assert given["id"] == rows[0][0]
    assert people.bob("lease", "--read", PLOTS).code == 0

    assert people.alice("unshare", PLOTS.rstrip("/"), "--with", "bob").code == 0
    assert [share["with"]["tenants"] for share in people.alice("shares", "--json").json["shares"]] == [["kbase"]]
    assert people.alice("unshare", rows[1][0]).code == 0
    assert people.alice("shares").out == ""
    assert people.bob("lease", "--read", PLOTS).code == 1


def test_a_share_until_a_time(people: People) -> None:
    (share,) = people.alice("share", PLOTS, "--with", "bob", "--until", "2099-01-01T00:00:00+01:00", "--json").json[
        "shares"
    ]
    assert share["expires_at"] == "2098-12-31T23:00:00Z"


def test_only_the_owner_shares(people: People) -> None:
    said = people.bob("share", PLOTS, "--with", "bob")
    assert (said.code, said.out) == (1, "")


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(("share", PLOTS), id="with-nobody"),
        pytest.param(("share", PLOTS, "--with", "group:x"), id="unknown-kind"),
        pytest.param(("share", PLOTS, "--with", "Bob!"), id="no-name"),
        pytest.param(("share", "plots", "--with", "bob"), id="no-path"),
        pytest.param(("share", PLOTS, "--with", "bob", "--access", "all"), id="no-access"),
        pytest.param(("share", PLOTS, "--with", "bob", "--until", "2099-01-01"), id="no-zone"),
        pytest.param(
            ("share", PLOTS, "--with", "bob", "--for", "1d", "--until", "2099-01-01T00:00:00Z"), id="two-ends"
        ),
        pytest.param(("unshare", PLOTS), id="no-such-share"),
        pytest.param(("unshare", PLOTS, "s_x"), id="path-and-id"),
        pytest.param(("unshare", "s_x", "--with", "bob"), id="id-and-with"),
        pytest.param(("unshare", "../tenants/kbase"), id="path-as-id"),
        pytest.param(("shares", "--with", "me", "--owner", "user:bob"), id="two-filters"),
        pytest.param(("tenant", "add", "kbase", "bob", "--access", "admin"), id="no-member-access"),
        pytest.param(("tenant", "show", "../users"), id="path-as-tenant"),
        pytest.param(("tenant", "edit", "kbase"), id="nothing-to-edit"),
        pytest.param(("tenant", "delete", "kbase"), id="no-terminal-to-ask"),
    ],
)
def test_usage(people: People, arguments: tuple[str, ...]) -> None:
    said = people.alice(*arguments)
    assert (said.code, said.out) == (2, "")
    assert said.err


def test_a_tenant_from_beginning_to_end(people: People) -> None:
    carol, alice = people.carol, people.alice
    said = carol("tenant", "create", "plankton", "--display-name", "Plankton watch", "--json")
    assert (said.code, said.json["name"]) == (0, "plankton")
    alice("whoami")
    assert carol("tenant", "add", "plankton", "alice", "--access", "read_write").code == 0
    assert carol("tenant", "steward", "plankton", "alice").code == 0
    assert carol("tenant", "steward", "plankton", "carol").code == 0

    assert "plankton\tPlankton watch\t" in alice("tenant", "list").out
    assert alice("tenant", "edit", "plankton", "--description", "What drifts").code == 0
    shown = alice("tenant", "show", "plankton")
    assert re.search(r"^description\s+What drifts$", shown.out, re.MULTILINE)
    assert alice("tenant", "show", "plankton", "--json").json["description"] == "What drifts"
    assert alice("tenant", "add", "plankton", "bob").code == 0
    assert alice("tenant", "members", "plankton").out.splitlines() == [
        "alice\tread_write\tsteward",
        "bob\tread_only\t",
        "carol\t-\tsteward",
    ]
    listed = alice("tenant", "members", "plankton", "--json").json["members"]
    assert {member["user"] for member in listed} == {"alice", "bob"}

    assert alice("tenant", "remove", "plankton", "bob").code == 0
    assert alice("tenant", "edit", "plankton", "--description", "").code == 0
    assert alice("tenant", "show", "plankton", "--json").json["description"] is None
    assert carol("tenant", "steward", "plankton", "alice", "--remove").code == 0
    refused = alice("tenant", "add", "plankton", "bob")
    assert (refused.code, refused.out) == (1, "")
    assert alice("tenant", "delete", "plankton", "--yes").code == 1
    assert carol("tenant", "delete", "plankton", "--yes").code == 0
    assert carol("tenant", "show", "plankton").code == 1


@pytest.mark.parametrize(("answer", "deleted"), [(b"y\n", True), (b"\n", False), (b"n\n", False), (b"\x03", False)])
def test_deleting_asks_first(vend: Vend, answer: bytes, deleted: bool) -> None:
    with stub_server() as stub:
        stub.answer = lambda _seen: Reply(204, b"")
        vend.environ |= {"VENDOR_URL": stub.url, "VENDOR_TOKEN": "t"}
        terminal = Terminal(vend, "tenant", "delete", "plankton")
        terminal.wait_for("[y/N]")
        terminal.type(answer)
        code = terminal.end()

    assert code == (0 if deleted else 130 if answer == b"\x03" else 1)
    assert bool(stub.seen) is deleted


def test_lists_are_read_to_their_end(vend: Vend) -> None:
    def answer(seen: Seen) -> Reply:
        second = "cursor=next" in seen.path
        tenants = [{"name": "second" if second else "first", "display_name": "\x1b[2J\tx\u202e", "description": None}]
        return Reply(200, {"tenants": tenants, "cursor": None if second else "next"})

    with stub_server() as stub:
        stub.answer = answer
        vend.environ |= {"VENDOR_URL": stub.url, "VENDOR_TOKEN": "t"}
        assert vend("tenant", "list").out == "first\t[2J x\t\nsecond\t[2J x\t\n"
        assert [tenant["name"] for tenant in vend("tenant", "list", "--json").json["tenants"]] == ["first", "second"]
        assert "\x1b" not in vend("tenant", "list", "--json").out


def test_a_table_on_a_terminal(vend: Vend) -> None:
    with stub_server() as stub:
        stub.says(200, {"tenants": [{"name": "first", "display_name": "[red]x[/red]"}], "cursor": None})
        vend.environ |= {"VENDOR_URL": stub.url, "VENDOR_TOKEN": "t", "NO_COLOR": "1", "TERM": "xterm"}
        terminal = Terminal(vend, "tenant", "list")
        terminal.wait_for("[/red]")
        assert terminal.end() == 0
    assert "tenant" in terminal.said
    assert "[red]x[/red]" in terminal.said  # what looks like markup is text
    assert "\x1b[3" not in terminal.said  # no colours where none are wanted
