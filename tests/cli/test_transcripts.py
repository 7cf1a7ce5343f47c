"""Transcripts: what each verb says to people and as JSON, at a real gateway, store and identity provider.

A transcript is a text file: `alice$ vend …` is run as alice, and what follows is what it has to print.  Lines with `! `
before them are on the standard error, and `[3]` is an exit code other than 0.  What differs from run to run stands as
`<lease>`, `<time>` and so on; in a command, `<lease>` is the one that was seen last.  Behind `^C after 3 lines` stands
what runs until Ctrl-C, which comes when it has printed so many.  Codes of `--device` are confirmed as alice.

`VENDOR_TRANSCRIPTS=write` writes the files anew from their commands; read the difference before you keep it.
"""

import os
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.cli import browser
from tests.cli.test_documentation import COMMANDS, options
from tests.cli.vend import Said, Vend
from tests.support.sweeping import swept
from vendor import __version__
from vendor.dev.stack import Stack, running_stack

FOLDER = Path(__file__).with_name("transcripts")
FILES = sorted(FOLDER.glob("*.txt"))
PROMPT = re.compile(r"(alice|bob|carol|nobody)\$ vend (.*)")
UNTIL = re.compile(r"(.*) \^C after (\d+) lines?")
MC = """#!/bin/sh
# Stands in for mc, which is no wheel: it tells how it was called.
echo "mc $*"
echo "$MC_HOST_vendlease"
"""

PATTERNS = (
    (r"\bl_[a-z0-9]{16,}", "<lease>"),
    (r"\bs_[a-z0-9]{16,}", "<share>"),
    (r"\be_[0-9a-f]{16,}", "<event>"),
    (r"\br_[0-9a-f]{16,}", "<request>"),
    (r"\bvlt_[A-Za-z0-9_-]+", "<lease token>"),
    (r"\b\d{13}-\d+\b", "<cursor>"),
    (r"\b20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|\+00:00)", "<time>"),
    (r"\b[0-9a-f]{64}\b", "<digest>"),
    (r"://[^:/\s]+:[^:\s]+:[^@\s]+@", "://<key>:<secret>:<token>@"),
    (r"(?m)http://127\.0\.0\.1:\d{4,5}(?=/credentials|'$)", "<here>"),
    (r"(?<=['\"])/[^'\"]*/vend-\w+/", "<folder>/"),
    (r"\bVEND[A-Z0-9]{16}\b", "<pair>"),
    (r"(confirm the code )\S+", r"\1<code>"),
    (r"\bASIA[0-9a-zA-Z]{8,}\b", "<key>"),
    (
        r'((?:secret_access_key|session_token|SecretAccessKey|SessionToken|token|\w+_AUTHORIZATION_TOKEN)": ")[^"]+',
        r"\1<secret>",
    ),
    (r"(AWS_(?:SECRET_ACCESS_KEY|SESSION_TOKEN|CONTAINER_AUTHORIZATION_TOKEN)=)\S+", r"\1<secret>"),
    (r"(aws_secret_access_key|aws_session_token) = \S+", r"\1 = <secret>"),
    (r"(<issuer>/)\S+", r"\1…"),
    (r"in \d+ ms", "in <some> ms"),
    (r"is \d+ (?:s|min|h) old", "is <some time> old"),
    (r'("(?:governance_)?revision": ?)\d+', r"\1<revision>"),
    (r'("(?:lines|events|checkpoints|checkpoint|bytes)": ?)\d+', r"\1<some>"),
    (r"(?m)^((?:events|checkpoints|checkpoint|policy\.bytes|governance_revision|ms) +)[\d.]+$", r"\1<some>"),
    (r'("ms": ?)[\d.]+', r"\1<some>"),
    (r"\d+ lines in", "<some> lines in"),
)
NOISE = re.compile(r"NOTICE: Config file")


@dataclass
class Scene:
    """The people of a transcript, and what was seen last of each kind."""

    stack: Stack
    people: dict[str, Vend]
    seen: dict[str, str] = field(default_factory=dict)

    def play(self, text: str) -> str:
        """Run the commands of a transcript and return it as it went."""
        played: list[str] = []
        for line in text.splitlines():
            found = PROMPT.fullmatch(line)
            if found:
                played += [line, *self._told(self._run(found[1], found[2]))]
            elif line.startswith("#") or not line:
                played.append(line)
        # What is printed has no empty lines of its own here, so those that stand there are ours.
        return "\n".join(played) + "\n"

    def _run(self, name: str, command: str) -> Said:
        for placeholder, value in self.seen.items():
            command = command.replace(placeholder, value)
        vend, env = self.people[name], {"VENDOR_LEASE_TOKEN": self.seen.get("<lease token>", "")}
        if endless := UNTIL.fullmatch(command):
            return self._interrupted(vend.start(*shlex.split(endless[1]), env=env), int(endless[2]))
        if command.startswith("login --device"):
            return self._confirmed(vend.start(*shlex.split(command), env=env))
        return vend(*shlex.split(command), env=env)

    def _interrupted(self, running: "subprocess.Popen[str]", lines: int) -> Said:
        assert running.stdout is not None
        printed = [running.stdout.readline() for _ in range(lines)]
        running.send_signal(signal.SIGINT)
        return _rest(running, out="".join(printed))

    def _confirmed(self, running: "subprocess.Popen[str]") -> Said:
        assert running.stderr is not None
        printed = [running.stderr.readline(), running.stderr.readline()]
        self.stack.idp.approve(printed[-1].split()[-1], "alice")
        return _rest(running, err="".join(printed))

    def _told(self, said: Said) -> Iterator[str]:
        yield from self._plain(said.out)
        yield from (f"! {line}" for line in self._plain(said.err) if not NOISE.search(line))
        if said.code:
            yield f"[{said.code}]"

    def _plain(self, text: str) -> list[str]:
        site = self.stack.gateway.url
        for pattern, name in PATTERNS[:6]:
            for value in re.findall(pattern, text):
                self.seen[name] = value
        known = {site: "<gateway>", self.stack.idp.issuer: "<issuer>", self.stack.store.site.endpoint: "<store>"}
        known |= {str(vend.home): "<home>" for vend in self.people.values()} | {f" {__version__}": " <version>"}
        known |= {f"/{__version__}": "/<version>", "@" + self.stack.store.site.endpoint.split("/")[-1]: "@<store>"}
        for value, name in known.items():
            text = text.replace(value, name)
        for pattern, name in PATTERNS:
            text = re.sub(pattern, name, text)
        return [line.rstrip() for line in text.splitlines() if line.strip()]


def _rest(running: "subprocess.Popen[str]", out: str = "", err: str = "") -> Said:
    """Return what was said in all, `out` and `err` first."""
    assert running.stdout is not None
    assert running.stderr is not None
    out += running.stdout.read()
    err += running.stderr.read()
    return Said(running.wait(20), out, err)


@pytest.fixture(scope="module")
def own_stack() -> Iterator[Stack]:
    """A stack of its own: transcripts list everything there is."""
    with running_stack("seaweedfs") as stack:
        yield stack
        swept(stack)


@pytest.fixture
def scene(own_stack: Stack, tmp_path: Path) -> Iterator[Scene]:
    people = {}
    for name in ("alice", "bob", "carol", "nobody"):
        home = tmp_path / name
        home.mkdir(mode=0o700)
        people[name] = Vend(home, {"VENDOR_URL": own_stack.gateway.url})
        (home / "mc").write_text(MC)
        (home / "mc").chmod(0o700)
        people[name].environ["PATH"] = f"{home}:{Path(sys.executable).parent}:{os.environ['PATH']}"
        if name == "nobody":
            password = own_stack.idp.password("alice")
            people[name].environ["BROWSER"] = f"{sys.executable} {browser.__file__} alice {password} %s"
        else:
            people[name].environ["VENDOR_TOKEN"] = own_stack.tokens[name]
    assert people["alice"]("revoke", "--all").code == 0  # nothing of an earlier transcript is listed
    yield Scene(own_stack, people)
    for vend in people.values():
        vend.close()


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_it_goes_as_it_is_written(scene: Scene, file: Path) -> None:
    written = file.read_text(encoding="utf-8")
    played = scene.play(written)
    if os.environ.get("VENDOR_TRANSCRIPTS") == "write":
        file.write_text(played, encoding="utf-8")
    assert played == written


def test_every_verb_has_a_transcript_for_people_and_for_machines() -> None:
    """Also one that is added tomorrow."""
    shown: dict[tuple[str, ...], set[bool]] = {}
    for file in FILES:
        for line in file.read_text(encoding="utf-8").splitlines():
            if found := PROMPT.fullmatch(line):
                words = found[2].split()
                name = tuple(words[:2]) if tuple(words[:2]) in COMMANDS else tuple(words[:1])
                shown.setdefault(name, set()).add("--json" in words)
    for name, command in COMMANDS.items():
        expected = {False, True} if "--json" in options(command) else {False}
        assert expected <= shown.get(name, set()), name
