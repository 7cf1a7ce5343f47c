"""Ways to print a lease, each for the program that will read it."""

import json
from collections.abc import Callable
from enum import StrEnum

from vendor.cli import quoting
from vendor.cli.environment import STALE, static_variables
from vendor.client.answers import Vended


class Format(StrEnum):
    """The values of `--format`."""

    ENV = "env"
    JSON = "json"
    PROCESS = "process"


def render(vended: Vended, form: Format) -> str:
    """Return the text of `vended` in one format, ending in a newline."""
    return _RENDERERS[form](vended)


def env(vended: Vended) -> str:
    """Return lines for `eval "$(vend env)"` in sh, bash and zsh; what would win over the keys is unset."""
    variables = static_variables(vended)
    lines = [f"export {name}={quoting.posix(value)}" for name, value in variables.items()]
    lines += [f"unset {name}" for name in sorted(STALE - set(variables))]
    return "\n".join(lines) + "\n"


def as_json(vended: Vended) -> str:
    """Return the gateway's answer as it came."""
    return json.dumps(vended.raw, indent=2) + "\n"


def process(vended: Vended) -> str:
    """Return what an AWS SDK expects of a `credential_process`."""
    credentials = vended.credentials
    answer = {
        "Version": 1,
        "AccessKeyId": credentials.access_key_id,
        "SecretAccessKey": credentials.secret_access_key.reveal(),
        "SessionToken": credentials.session_token.reveal(),
        "Expiration": credentials.expiration_text,
    }
    return json.dumps(answer) + "\n"


_RENDERERS: dict[Format, Callable[[Vended], str]] = {
    Format.ENV: env,
    Format.JSON: as_json,
    Format.PROCESS: process,
}
