"""Each store really issues credentials for the gateway's tokens, narrows them, and ends them."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.support.issuer import TinyIssuer, tiny_issuer
from tests.support.parts import POLICIES
from tests.support.sts import allowed, assume_role, policy, s3_with, web_identity
from tests.support.waiting import eventually
from vendor.dev.canned import LEASE_POLICY, admin_client, canned_site, install_roles
from vendor.dev.folder import StateFolder, open_folder
from vendor.dev.juicefs import start_juicefs
from vendor.dev.minio import find_minio, start_minio
from vendor.dev.ports import Reservation
from vendor.dev.process import Children
from vendor.dev.programs import MissingProgramError
from vendor.dev.seaweedfs import SHORT_SECONDS, start_seaweedfs
from vendor.dev.store import Store
from vendor.names import parse_bucket

BUCKET = parse_bucket("test-lake")
READ, WRITE = "s3:GetObject", "s3:PutObject"


class Site:
    """A store with the issuer it trusts."""

    def __init__(self, store: Store, issuer: TinyIssuer) -> None:
        self.store, self.site, self.issuer = store, store.site, issuer

    def token(self, seconds: float = 300, **claims: object) -> str:
        """A token as the gateway makes them: a subject of its own, and the policy's name where the store wants one."""
        named = {"policy": self.site.how["VENDOR_STORE_POLICY"]} if "VENDOR_STORE_POLICY" in self.site.how else {}
        return self.issuer.sign(seconds=seconds, **{"sub": f"alice/{id(object())}", **named, **claims})


def start(kind: str, folder: StateFolder, children: Children, issuer: str) -> Store:
    if kind == "seaweedfs":
        return start_seaweedfs(folder, children, issuer=issuer, bucket=BUCKET, policies=POLICIES)
    if kind == "minio":
        try:
            find_minio()
        except MissingProgramError as missing:
            pytest.skip(str(missing))
    with Reservation(1) as reserved:
        site = canned_site(kind, folder, reserved.ports[0], BUCKET)
    run: Callable[..., Store] = start_juicefs if kind == "juicefs" else start_minio
    return run(site, folder, children, issuer=issuer, policies=POLICIES)


@pytest.fixture(scope="module", params=["seaweedfs", "juicefs", pytest.param("minio", marks=pytest.mark.minio)])
def running(request: pytest.FixtureRequest) -> Iterator[Site]:
    with open_folder(None) as folder, tiny_issuer() as issuer:
        children = Children()
        try:
            store = start(request.param, folder, children, issuer.url)
            admin = store.site.client()
            for key in ("team-a/x", "team-b/x"):
                admin.put_object(Bucket=BUCKET, Key=key, Body=b"seed")
            yield Site(store, issuer)
        finally:
            children.stop(kill=True)


def check_fence(s3: Any) -> None:
    """Inside team-a everything that was granted goes through, and nothing outside it."""
    assert s3.get_object(Bucket=BUCKET, Key="team-a/x")["Body"].read() == b"seed"
    assert allowed(lambda: s3.put_object(Bucket=BUCKET, Key="team-a/new", Body=b"mine"))
    assert [found["Key"] for found in s3.list_objects_v2(Bucket=BUCKET, Prefix="team-a/")["Contents"]] == [
        "team-a/new",
        "team-a/x",
    ]
    assert not allowed(lambda: s3.delete_object(Bucket=BUCKET, Key="team-a/new"))
    assert not allowed(lambda: s3.get_object(Bucket=BUCKET, Key="team-b/x"))
    assert not allowed(lambda: s3.put_object(Bucket=BUCKET, Key="team-b/x", Body=b"theirs"))
    assert not allowed(lambda: s3.list_objects_v2(Bucket=BUCKET, Prefix="team-b/"))
    assert not allowed(lambda: s3.list_objects_v2(Bucket=BUCKET))


def test_a_web_identity_lease_obeys_its_session_policy(running: Site) -> None:
    credentials = web_identity(running.site, running.token(), policy(BUCKET, "team-a/", READ, WRITE))
    check_fence(s3_with(running.site, credentials))


def test_a_lease_by_the_service_identity_obeys_its_session_policy(running: Site) -> None:
    credentials = assume_role(running.site, policy(BUCKET, "team-a/", READ, WRITE))
    check_fence(s3_with(running.site, credentials))


def test_the_role_is_the_most_a_lease_can_do(running: Site) -> None:
    admin = running.site.client()
    admin.create_bucket(Bucket="other-lake")
    try:
        s3 = s3_with(running.site, web_identity(running.site, running.token()))
        assert allowed(lambda: s3.put_object(Bucket=BUCKET, Key="team-c/y", Body=b""))
        assert allowed(lambda: s3.delete_object(Bucket=BUCKET, Key="team-c/y"))
        assert not allowed(lambda: s3.put_object(Bucket="other-lake", Key="y", Body=b""))
        assert not allowed(lambda: s3.create_bucket(Bucket="my-own-lake"))
        assert not allowed(lambda: s3.put_bucket_policy(Bucket=BUCKET, Policy=policy(BUCKET, "", READ)))
    finally:
        admin.delete_bucket(Bucket="other-lake")


def test_the_service_identity_itself_can_do_at_most_what_the_role_can(running: Site) -> None:
    from vendor.dev.store import s3_client

    s3 = s3_client(running.site.endpoint, running.site.service)
    assert not allowed(lambda: s3.create_bucket(Bucket="my-own-lake"))


def test_a_short_lease_ends_on_time(running: Site) -> None:
    if running.site.kind == "seaweedfs":  # the shortest lasts 20 s; its promised end must do here
        credentials = web_identity(running.site, running.token(), policy(BUCKET, "team-a/", READ))
        end = datetime.fromisoformat(credentials["Expiration"])
        assert SHORT_SECONDS - 3 <= (end - datetime.now(UTC)).total_seconds() <= SHORT_SECONDS + 1
        return
    s3 = s3_with(running.site, web_identity(running.site, running.token(4), policy(BUCKET, "team-a/", READ)))

    def read() -> bool:
        return allowed(lambda: s3.get_object(Bucket=BUCKET, Key="team-a/x"))

    assert read()
    eventually(lambda: not read(), within=7, what="the end of the lease")


@pytest.mark.parametrize(
    ("claims", "seconds"),
    [
        pytest.param({}, -10, id="expired"),
        pytest.param({"nbf": 9_999_999_999}, 300, id="not-yet-valid"),
    ],
)
def test_a_bad_token_gets_nothing(running: Site, claims: dict[str, object], seconds: float) -> None:
    with pytest.raises(AssertionError, match="Error"):
        web_identity(running.site, running.token(seconds, **claims), policy(BUCKET, "team-a/", READ))


def test_a_token_of_another_issuer_gets_nothing(running: Site) -> None:
    with tiny_issuer() as stranger:
        token = stranger.sign(sub="alice", policy="vendor-lease", iss=running.issuer.url)
    with pytest.raises(AssertionError, match="Error"):
        web_identity(running.site, token, policy(BUCKET, "team-a/", READ))


def test_roles_can_be_installed_again(running: Site) -> None:
    if running.site.kind == "seaweedfs":
        pytest.skip("its roles are in its configuration")
    install_roles(running.site, POLICIES)
    assert json.loads(admin_client(running.site).policy_info(LEASE_POLICY))["Statement"]
    credentials = assume_role(running.site, policy(BUCKET, "team-a/", READ))
    assert s3_with(running.site, credentials).get_object(Bucket=BUCKET, Key="team-a/x")


def test_it_listens_on_loopback_alone(running: Site) -> None:
    import psutil

    family = psutil.Process(running.store.child.pid)
    addresses = {c.laddr.ip for c in family.net_connections("tcp") if c.status == "LISTEN"}
    assert addresses <= {"127.0.0.1", "::1"}
