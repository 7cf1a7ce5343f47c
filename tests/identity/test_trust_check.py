"""`vendor trust check` says what a file makes of a token, and why."""

import json
import time
from pathlib import Path

import pytest

from tests.identity.world.world import OWN_ISSUER, World
from vendor.operate.trust import Found, TrustReport, check
from vendor.secret import RawToken

FILE = """\
version = 1

[[issuer]]
name = "idp"
url = "{url}"
audiences = ["vendor"]
algorithms = ["ES256"]
tokens = ["id"]
groups = "groups"

[[issuer.rule]]
name = "bots"
when = [{{ claim = "sub", equals = "bot-1" }}, {{ claim = "groups", contains = "bots" }}]
kind = "workload"
as = "bot"

[[issuer.rule]]
name = "wider"
mode = "audit"

[[issuer.rule]]
name = "lab"
when = [{{ claim = "groups", contains = "lab" }}]

[[kbase]]
name = "kbase"
url = "{kbase}"
prefix = "kb-"
"""


@pytest.fixture
def file(world: World, trust_file: Path) -> Path:
    trust_file.write_text(FILE.format(url=world.issuers["onekey"], kbase=world.kbase.url), encoding="utf-8")
    return trust_file


async def checked(file: Path, token: str, *, online: bool = True) -> TrustReport:
    """Run the check as the command does, with a loop of its own, while ours goes on serving."""
    import asyncio

    return await asyncio.to_thread(check, file, RawToken(token), online=online, own_issuer_url=OWN_ISSUER)


def found(report: TrustReport) -> dict[str, Found]:
    return {step.what: step.found for trial in report.trials for step in trial.steps}


async def test_a_good_token(file: Path, world: World) -> None:
    token = world.token("onekey")
    report = await checked(file, token)

    assert report.ok
    assert report.admitted
    (trial,) = report.trials
    assert (trial.rule, trial.principal and trial.principal.name) == ("lab", "alice")
    assert found(report)["rule bots"] is Found.NO
    assert found(report)["rule wider (audit)"] is Found.OK
    text = "\n".join(report.lines())
    assert "sub is not 'bot-1'; groups is not a list with 'bots' in it" in text
    assert "→ user alice" in text
    assert text.endswith("The token is let in.")
    assert not any(part in text + json.dumps(report.as_json()) + repr(report) for part in token.split("."))


@pytest.mark.parametrize(
    ("claims", "step"),
    [
        ({"aud": "other"}, "audience"),
        ({"exp": 1}, "times"),
        ({"sub": ""}, "subject"),
        ({"cnf": {}}, "confirmation"),
        ({"scope": "x"}, "type"),
        ({"azp": "x"}, "client"),
        ({"assurance": {"level": "break_glass"}}, "assurance"),
        ({"groups": []}, "rule lab"),
        ({"sub": "A B"}, "principal"),
    ],
)
async def test_what_is_wrong_is_named(file: Path, world: World, claims: dict[str, object], step: str) -> None:
    report = await checked(file, world.token("onekey", **claims))  # type: ignore[arg-type]  # claims of all types

    assert not report.ok
    assert found(report)[step] is Found.NO
    assert list(report.lines())[-1] == "The token is refused."


async def test_everything_that_is_wrong_is_named_at_once(file: Path, world: World) -> None:
    report = await checked(file, world.token("onekey", aud="other", exp=1, cnf={}))
    wrong = {what for what, state in found(report).items() if state is Found.NO}
    assert wrong >= {"audience", "times", "confirmation"}


async def test_a_wrong_signature_and_unknown_keys(file: Path, world: World) -> None:
    forged = world.token("onekey").rpartition(".")[0] + "." + world.token("onekey", x=1).rpartition(".")[2]
    for token in (forged, world.token("onekey", header={"kid": "unknown"})):
        report = await checked(file, token)
        assert not report.ok
        assert found(report)["signature"] is Found.NO


async def test_offline_nothing_is_proven_and_nothing_is_asked(file: Path, world: World) -> None:
    before = world.provider.hits.total()
    report = await checked(file, world.token("onekey"), online=False)
    opaque = await checked(file, "OFFLINEOFFLINEOFFLINEOFFLINEOFFL", online=False)

    assert not report.ok
    assert found(report)["signature"] is Found.UNKNOWN
    assert report.trials[0].principal is not None  # what it would be, if the signature is good
    assert not opaque.ok
    assert world.provider.hits.total() == before


async def test_kbase_tokens(file: Path, world: World) -> None:
    world.kbase.login("TRUSTCHECKTRUSTCHECKTRUSTCHECKTR", "alice")
    report = await checked(file, "TRUSTCHECKTRUSTCHECKTRUSTCHECKTR")
    assert report.ok
    assert report.trials[0].principal is not None
    assert report.trials[0].principal.name == "kb-alice"
    assert not (await checked(file, "NOSUCHTOKENNOSUCHTOKENNOSUCHTOKE")).ok


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda world: "a.b", "form of the token"),
        (lambda world: world.token("twin"), "which no entry has as its url"),
        (lambda world: world.token("onekey", iss=OWN_ISSUER), "made for a store"),
        (lambda world: "x" * 40_000, "longer than"),
        (lambda world: "not/a token", "form of the token"),
    ],
)
async def test_tokens_of_nobody(file: Path, world: World, make: object, said: str) -> None:
    assert callable(make)
    report = await checked(file, make(world))
    assert not report.ok
    assert said in "\n".join(report.lines())


def test_the_file_alone(file: Path, trust_file: Path) -> None:
    report = check(file)
    assert report.ok
    assert report.admitted is None
    assert len(list(report.lines())) == 3
    trust_file.write_text("version = 1\nx = 1\n")
    report = check(trust_file)
    assert not report.ok
    assert list(report.lines()) == ["trust.toml, line 2: x: is not a known key"]
    trust_file.write_text("version = 1\n")
    assert list(check(trust_file, clock=time.time).lines()) == ["trust.toml is good; it trusts nobody."]
