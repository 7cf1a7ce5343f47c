"""Names and paths: what could widen a policy cannot be one, and what is one comes through unchanged."""

import sys
import unicodedata

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from vendor.errors import InvalidName, InvalidPath
from vendor.names import (
    RESERVED_TENANTS,
    RESERVED_USERS,
    parse_bucket,
    parse_prefix,
    parse_s3_path,
    parse_tenant_name,
    parse_user_name,
)


@pytest.mark.parametrize(
    "text", ["al", "alice", "a1", "1a", "a.b", "a_b-c.d", "0-0", "x" * 64, "alice-2", "team.lead_7"]
)
def test_user_names(text: str) -> None:
    assert parse_user_name(text) == text


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="empty"),
        pytest.param("a", id="one-character"),
        pytest.param("x" * 65, id="65-characters"),
        pytest.param("Alice", id="upper-case"),
        pytest.param(".alice", id="leading-dot"),
        pytest.param("alice-", id="trailing-hyphen"),
        pytest.param("a..b", id="two-dots"),
        pytest.param("a._b", id="two-marks"),
        pytest.param("..", id="dots-only"),
        pytest.param("a/b", id="slash"),
        pytest.param("a b", id="blank"),
        pytest.param("alice ", id="trailing-blank"),
        pytest.param("alice\n", id="trailing-newline"),
        pytest.param("a*", id="star"),
        pytest.param("a?b", id="question-mark"),
        pytest.param("${aws:username}", id="variable"),
        pytest.param("a{b}", id="braces"),
        pytest.param("a@b", id="at"),
        pytest.param("a:b", id="colon"),
        pytest.param("a%2fb", id="encoded"),
        pytest.param("älice", id="non-ascii"),
        pytest.param("\u0430lice", id="cyrillic-look-alike"),
        pytest.param("alice\u200b", id="zero-width"),
        pytest.param("a\x00b", id="nul"),
        pytest.param("٣٣", id="arabic-digits"),
        pytest.param("admin", id="reserved"),
        pytest.param("everyone", id="reserved-too"),
    ],
)
def test_what_is_no_user_name(text: str) -> None:
    with pytest.raises(InvalidName):
        parse_user_name(text)


@pytest.mark.parametrize("text", ["kbase", "hydro", "a1", "k2", "x" * 64])
def test_tenant_names(text: str) -> None:
    assert parse_tenant_name(text) == text


@pytest.mark.parametrize(
    "text",
    ["", "k", "1a", "k-base", "k_b", "k.b", "Kbase", "k base", "k/b", "kbase\n", "k*", "\uff4bbase", "x" * 65, "all"],
)
def test_what_is_no_tenant_name(text: str) -> None:
    with pytest.raises(InvalidName):
        parse_tenant_name(text)


@pytest.mark.parametrize("name", sorted(RESERVED_USERS))
def test_reserved_users(name: str) -> None:
    with pytest.raises(InvalidName, match="reserved"):
        parse_user_name(name)


@pytest.mark.parametrize("name", sorted(RESERVED_TENANTS))
def test_reserved_tenants(name: str) -> None:
    with pytest.raises(InvalidName, match="reserved"):
        parse_tenant_name(name)


@pytest.mark.parametrize("text", ["cdm-lake", "abc", "0ab", "a--b", "x" * 63])
def test_buckets(text: str) -> None:
    assert parse_bucket(text) == text


@pytest.mark.parametrize(
    "text",
    ["", "ab", "x" * 64, "CDM", "-abc", "abc-", "a.b", "a_b", "a b", "abc\n", "abc*", "127.0.0.1", "bücket", "a/b"],
)
def test_what_is_no_bucket(text: str) -> None:
    with pytest.raises(InvalidPath, match="bucket name"):
        parse_bucket(text)


@pytest.mark.parametrize(
    ("text", "bucket", "key", "prefix"),
    [
        ("s3://cdm-lake/a", "cdm-lake", "a", "a/"),
        ("s3a://cdm-lake/a/", "cdm-lake", "a/", "a/"),
        ("s3://cdm-lake/a/b c/d.parquet", "cdm-lake", "a/b c/d.parquet", "a/b c/d.parquet/"),
        ("s3://cdm-lake/日本/é", "cdm-lake", "日本/é", "日本/é/"),
        ("s3://cdm-lake/100%", "cdm-lake", "100%", "100%/"),
        ("s3://cdm-lake/50%/x", "cdm-lake", "50%/x", "50%/x/"),
        ("s3://cdm-lake/a=b&c<d>", "cdm-lake", "a=b&c<d>", "a=b&c<d>/"),
        ("s3://cdm-lake/.hidden/...x", "cdm-lake", ".hidden/...x", ".hidden/...x/"),
        ("s3://cdm-lake/UPPER/Case", "cdm-lake", "UPPER/Case", "UPPER/Case/"),
        ("s3://cdm-lake/" + "x" * 1023, "cdm-lake", "x" * 1023, "x" * 1023 + "/"),
        ("s3://cdm-lake/" + "x" * 1023 + "/", "cdm-lake", "x" * 1023 + "/", "x" * 1023 + "/"),
        ("s3://cdm-lake/" + "x" * 1024, "cdm-lake", "x" * 1024, "x" * 1024 + "/"),
        ("s3://cdm-lake/" + "x" * 1024 + "/", "cdm-lake", "x" * 1024 + "/", "x" * 1024 + "/"),
        ("s3://cdm-lake/a\ue000b", "cdm-lake", "a\ue000b", "a\ue000b/"),
    ],
)
def test_paths(text: str, bucket: str, key: str, prefix: str) -> None:
    path = parse_s3_path(text)

    assert (path.text, path.bucket, path.key.text, path.prefix) == (text, bucket, key, prefix)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="empty"),
        pytest.param("cdm-lake/a", id="no-scheme"),
        pytest.param("s3n://cdm-lake/a", id="s3n"),
        pytest.param("S3://cdm-lake/a", id="upper-case-scheme"),
        pytest.param("https://cdm-lake/a", id="https"),
        pytest.param(" s3://cdm-lake/a", id="leading-blank"),
        pytest.param("s3:///a", id="no-bucket"),
        pytest.param("s3://cdm-lake", id="only-a-bucket"),
        pytest.param("s3://cdm-lake/", id="only-a-bucket-and-slash"),
        pytest.param("s3://cdm-lake//", id="only-slashes"),
        pytest.param("s3://CDM-lake/a", id="upper-case-bucket"),
        pytest.param("s3://127.0.0.1/a", id="address"),
        pytest.param("s3://user@cdm-lake/a", id="userinfo"),
        pytest.param("s3://cdm-lake:9000/a", id="port"),
        pytest.param("s3://cdm-lake/*", id="star"),
        pytest.param("s3://cdm-lake/a*", id="star-at-the-end"),
        pytest.param("s3://cdm-lake/a?b", id="question-mark"),
        pytest.param("s3://cdm-lake/a${x}b", id="variable"),
        pytest.param("s3://cdm-lake/$", id="dollar"),
        pytest.param("s3://cdm-lake/{a}", id="braces"),
        pytest.param("s3://cdm-lake/a\\b", id="backslash"),
        pytest.param("s3://cdm-lake/../x", id="leading-dots"),
        pytest.param("s3://cdm-lake/a/../b", id="dots"),
        pytest.param("s3://cdm-lake/a/..", id="trailing-dots"),
        pytest.param("s3://cdm-lake/./a", id="dot"),
        pytest.param("s3://cdm-lake/a//b", id="empty-part"),
        pytest.param("s3://cdm-lake//a", id="leading-slash"),
        pytest.param("s3://cdm-lake/a//", id="trailing-slashes"),
        pytest.param("s3://cdm-lake/%2e%2e/x", id="encoded-dots"),
        pytest.param("s3://cdm-lake/a%2Fb", id="encoded-slash"),
        pytest.param("s3://cdm-lake/a%00", id="encoded-nul"),
        pytest.param("s3://cdm-lake/a\x00b", id="nul"),
        pytest.param("s3://cdm-lake/a\nb", id="newline"),
        pytest.param("s3://cdm-lake/a\x7fb", id="delete"),
        pytest.param("s3://cdm-lake/a\x85b", id="next-line"),
        pytest.param("s3://cdm-lake/a\u2028b", id="line-separator"),
        pytest.param("s3://cdm-lake/a\u202eb", id="right-to-left"),
        pytest.param("s3://cdm-lake/a\u200bb", id="zero-width"),
        pytest.param("s3://cdm-lake/\ufeffa", id="byte-order-mark"),
        pytest.param("s3://cdm-lake/a\ud800", id="lone-surrogate"),
        pytest.param("s3://cdm-lake/a\U000e0041b", id="tag-character"),
        pytest.param("s3://cdm-lake/a\uffffb", id="no-character"),
        pytest.param("s3://cdm-lake/a\U0001fffeb", id="no-character-either"),
        pytest.param("s3://cdm-lake/a\ufdd0b", id="no-character-in-the-middle"),
        pytest.param("s3://cdm-lake/ a", id="leading-blank-in-a-part"),
        pytest.param("s3://cdm-lake/a /b", id="trailing-blank-in-a-part"),
        pytest.param("s3://cdm-lake/a./b", id="trailing-dot-in-a-part"),
        pytest.param("s3://cdm-lake/a\u00a0", id="trailing-no-break-space"),
        pytest.param("s3://cdm-lake/" + "x" * 1025, id="1025-bytes"),
        pytest.param("s3://cdm-lake/" + "ä" * 513, id="1026-bytes-in-513-characters"),
    ],
)
def test_what_is_no_path(text: str) -> None:
    with pytest.raises(InvalidPath) as refused:
        parse_s3_path(text)

    assert refused.value.message.isascii()
    assert refused.value.message.isprintable()
    assert len(refused.value.message) < 400


def test_what_can_be_printed_is_no_control_nor_formatting_character_and_no_noncharacter() -> None:
    refused = [
        character
        for character in map(chr, range(sys.maxunicode + 1))
        if unicodedata.category(character) in {"Cc", "Cf", "Zl", "Zp"}
        or ord(character) & 0xFFFE == 0xFFFE
        or 0xFDD0 <= ord(character) <= 0xFDEF
    ]

    assert len(refused) > 200
    assert not any(character.isprintable() for character in refused)  # so a key that can be printed holds none


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=60))
@example("\ud800")
@example("/")
@example("x" * 1024)
@example("x" * 1024 + "/")
def test_a_prefix_is_one_that_a_policy_can_carry_or_is_refused(text: str) -> None:
    try:
        prefix = parse_prefix(text)
    except InvalidPath:
        return

    assert prefix in {text, text + "/"}
    assert prefix.endswith("/")
    assert not set(prefix) & set("*?${}\\")
    assert "" not in prefix.removesuffix("/").split("/")
    assert not {".", ".."} & set(prefix.split("/"))
    assert len(prefix.encode("utf-8")) <= 1025
    assert parse_prefix(prefix) == prefix


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet="ab/.%2eF _-é\\*\n", max_size=20))
def test_nothing_that_is_taken_can_be_folded_into_something_else(text: str) -> None:
    try:
        prefix = parse_prefix(text)
    except InvalidPath:
        return

    assert "//" not in prefix
    assert "/../" not in f"/{prefix}"
    assert "/./" not in f"/{prefix}"
    assert "%2e" not in prefix.lower()
    assert not prefix.startswith("/")
