"""What `vend doctor` finds without asking anybody: in this shell's environment and the AWS profile files."""

import configparser
import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from vendor.cli.environment import CREDENTIAL_VARIABLES, OTHER_SOURCES, PLACES
from vendor.client.answers import Endpoint

OK, WARN, FAIL = "ok", "warn", "fail"
_REGIONS = ("AWS_REGION", "AWS_DEFAULT_REGION")


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    check: str
    level: str
    message: str
    remedy: str = ""


def environment(environ: Mapping[str, str]) -> list[Finding]:
    """Variables of this shell that would win over the keys of a lease, or get in the way."""
    stale = [name for name in (*CREDENTIAL_VARIABLES, *OTHER_SOURCES, *PLACES) if environ.get(name)]
    findings = []
    if stale:
        findings.append(
            Finding(
                "environment",
                WARN,
                f"This shell sets {', '.join(stale)}.",
                "'vend exec' and 'vend env' clear what is in the way; other programs would use them.",
            )
        )
    proxies = [
        name for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY") if environ.get(name) or environ.get(name.lower())
    ]
    bypass = environ.get("NO_PROXY") or environ.get("no_proxy") or ""
    if proxies and "127.0.0.1" not in bypass.split(","):
        findings.append(
            Finding(
                "proxy",
                WARN,
                f"{', '.join(proxies)} is set and NO_PROXY does not name 127.0.0.1.",
                "Add 127.0.0.1 to NO_PROXY, so that programs reach 'vend server' directly.",
            )
        )
    return findings or [Finding("environment", OK, "Nothing in this shell's environment is in the way.")]


def traps(endpoint: Endpoint, environ: Mapping[str, str], home: Path) -> list[Finding]:
    """What would send programs to the wrong region, or have them address buckets in a way the store does not know."""
    said = {name: environ[name] for name in _REGIONS if environ.get(name)}
    config = _aws_config(environ, home)
    if config.get("region"):
        said[f"the profile {config['profile']!r}"] = config["region"]
    findings = [
        Finding(
            "region",
            WARN,
            f"The region is {region!a} by {origin}; the store's is {endpoint.region!a}, and refuses other signatures.",
            f"'vend exec' and 'vend env' set the right one; elsewhere, use {endpoint.region!a}.",
        )
        for origin, region in said.items()
        if region != endpoint.region
    ]
    findings += _addressing(endpoint, config)
    return findings or [Finding("region", OK, "Region and addressing fit the store.")]


def _addressing(endpoint: Endpoint, config: Mapping[str, str]) -> list[Finding]:
    style = config.get("addressing_style")
    if endpoint.path_style and style == "virtual":
        return [
            Finding(
                "path-style",
                WARN,
                f"The profile {config['profile']!r} addresses buckets by host name; the store wants them in the path.",
                "Set 's3 = addressing_style = path' there; 'vend exec' brings a profile of its own.",
            )
        ]
    if not endpoint.path_style and _is_address(urlsplit(endpoint.url).hostname or ""):
        return [
            Finding(
                "path-style",
                FAIL,
                f"Buckets of the store at {endpoint.url} are to be host names, but its own name is an IP address.",
                "Tell the gateway's operator: the store needs path-style addressing, or a name.",
            )
        ]
    return []


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _aws_config(environ: Mapping[str, str], home: Path) -> dict[str, str]:
    """Return what the AWS configuration file says of region and addressing for the profile in force."""
    name = environ.get("AWS_PROFILE") or environ.get("AWS_DEFAULT_PROFILE") or "default"
    path = Path(environ.get("AWS_CONFIG_FILE") or home / ".aws" / "config")
    parser = configparser.RawConfigParser()
    try:
        parser.read_string(path.read_text(encoding="utf-8") if path.is_file() else "")
    except (OSError, ValueError, configparser.Error):
        return {}
    section = "default" if name == "default" else f"profile {name}"
    if not parser.has_section(section):
        return {}
    options = dict(parser.items(section))
    lines = [line.partition("=") for line in options.get("s3", "").splitlines()]
    nested = {key.strip(): value.strip() for key, _, value in lines}
    found = {"region": options.get("region", ""), "addressing_style": nested.get("addressing_style", "")}
    return {"profile": name, **{key: value for key, value in found.items() if value}}
