"""Which lengths of keys each store can give."""

import pytest

from vendor.errors import InvalidDuration
from vendor.stores.profile import PROFILES, Durations, Mode, StoreKind


@pytest.mark.parametrize(
    ("kind", "mode", "short", "asked", "sent"),
    [
        pytest.param("juicefs", "web-identity", None, 5, None, id="the-token's-end-decides"),
        pytest.param("minio", "web-identity", None, 90_000, None, id="never-sent-to-minio"),
        pytest.param("juicefs", "assume-role", None, 900, 900, id="assume-role-is-told"),
        pytest.param("seaweedfs", "web-identity", 20, 3600, 3600, id="seaweedfs-is-told"),
        pytest.param("seaweedfs", "web-identity", 20, 20, None, id="short-by-leaving-out"),
        pytest.param("seaweedfs", "web-identity", 20, 899, None, id="between-short-and-least-is-short"),
        pytest.param("seaweedfs", "assume-role", 20, 99_999, 43_200, id="never-more-than-the-store-takes"),
    ],
)
def test_duration_to_send(kind: str, mode: str, short: int | None, asked: int, sent: int | None) -> None:
    assert Durations(PROFILES[StoreKind(kind)], Mode(mode), short).to_send(asked) == sent


@pytest.mark.parametrize(
    ("kind", "mode", "short", "asked", "least"),
    [
        ("seaweedfs", "web-identity", None, 899, 900),
        ("seaweedfs", "web-identity", 20, 19, 20),
        ("juicefs", "assume-role", None, 60, 900),
        ("juicefs", "web-identity", None, 0, 1),
    ],
)
def test_shorter_than_the_store_can(kind: str, mode: str, short: int | None, asked: int, least: int) -> None:
    with pytest.raises(InvalidDuration) as refusal:
        Durations(PROFILES[StoreKind(kind)], Mode(mode), short).to_send(asked)
    assert refusal.value.details == {"minimum": least}
