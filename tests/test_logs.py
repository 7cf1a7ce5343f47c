"""Log lines: JSON, with the request id, and without anything that looks like a token."""

import json
import logging
import subprocess
import sys
import time
from pathlib import Path

import pytest

from vendor.logs import mask, scrub, visible
from vendor.secret import Secret

JWT = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhbGljZSJ9.c2lnbmF0dXJl"
LEASE_TOKEN = "vlt_" + "a" * 20 + "_" + "B" * 43

SCRIPT = f"""
import logging, structlog
from vendor.logs import configure
from vendor.secret import Secret
configure("json", "info")
with structlog.contextvars.bound_contextvars(request_id="r_17"):
    structlog.get_logger("a").info("event", token={JWT!r}, path="/x", other="see {JWT}", kept=Secret("hidden-text"))
    logging.getLogger("library").warning("got %s", {LEASE_TOKEN!r})
try:
    raise RuntimeError("with {JWT}")
except RuntimeError:
    structlog.get_logger("a").exception("failed")
logging.getLogger("uvicorn.access").warning("GET /?WebIdentityToken=secret")
"""


def test_lines_are_json_with_the_request_id_and_no_secret() -> None:
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, timeout=60, check=True)

    lines = [json.loads(line) for line in done.stderr.splitlines()]
    assert [line["event"] for line in lines] == ["event", "got ***", "failed"]
    assert lines[0]["request_id"] == "r_17"
    assert (lines[0]["token"], lines[0]["other"], lines[0]["kept"]) == ("***", "see ***", "***")
    assert "RuntimeError" in lines[2]["exception"]
    for secret in (JWT, LEASE_TOKEN, "hidden-text", "WebIdentityToken"):
        assert secret not in done.stderr


def test_where_no_line_can_be_written_work_goes_on() -> None:
    script = """
import structlog
from vendor.logs import configure
configure("json", "info")
structlog.get_logger("a").info("event")
print("alive", flush=True)
"""
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=full, text=True, timeout=60, check=False
        )

    assert done.stdout == "alive\n"


@pytest.mark.parametrize("text", [JWT, JWT.rpartition(".")[0], LEASE_TOKEN, f"Bearer {JWT}, and more"])
def test_what_has_the_form_of_a_token_is_scrubbed(text: str) -> None:
    assert "eyJ" not in scrub(text)
    assert "vlt_" not in scrub(text)


@pytest.mark.parametrize("part", ["eyJ", "vlt_", "eyJhbGciOi.", "vlt_eyJ", "a.eyJ"])
def test_long_texts_of_almost_tokens_take_no_time(part: str) -> None:
    text = part * (200_000 // len(part))
    began = time.process_time()

    scrub(text)

    assert time.process_time() - began < 1.0


def test_ordinary_words_stay() -> None:
    entry = mask(logging.getLogger(), "info", {"event": "hello", "path": "s3://lake/a/", "number": 3, "secret": "x"})

    assert entry == {"event": "hello", "path": "s3://lake/a/", "number": 3, "secret": "***"}
    assert mask(None, "info", {"value": Secret("x")})["value"] == "***"


class _Talkative:
    def __repr__(self) -> str:
        return f"<it knows {JWT}>"


@pytest.mark.parametrize(
    "value",
    [
        [f"see {JWT}"],
        (LEASE_TOKEN, 3),
        {"deep": {"er": [JWT]}},
        {"Token": "hidden-text"},
        [Secret("hidden-text")],
        JWT.encode(),
        ValueError(LEASE_TOKEN),
        _Talkative(),
    ],
    ids=["list", "tuple", "mapping", "name", "secret", "bytes", "error", "object"],
)
def test_what_is_inside_of_something_is_masked_as_well(value: object) -> None:
    line = json.dumps(mask(None, "info", {"event": "x", "value": value}), default=repr)

    assert "***" in line
    for secret in (JWT, LEASE_TOKEN, "hidden-text"):
        assert secret not in line


def test_what_is_no_text_stays_what_it_is() -> None:
    entry = {"event": "x", "number": 3, "part": 0.5, "yes": True, "none": None, "names": ["a", "b"], "counts": {"a": 1}}

    assert mask(None, "info", dict(entry)) == entry
    assert mask(None, "info", {"_record": (record := object())})["_record"] is record


@pytest.mark.parametrize(
    "sent",
    ["\x1b[2J\x1b[31mred", "line\nforged [info] line", "\r\x07bell", "\x9b2J", "\u202emirrored", "\u2028separated"],
)
def test_what_a_terminal_would_obey_is_written_as_an_escape(sent: str) -> None:
    entry = visible(logging.getLogger(), "info", {"event": sent, "path": sent, "number": 3, "exception": "a\n\tb\x1b"})

    assert str(entry["event"]).isprintable()
    assert str(entry["path"]).isprintable()
    assert entry["exception"] == "a\n\tb\\x1b"
    assert visible(logging.getLogger(), "info", {"event": "plain text, mañana"}) == {"event": "plain text, mañana"}


def test_the_readable_form_obeys_no_caller() -> None:
    code = """
from vendor.logs import configure
import structlog
configure("pretty", "info")
structlog.get_logger("a").info("request", path="/x\\x1b[2J")
"""
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60).stderr

    assert "\\x1b[2J" in out
    assert "\x1b[2J" not in out
