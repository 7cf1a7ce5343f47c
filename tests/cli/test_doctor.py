"""`vend doctor`: well on the real stack, and each trouble named by a stub."""

import base64
import json
from collections.abc import Callable, Iterator
from email.utils import formatdate
from pathlib import Path
from time import time
from typing import Any

import pytest

from tests.cli.vend import Said, Vend
from tests.client.leases import lease
from tests.client.stub import Reply, Seen, Stub, stub_server
from vendor import __version__
from vendor.cli.doctor import _age
from vendor.cli.findings import environment, traps
from vendor.client.answers import Endpoint
from vendor.secret import RawToken

REFUSED = {"error": {"code": "nothing_granted", "message": "Nothing is granted to you.", "remedy": "Ask a steward."}}


@pytest.fixture
def stub() -> Iterator[Stub]:
    with stub_server() as made:
        yield made


@pytest.fixture
def patient(vend: Vend, stub: Stub) -> Vend:
    vend.environ |= {"VENDOR_URL": stub.url, "VENDOR_TOKEN": "t"}
    return vend


def healthy(stub: Stub, *, livez_at: float = 0.0, **changes: Reply) -> Callable[[Seen], Reply]:
    """Answer as a healthy gateway (and store), but for `changes`; its clock is `livez_at` seconds ahead."""

    def answer(seen: Seen) -> Reply:
        date = {"date": formatdate(time(), usegmt=True)}
        vended = {**lease(), "endpoint": {"url": stub.url, "region": "us-east-1", "path_style": True}}
        usual = {
            "livez": Reply(200, {"status": "alive"}, headers={"date": formatdate(time() + livez_at, usegmt=True)}),
            "readyz": Reply(200, {"status": "ready"}),
            "openapi.json": Reply(200, {"info": {"version": __version__}}),
            "whoami": Reply(200, {"principal": "alice"}),
            "leases": Reply(201, vended),
        }
        return (usual | changes).get(seen.path.rsplit("/", 1)[-1], Reply(403, b"", headers=date))

    return answer


def levels(said: Said) -> dict[str, str]:
    """Return the worst level of each check."""
    order = ["ok", "warn", "fail"]
    found: dict[str, str] = {}
    for finding in said.json["findings"]:
        found[finding["check"]] = max(found.get(finding["check"], "ok"), finding["level"], key=order.index)
    return found


def test_all_is_well(alice: Vend) -> None:
    said = alice("doctor")
    assert (said.code, said.err) == (0, "")
    assert all(line.startswith("ok ") for line in said.out.splitlines())
    assert set(levels(alice("doctor", "--json")).values()) == {"ok"}


@pytest.mark.parametrize(
    ("changes", "check", "level", "code"),
    [
        pytest.param({}, "store", "ok", 0, id="well"),
        pytest.param({"livez_at": -120.0}, "clock", "warn", 0, id="clock-a-little-ahead"),
        pytest.param({"livez_at": 3600.0}, "clock", "fail", 1, id="clock-far-behind"),
        pytest.param({"livez": Reply(200, b"<html>", "text/html")}, "gateway", "fail", 4, id="captive-portal"),
        pytest.param({"openapi.json": Reply(200, {"info": {"version": "9.8"}})}, "version", "warn", 0, id="version"),
        pytest.param({"openapi.json": Reply(404, b"", "text/plain")}, "version", "warn", 0, id="no-version"),
        pytest.param({"readyz": Reply(503, {"status": "not_ready"})}, "readiness", "warn", 0, id="not-ready"),
        pytest.param(
            {"whoami": Reply(401, {"error": {"code": "expired_token", "message": "Ended."}})},
            "identity",
            "fail",
            3,
            id="expired",
        ),
        pytest.param({"leases": Reply(403, REFUSED)}, "lease", "warn", 0, id="nothing-granted"),
        pytest.param({"leases": Reply(201, lease())}, "store", "fail", 1, id="store-away"),
    ],
)
def test_troubles(patient: Vend, stub: Stub, changes: dict[str, Any], check: str, level: str, code: int) -> None:
    stub.answer = healthy(stub, **changes)
    said = patient("doctor", "--json")
    assert levels(said)[check] == level
    assert said.code == code
    for finding in said.json["findings"]:
        assert finding["level"] == "ok" or finding["remedy"]
    if changes.get("livez", Reply()).kind != "text/html":
        assert "authorization" not in stub.seen[-1].headers or stub.seen[-1].path == "/v1/leases"


def test_no_keys_are_asked_for(patient: Vend, stub: Stub) -> None:
    stub.answer = healthy(stub)
    assert patient("doctor", "--no-lease").code == 0
    assert "/v1/leases" not in [seen.path for seen in stub.seen]


def test_nobody_answers(patient: Vend) -> None:
    said = patient("doctor", "--gateway", "http://127.0.0.1:9")
    assert said.code == 4
    assert "refuses connections" in said.out


def test_no_gateway_is_named(vend: Vend) -> None:
    said = vend("doctor")
    assert said.code == 2
    assert "No gateway is named" in said.out


@pytest.mark.parametrize(
    ("environ", "says"),
    [
        ({"AWS_PROFILE": "x", "AWS_ACCESS_KEY_ID": "y"}, "AWS_ACCESS_KEY_ID, AWS_PROFILE"),
        ({"AWS_ENDPOINT_URL": "http://x"}, "AWS_ENDPOINT_URL"),
        ({"https_proxy": "http://x"}, "HTTPS_PROXY is set"),
        ({"HTTP_PROXY": "http://x", "NO_PROXY": "localhost"}, "127.0.0.1"),
        ({"HTTP_PROXY": "http://x", "no_proxy": "localhost,127.0.0.1"}, "Nothing in this shell"),
        ({}, "Nothing in this shell"),
    ],
)
def test_variables(environ: dict[str, str], says: str) -> None:
    (finding,) = environment(environ)
    assert says in finding.message
    assert (finding.level == "ok") is says.startswith("Nothing")


@pytest.mark.parametrize(
    ("environ", "config", "says"),
    [
        ({}, None, "fit the store"),
        (
            {"AWS_REGION": "us-east-1"},
            "[default]\nregion = us-east-1\ns3 =\n  addressing_style = path\n",
            "fit the store",
        ),
        ({"AWS_DEFAULT_REGION": "eu-1"}, None, "'eu-1' by AWS_DEFAULT_REGION"),
        ({}, "[default]\nregion = eu-2\n", "'eu-2' by the profile 'default'"),
        ({"AWS_PROFILE": "lab"}, "[profile lab]\nregion = eu-3\n[default]\nregion=us-east-1", "by the profile 'lab'"),
        ({}, "[default]\ns3 =\n    addressing_style = virtual\n", "wants them in the path"),
        ({}, "broken [", "fit the store"),
    ],
)
def test_region_and_addressing(environ: dict[str, str], config: str | None, says: str, tmp_path: Path) -> None:
    if config is not None:
        (tmp_path / ".aws").mkdir()
        (tmp_path / ".aws" / "config").write_text(config)
    (finding,) = traps(Endpoint("http://127.0.0.1:9", "us-east-1", path_style=True), environ, tmp_path)
    assert says in finding.message
    assert (finding.level == "ok") is (says == "fit the store")


def test_a_bare_address_cannot_carry_bucket_names(tmp_path: Path) -> None:
    (finding,) = traps(Endpoint("http://10.0.0.7:9000", "us-east-1", path_style=False), {}, tmp_path)
    assert finding.level == "fail"
    assert traps(Endpoint("https://s3.example", "us-east-1", path_style=False), {}, tmp_path)[0].level == "ok"


def jwt(**claims: float) -> RawToken:
    body = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    return RawToken(f"eyJhbGciOiJub25lIn0.{body}.c2ln")


@pytest.mark.parametrize(
    ("claims", "refreshed", "level", "says"),
    [
        ({"iat": 1000.0, "exp": 90_000.0}, False, "ok", "is 15 min old and ends at"),
        ({"iat": 1000.0, "exp": 1950.0}, False, "warn", "nothing renews it"),
        ({"iat": 1000.0, "exp": 1950.0}, True, "ok", "renewed by itself"),
        ({}, False, "ok", "of unknown age"),
    ],
)
def test_the_age_of_the_token(claims: dict[str, float], refreshed: bool, level: str, says: str) -> None:
    finding = _age(jwt(**claims), 1900.0, refreshed=refreshed)
    assert (finding.level, says in finding.message) == (level, True), finding.message
