"""Every check of the probe can fail: each is tried on a store that breaks the promise that the check is about."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from tests.probe.liar import Liar, Lie, Seen, Told
from tests.probe.probing import settings_of, verdicts
from vendor.dev.probe_tables import probed
from vendor.dev.stack import Stack
from vendor.stores.probe.runner import CHECKS


def at(part: str, *methods: str) -> Callable[[Seen], bool]:
    """Requests for a path with this in it."""
    return lambda seen: part in seen.path and (not methods or seen.method in methods)


def listing(**query: str) -> Callable[[Seen], bool]:
    """Listings with such a query."""
    return lambda seen: seen.path.count("/") == 1 and all(seen.query.get(n, "").endswith(v) for n, v in query.items())


def calls(*actions: str) -> Callable[[Seen], bool]:
    return lambda seen: seen.action in actions


def obliging(obliges: Callable[[Seen], bool]) -> Lie:
    return Lie(obliges=obliges)


def refusing(refuses: Callable[[Seen], bool]) -> Lie:
    return Lie(refuses=refuses)


def pretending(chosen: Callable[[Seen], bool], status: int = 200, body: bytes = b"") -> Lie:
    return Lie(answers=lambda seen: Told(status, {}, body) if chosen(seen) else None)


def without_policy(chosen: Callable[[dict[str, str]], bool]) -> Lie:
    """STS that forgets the session policy, and gives all rights of the role."""

    def form(sent: dict[str, str]) -> dict[str, str]:
        return {n: v for n, v in sent.items() if n != "Policy"} if chosen(sent) else sent

    return Lie(form=form)


def later(seconds: float) -> Lie:
    """STS that says of all keys that they end later than they do."""

    def answer(_: Seen, told: Told) -> Told:
        def moved(found: re.Match[bytes]) -> bytes:
            end = datetime.fromisoformat(found[1].decode()) + timedelta(seconds=seconds)
            return f"<Expiration>{end.strftime('%Y-%m-%dT%H:%M:%SZ')}<".encode()

        return Told(told.status, told.headers, re.sub(rb"<Expiration>([^<]+)<", moved, told.body))

    return Lie(answer=answer)


def at_another_time(seen: Seen, told: Told) -> Told:
    return Told(
        told.status, {**told.headers, "date": format_datetime(datetime.now(UTC) - timedelta(hours=1))}, told.body
    )


def stretched(sent: dict[str, str]) -> dict[str, str]:
    return {**sent, "DurationSeconds": "3600"} if sent.get("DurationSeconds") == "899" else sent


class Undying:
    """Serves whatever was allowed once, for ever."""

    def __init__(self) -> None:
        self.known: set[str] = set()

    def answer(self, seen: Seen, told: Told) -> Told:
        token = seen.headers.get("x-amz-security-token", "")
        if told.status == 200 and seen.method == "GET" and "mine/hello" in seen.path:
            self.known.add(token)
        return Told(200, {}, b"") if token in self.known else told


HAS_KEYS = b"<R><AccessKeyId>AKIA12345678</AccessKeyId><SecretAccessKey>12345678</SecretAccessKey></R>"

LIES = {
    "issue-keys": refusing(calls("AssumeRoleWithWebIdentity")),
    "read-and-write-inside": refusing(at("mine/written", "PUT")),
    "upload-in-parts": refusing(lambda seen: "uploadId" in seen.query and seen.method == "GET"),
    "read-sibling": obliging(at("/mine2/")),
    "read-elsewhere": obliging(at("/another/", "HEAD")),
    "read-other-case": Lie(),  # SeaweedFS needs no help
    "write-elsewhere": obliging(at("/another/", "PUT", "DELETE")),
    "write-other-tenant": obliging(at("/tenant-general-warehouse/")),
    "write-with-read-keys": obliging(at("/mine/", "PUT", "DELETE")),
    "copy-from-elsewhere": obliging(lambda seen: "another" in seen.headers.get("x-amz-copy-source", "")),
    "dot-segments": pretending(lambda seen: ".." in seen.path),
    "nobody": obliging(lambda seen: "authorization" not in seen.headers and not seen.query and seen.method == "GET"),
    "keys-belong-together": obliging(at("/mine/hello", "GET")),
    "presigned-url": obliging(lambda seen: "X-Amz-Signature" in seen.query and "/another/" in seen.path),
    "list-inside": refusing(listing(prefix="mine/")),
    "list-elsewhere": obliging(listing(prefix="mine2/")),
    "list-without-prefix": obliging(lambda seen: seen.path.count("/") == 1 and not seen.query.get("prefix")),
    "list-other-ways": obliging(lambda seen: "versions" in seen.query),
    "list-repeated-prefix": pretending(listing(prefix="another/"), body=b"<L><Key>another/hello</Key></L>"),
    "list-forged-header": obliging(lambda seen: "prefix" in seen.headers),
    "list-forged-parameter": obliging(lambda seen: "PREFIX" in seen.query),
    "forge-condition": obliging(lambda seen: "username" in seen.headers),
    "make-service-account": pretending(at("add-service-account"), body=b"unreadable"),
    "admin-calls": pretending(at("list-users")),
    "reach-admin-door": pretending(at("accountinfo")),
    "revoke-others": pretending(at("revoke-tokens"), status=204),
    "iam-calls": obliging(calls("ListUsers")),
    "chain-roles": pretending(calls("GetSessionToken"), body=HAS_KEYS),
    "bucket-settings": pretending(lambda seen: "lifecycle" in seen.query),
    "unsigned-upload": obliging(lambda seen: "STREAMING" in seen.headers.get("x-amz-content-sha256", "")),
    "policy-limit": refusing(lambda seen: len(seen.form.get("Policy", "")) == 2048),
    "blank-policy": Lie(),  # SeaweedFS needs no help
    "policy-arns": without_policy(lambda form: any(name.startswith("PolicyArns") for name in form)),
    "shortest-keys": refusing(lambda seen: bool(seen.form) and "DurationSeconds" not in seen.form),
    "longest-keys": refusing(lambda seen: seen.form.get("DurationSeconds") == "43200"),
    "duration-bounds": Lie(form=stretched),
    "clock": Lie(answer=at_another_time),
    "expired-keys": Lie(answer=Undying().answer),
}


KNOWN = {"read-other-case", "blank-policy"}  # where SeaweedFS needs no help
WAITS = "expired-keys"


def test_there_is_a_lie_for_every_check() -> None:
    assert list(LIES) == [check.name for check in CHECKS]


async def test_nothing_else_fails_while_the_proxy_tells_the_truth(liar: Liar, seaweedfs_stack: Stack) -> None:
    report = await probed(settings_of(seaweedfs_stack, VENDOR_STORE_ENDPOINT=liar.url), patience=0)

    assert {name for name, verdict in verdicts(report).items() if verdict == "FAIL"} == KNOWN
    assert report.ok
    assert left_in(seaweedfs_stack) == []


@pytest.mark.parametrize("name", [name for name in LIES if name != WAITS])
async def test_a_broken_promise_fails_its_check(name: str, liar: Liar, seaweedfs_stack: Stack) -> None:
    liar.lie = LIES[name]
    report = await probed(settings_of(seaweedfs_stack, VENDOR_STORE_ENDPOINT=liar.url), only={name})

    assert verdicts(report)[name] == "FAIL", report.results[-1].finding
    assert report.ok == (name in {check.name for check in CHECKS if not check.relied_on})
    liar.lie = Lie()
    assert left_in(seaweedfs_stack) == []


async def test_keys_that_do_not_end_are_noticed(juicefs_stack: Stack) -> None:
    """On JuiceFS, whose keys can be so short that one can wait for their end."""
    async with Liar(juicefs_stack.store.site).serving() as liar:
        liar.lie = LIES[WAITS]
        settings = settings_of(juicefs_stack, VENDOR_STORE_ENDPOINT=liar.url)
        report = await probed(settings, only={WAITS}, patience=20)

    assert verdicts(report)[WAITS] == "FAIL"
    assert report.results[-1].finding.detail == "the keys still work after their end"


async def test_a_denial_says_nothing_where_everything_is_denied(liar: Liar, seaweedfs_stack: Stack) -> None:
    liar.lie = refusing(at("/vendor-probe/", "GET"))
    report = await probed(settings_of(seaweedfs_stack, VENDOR_STORE_ENDPOINT=liar.url), only={"read-sibling"})

    assert verdicts(report)["read-sibling"] == "FAIL"
    assert "this says nothing" in report.results[-1].finding.detail


async def test_what_cannot_be_removed_is_named(liar: Liar, seaweedfs_stack: Stack) -> None:
    liar.lie = refusing(at("/mine2/", "DELETE"))
    report = await probed(settings_of(seaweedfs_stack, VENDOR_STORE_ENDPOINT=liar.url), only={"read-sibling"})

    assert not report.ok
    assert [left.rpartition("/vendor-probe/")[2].partition("/")[2] for left in report.left_behind] == ["mine2/hello"]
    seaweedfs_stack.store.site.client().delete_object(Bucket=seaweedfs_stack.bucket, Key=report.left_behind[0])


async def test_a_store_that_ends_in_the_middle_fails_and_does_not_crash(liar: Liar, seaweedfs_stack: Stack) -> None:
    liar.lie = Lie(answers=lambda seen: Told(503, {}, b"") if at("/another/", "GET")(seen) else None)
    report = await probed(settings_of(seaweedfs_stack, VENDOR_STORE_ENDPOINT=liar.url), only={"read-elsewhere"})

    assert report.results[-1].finding.detail == "GET was neither allowed nor denied: 503"


def left_in(stack: Stack) -> list[str]:
    """What lies in the home that only probes use."""
    home = "users-general-warehouse/vendor-probe/"
    listed = stack.store.site.client().list_objects_v2(Bucket=stack.bucket, Prefix=home)
    return [found["Key"] for found in listed.get("Contents", [])]
