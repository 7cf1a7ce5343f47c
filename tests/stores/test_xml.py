"""Answers of stores: what is read from good ones, and that bad ones give nothing."""

import pytest

from vendor.errors import StoreRefused
from vendor.stores.xml import parse_credentials, parse_error_code

SESSION = "FwoGZXIvYXdzEBYaD" * 4


def answer(**changes: str) -> bytes:
    parts = {
        "AccessKeyId": "AKIDEXAMPLE000000000",
        "SecretAccessKey": "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
        "Expiration": "2026-11-21T07:00:00Z",
        "SessionToken": SESSION,
    } | changes
    inner = "".join(f"<{name}>{text}</{name}>" for name, text in parts.items())
    return (
        '<?xml version="1.0"?><R xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Result><AssumedRoleUser/>'
        f"<Credentials>{inner}</Credentials></Result></R>"
    ).encode()


def test_credentials_are_found_by_name_in_any_order() -> None:
    found = parse_credentials(answer())

    assert found.access_key_id == "AKIDEXAMPLE000000000"
    assert found.session_token.reveal() == SESSION
    assert found.expires_at == 1795244400.0
    assert "wJalr" not in repr(found)


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"<html>busy</html>", id="html"),
        pytest.param(answer()[:-20], id="truncated"),
        pytest.param(answer(Expiration=""), id="no-expiration"),
        pytest.param(answer(Expiration="tomorrow"), id="expiration-in-words"),
        pytest.param(answer(AccessKeyId=""), id="no-access-key"),
        pytest.param(answer(SecretAccessKey="has a blank in it"), id="blank-in-secret"),
        pytest.param(answer(SessionToken="line&#10;break" * 3), id="line-break-in-token"),
        pytest.param(answer(SessionToken="x" * 20_000), id="endless-token"),
        pytest.param(
            answer().replace(b"</AccessKeyId>", b"</AccessKeyId><AccessKeyId>AKIDOTHER00000000000</AccessKeyId>"),
            id="two-access-keys",
        ),
        pytest.param(
            b'<!DOCTYPE r [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;">]>' + answer(AccessKeyId="&b;")[21:],
            id="entity-bomb",
        ),
        pytest.param(b'<!DOCTYPE r SYSTEM "file:///etc/passwd">' + answer()[21:], id="external-doctype"),
    ],
)
def test_an_unusable_answer_is_refused(body: bytes) -> None:
    with pytest.raises(StoreRefused):
        parse_credentials(body)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"<ErrorResponse><Error><Code>InvalidParameterValue</Code></Error></ErrorResponse>", "InvalidParameterValue"),
        (b"<Error><Code>AccessDenied</Code></Error>", "AccessDenied"),
        (b"<Error><Code>line\nbreak</Code></Error>", "unreadable"),
        (b"not xml", "unreadable"),
        (b"", "unreadable"),
    ],
)
def test_the_code_of_a_refusal(body: bytes, code: str) -> None:
    assert parse_error_code(body) == code
