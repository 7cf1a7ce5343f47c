"""`POST /`: what SDKs send to an STS endpoint, as a form or in the query.

`AssumeRoleWithWebIdentity` takes any identity token, and lease tokens.  `GetCallerIdentity` says whom such a token
stands for; a signature cannot be checked here, because the gateway keeps no secret key to check it with.
"""

import re
from collections.abc import Sequence
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import Response

from vendor.audit.event import Origin
from vendor.doors import parameters
from vendor.doors.context import gateway, origin
from vendor.doors.making import MAKING_OR_RENEWING
from vendor.doors.operation import Example, Operation, Reply, Token
from vendor.doors.parameters import Parameters
from vendor.doors.sts.form import FORM, XML, InvalidAction, MissingAction, Node, PolicyTooLong, result
from vendor.errors import InvalidRequest, MissingToken, RoleRequired
from vendor.identity.bearer import bearer, checked_token
from vendor.identity.principal import Principal
from vendor.leases.assuming import Assumed, Part
from vendor.leases.token import is_lease_token
from vendor.policy.caller import UnsupportedPolicy
from vendor.secret import RawToken
from vendor.stewardship.caller import Caller
from vendor.times import rfc3339

PATH: Final = "/"
DOOR: Final = "sts"
VERSION: Final = "2011-06-15"
MOST_POLICY: Final = 2048
_COMMON: Final = frozenset({"Action", "Version", "WebIdentityToken"})
_ASSUME: Final = _COMMON | {"RoleArn", "RoleSessionName", "DurationSeconds", "Policy"}
_REFUSED: Final = {
    "PolicyArns": "managed policies are not taken; send a Policy.",
    "Tags": "session tags are not taken.",
    "TransitiveTagKeys": "session tags are not taken.",
    "ProviderId": "the token itself says who issued it.",
}
_SECONDS: Final = re.compile(r"[0-9]{1,9}", re.ASCII)
_SESSION: Final = re.compile(r"[\w+=,.@-]{2,64}", re.ASCII)
_ACCOUNT: Final = "000000000000"


async def sts(request: Request) -> Response:
    """Serve one action."""
    sent = await parameters.read(request, query=True)
    action = sent.get("Action")
    if not action:
        raise MissingAction("Action: missing.")
    serve = _ACTIONS.get(action)
    if serve is None:
        raise InvalidAction("Action: AssumeRoleWithWebIdentity and GetCallerIdentity are served here.")
    if sent.get("Version") != VERSION:
        raise InvalidAction(f"Version: must be {VERSION}.")
    return await serve(request, sent)


async def _assume_role(request: Request, sent: Parameters) -> Response:
    sent.only(_ASSUME, _REFUSED)
    if "authorization" in request.headers:
        raise InvalidRequest("Authorization: this action is sent unsigned; the token goes into WebIdentityToken.")
    token = checked_token(sent.required("WebIdentityToken"))
    parts = gateway(request)
    arn = sent.get("RoleArn") or parts.roles.default
    part = Part(parts.roles.scope_of(arn, parts.layout), _policy(sent), _duration(sent))
    session = _session(sent)
    here = origin(request, DOOR, session)
    who, assumed = await _assumed(request, token, here, part)
    return result("AssumeRoleWithWebIdentity", _answer(arn, session, who, assumed), request.scope)


async def _assumed(request: Request, token: RawToken, here: Origin, part: Part) -> tuple[Principal, Assumed]:
    parts = gateway(request)
    async with parts.lanes.place(token):
        if is_lease_token(token):
            kept = await parts.renewing.open(token)
            return kept.holder, await parts.assuming.by_lease(token, here, part)
        principal = await parts.authenticator.authenticate(token)
        return principal, await parts.assuming.by_identity(Caller(principal, here), part)


def _answer(arn: str, session: str | None, who: Principal, assumed: Assumed) -> list[Node]:
    keys = assumed.credentials
    name = session or assumed.lease
    content: list[Node] = [
        ("SubjectFromWebIdentityToken", who.subject),
        ("Provider", who.issuer),
        ("SourceIdentity", who.name),
        ("AssumedRoleUser", [("Arn", _assumed_arn(arn, name)), ("AssumedRoleId", f"{who.name}:{name}")]),
        (
            "Credentials",
            [
                ("AccessKeyId", keys.access_key_id),
                ("SecretAccessKey", keys.secret_key.reveal()),
                ("SessionToken", keys.session_token.reveal()),
                ("Expiration", rfc3339(assumed.reported_end)),
            ],
        ),
    ]
    if assumed.packed is not None:
        content.append(("PackedPolicySize", str(min(100, max(1, round(assumed.packed * 100))))))
    return content


async def _caller_identity(request: Request, sent: Parameters) -> Response:
    sent.only(_COMMON, {})
    who = await _holder(request, _shown_token(request, sent))
    content: list[Node] = [
        ("Arn", f"arn:aws:sts::{_ACCOUNT}:assumed-role/vendor/{who.name}"),
        ("UserId", who.name),
        ("Account", _ACCOUNT),
    ]
    return result("GetCallerIdentity", content, request.scope)


async def _holder(request: Request, token: RawToken) -> Principal:
    parts = gateway(request)
    if is_lease_token(token):
        return (await parts.renewing.open(token)).holder
    return await parts.authenticator.authenticate(token)


def _shown_token(request: Request, sent: Parameters) -> RawToken:
    """Return the token of a caller who asks who they are.  Raises MissingToken, InvalidToken, RoleRequired."""
    headers = request.headers.getlist("authorization")
    if any(header.startswith("AWS4-") for header in headers):
        raise RoleRequired(
            "No secret key is kept here, so a signature cannot be checked; send a WebIdentityToken or a bearer token."
        )
    text = sent.get("WebIdentityToken")
    if text is None:
        return bearer(headers)
    if headers:
        raise InvalidRequest("Authorization: there is a WebIdentityToken already.")
    if not text:
        raise MissingToken("WebIdentityToken: empty.")
    return checked_token(text)


def _policy(sent: Parameters) -> str | None:
    policy = sent.get("Policy")
    if policy is not None and len(policy.encode()) > MOST_POLICY:
        raise PolicyTooLong(f"Policy: longer than {MOST_POLICY} bytes.")
    return policy


def _duration(sent: Parameters) -> int | None:
    text = sent.get("DurationSeconds")
    if text is None:
        return None
    if not _SECONDS.fullmatch(text):
        raise InvalidRequest("DurationSeconds: not a number of seconds.")
    return int(text)


def _session(sent: Parameters) -> str | None:
    name = sent.get("RoleSessionName")
    if name is not None and not _SESSION.fullmatch(name):
        raise InvalidRequest("RoleSessionName: must be 2 to 64 letters, digits and any of _+=,.@-")
    return name


def _assumed_arn(arn: str, session: str) -> str:
    """Return the ARN of an assumed role's session."""
    front, _, role = arn.partition(":role/")
    partition, _, account = front.removeprefix("arn:").partition(":iam:")
    return f"arn:{partition}:sts:{account}:assumed-role/{role.rpartition('/')[2]}/{session}"


_ACTIONS: Final = {"AssumeRoleWithWebIdentity": _assume_role, "GetCallerIdentity": _caller_identity}


class StsParameters(BaseModel):
    """What an action takes, as a form or in the query."""

    model_config = ConfigDict(extra="forbid")

    Action: Literal["AssumeRoleWithWebIdentity", "GetCallerIdentity"] | None = None
    Version: Literal["2011-06-15"] | None = None
    WebIdentityToken: str | None = Field(None, description="An identity token, or a lease token.")
    RoleArn: str | None = Field(None, description="One of the roles in VENDOR_STS_ROLES; the first without it.")
    RoleSessionName: str | None = Field(None, description="For the audit log.", pattern=_SESSION.pattern)
    DurationSeconds: str | None = Field(None, pattern=f"^{_SECONDS.pattern}$")
    Policy: str | None = Field(None, description="A policy that narrows.", max_length=MOST_POLICY)


_WANTED: Final = {
    "Action": "AssumeRoleWithWebIdentity",
    "Version": VERSION,
    "WebIdentityToken": "$TOKEN",
    "RoleArn": f"arn:aws:iam::{_ACCOUNT}:role/vendor",
    "RoleSessionName": "notebook",
    "DurationSeconds": "3600",
}
OPERATIONS: Final[Sequence[Operation]] = [
    Operation(
        "sts",
        "POST",
        PATH,
        sts,
        {200: Reply(what="The result, in AWS's namespace.", media=XML, schema={"type": "string"})},
        token=Token.NONE,
        body=StsParameters,
        body_media=parameters.FORM,
        refuses=(
            *Token.ANY.refuses,
            *MAKING_OR_RENEWING,
            MissingAction,
            InvalidAction,
            PolicyTooLong,
            UnsupportedPolicy,
        ),
        example=Example(body=_WANTED),
        form=FORM,
        door=DOOR,
    ),
]
