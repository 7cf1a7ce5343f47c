"""What lease a token exchange asks for: resources, scope, times, and for which audience."""

import re
from typing import Final

from starlette.requests import Request

from vendor.doors.context import gateway
from vendor.doors.oauth.form import InvalidScope, InvalidTarget
from vendor.doors.parameters import Parameters
from vendor.errors import InvalidPath, InvalidRequest
from vendor.leases.lease import LeaseAsk
from vendor.names import S3Path, parse_s3_path
from vendor.policy.grant import Ask, Level

_MOST_RESOURCES: Final = 200
_USUAL_SECONDS: Final = 86_400
_SECONDS: Final = re.compile(r"[0-9]{1,9}", re.ASCII)


def check_audience(sent: Parameters, request: Request) -> None:
    """Lease tokens are for this gateway; whoever names an audience has to mean it."""
    ours = {"vendor", gateway(request).public_url}
    if any(audience not in ours for audience in sent.all("audience")):
        raise InvalidTarget("audience: lease tokens are for this gateway only.")


def parse_ask(sent: Parameters, renewable_most: int) -> LeaseAsk:
    """Return the lease that is asked for.  Raises InvalidRequest, InvalidScope, InvalidTarget."""
    level = _level(sent)
    resources = sent.all("resource")
    if len(resources) > _MOST_RESOURCES:
        raise InvalidTarget(f"resource: more than {_MOST_RESOURCES}.")
    scope = None
    if resources:
        scope = tuple(Ask(_path(resource), level or Level.READ) for resource in resources)
    return LeaseAsk(
        scope=scope,
        duration=_seconds(sent, "duration"),
        renewable_for=_seconds(sent, "renewable_for") or min(_USUAL_SECONDS, renewable_most),
        at_most=level if scope is None else None,
    )


def _level(sent: Parameters) -> Level | None:
    """Return what the scope asks for, None without one."""
    text = sent.get("scope")
    if text is None:
        return None
    named = text.split(" ")
    if not set(named) <= {str(level) for level in Level}:
        raise InvalidScope("scope: read and write are known here.")
    return Level.WRITE if Level.WRITE in named else Level.READ


def _path(resource: str) -> S3Path:
    try:
        return parse_s3_path(resource)
    except InvalidPath as refusal:
        raise InvalidTarget(f"resource: {refusal.message}") from None


def _seconds(sent: Parameters, name: str) -> int | None:
    text = sent.get(name)
    if text is None:
        return None
    if not _SECONDS.fullmatch(text) or int(text) == 0:
        raise InvalidRequest(f"{name}: not a number of seconds.")
    return int(text)
