"""JSON from strangers: one reading of every text, or a refusal.

Duplicate members, NaN and infinities, over-long numbers, lone surrogates, a byte order mark and deep nesting are
refused, because two parsers read them differently or because they cost more than they should.
"""

import json
import math
from typing import NoReturn

MAX_DEPTH = 16
_MAX_DIGITS = 20  # enough for 64 bits; conversion of long digit strings is quadratic


class BadJson(ValueError):
    """The text is not JSON that has one meaning.  The message quotes nothing of it."""


def parse_object(data: bytes, *, max_depth: int = MAX_DEPTH) -> dict[str, object]:
    """Return the object that `data` holds.  Raises BadJson for anything else."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        raise BadJson("not UTF-8") from None
    _check_depth(data, max_depth)
    try:
        value = _decode(text)
    except BadJson:
        raise
    except ValueError:  # json's own error quotes the text
        raise BadJson("not JSON") from None
    if not isinstance(value, dict):
        raise BadJson("not a JSON object")
    if b"\\u" in data:
        _check_surrogates(value)
    return value


def _members(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise BadJson("a member is given twice")
    return members


def _integer(digits: str) -> int:
    if len(digits) > _MAX_DIGITS:
        raise BadJson("a number is too long")
    return int(digits)


def _float(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise BadJson("a number is out of range")
    return value


def _constant(_name: str) -> NoReturn:
    raise BadJson("NaN and infinities are not JSON")


_decode = json.JSONDecoder(
    object_pairs_hook=_members, parse_int=_integer, parse_float=_float, parse_constant=_constant
).decode


def _check_depth(data: bytes, limit: int) -> None:
    """Refuse nesting beyond `limit` before the recursive parser sees it."""
    if data.count(b"[") + data.count(b"{") <= limit:
        return  # cannot be deeper than it has brackets, strings included
    depth, inside, escaped = 0, False, False
    for byte in data:
        if inside:
            inside = escaped or byte != 0x22
            escaped = not escaped and byte == 0x5C
        elif byte == 0x22:
            inside = True
        elif byte in b"[{":
            depth += 1
            if depth > limit:
                raise BadJson("nested too deeply")
        elif byte in b"]}":
            depth -= 1


def _check_surrogates(value: object) -> None:
    if isinstance(value, str):
        try:
            value.encode("utf-8")
        except UnicodeEncodeError:
            raise BadJson("a string is not valid Unicode") from None
    elif isinstance(value, list):
        for item in value:
            _check_surrogates(item)
    elif isinstance(value, dict):
        for name, item in value.items():
            _check_surrogates(name)
            _check_surrogates(item)
