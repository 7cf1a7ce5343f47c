import pytest

from vendor.client.address import parse_service_url
from vendor.client.errors import BadInput


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("https://vendor.example.org", "https://vendor.example.org"),
        ("https://vendor.example.org:8443/gate/", "https://vendor.example.org:8443/gate"),
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000"),
        ("http://127.9.9.9:8000/", "http://127.9.9.9:8000"),
        ("http://[::1]:8000", "http://[::1]:8000"),
        ("http://localhost", "http://localhost"),
    ],
)
def test_addresses_a_token_may_be_sent_to(text: str, expected: str) -> None:
    assert parse_service_url(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "vendor.example.org",
        "ftp://vendor.example.org",
        "file:///etc/passwd",
        "https://",
        "https:///path",
        "https://vendor.example.org?x=1",
        "https://vendor.example.org#x",
        "https://vendor.example.org:port",
        "https://vendor.example.org:99999",
        "https://ven dor.example.org",
        "https://vendor.example.org\r\nX: y",
        "https://vendör.example.org",
        "http://vendor.example.org",
        "http://localhost.example.org",
        "http://127.0.0.1.example.org",
        "http://10.0.0.1",
        "http://0.0.0.0",
        "https://[::1",
    ],
)
def test_addresses_it_may_not(text: str) -> None:
    with pytest.raises(BadInput):
        parse_service_url(text)


def test_a_password_in_an_address_is_not_repeated() -> None:
    with pytest.raises(BadInput) as refused:
        parse_service_url("https://me:hunter2@vendor.example.org")
    assert "hunter2" not in str(refused.value) + refused.value.remedy


def test_plain_http_by_permission() -> None:
    assert parse_service_url("http://10.0.0.1:8000", insecure_http=True) == "http://10.0.0.1:8000"
