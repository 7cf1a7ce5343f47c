"""`vendor bench` against a running gateway: it measures, ends what it began, and tells no token."""

import json
from pathlib import Path

import pytest

from tests.support.gateways import Api, api
from vendor.dev.stack import Stack
from vendor.operate.bench.command import FAILED, FINE, TOKEN, UNUSABLE, run


def _bench(url: str, environment: dict[str, str], *, yes: bool = True, token_file: Path | None = None) -> int:
    return run(
        url,
        token_file=token_file,
        leases=6,
        connections=2,
        seconds=0.2,
        yes=yes,
        as_json=True,
        environment=environment,
    )


def _live(calls: Api) -> set[str]:
    return {lease["id"] for lease in calls.call("GET", "/v1/leases?limit=500").json()["leases"]}


def test_it_measures_and_ends_its_leases(stack: Stack, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text(stack.tokens["alice"] + "\n")
    with api(stack, "alice") as calls:
        before = _live(calls)

        assert _bench(stack.gateway.url + "/", {}, token_file=file) == FINE

        assert _live(calls) <= before
    found = json.loads(capsys.readouterr().out)
    assert {"new leases", "repeated asks"} == set(found)
    assert all(figures["per_second"] > 0 and figures["p50_ms"] > 0 for figures in found.values())


def test_a_refusal_is_told_without_the_token(stack: Stack, capsys: pytest.CaptureFixture[str]) -> None:
    assert _bench(stack.gateway.url, {TOKEN: "not-a-token-of-anybody"}) == FAILED

    told = capsys.readouterr()
    assert "401" in told.err
    assert "not-a-token-of-anybody" not in told.out + told.err


@pytest.mark.parametrize(
    ("url", "environment", "yes"),
    [
        pytest.param("http://127.0.0.1:1", {}, True, id="no-token"),
        pytest.param("http://127.0.0.1:1", {TOKEN: "two words"}, True, id="no-single-token"),
        pytest.param("http://user:word@127.0.0.1:1", {TOKEN: "t"}, True, id="a-password-in-the-url"),
        pytest.param("ftp://127.0.0.1", {TOKEN: "t"}, True, id="no-http"),
        pytest.param("http://127.0.0.1:1", {TOKEN: "t"}, False, id="nobody-to-ask"),
    ],
)
def test_what_cannot_be_used_sends_nothing(url: str, environment: dict[str, str], yes: bool) -> None:
    assert _bench(url, environment, yes=yes) == UNUSABLE


def test_a_gateway_that_is_not_there_is_a_failure(capsys: pytest.CaptureFixture[str]) -> None:
    assert _bench("http://127.0.0.1:1", {TOKEN: "t"}) == FAILED
    assert capsys.readouterr().err.startswith("vendor: ")
