"""One way from an error to what a person reads and a script gets: a sentence, a remedy, an exit code."""

import sys
import traceback
from typing import TextIO

from vendor.client.errors import BadInput, ClientError, GatewayError, SignInNeeded, Unavailable
from vendor.client.text import printable, without_tokens
from vendor.errors import VendError

OK = 0
REFUSED = 1
USAGE = 2
SIGN_IN = 3
UNAVAILABLE = 4
NOT_EXECUTABLE = 126  # as shells say it, for `vend exec`
NOT_FOUND = 127
MOST_NAMED = 20
BUG = 70
_SPOKEN = (
    ('say "partial": true', "say --partial"),
    ('Send "audit_context": {"reason": "…"}', 'Say why with --reason "…"'),
)
"""Where a remedy names a member of the API's JSON, and what that is here."""


def exit_code(error: Exception) -> int:
    """Return the exit code that scripts rely on."""
    if isinstance(error, SignInNeeded):
        return SIGN_IN
    if isinstance(error, Unavailable):
        return UNAVAILABLE
    if isinstance(error, BadInput):
        return USAGE
    if isinstance(error, GatewayError | VendError):
        return _of_status(error.status)
    return REFUSED if isinstance(error, ClientError) else BUG


def _of_status(status: int) -> int:
    if status == 400:
        return USAGE
    if status == 401:
        return SIGN_IN
    return UNAVAILABLE if status == 429 or status >= 500 else REFUSED


def report(error: Exception, *, debug: bool = False, to: TextIO | None = None, program: str = "vend") -> int:
    """Tell what went wrong on stderr, as this program, and return the exit code."""
    stream = to or sys.stderr
    code = exit_code(error)
    if code == BUG:
        stream.write(f"{program}: an error in {program} itself: {type(error).__name__}\n")
        stream.write("  Repeat the command with --debug and report what it prints; it holds no tokens or keys.\n")
    else:
        stream.write(f"{program}: {printable(str(error))}\n")
        for line in _more(error):
            stream.write(f"  {line}\n")
    if debug:
        # No frame's variables are shown, and what looks like a token in a message is masked.
        stream.write(without_tokens("".join(traceback.format_exception(error))))
    return code


def _more(error: Exception) -> list[str]:
    lines = _named(getattr(error, "details", {}))
    remedy = getattr(error, "remedy", "")
    if remedy:
        lines.append(printable(_spoken(remedy)))
    retry_after = getattr(error, "retry_after", None)
    if retry_after is not None:
        lines.append(f"Try again in {retry_after} s.")
    request_id = getattr(error, "request_id", None) or getattr(error.__cause__, "request_id", None)
    if request_id:
        lines.append(f"Request id: {request_id}")
    return lines


def _spoken(remedy: str) -> str:
    for member, option in _SPOKEN:
        remedy = remedy.replace(member, option)
    return remedy


def _named(details: object) -> list[str]:
    """Return the paths that a refusal is about, one a line."""
    entries = details.get("not_granted") or details.get("largest") if isinstance(details, dict) else None
    if not isinstance(entries, list):
        return []
    shown = [entry for entry in entries if isinstance(entry, dict) and isinstance(entry.get("path"), str)]
    lines = [printable(f"{entry.get('access', '')} {entry['path']}", 300).strip() for entry in shown[:MOST_NAMED]]
    return lines + ([f"and {len(shown) - MOST_NAMED} more"] if len(shown) > MOST_NAMED else [])
