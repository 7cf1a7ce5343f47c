"""The size that we compute is the size that stores count, and every name that can be granted survives unchanged."""

from collections.abc import Iterator
from pathlib import Path
from xml.etree.ElementTree import Element

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from defusedxml import ElementTree

from tests.policy.live.stores import BUCKETS, LiveStore, live_store
from tests.policy.live.wire import Wire
from vendor.dev.canned import admin_client
from vendor.names import parse_prefix
from vendor.policy.access import AccessTable
from vendor.policy.grant import Grant, Level, Source
from vendor.policy.planner import CEILING_LIMIT, plan_ceilings, plan_session_policy, policy_for

LAKE = BUCKETS[0]
LIMIT = 2048


def grant(prefix: str, level: Level = Level.WRITE) -> Grant:
    return Grant(LAKE, parse_prefix(prefix), level, Source("home"), with_key=True)


def policy_of_size(access: AccessTable, size: int, filler: str) -> str:
    """A policy of exactly `size` bytes, its names made of `filler` as far as that goes."""
    grants: list[Grant] = []
    while policy_for([*grants, grant(f"{len(grants)}/{filler}/")], access).bytes <= size - 300:
        grants.append(grant(f"{len(grants)}/{filler}/"))
    for length in range(1, 150):  # a folder costs two bytes a character, one with its key three: any size can be met
        for other in (1, 2):
            fill = [
                Grant(LAKE, parse_prefix("z" * length), Level.READ, Source("home")),
                Grant(LAKE, parse_prefix("y" * other), Level.READ, Source("home"), with_key=True),
            ]
            policy = policy_for([*grants, *fill], access)
            if policy.bytes == size:
                return policy.text
    raise AssertionError("no such size")


@pytest.mark.parametrize("by", ["web-identity", "assume-role"])
@pytest.mark.parametrize("filler", ["abc", "<&>", "日本", "é"])
def test_a_policy_at_the_limit_is_taken(store: LiveStore, access: AccessTable, filler: str, by: str) -> None:
    for size in (LIMIT - 1, LIMIT):
        store.keys(policy_of_size(access, size, filler), by=by)


@pytest.mark.parametrize("filler", ["abc", "<&>"])
def test_a_policy_over_the_limit_is_refused(store: LiveStore, access: AccessTable, filler: str) -> None:
    """So our count is not too cautious either: where `<` costs six bytes for us, it does for the store."""
    with pytest.raises(AssertionError, match=r"size|exceeds|2048"):
        store.keys(policy_of_size(access, LIMIT + 1, filler))


NAMES = [
    pytest.param("plain", id="plain"),
    pytest.param("with blank", id="blank"),
    pytest.param("a+b=c&d,e;f:g@h", id="query-marks"),
    pytest.param("<tag>", id="angle-brackets"),
    pytest.param('o\'neil "q"', id="quotes"),
    pytest.param("(round) [square]", id="brackets"),
    pytest.param("100%", id="percent"),
    pytest.param("#1!~^`|", id="marks"),
    pytest.param("e\u0301", id="nfd"),
    pytest.param("\u00e9", id="nfc"),
    pytest.param("日本語", id="cjk"),
    pytest.param("🧬", id="emoji"),
    pytest.param("UPPER", id="upper-case"),
    pytest.param("x" * 200, id="long-segment"),
    pytest.param("/".join(["y" * 100] * 9), id="long-key"),
]


@pytest.fixture
def cleared(store: LiveStore) -> Iterator[Wire]:
    """An administrator's connection; what the test wrote below `n/` is gone afterwards."""
    with store.admin() as admin:
        yield admin
        for key in keys_below(admin, "n/"):
            admin.call("DELETE", LAKE, key)


def keys_below(wire: Wire, prefix: str) -> list[str]:
    """List objects, leaving out the folders that JuiceFS shows."""
    answer = wire.call("GET", LAKE, "", {"list-type": "2", "prefix": prefix, "encoding-type": ""})
    assert answer.status == 200, answer.body
    tree: Element = ElementTree.fromstring(answer.body)
    keys = [element.text or "" for element in tree.iter() if element.tag.endswith("}Key")]
    return [key for key in keys if not key.endswith("/")]


@pytest.mark.parametrize("name", NAMES)
def test_a_name_that_can_be_granted_survives_a_round_trip(
    store: LiveStore, access: AccessTable, cleared: Wire, name: str
) -> None:
    document = plan_session_policy([grant(f"n/{name}/")], access, 10 * LIMIT).text
    if len(document) > LIMIT:
        document = plan_session_policy([grant(f"n/{name.partition('/')[0]}/")], access, LIMIT).text
    key, beside = f"n/{name}/file", f"n/{name}2/file"
    with store.lease(document) as lease:
        assert lease.call("PUT", LAKE, key, body=name.encode()).status == 200
        assert lease.call("GET", LAKE, key).body == name.encode()
        assert keys_below(lease, f"n/{name}/") == [key]
        if "/" not in name:
            assert lease.call("PUT", LAKE, beside, body=b"x").denied
    assert keys_below(cleared, "n/") == [key]


def test_composed_and_decomposed_names_are_two(store: LiveStore, access: AccessTable, cleared: Wire) -> None:
    with store.lease(plan_session_policy([grant("n/\u00e9/")], access, LIMIT).text) as lease:
        assert lease.call("PUT", LAKE, "n/\u00e9/x", body=b"x").status == 200
        assert lease.call("GET", LAKE, "n/e\u0301/x").denied


@pytest.mark.parametrize("kind", ["juicefs", pytest.param("minio", marks=pytest.mark.minio)])
def test_full_ceilings_are_taken_by_stores_of_minios_kind(kind: str, access: AccessTable, tmp_path: Path) -> None:
    grants = [grant(f"shares/{number:04}/", Level.READ) for number in range(400)]
    file = tmp_path / "ceiling.json"
    with live_store(kind) as store:
        for number, part in enumerate(plan_ceilings(grants, access, deny_admin=True)):
            assert CEILING_LIMIT - 200 < part.policy.bytes <= CEILING_LIMIT or number > 0
            file.write_text(part.policy.text, encoding="ascii")
            admin_client(store.site).policy_add(f"vend-test-{number}", str(file))


def test_a_lease_cannot_get_another_lease(store: LiveStore, access: AccessTable) -> None:
    """AssumeRole with the keys of a lease is refused."""

    keys = store.keys(plan_session_policy([grant("n/a/")], access, LIMIT).text)
    sts = boto3.session.Session().client(
        "sts",
        endpoint_url=store.site.endpoint,
        region_name=store.site.region,
        aws_access_key_id=keys["AccessKeyId"],
        aws_secret_access_key=keys["SecretAccessKey"],
        aws_session_token=keys["SessionToken"],
        config=Config(proxies={}, retries={"total_max_attempts": 1}),
    )
    arn = store.site.how.get("VENDOR_STORE_ROLE_ARN", "arn:aws:iam::000000000000:role/any")
    with pytest.raises(ClientError):
        sts.assume_role(RoleArn=arn, RoleSessionName="again")
