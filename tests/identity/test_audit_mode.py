"""Audit mode says what would have happened, and changes nothing."""

import time
from pathlib import Path
from typing import Any

import pytest

from tests.identity.world.world import OWN_ISSUER, World
from vendor.errors import InvalidToken, RoleRequired
from vendor.identity.authenticator import Authenticator, open_authenticator
from vendor.identity.observe import Observation, Observer
from vendor.secret import RawToken

ENTRY = """
[[issuer]]
name = "{name}"
url = "{url}"
mode = "{mode}"
audiences = ["vendor"]
algorithms = ["ES256"]
tokens = ["id"]
groups = "groups"
{more}
"""
RULE = """
[[issuer.rule]]
name = "{name}"
mode = "{mode}"
{more}
"""


class Notebook:
    """Remembers what it is told."""

    def __init__(self) -> None:
        self.seen: list[Observation] = []

    async def __call__(self, observation: Observation) -> None:
        self.seen.append(observation)


def entry(world: World, name: str = "idp", *, mode: str = "enforce", more: str = "") -> str:
    return ENTRY.format(name=name, url=world.issuers["onekey"], mode=mode, more=more)


def rule(name: str, mode: str = "enforce", more: str = "") -> str:
    return RULE.format(name=name, mode=mode, more=more)


def trust_file_text(file: Path, text: str) -> None:
    file.write_text("version = 1\n" + text, encoding="utf-8")


def opened(file: Path, text: str, observer: Observer) -> Authenticator:
    trust_file_text(file, text)
    return open_authenticator(trust_file=file, own_issuer_url=OWN_ISSUER, clock=time.time, observer=observer)


async def test_a_rule_on_trial_is_reported_and_passed_over(world: World, trust_file: Path) -> None:
    notebook = Notebook()
    trial = rule("bots", "audit", 'when = [{ claim = "groups", contains = "lab" }]\nkind = "workload"\nas = "bot"')
    async with opened(trust_file, entry(world) + trial + rule("people"), notebook) as door:
        found = await door.authenticate(RawToken(world.token("onekey")))

    assert (found.name, found.rule) == ("alice", "people")
    (seen,) = notebook.seen
    assert (seen.trusted_by, seen.rule, seen.subject, seen.admitted) == ("idp", "bots", "alice", True)
    assert seen.principal is not None
    assert seen.principal.name == "bot"


async def test_a_rule_on_trial_is_reported_when_nobody_else_admits(world: World, trust_file: Path) -> None:
    notebook = Notebook()
    text = entry(world) + rule("wider", "audit") + rule("closed", more='when = [{ claim = "x", equals = "y" }]')
    async with opened(trust_file, text, notebook) as door:
        with pytest.raises(RoleRequired):
            await door.authenticate(RawToken(world.token("onekey")))

    assert [(seen.rule, seen.admitted) for seen in notebook.seen] == [("wider", True)]


async def test_a_rule_on_trial_says_why_it_would_not_match(world: World, trust_file: Path) -> None:
    notebook = Notebook()
    text = entry(world) + rule("strict", "audit", 'when = [{ claim = "mfa", equals = true }]') + rule("all")
    async with opened(trust_file, text, notebook) as door:
        await door.authenticate(RawToken(world.token("onekey")))

    assert [(seen.rule, seen.admitted, seen.reason) for seen in notebook.seen] == [("strict", False, "mfa is missing")]


async def test_a_rule_on_trial_reports_unusable_names(world: World, trust_file: Path) -> None:
    notebook = Notebook()
    text = entry(world) + rule("by-mail", "audit", 'name_claim = "mail"') + rule("all")
    async with opened(trust_file, text, notebook) as door:
        await door.authenticate(RawToken(world.token("onekey", mail="A B")))

    (seen,) = notebook.seen
    assert not seen.admitted
    assert "not a user name" in (seen.reason or "")


async def test_an_entry_on_trial_admits_nobody(world: World, trust_file: Path) -> None:
    notebook = Notebook()
    async with opened(trust_file, entry(world, mode="audit") + rule("all"), notebook) as door:
        for bad, admitted in ((False, True), (True, False)):
            token = world.token("onekey", aud="other") if bad else world.token("onekey")
            with pytest.raises(InvalidToken) as refused:
                await door.authenticate(RawToken(token))
            await door.observed()
            assert refused.value.details["reason"] == "iss"
            assert notebook.seen[-1].admitted is admitted
        assert await door.ready() == {}


async def test_a_stricter_twin_is_watched_beside_the_entry_in_force(world: World, trust_file: Path) -> None:
    notebook = Notebook()
    strict = entry(world, "strict", mode="audit", more="[issuer.profile]\nmfa = true") + rule("all")
    async with opened(trust_file, entry(world) + rule("all") + strict, notebook) as door:
        assert (await door.authenticate(RawToken(world.token("onekey")))).name == "alice"
        await door.observed()
        assert (await door.authenticate(RawToken(world.token("onekey", amr=["mfa"])))).name == "alice"
        await door.observed()

    assert [(seen.trusted_by, seen.admitted) for seen in notebook.seen] == [("strict", False), ("strict", True)]
    assert "second factor" in (notebook.seen[0].reason or "")


async def test_kbase_on_trial(world: World, trust_file: Path) -> None:
    notebook = Notebook()
    text = f'[[kbase]]\nname = "kbase"\nurl = "{world.kbase.url}"\nmode = "audit"\n'
    token = world.kbase.login("AUDITMODEAUDITMODEAUDITMODEAUDIT", "alice")
    async with opened(trust_file, text, notebook) as door:
        for shown in (token, "NOSUCHTOKENNOSUCHTOKENNOSUCHTOKE"):
            with pytest.raises(InvalidToken):
                await door.authenticate(RawToken(shown))
            await door.observed()

    assert [seen.admitted for seen in notebook.seen] == [True, False]


async def test_nobody_waits_for_an_entry_on_trial(world: World, trust_file: Path) -> None:
    notebook = Notebook()
    slow = ENTRY.format(name="slow", url=world.issuers["silent"], mode="audit", more="")
    async with opened(trust_file, entry(world) + rule("all") + slow + rule("all"), notebook) as door:
        started = time.monotonic()
        for _ in range(100):
            with pytest.raises(InvalidToken):
                await door.authenticate(RawToken(world.token("silent")))
        assert time.monotonic() - started < 2
    assert notebook.seen == []  # it was given up when the door closed


async def test_an_observer_that_fails_has_no_effect(world: World, trust_file: Path) -> None:
    async def failing(_observation: Observation) -> None:
        raise RuntimeError("the audit log is away")

    async with opened(trust_file, entry(world) + rule("trial", "audit") + rule("all"), failing) as door:
        assert (await door.authenticate(RawToken(world.token("onekey")))).name == "alice"


async def test_the_same_observation_is_made_once_in_ten_minutes(world: World, trust_file: Path) -> None:
    notebook, now = Notebook(), 1000.0
    trust_file_text(trust_file, entry(world) + rule("trial", "audit") + rule("all"))
    async with open_authenticator(
        trust_file=trust_file,
        own_issuer_url=OWN_ISSUER,
        clock=time.time,
        monotonic=lambda: now,
        observer=notebook,
    ) as door:
        for _ in range(3):
            await door.authenticate(RawToken(world.token("onekey")))
        assert len(notebook.seen) == 1
        await door.authenticate(RawToken(world.token("onekey", sub="bob")))
        assert len(notebook.seen) == 2
        now += 601
        await door.authenticate(RawToken(world.token("onekey")))
        assert len(notebook.seen) == 3


def test_nothing_of_the_token_is_in_an_observation(world: World) -> None:
    fields: Any = Observation.__dataclass_fields__
    assert set(fields) == {"trusted_by", "rule", "subject", "admitted", "principal", "reason"}
