"""No token, and no part of one that is secret, reaches a log, an exception or a report."""

import traceback

import pytest
import structlog

from tests.identity.corpus.all import CORPUS
from tests.identity.world.world import World
from vendor.errors import VendError
from vendor.identity.authenticator import Authenticator
from vendor.identity.bearer import bearer


def secrets_of(headers: list[str]) -> set[str]:
    """What would let somebody use the token: its signature, or the whole of an opaque one."""
    found = set()
    for header in headers:
        _, _, token = header.partition(" ")
        secret = token.rpartition(".")[2] if "." in token else token
        if len(secret) >= 20:
            found.add(secret)
    return found


async def test_the_corpus_leaves_no_secret_behind(
    world: World, door: Authenticator, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    secrets: set[str] = set()
    said: list[str] = []
    with structlog.testing.capture_logs() as logs:
        for case in CORPUS:
            headers = list(case.headers(world))
            secrets |= secrets_of(headers)
            try:
                said.append(repr(await door.authenticate(bearer(headers))))
            except VendError as refusal:
                said += [repr(refusal), refusal.message, refusal.remedy, repr(refusal.details)]
                said += traceback.format_exception(refusal)
    out, err = capfd.readouterr()
    everything = "\n".join([*said, repr(logs), caplog.text, out, err])

    assert len(secrets) > 200
    leaked = [secret[:8] for secret in secrets if secret in everything]
    assert not leaked


async def test_refusals_do_not_forge_lines(world: World, door: Authenticator) -> None:
    messages = {}
    for case in CORPUS:
        try:
            await door.authenticate(bearer(list(case.headers(world))))
        except VendError as refusal:
            messages[case.id] = refusal.message
    assert not [case for case, message in messages.items() if not message.isprintable() or len(message) > 300]
