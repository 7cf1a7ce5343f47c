"""`GET /v1/container-credentials`: the contract by which AWS SDKs fetch keys for a container, here for a lease token.

The token comes as it is or as bearer token.  A repeated ask is answered with the live keys of the lease, so SDKs may
ask as often as they like.  Refusals are flat: `{"code", "message"}`.
"""

from collections.abc import Sequence
from typing import Final, Literal

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Scope
from typing_extensions import TypedDict

from vendor.doors import shapes
from vendor.doors.context import gateway, origin
from vendor.doors.making import MAKING_OR_RENEWING
from vendor.doors.operation import Example, Operation, Reply, Token
from vendor.doors.render import JSON, error_headers
from vendor.errors import InvalidToken, MissingToken, VendError
from vendor.identity.bearer import bearer
from vendor.leases.token import PREFIX, is_lease_token
from vendor.secret import RawToken
from vendor.times import rfc3339

PATH: Final = "/v1/container-credentials"
DOOR: Final = "container"


class ContainerCredentials(TypedDict):
    """What AWS SDKs read."""

    Code: Literal["Success"]
    AccessKeyId: str
    SecretAccessKey: str
    Token: str
    Expiration: shapes.Time


class FlatRefusal(TypedDict):
    """A refusal as SDKs show it."""

    code: str
    message: str


class FlatForm:
    """`{"code", "message"}`: what SDKs show of a refusal."""

    def answer(self, error: VendError, scope: Scope) -> Response:
        """Render one refusal."""
        return JSON({"code": error.code, "message": error.message}, error.status, error_headers(error))

    def status_of(self, kind: type[VendError]) -> int:
        """Return the status of a kind of refusal."""
        return kind.status

    def reply(self, status: int, kinds: Sequence[type[VendError]]) -> Reply:
        """Describe the refusals of one status."""
        codes = sorted({kind.code for kind in kinds})
        schema = {"properties": {"code": {"enum": codes}}}
        return Reply(FlatRefusal, what=", ".join(codes), schema=schema)


FORM: Final = FlatForm()


async def credentials(request: Request) -> Response:
    """Give the keys of a lease to whoever has its token."""
    live = await gateway(request).repeating.current(_token(request), origin(request, DOOR))
    keys = live.credentials
    answer: ContainerCredentials = {
        "Code": "Success",
        "AccessKeyId": keys.access_key_id,
        "SecretAccessKey": keys.secret_key.reveal(),
        "Token": keys.session_token.reveal(),
        "Expiration": rfc3339(live.reported_end),
    }
    return JSON(answer)


def _token(request: Request) -> RawToken:
    """Return the lease token.  Raises MissingToken, InvalidToken, TooLarge."""
    headers = request.headers.getlist("authorization")
    if not headers:
        raise MissingToken("The request carries no lease token.")
    if len(headers) == 1 and headers[0].lstrip().startswith(PREFIX):
        headers = [f"Bearer {headers[0].strip()}"]
    token = bearer(headers)
    if not is_lease_token(token):
        raise InvalidToken("Keys are given here for a lease token, and for no other.")
    return token


OPERATIONS: Final[Sequence[Operation]] = [
    Operation(
        "getContainerCredentials",
        "GET",
        PATH,
        credentials,
        {200: Reply(ContainerCredentials)},
        token=Token.LEASE,
        refuses=MAKING_OR_RENEWING,
        example=Example(),
        form=FORM,
        door=DOOR,
    ),
]
