"""What people and scripts get when something goes wrong.  A stub speaks for gateways in trouble."""

import inspect
import io
from collections.abc import Iterator

import pytest

from tests.cli.vend import Vend
from tests.client.stub import Stub, stub_server
from vendor.cli import failures
from vendor.client.errors import BadAnswer, BadInput, ClientError, GatewayError, SignInNeeded, Unavailable, UnsafeFile
from vendor.errors import InvalidPath, ScopeNotGranted
from vendor.leases import vending

JWT = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhbGljZSJ9.c2lnbmF0dXJl"


@pytest.fixture
def stub() -> Iterator[Stub]:
    with stub_server() as made:
        yield made


@pytest.fixture
def troubled(vend: Vend, stub: Stub) -> Vend:
    vend.environ |= {"VENDOR_URL": stub.url, "VENDOR_TOKEN": JWT}
    return vend


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (BadInput("x"), 2),
        (InvalidPath("x"), 2),
        (SignInNeeded("x"), 3),
        (UnsafeFile("x"), 3),
        (Unavailable("x"), 4),
        (BadAnswer("x"), 4),
        (ClientError("x"), 1),
        *[
            (GatewayError("x", status=status, code="c"), code)
            for status, code in ((400, 2), (401, 3), (403, 1), (404, 1), (409, 1), (410, 1), (422, 1), (429, 4))
        ],
        *[(GatewayError("x", status=status, code="c"), 4) for status in (500, 502, 503)],
        (RuntimeError("x"), 70),
    ],
)
def test_exit_codes(error: Exception, code: int) -> None:
    assert failures.exit_code(error) == code


def test_a_refusal_names_cause_remedy_and_request() -> None:
    said = io.StringIO()
    refused = GatewayError(
        "2 paths are not granted.",
        status=403,
        code="scope_not_granted",
        remedy="Ask for less.",
        details={
            "not_granted": [{"path": "s3://b/x/", "access": "read"}, {"path": "s3://b/\x1b[2J", "access": "write"}]
        },
        request_id="r_7",
        retry_after=3,
    )

    assert failures.report(refused, to=said) == 1
    assert said.getvalue() == (
        "vend: 2 paths are not granted.\n"
        "  read s3://b/x/\n"
        "  write s3://b/ [2J\n"
        "  Ask for less.\n"
        "  Try again in 3 s.\n"
        "  Request id: r_7\n"
    )


def test_a_bug_shows_nothing_but_its_kind() -> None:
    said = io.StringIO()

    assert failures.report(RuntimeError(f"token {JWT} leaked"), to=said) == 70
    assert JWT not in said.getvalue()


def test_debug_shows_the_trace_without_tokens() -> None:
    said = io.StringIO()
    try:
        raise RuntimeError(f"Illegal header value b'Bearer {JWT}' and vlt_abcdef0123")
    except RuntimeError as error:
        failures.report(error, debug=True, to=said)

    assert "Traceback" in said.getvalue()
    assert JWT not in said.getvalue()
    assert "vlt_" not in said.getvalue()


@pytest.mark.parametrize(
    ("status", "body", "kind", "code"),
    [
        pytest.param(200, b"<html>sign in to the network</html>", "text/html", 4, id="captive-portal"),
        pytest.param(503, b"", "text/plain", 4, id="bare-503"),
        pytest.param(
            401, {"error": {"code": "expired_token", "message": "It has ended."}}, "application/json", 3, id="401"
        ),
        pytest.param(403, {"error": {"code": "not_owner", "message": "No."}}, "application/json", 1, id="403"),
        pytest.param(201, {"lease": {}}, "application/json", 4, id="half-an-answer"),
    ],
)
@pytest.mark.parametrize("debug", [False, True], ids=["plain", "debug"])
def test_nothing_reaches_stdout(
    troubled: Vend, stub: Stub, status: int, body: object, kind: str, code: int, debug: bool
) -> None:
    """What reads stdout is a shell's eval or an SDK."""
    stub.says(status, body, kind)
    for form in ("env", "process", "json"):
        said = troubled("lease", "--format", form, *(["--debug"] if debug else []))
        assert (said.code, said.out) == (code, "")
        assert said.err.startswith("vend: ")
        assert ("Traceback" in said.err) is debug
        assert JWT not in said.err


def test_nobody_listens(troubled: Vend) -> None:
    said = troubled("whoami", "--gateway", "http://127.0.0.1:9")

    assert (said.code, said.out) == (4, "")
    assert "refuses connections" in said.err


def test_no_gateway_is_named(vend: Vend) -> None:
    said = vend("whoami")

    assert (said.code, said.out) == (2, "")
    assert "--gateway" in said.err


def test_a_closed_pipe_is_no_error_message(troubled: Vend) -> None:
    running = troubled.start("lease", "--help")
    assert running.stdout is not None
    running.stdout.close()
    assert running.stderr is not None
    assert "Traceback" not in running.stderr.read()
    assert running.wait(20) in {0, 1}


def test_the_configuration_is_broken(troubled: Vend) -> None:
    config = troubled.home / ".config" / "vend" / "config.toml"
    config.parent.mkdir(parents=True)
    config.write_text("default = ")

    said = troubled("lease")

    assert (said.code, said.out) == (2, "")
    assert "config.toml is not valid TOML" in said.err


def test_a_remedy_names_options_not_members_of_json() -> None:
    said = io.StringIO()
    failures.report(
        GatewayError("x", status=403, code="scope_not_granted", remedy=ScopeNotGranted.default_remedy), to=said
    )
    assert "--partial" in said.getvalue()
    assert '"partial"' not in said.getvalue()


def test_what_is_replaced_in_remedies_is_what_the_gateway_says() -> None:
    gateway = ScopeNotGranted.default_remedy + inspect.getsource(vending)
    assert [member for member, _ in failures._SPOKEN if member not in gateway] == []
