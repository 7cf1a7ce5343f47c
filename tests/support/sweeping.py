"""Sweep what a run of tests left in the audit log: every event is of its kind's form, and none holds a secret."""

import json
import re
from typing import Any, Final

import jsonschema
import redis
from pydantic import ValidationError

from vendor.audit.event import Kind
from vendor.audit.schema import form_of, schema

STREAM: Final = "{vendor}:audit"
_TELLTALE: Final = re.compile(
    r"vlt_[A-Za-z0-9_-]{8}"  # a lease token
    r"|eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}"  # a JWT
    r"|-----BEGIN"
    r"|[Bb]earer\s+\S{8}"
    r"|AWS4-HMAC"
    r"|\"(?:secret|secret_key|secret_access_key|session_token|password|authorization|token)\":"
)
_KEY: Final = re.compile(r"(?<![A-Za-z0-9+/=_-])[A-Za-z0-9+/]{40}(?![A-Za-z0-9+/=_-])")
_VALIDATOR: Final = jsonschema.Draft202012Validator(schema())


def sweep(url: str, *secrets: str, made_up: bool = False) -> int:
    """Check all events in a Redis; also for these secrets of the run.  Returns how many there were.

    With `made_up`, tests may have put something there that only stands for an event, and has no id.
    """
    with redis.Redis.from_url(url, socket_timeout=10, decode_responses=True) as connection:
        after, count = "-", 0
        if connection.type(STREAM) != "stream":
            return 0
        while entries := connection.xrange(STREAM, min=after, count=1000):
            for cursor, fields in entries:
                after, count = f"({cursor}", count + 1
                if not made_up or "event_id" in str(fields["event"]):
                    check(str(fields["event"]), *secrets, sampled=count % 20 == 0)
        return count


def check(text: str, *secrets: str, sampled: bool = True) -> None:
    """Check one event; a sample of them also with the published schema, which is slow."""
    event: dict[str, Any] = json.loads(text)
    try:
        form_of(Kind(event["kind"])).validate_json(text)
    except ValidationError as wrong:
        raise AssertionError(f"{wrong}\n{text}") from None
    if sampled:
        _VALIDATOR.validate(event)
    assert text == json.dumps(event, sort_keys=True, separators=(",", ":")), text
    assert not _TELLTALE.search(text), text
    keys = [found for found in _KEY.findall(text) if _mixed(found)]
    assert not keys, f"{keys} looks like a secret key in {text}"
    for secret in secrets:
        assert secret not in text, f"a secret of the run in {text}"


def _mixed(text: str) -> bool:
    return bool(re.search("[a-z]", text) and re.search("[A-Z]", text) and re.search("[0-9]", text))


def swept(stack: Any) -> int:
    """Check the log of a stack, for the tokens of its people and the keys of its parts as well."""
    admin = stack.store.site.admin.secret_key
    return sweep(stack.valkey.url, *stack.tokens.values(), admin, stack.valkey.password)
