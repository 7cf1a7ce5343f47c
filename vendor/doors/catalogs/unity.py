"""`POST /api/2.1/unity-catalog/temporary-path-credentials`: keys for a path as Unity Catalog gives them.

Tables, volumes and models are names of a catalog, and this is none: only paths are known here.
"""

from collections.abc import Mapping, Sequence
from typing import Annotated, Final, Literal

from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Scope
from typing_extensions import TypedDict

from vendor.doors.body import Body, read
from vendor.doors.catalogs.giving import keys_for
from vendor.doors.making import MAKING_OR_RENEWING
from vendor.doors.operation import Example, Operation, Reply, Token
from vendor.doors.render import JSON, error_headers, request_id
from vendor.errors import InvalidPath, LeaseEnded, VendError
from vendor.identity.bearer import bearer
from vendor.names import parse_s3_path
from vendor.policy.grant import Ask, Level

ROOT: Final = "/api/2.1/unity-catalog/"
PATH: Final = f"{ROOT}temporary-path-credentials"
DOOR: Final = "unity"
_CODES: Final[Mapping[int, str]] = {
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    429: "RESOURCE_EXHAUSTED",
    503: "UNAVAILABLE",
}


class ErrorInfo(TypedDict):
    """Why, in the gateway's own words."""

    reason: str
    metadata: dict[str, str]


class UnityRefusal(TypedDict):
    """Why a request was refused, as Unity Catalog's server writes it."""

    error_code: str
    message: str
    details: list[ErrorInfo]


class UnityForm:
    """`{"error_code", "message", "details"}`, as Unity Catalog's server writes it."""

    def answer(self, error: VendError, scope: Scope) -> Response:
        """Render one refusal."""
        status = self.status_of(type(error))
        code = _CODES.get(status, "INVALID_ARGUMENT" if status < 500 else "INTERNAL")
        info: ErrorInfo = {"reason": error.code, "metadata": {"request_id": request_id(scope)}}
        body: UnityRefusal = {"error_code": code, "message": error.message, "details": [info]}
        return JSON(body, status, error_headers(error))

    def status_of(self, kind: type[VendError]) -> int:
        """Return the status of a kind of refusal."""
        return 401 if issubclass(kind, LeaseEnded) else kind.status

    def reply(self, status: int, kinds: Sequence[type[VendError]]) -> Reply:
        """Describe the refusals of one status."""
        return Reply(UnityRefusal, what=", ".join(sorted({kind.code for kind in kinds})))


FORM: Final = UnityForm()


class PathCredentials(Body):
    """Unity Catalog's `GenerateTemporaryPathCredential`."""

    url: Annotated[str, Field(max_length=2048)]
    operation: Literal["PATH_READ", "PATH_READ_WRITE", "PATH_CREATE_TABLE"]


class AwsCredentials(TypedDict):
    """S3 keys."""

    access_key_id: str
    secret_access_key: str
    session_token: str


class TemporaryCredentials(TypedDict):
    """Keys, with their end in milliseconds since the epoch, and the path that they are for."""

    aws_temp_credentials: AwsCredentials
    expiration_time: int
    url: str


async def path_credentials(request: Request) -> Response:
    """Give keys for a path."""
    bearer(request.headers.getlist("authorization"))  # whoever has no token is told that first
    body = await read(request, PathCredentials)
    path = parse_s3_path(body.url)
    level = Level.READ if body.operation == "PATH_READ" else Level.WRITE
    given = await keys_for(request, Ask(path, level), DOOR)
    keys = given.credentials
    answer: TemporaryCredentials = {
        "aws_temp_credentials": {
            "access_key_id": keys.access_key_id,
            "secret_access_key": keys.secret_key.reveal(),
            "session_token": keys.session_token.reveal(),
        },
        "expiration_time": given.end_ms,
        "url": f"s3://{path.bucket}/{path.prefix}",
    }
    return JSON(answer)


OPERATIONS: Final[Sequence[Operation]] = [
    Operation(
        "generateTemporaryPathCredentials",
        "POST",
        PATH,
        path_credentials,
        {200: Reply(TemporaryCredentials)},
        token=Token.ANY,
        body=PathCredentials,
        refuses=(*MAKING_OR_RENEWING, InvalidPath),
        form=FORM,
        example=Example(
            body={"url": "s3://cdm-lake/users-general-warehouse/alice/table/", "operation": "PATH_READ_WRITE"}
        ),
        door=DOOR,
    ),
]
