"""What is sent to a store, and what of its answers is believed."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs

import pytest

from vendor.errors import StoreRefused
from vendor.secret import Secret, SecretKey, SessionToken, WebIdentityToken
from vendor.stores.credentials import Credentials
from vendor.stores.profile import PROFILES, StoreKind
from vendor.stores.store import Order as Order_
from vendor.stores.store import ServiceKey, Store, StoreSettings

NOW = 1_800_000_000.0
POLICY = '{"Version":"2012-10-17","Statement":[]}'


class Told:
    """Takes the place of the connection and keeps what was posted."""

    url = "http://store/"

    def __init__(self, ends: float) -> None:
        self.form: dict[str, list[str]] = {}
        self.headers: Mapping[str, str] = {}
        self.ends = ends

    async def post(self, form: str, headers: Mapping[str, str] | None = None) -> Credentials:
        self.form, self.headers = parse_qs(form), headers or {}
        return Credentials("AKID", SecretKey("sk"), SessionToken("st"), self.ends)


def order(policy: str = POLICY, seconds: int = 3600, renewals: int = 0) -> Order_:
    return Order_("l_" + "a" * 20, "u" * 64, policy, seconds, renewals)


def store(kind: str, ends: float, *, key: bool = False) -> tuple[Store, Told, list[dict[str, Any]]]:
    signed: list[dict[str, Any]] = []

    def sign(**claims: Any) -> WebIdentityToken:
        signed.append(claims)
        return WebIdentityToken("signed")

    settings = StoreSettings(
        "default",
        PROFILES[StoreKind(kind)],
        "http://store",
        "http://store",
        "us-east-1",
        "vendor",
        role_arn="arn:role" if kind == "seaweedfs" else None,
        policy=None if kind == "seaweedfs" else "vendor-lease",
        service_key=ServiceKey("AKSERVICE", Secret("service-secret")) if key else None,
    )
    made, told = Store(settings, sign, lambda: NOW), Told(ends)
    made._wire = told  # type: ignore[assignment]  # posts nowhere
    return made, told, signed


async def test_web_identity_on_a_store_that_takes_the_token_s_end() -> None:
    made, told, signed = store("juicefs", NOW + 3600)

    await made.issue(order(renewals=2))

    assert told.form["Action"] == ["AssumeRoleWithWebIdentity"]
    assert "DurationSeconds" not in told.form
    assert signed[0]["lifetime_ends"] == NOW + 3600
    assert signed[0]["claims"] == {"policy": "vendor-lease"}
    assert signed[0]["subject"] == f"{'u' * 64}/l_{'a' * 20}.2"
    assert told.headers == {}


async def test_web_identity_on_a_store_that_is_told_the_duration() -> None:
    made, told, signed = store("seaweedfs", NOW + 3600)

    await made.issue(order())

    assert told.form["DurationSeconds"] == ["3600"]
    assert told.form["RoleArn"] == ["arn:role"]
    assert signed[0]["lifetime_ends"] == NOW + 60
    (session,) = told.form["RoleSessionName"]
    assert len(session) <= 64
    assert session.endswith(".l_" + "a" * 20)


async def test_assume_role_is_signed_for_sts_and_sends_no_token() -> None:
    made, told, signed = store("seaweedfs", NOW + 3600, key=True)

    await made.issue(order())

    assert told.form["Action"] == ["AssumeRole"]
    assert "WebIdentityToken" not in told.form
    assert "/us-east-1/sts/aws4_request" in told.headers["Authorization"]
    assert "service-secret" not in str(told.headers)
    assert signed == []


@pytest.mark.parametrize("policy", ["", "   ", "null", "[]", " {}"])
async def test_without_a_policy_nothing_is_asked(policy: str) -> None:
    made, told, signed = store("juicefs", NOW + 3600)

    with pytest.raises(StoreRefused):
        await made.issue(order(policy))
    assert (told.form, signed) == ({}, [])


@pytest.mark.parametrize("ends_in", [-91, -3600, 3600 + 91, 7200])
async def test_an_end_that_was_not_asked_for_is_not_believed(ends_in: float) -> None:
    made, _, _ = store("juicefs", NOW + ends_in)

    with pytest.raises(StoreRefused):
        await made.issue(order())


@pytest.mark.parametrize("ends_in", [20, 3599, 3600, 3650])
async def test_a_shorter_end_or_a_clock_a_little_off_is(ends_in: float) -> None:
    made, _, _ = store("juicefs", NOW + ends_in)

    assert (await made.issue(order())).expires_at == NOW + ends_in
