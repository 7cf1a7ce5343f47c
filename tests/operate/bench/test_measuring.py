"""What a measurement makes of odd answers, and how it ends leases at a gateway that is silent."""

import re
import socket
from collections.abc import Callable
from functools import partial

import httpx2
import pytest

from tests.operate.bench.deployment import answering
from vendor.client import http
from vendor.client.address import parse_service_url
from vendor.client.errors import BadAnswer, ClientError
from vendor.client.sync import Client
from vendor.client.tokens import fixed
from vendor.operate.bench.begun import Begun
from vendor.operate.bench.generator import Generator
from vendor.operate.bench.load import Outcome, json_request
from vendor.operate.bench.measuring import Measuring, Plan, _require_keys
from vendor.secret import RawToken


def test_a_gateway_that_does_not_answer_is_not_asked_for_each_lease(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "TIMEOUT", httpx2.Timeout(0.2))
    asked: list[str] = []
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with Client(url, fixed(RawToken("t"))) as client:
            monkeypatch.setattr(client, "revoke", partial(_noted, asked, client.revoke))
            begun = Begun(client, 2, lambda _: None, lambda: False, [f"l_{number}" for number in range(50)])
            assert len(begun.end()) == 50
            assert "did not answer in time" in begun.why
            assert len(asked) == 2

            hurried = Begun(client, 2, lambda _: None, lambda: True, ["l_1"], lost=True)
            assert hurried.end() == []
            assert len(asked) == 2


def _noted(asked: list[str], revoke: Callable[[str], object], lease: str) -> object:
    asked.append(lease)
    return revoke(lease)


@pytest.mark.parametrize(
    ("content", "status", "said"),
    [
        pytest.param(b"<html>", 502, "web page (status 502)", id="an-edge"),
        pytest.param(b"", 503, "not available (status 503)", id="nothing"),
        pytest.param(b'{"error": {"code": "too_many_requests", "message": "Later."}}', 429, "Later.", id="a-limit"),
        pytest.param(b"{}", 201, "were no leases", id="no-leases"),
    ],
)
def test_what_a_load_is_answered_is_told_as_it_is(content: bytes, status: int, said: str) -> None:
    with answering(content, "text/plain", status) as url, Client(url, fixed(RawToken("t"))) as client:
        plan = Plan(parse_service_url(url), RawToken("t"), 3, 1, 1.0)
        begun = Begun(client, 1, lambda _: None, lambda: False)
        measuring = Measuring(plan, client, lambda: False, lambda _: None, begun)
        asked = json_request(url, "/v1/leases", {}, "t")
        with Generator() as generator, pytest.raises(ClientError, match=re.escape(said)):
            measuring._made(generator, plan.load(asked, 5.0, most=3))
    assert begun.lost is (status != 429)


@pytest.mark.parametrize("content", [b"<html>", b"[]", b"{}", b"\xff"])
def test_figures_are_of_keys_only(content: bytes) -> None:
    with pytest.raises(BadAnswer):
        _require_keys(Outcome(1.0, [1.0], {200: 1}, first=content), "http://h")
