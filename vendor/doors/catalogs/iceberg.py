"""`GET /v1/iceberg/credentials?path=s3://…`: keys as an Iceberg REST catalog gives them (`LoadCredentialsResponse`).

It is what `client.refresh-credentials-endpoint` may point at.  There is always exactly one credential: Iceberg's S3
client takes no more.
"""

from collections.abc import Mapping, Sequence
from typing import Final, Literal
from urllib.parse import urlencode

from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Scope
from typing_extensions import TypedDict

from vendor.doors.body import read_query
from vendor.doors.catalogs.giving import Given, keys_for
from vendor.doors.context import gateway
from vendor.doors.making import MAKING_OR_RENEWING
from vendor.doors.operation import Example, Operation, Reply, Token
from vendor.doors.parse import Query
from vendor.doors.render import JSON, error_headers
from vendor.errors import ExpiredToken, InvalidPath, InvalidRequest, LeaseEnded, VendError
from vendor.names import parse_s3_path
from vendor.policy.grant import Ask, Level

PATH: Final = "/v1/iceberg/credentials"
DOOR: Final = "iceberg"
_TYPES: Final[Mapping[int, str]] = {
    400: "BadRequestException",
    401: "NotAuthorizedException",
    403: "ForbiddenException",
    419: "AuthenticationTimeoutException",
    503: "ServiceUnavailableException",
}


class ErrorModel(TypedDict):
    """Iceberg's `ErrorModel`."""

    message: str
    type: str
    code: int


class IcebergRefusal(TypedDict):
    """Why a request was refused."""

    error: ErrorModel


class StorageCredential(TypedDict):
    """One credential, with the prefix that it is for."""

    prefix: str
    config: dict[str, str]


LoadCredentials = TypedDict("LoadCredentials", {"storage-credentials": list[StorageCredential]})


class CredentialsQuery(Query):
    """Which path the keys are for, and what is to be done there."""

    path: str | None = Field(None, description="s3://bucket/folder/; everything without it.")
    access: Literal["read", "write"] | None = Field(None, description="read without it.")


class IcebergForm:
    """`{"error": {"message", "type", "code"}}`: the `ErrorModel` of Iceberg's REST specification."""

    def answer(self, error: VendError, scope: Scope) -> Response:
        """Render one refusal."""
        status = self.status_of(type(error))
        kind = _TYPES.get(status, "RESTException" if status < 500 else "InternalServerError")
        body: IcebergRefusal = {"error": {"message": error.message, "type": kind, "code": status}}
        return JSON(body, status, error_headers(error))

    def status_of(self, kind: type[VendError]) -> int:
        """Return the status of a kind of refusal."""
        return 419 if issubclass(kind, (ExpiredToken, LeaseEnded)) else kind.status

    def reply(self, status: int, kinds: Sequence[type[VendError]]) -> Reply:
        """Describe the refusals of one status."""
        return Reply(IcebergRefusal, what=", ".join(sorted({kind.code for kind in kinds})))


FORM: Final = IcebergForm()


async def credentials(request: Request) -> Response:
    """Give keys for a path, or without one for everything."""
    wanted = _wanted(read_query(request, CredentialsQuery))
    given = await keys_for(request, wanted, DOOR)
    prefix = "s3" if wanted is None else f"s3://{wanted.path.bucket}/{wanted.path.prefix}"
    answer: LoadCredentials = {"storage-credentials": [{"prefix": prefix, "config": _config(request, given, wanted)}]}
    return JSON(answer)


def _wanted(query: CredentialsQuery) -> Ask | None:
    if query.path is None:
        if query.access is not None:
            raise InvalidRequest("access: there is no path that it is for.")
        return None
    return Ask(parse_s3_path(query.path), Level(query.access or "read"))


def _config(request: Request, given: Given, wanted: Ask | None) -> dict[str, str]:
    keys = given.credentials
    query = "" if wanted is None else "?" + urlencode({"path": wanted.path.text, "access": str(wanted.level)})
    return {
        "s3.access-key-id": keys.access_key_id,
        "s3.secret-access-key": keys.secret_key.reveal(),
        "s3.session-token": keys.session_token.reveal(),
        "s3.session-token-expires-at-ms": str(given.end_ms),
        "s3.endpoint": given.store.public_endpoint,
        "s3.path-style-access": "true",
        "client.region": given.store.region,
        "client.refresh-credentials-endpoint": f"{gateway(request).public_url}{PATH}{query}",
    }


OPERATIONS: Final[Sequence[Operation]] = [
    Operation(
        "loadIcebergCredentials",
        "GET",
        PATH,
        credentials,
        {200: Reply(LoadCredentials)},
        token=Token.ANY,
        query=CredentialsQuery,
        refuses=(*MAKING_OR_RENEWING, InvalidPath),
        form=FORM,
        example=Example(query={"path": "s3://cdm-lake/users-general-warehouse/alice/table/", "access": "write"}),
        door=DOOR,
    ),
]
