"""Ways to print a lease, each for the program that will read it.

Only `json` and `process` need no care; every other one quotes as its reader reads (see `quoting`).  Keys printed here
last until they expire; `vend exec` and `vend process` renew them.
"""

import json
from collections.abc import Callable, Collection, Mapping
from enum import StrEnum
from urllib.parse import urlsplit

from vendor.cli import quoting
from vendor.cli.environment import STALE, static_variables
from vendor.cli.quoting import Unquotable
from vendor.client import tools
from vendor.client.answers import Vended

NAME = "vend"
"""What a lease is called where it needs a name: a profile, an rclone remote, an mc alias, a DuckDB secret."""


class Format(StrEnum):
    """The values of `--format`."""

    ENV = "env"
    FISH = "fish"
    POWERSHELL = "powershell"
    CMD = "cmd"
    DOTENV = "dotenv"
    JSON = "json"
    PROCESS = "process"
    PROFILE = "profile"
    MC = "mc"
    RCLONE = "rclone"
    S3FS = "s3fs"
    DUCKDB = "duckdb"
    SPARK = "spark"
    HADOOP_XML = "hadoop-xml"
    PYTHON = "python"


def render(vended: Vended, form: Format) -> str:
    """Return the text of `vended` in one format, ending in a newline.  Raises Unquotable."""
    return _RENDERERS[form](vended)


# Shells -------------------------------------------------------------------------------------------------------------


def render_variables(variables: Mapping[str, str], stale: Collection[str], form: Format) -> str:
    """Return lines that set `variables` in a shell, and unset what is `stale` because it would win over them."""
    assign, unset = _SHELLS[form]
    lines = [assign(name, value) for name, value in variables.items()]
    lines += [unset(name) for name in sorted(set(stale) - set(variables))] if unset else []
    return _lines(*lines)


def _in_shell(form: Format) -> Callable[[Vended], str]:
    return lambda vended: render_variables(static_variables(vended), STALE, form)


_SHELLS: dict[Format, tuple[Callable[[str, str], str], Callable[[str], str] | None]] = {
    # sh, bash, zsh, ksh: eval "$(vend env)"
    Format.ENV: (lambda name, value: f"export {name}={quoting.posix(value)}", lambda name: f"unset {name}"),
    # fish: vend env -f fish | source
    Format.FISH: (lambda name, value: f"set -gx {name} {quoting.fish(value)}", lambda name: f"set -e {name}"),
    # PowerShell: vend env -f powershell | Invoke-Expression
    Format.POWERSHELL: (
        lambda name, value: f"$Env:{name} = {quoting.powershell(value)}",
        lambda name: f"Remove-Item -ErrorAction Ignore Env:{name}",
    ),
    # cmd: for /f "delims=" %i in ('vend env -f cmd') do %i
    Format.CMD: (lambda name, value: f'set "{name}={quoting.cmd(value)}"', lambda name: f'set "{name}="'),
    Format.DOTENV: (lambda name, value: f"{name}={quoting.dotenv(value)}", None),
}


# Programs -----------------------------------------------------------------------------------------------------------


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


def profile(vended: Vended) -> str:
    """Return a section for an AWS credentials file."""
    key, secret, token = map(quoting.ini, tools.keys(vended))
    return _lines(
        f"[{NAME}]",
        f"aws_access_key_id = {key}",
        f"aws_secret_access_key = {secret}",
        f"aws_session_token = {token}",
        f"expiration = {quoting.ini(vended.credentials.expiration_text)}",
        f"region = {quoting.ini(vended.endpoint.region)}",
        f"endpoint_url = {quoting.ini(vended.endpoint.url)}",
        *(["s3 =", "    addressing_style = path"] if vended.endpoint.path_style else []),
    )


def mc_host(vended: Vended) -> str:
    """Return the value of an `MC_HOST_…` variable.  mc splits it at the first two colons and the last @."""
    key, secret, token = map(quoting.mc_host_part, tools.keys(vended))
    place = urlsplit(vended.endpoint.url)
    if "@" in key or place.path not in {"", "/"} or place.query:
        raise Unquotable("mc cannot be told these keys, or this store's address, in a variable.")
    return f"{place.scheme}://{key}:{secret}:{token}@{place.netloc}"


def mc(vended: Vended) -> str:
    """Return a line for `eval "$(vend env -f mc)"`; then `mc ls vend/bucket/path`."""
    return _lines(f"export MC_HOST_{NAME}={quoting.posix(mc_host(vended))}")


def rclone_options(vended: Vended) -> dict[str, str]:
    """Return what rclone has to know about a remote, by its option names."""
    key, secret, token = tools.keys(vended)
    return {
        "type": "s3",
        "provider": "Other",
        "access_key_id": key,
        "secret_access_key": secret,
        "session_token": token,
        "region": vended.endpoint.region,
        "endpoint": vended.endpoint.url,
        "force_path_style": "true" if vended.endpoint.path_style else "false",
        "no_check_bucket": "true",  # it would try to create the bucket before writing
    }


def rclone(vended: Vended) -> str:
    """Return a section for rclone.conf; then `rclone ls vend:bucket/path`."""
    return _lines(f"[{NAME}]", *(f"{name} = {quoting.ini(value)}" for name, value in rclone_options(vended).items()))


def s3fs(vended: Vended) -> str:
    """Return the storage options as JSON."""
    return json.dumps(tools.s3fs_options(vended), indent=2) + "\n"


def duckdb(vended: Vended) -> str:
    """Return the statement that makes DuckDB use the lease for its paths."""
    for text in tools.keys(vended):
        quoting.sql(text)  # refuses what SQL cannot carry
    return _lines(tools.duckdb_secret(vended, NAME))


def spark(vended: Vended) -> str:
    """Return lines for spark-defaults.conf, or a file for `--properties-file`."""
    return _lines(*(f"{name} {quoting.properties(value)}" for name, value in tools.spark_conf(vended).items()))


def hadoop_xml(vended: Vended) -> str:
    """Return a core-site.xml."""
    properties = [
        f"  <property><name>{name}</name><value>{quoting.xml(value)}</value></property>"
        for name, value in tools.s3a_options(vended).items()
    ]
    return _lines('<?xml version="1.0" encoding="UTF-8"?>', "<configuration>", *properties, "</configuration>")


def python(vended: Vended) -> str:
    """Return lines of Python that make a boto3 client."""
    key, secret, token = map(ascii, tools.keys(vended))
    style = "path" if vended.endpoint.path_style else "auto"
    return _lines(
        "import boto3",
        "from botocore.config import Config",
        "",
        "s3 = boto3.client(",
        '    "s3",',
        f"    endpoint_url={vended.endpoint.url!a},",
        f"    region_name={vended.endpoint.region!a},",
        f"    aws_access_key_id={key},",
        f"    aws_secret_access_key={secret},",
        f"    aws_session_token={token},",
        f'    config=Config(s3={{"addressing_style": "{style}"}}),',
        f")  # until {quoting.ini(vended.credentials.expiration_text)}",
    )


def _lines(*lines: str) -> str:
    return "\n".join(lines) + "\n"


_RENDERERS: dict[Format, Callable[[Vended], str]] = {
    Format.ENV: _in_shell(Format.ENV),
    Format.FISH: _in_shell(Format.FISH),
    Format.POWERSHELL: _in_shell(Format.POWERSHELL),
    Format.CMD: _in_shell(Format.CMD),
    Format.DOTENV: _in_shell(Format.DOTENV),
    Format.JSON: as_json,
    Format.PROCESS: process,
    Format.PROFILE: profile,
    Format.MC: mc,
    Format.RCLONE: rclone,
    Format.S3FS: s3fs,
    Format.DUCKDB: duckdb,
    Format.SPARK: spark,
    Format.HADOOP_XML: hadoop_xml,
    Format.PYTHON: python,
}
