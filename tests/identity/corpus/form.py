"""Groups 1 to 15: the header that carries the token, and the token's form."""

from typing import Any

from tests.identity.corpus.case import Case, accepted, token
from tests.identity.world.minting import b64
from tests.identity.world.world import World


def header(group: int, title: str, *values: str, code: str = "invalid_token", **more: Any) -> Case:
    return Case(group, title, 401, code, lambda _world: list(values), **more)


def spelled(group: int, title: str, form: str, name: str = "alice", **more: Any) -> Case:
    """A good token in an unusual, but allowed header."""
    return Case(group, title, 200, name, lambda world: [form.format(world.token())], **more)


def parts(world: World) -> list[str]:
    return world.token().split(".")


def swapped(world: World, position: int, part: str) -> str:
    made = parts(world)
    made[position] = part
    return ".".join(made)


def signed_header(text: str | bytes) -> Case:
    title = f"header-{text[:12]!r}".replace(" ", "")
    return token(9, title, lambda world: world.rsa.token(world.claims(), text))


DEEP = "[" * 10_000 + "]" * 10_000

CASES = [
    header(1, "no-header", code="missing_token"),
    header(2, "bearer-and-nothing", "Bearer"),
    header(2, "bearer-and-a-blank", "Bearer "),
    header(2, "bearer-and-blanks", "Bearer    "),
    header(2, "empty-header", ""),
    Case(3, "two-headers", 401, "invalid_token", lambda world: [f"Bearer {world.token()}", f"Bearer {world.token()}"]),
    Case(3, "second-header-is-basic", 401, "invalid_token", lambda world: [f"Bearer {world.token()}", "Basic YTpi"]),
    Case(3, "two-tokens-in-one", 401, "invalid_token", lambda w: [f"Bearer {w.token()}, Bearer {w.token()}"]),
    header(4, "basic", "Basic YWxpY2U6c2VjcmV0"),
    Case(4, "no-scheme", 401, "invalid_token", lambda world: [world.token()]),
    Case(4, "scheme-token", 401, "invalid_token", lambda world: [f"Token {world.token()}"]),
    Case(4, "scheme-glued-on", 401, "invalid_token", lambda world: [f"Bearer{world.token()}"]),
    spelled(5, "lower-case", "bearer {}"),
    spelled(5, "upper-case", "BEARER {}"),
    spelled(6, "trailing-newline", "Bearer {}\n", over_http=False),
    spelled(6, "trailing-blanks", "Bearer {}  "),
    Case(
        6,
        "newline-inside",
        401,
        "invalid_token",
        lambda w: [f"Bearer {w.token()[:40]}\n{w.token()[40:]}"],
        over_http=False,
    ),
    Case(6, "blank-inside", 401, "invalid_token", lambda world: [f"Bearer {world.token()[:40]} {world.token()[40:]}"]),
    token(7, "one-dot", lambda world: ".".join(parts(world)[:2])),
    token(7, "three-dots", lambda world: world.token() + ".AAAA"),
    token(7, "four-dots", lambda world: ".".join([*parts(world), "AAAA", "AAAA"])),
    token(7, "five-dots", lambda world: ".".join([*parts(world), "A", "A", "A"])),
    token(7, "only-dots", lambda _world: ".."),
    token(7, "empty-first-part", lambda world: swapped(world, 0, "")),
    token(7, "empty-middle-part", lambda world: swapped(world, 1, "")),
    token(7, "dot-in-front", lambda world: "." + world.token()),
    token(8, "padding", lambda world: world.token() + "=="),
    token(8, "standard-alphabet", lambda world: swapped(world, 1, parts(world)[1][:-4] + "+/+/")),
    token(8, "tilde-inside", lambda world: swapped(world, 1, parts(world)[1] + "~")),
    Case(8, "other-characters", 401, "invalid_token", lambda world: [f"Bearer {swapped(world, 1, 'e30!')}"]),
    Case(8, "beyond-ascii", 401, "invalid_token", lambda world: [f"Bearer {world.token()}é"], over_http=False),
    token(8, "impossible-length", lambda world: swapped(world, 1, "A")),
    *(signed_header(text) for text in ("nonsense", "[]", "null", '"text"', "7", "{", "", '{"alg":"RS256"}x')),
    token(9, "header-twice-alg", lambda w: w.rsa.token(w.claims(), '{"alg":"none","alg":"RS256","kid":"rsa-1"}')),
    token(9, "header-alg-number", lambda world: world.token(header={"alg": 256})),
    token(9, "header-alg-list", lambda world: world.token(header={"alg": ["RS256"]})),
    token(9, "header-no-alg", lambda world: world.token(header={"alg": ...})),
    token(9, "header-typ-number", lambda world: world.token(header={"typ": 1})),
    token(10, "payload-array", lambda world: world.raw("[]")),
    token(10, "payload-array-of-claims", lambda world: world.rsa.token([world.claims()])),
    token(10, "payload-text", lambda world: world.raw('"alice"')),
    token(10, "payload-number", lambda world: world.raw("7")),
    token(10, "payload-null", lambda world: world.raw("null")),
    token(10, "payload-true", lambda world: world.raw("true")),
    token(10, "payload-not-json", lambda world: world.raw("{'sub': 'alice'}")),
    token(10, "payload-empty-object", lambda world: world.raw("{}")),
    token(11, "sub-twice", lambda world: world.with_member('"sub": "bob"')),
    token(11, "sub-twice-the-same", lambda world: world.with_member('"sub": "alice"')),
    token(11, "iss-twice", lambda world: world.with_member('"iss": "https://evil.example"')),
    token(11, "nested-member-twice", lambda world: world.with_member('"x": {"a": 1, "a": 2}')),
    token(11, "member-twice-by-escape", lambda world: world.with_member('"s\\u0075b": "bob"')),
    token(12, "invalid-utf-8", lambda w: w.raw(w.with_member_bytes(b'"x": "\xff"'))),
    token(12, "overlong-utf-8", lambda w: w.raw(w.with_member_bytes(b'"x": "\xc0\xaf"'))),
    token(12, "utf-16", lambda w: w.raw(b"\xff\xfe{\x00}\x00")),
    token(12, "byte-order-mark", lambda w: w.raw(b"\xef\xbb\xbf" + w.payload())),
    token(12, "lone-surrogate-in-sub", lambda world: world.with_member('"sub": "al\\ud800ce"', leave_out="sub")),
    token(12, "lone-surrogate-elsewhere", lambda world: world.with_member('"x": ["\\udfff"]')),
    token(12, "raw-control-character", lambda world: world.with_member('"x": "a\nb"')),
    Case(13, "one-mebibyte", 413, "too_large", lambda _w: ["Bearer " + "a" * 2**20], http_status=(400, 431)),
    Case(
        13,
        "signed-one-mebibyte",
        413,
        "too_large",
        lambda w: [f"Bearer {w.token(x='a' * 2**20)}"],
        http_status=(400, 431),
    ),
    Case(13, "just-too-long", 413, "too_large", lambda _w: ["Bearer " + "a" * 32_768], http_status=(400, 431)),
    token(14, "deep-lists", lambda world: world.with_member(f'"x": {DEEP[:5000] + DEEP[-5000:]}')),
    token(14, "deep-objects", lambda world: world.with_member('"x": ' + '{"a":' * 1500 + "1" + "}" * 1500)),
    token(
        14,
        "deep-header",
        lambda world: world.rsa.token(world.claims(), '{"alg":"RS256","x":' + DEEP[:3000] + DEEP[-3000:] + "}"),
    ),
    token(14, "unclosed-depth", lambda world: world.raw("[" * 9000)),
    token(14, "seventeen-levels", lambda world: world.with_member('"x": ' + "[" * 16 + "]" * 16)),
    accepted(14, "brackets-in-a-text", lambda world: world.token(x="[" * 500), "alice"),
    token(15, "5000-digits", lambda world: world.with_member(f'"exp": {"9" * 5000}', leave_out="exp")),
    token(15, "25-digits", lambda world: world.with_member(f'"exp": {"9" * 25}', leave_out="exp")),
    token(15, "5000-digits-elsewhere", lambda world: world.with_member(f'"x": {"9" * 5000}')),
    token(15, "5000-digit-fraction", lambda world: world.with_member(f'"exp": 0.{"9" * 5000}', leave_out="exp")),
    token(15, "opaque-lease-token", lambda _world: "vlt_" + b64(b"lease" * 8)),
]
