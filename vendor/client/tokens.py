"""Identity tokens as they are found: in an argument, the environment, or a file that is read anew each time."""

import base64
import json
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from vendor.client import files
from vendor.client.errors import SignInNeeded, UnsafeFile
from vendor.secret import RawToken, Secret

TokenProvider = Callable[[], Secret]
"""Returns the token to send now.  Called for every request, so that files and sign-ins can change."""

MAX_TOKEN_BYTES = 32 * 1024
_TOKEN = re.compile(r"[A-Za-z0-9._~+/=-]+", re.ASCII)  # RFC 6750, section 2.1

TOKEN_VARIABLES = ("VENDOR_TOKEN", "VENDOR_TOKEN_FILE")
KBASE_VARIABLES = ("KBASE_AUTH_TOKEN", "KB_AUTH_TOKEN")


def parse_token(text: str, origin: str) -> RawToken:
    """Return `text` without the blanks around it as a token.  Raises SignInNeeded, which never shows it."""
    token = text.strip()
    if not token:
        raise SignInNeeded(f"The token from {origin} is empty.")
    if len(token) > MAX_TOKEN_BYTES or not _TOKEN.fullmatch(token):
        # Anything else could break out of the header it is sent in.
        raise SignInNeeded(f"What {origin} holds is not a token.", remedy="Put the bare token there, nothing else.")
    return RawToken(token)


def read_token_file(path: Path, warn: Callable[[str], None]) -> RawToken:
    """Return the token in a file that the user named.

    Links are followed (that is how Kubernetes projects tokens), but the file itself has to be a regular one that
    nobody else may change.  If others may read it, that is said and the token used.
    """
    try:
        with files.opened(path, follow_links=True) as (file, status):
            if status.st_mode & 0o022:
                raise UnsafeFile(f"Others may change the token file {path}.", remedy=f"chmod 600 {path}")
            if status.st_mode & 0o044 and status.st_uid == os.geteuid():
                warn(f"Others may read the token file {path}; 'chmod 600' it.")
            content = file.read(MAX_TOKEN_BYTES + 1)
    except OSError as error:
        raise SignInNeeded(
            f"The token file {path} cannot be used ({error.strerror}).",
            remedy="Name a file that holds nothing but the token; '--token-file -' reads a pipe.",
        ) from None
    return parse_token(content.decode("ascii", "replace"), f"the file {path}")


def fixed(token: Secret) -> TokenProvider:
    """Return a provider of one token."""
    return lambda: token


@dataclass(frozen=True, slots=True)
class FoundToken:
    """A token provider, and in words where its tokens come from; `refreshed` says if it gets new ones by itself."""

    origin: str
    provide: TokenProvider
    refreshed: Callable[[], bool] = lambda: False


def find_token(
    token_file: str | None,
    environ: Mapping[str, str],
    *,
    warn: Callable[[str], None],
    stdin: Callable[[], str],
) -> FoundToken | None:
    """Return the first token source that is set outside the stored sign-in, in the order people are told."""
    if token_file == "-":  # noqa: S105 - the usual name of the standard input
        given = parse_token(stdin(), "the standard input")
        return FoundToken("the standard input", fixed(given))
    if token_file is not None:
        return _from_file(Path(token_file), f"the file {token_file}", warn)
    if environ.get("VENDOR_TOKEN"):
        return _from_variable("VENDOR_TOKEN", environ)
    if environ.get("VENDOR_TOKEN_FILE"):
        return _from_file(Path(environ["VENDOR_TOKEN_FILE"]), "the file that VENDOR_TOKEN_FILE names", warn)
    for name in KBASE_VARIABLES:
        if environ.get(name):
            return _from_variable(name, environ)
    return None


def _from_variable(name: str, environ: Mapping[str, str]) -> FoundToken:
    return FoundToken(name, lambda: parse_token(environ[name], name))


def _from_file(path: Path, origin: str, warn: Callable[[str], None]) -> FoundToken:
    warned: list[str] = []

    def warn_once(text: str) -> None:
        if not warned:
            warn(text)
        warned.append(text)

    return FoundToken(origin, lambda: read_token_file(path, warn_once), lambda: True)


def unverified_claims(token: str) -> Mapping[str, object]:
    """Return what a JWT says, without any check; nothing for what is no JWT.  Never a ground to trust anybody."""
    parts = token.split(".")
    if len(parts) != 3:
        return {}
    try:
        claims = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (ValueError, RecursionError):
        return {}
    return claims if isinstance(claims, dict) else {}
