"""Secrets show themselves to nobody who did not ask by name."""

import copy
import json
import logging
import pickle
import traceback

import pytest

from vendor.secret import RawToken, Secret, SecretKey

TEXT = "wJalrXUtnFEMI/K7MDENG"


@pytest.mark.parametrize("kind", [Secret, RawToken, SecretKey])
def test_no_way_of_printing_shows_the_text(kind: type[Secret], caplog: pytest.LogCaptureFixture) -> None:
    secret = kind(TEXT)
    logging.getLogger("t").warning("%s %r", secret, secret)

    shown = [str(secret), repr(secret), f"{secret}", f"{secret!r:>20}", f"{[secret]}", "%s" % secret, caplog.text]  # noqa: UP031

    assert not [text for text in shown if TEXT in text]
    assert secret.reveal() == TEXT


def test_no_traceback_shows_the_text() -> None:
    secret = Secret(TEXT)
    try:
        raise ValueError(secret)
    except ValueError:
        assert TEXT not in traceback.format_exc()


def test_a_secret_is_not_stored_by_accident() -> None:
    secret = Secret(TEXT)
    with pytest.raises(TypeError):
        pickle.dumps(secret)
    with pytest.raises(TypeError):
        json.dumps({"key": secret})
    with pytest.raises(TypeError):
        hash(secret)
    assert copy.deepcopy(secret) is secret


def test_equality_is_of_texts_and_only_among_secrets() -> None:
    assert Secret(TEXT) == SecretKey(TEXT)
    assert Secret(TEXT) != Secret(TEXT + "x")
    assert Secret(TEXT) != TEXT
    assert bool(Secret("")) is False
    assert len(Secret(TEXT)) == len(TEXT)
