"""What the compose stack puts around a MinIO, tried on the store that derives from it: the set-up, and the edge."""

import http.client
import os
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import urllib3
from minio import MinioAdmin
from minio.credentials.providers import StaticProvider

from tests.deploy.files import FOLDER, compose, minio_environment
from tests.deploy.installed import Installed
from tests.support.waiting import eventually
from vendor.dev.canned import admin_client
from vendor.dev.folder import write_private
from vendor.dev.ports import LOOPBACK
from vendor.dev.process import Program
from vendor.dev.stack import Stack
from vendor.dev.store import KeyPair, s3_client
from vendor.dev.web import answers, client
from vendor.settings import shipped_policies

SERVICES = compose(minio_environment())["services"]


def test_the_set_up_makes_bucket_and_policy_and_can_be_repeated(
    juicefs_stack: Stack, server_install: Installed, tmp_path: Path
) -> None:
    """With other names than the stack's own."""
    policies, site = tmp_path / "policies", juicefs_stack.store.site
    shutil.copytree(shipped_policies(), policies)
    layout = policies / "layout.toml"
    layout.write_text(layout.read_text().replace('bucket = "cdm-lake"', 'bucket = "other-lake"'))
    root = tmp_path / "minio.env"
    root.write_text(f"MINIO_ROOT_USER={site.admin.access_key}\nMINIO_ROOT_PASSWORD={site.admin.secret_key}\n")
    environment = {
        "VENDOR_POLICIES_DIR": str(policies),
        "VENDOR_STORE_ENDPOINT": site.endpoint,
        "VENDOR_STORE_POLICY": "other-lease",
        "VENDOR_STORE_OPERATOR_POLICY": "other-operator",
        "MINIO_CONFIG_ENV_FILE": str(root),
    }

    for _ in range(2):
        done = server_install.run("python", FOLDER / "setup_minio.py", **environment)
        assert done.returncode == 0, done.stderr
        assert site.admin.secret_key not in done.stderr

    assert "other-lake" in [bucket.get("Name") for bucket in site.client().list_buckets()["Buckets"]]
    assert "arn:aws:s3:::other-lake/*" in admin_client(site).policy_info("other-lease")
    assert "admin:CreatePolicy" in admin_client(site).policy_info("other-operator")
    # All that it is told in the compose stack:
    assert set(SERVICES["minio-setup"]["environment"]) == set(environment) - {"VENDOR_POLICIES_DIR"}


@dataclass(frozen=True)
class Edge:
    """The edge in front of a store, and a lease of alice."""

    port: int
    health_check: Sequence[str]
    lease: dict[str, str]
    store: str

    def ask(self, method: str, path: str, headers: dict[str, str] | None = None) -> tuple[int, bytes]:
        """Send a request with exactly this path."""
        connection = http.client.HTTPConnection(LOOPBACK, self.port, timeout=10)
        try:
            connection.putrequest(method, path)
            for name, value in {"content-length": "0", **(headers or {})}.items():
                connection.putheader(name, value)
            connection.endheaders()
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def s3(self) -> Any:
        keys = KeyPair(self.lease["access_key_id"], self.lease["secret_access_key"])
        return s3_client(f"http://{LOOPBACK}:{self.port}", keys, self.lease["session_token"])


@pytest.fixture(scope="module")
def edge(juicefs_stack: Stack) -> Iterator[Edge]:
    if shutil.which("nginx") is None:
        pytest.skip("there is no nginx on this machine")
    folder, place = juicefs_stack.folder, juicefs_stack.folder.sub("edge")
    entrypoint = SERVICES["edge"]["entrypoint"]

    def program(ports: Sequence[int]) -> Program:
        text = (FOLDER / "edge.conf").read_text()
        for there, here in (
            ("listen 9000;", f"listen {LOOPBACK}:{ports[0]};"),
            ("listen 127.0.0.1:9001;", f"listen {LOOPBACK}:{ports[1]};"),
            ("http://minio:9000", juicefs_stack.store.site.endpoint),
            (" /tmp/", f" {place}/"),
        ):
            assert there in text
            text = text.replace(there, here)
        write_private(place / "edge.conf", text)
        argv = [str(place / "edge.conf") if part == "/etc/nginx/edge.conf" else part for part in entrypoint]
        assert argv[-2:] == ["-g", "daemon off;"]
        argv[-1] += " user root;" if os.geteuid() == 0 else ""  # the folder is private
        return Program(
            name="edge",
            argv=argv,
            environment=folder.environment(),
            folder=place,
            log=folder.logs / "edge.log",
            ports=ports,
        )

    children = juicefs_stack.children
    child = children.serve(2, program, lambda child: answers(f"http://{LOOPBACK}:{child.program.ports[1]}/"), within=10)
    port, health = child.program.ports
    command = [part.replace(":9001", f":{health}") for part in SERVICES["edge"]["healthcheck"]["test"][1:]]
    with client(juicefs_stack.gateway.url, token=juicefs_stack.tokens["alice"]) as web:
        lease = web.post("/v1/leases", json={}).raise_for_status().json()["credentials"]
    try:
        yield Edge(port, command, lease, juicefs_stack.store.site.endpoint)
    finally:
        child.stop(kill=True)
        children.forget(child)


FROM_THE_STORE = b"<?xml"


@pytest.mark.parametrize(
    "path",
    [
        "/minio",
        "/minio/",
        "/minio/admin/v3/info",
        "/minio/health/live",
        "//minio/admin/v3/info",
        "/%6Dinio/admin/v3/info",
        "/minio%2fadmin/v3/info",
        "/%2fminio/admin/v3/info",
        "/./minio/admin/v3/info",
        "/cdm-lake/../minio/admin/v3/info",
        "/cdm-lake/%2e%2e/minio/admin/v3/info",
        "/minio/admin/..%2f..%2fcdm-lake/x",
        "/minio/admin/%2E%2E/%2e./cdm-lake/x",
        "/MINIO/admin/v3/info",
        "/minio?x=1",
        "http://example.org/minio/admin/v3/info",
    ],
)
def test_no_spelling_of_the_admin_path_gets_through(edge: Edge, path: str) -> None:
    status, body = edge.ask("GET", path)

    assert status in {400, 403}
    assert not body.startswith(FROM_THE_STORE)


@pytest.mark.parametrize(
    "path", ["/", "/cdm-lake/minio/x", "/minios/x", "/cdm-lake/a..b", "/cdm-lake/?prefix=../minio/"]
)
def test_other_paths_get_through(edge: Edge, path: str) -> None:
    assert edge.ask("GET", path)[1].startswith(FROM_THE_STORE)


def _make_service_account(endpoint: str, lease: dict[str, str]) -> str:
    keys = StaticProvider(lease["access_key_id"], lease["secret_access_key"], lease["session_token"])
    pool = urllib3.PoolManager(timeout=urllib3.Timeout(10), retries=False)
    admin = MinioAdmin(endpoint=endpoint.removeprefix("http://"), credentials=keys, secure=False, http_client=pool)
    return admin.add_service_account()


def test_a_lease_cannot_make_itself_a_permanent_account(edge: Edge) -> None:
    """This store lets it, so what stops it is the edge."""
    assert "accessKey" in _make_service_account(edge.store, edge.lease)

    with pytest.raises(Exception, match="403"):
        _make_service_account(f"http://{LOOPBACK}:{edge.port}", edge.lease)


@pytest.mark.parametrize(
    "headers",
    [
        {"x-amz-content-sha256": "STREAMING-UNSIGNED-PAYLOAD-TRAILER"},
        {"x-amz-content-sha256": "streaming-unsigned-payload-trailer, x"},
        {"x-amz-content-sha256": "STREAMING-UNSIGNED-PAYLOAD-TRAILER", "authorization": "AWS AKIA:xyz"},
        {"x-amz-meta-snowball-auto-extract": "true"},
        {"x-amz-meta-snowball-auto-extract": "true", "authorization": "AWS4-HMAC-SHA256 Credential=x"},
    ],
)
def test_uploads_whose_signature_nobody_checks_are_refused(edge: Edge, headers: dict[str, str]) -> None:
    status, body = edge.ask("PUT", "/cdm-lake/x?X-Amz-Credential=abc", headers)

    assert status == 403
    assert not body.startswith(FROM_THE_STORE)


def test_a_signed_upload_with_a_trailer_is_the_stores_to_judge(edge: Edge) -> None:
    headers = {
        "x-amz-content-sha256": "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
        "authorization": "AWS4-HMAC-SHA256 Credential=x",
    }

    assert edge.ask("PUT", "/cdm-lake/x", headers)[1].startswith(FROM_THE_STORE)


@pytest.mark.parametrize("name", ["plain.txt", "a b+c%20d.txt", "ünï/cödé.txt", "a%2fb", "q?x=1&y", "tilde~(1)'!*.txt"])
def test_signed_calls_get_through_with_every_name(edge: Edge, name: str) -> None:
    s3, key = edge.s3(), f"users-general-warehouse/alice/edge/{name}"

    s3.put_object(Bucket="cdm-lake", Key=key, Body=name.encode())

    assert s3.get_object(Bucket="cdm-lake", Key=key)["Body"].read() == name.encode()
    link = s3.generate_presigned_url("get_object", Params={"Bucket": "cdm-lake", "Key": key}, ExpiresIn=60)
    with client() as web:
        assert web.get(link).content == name.encode()


def test_large_uploads_get_through_in_parts(edge: Edge) -> None:
    s3, where = edge.s3(), {"Bucket": "cdm-lake", "Key": "users-general-warehouse/alice/edge/parts"}
    part = b"x" * (5 << 20)
    upload = s3.create_multipart_upload(**where)["UploadId"]
    tags = [s3.upload_part(**where, UploadId=upload, PartNumber=number, Body=part)["ETag"] for number in (1, 2)]
    parts = [{"PartNumber": number, "ETag": tag} for number, tag in enumerate(tags, 1)]
    s3.complete_multipart_upload(**where, UploadId=upload, MultipartUpload={"Parts": parts})

    assert s3.head_object(**where)["ContentLength"] == 2 * len(part)


def test_keys_can_be_asked_for_through_the_edge(edge: Edge) -> None:
    headers = {"content-type": "application/x-www-form-urlencoded"}
    status, body = edge.ask("POST", "/", headers)

    assert status == 400
    assert FROM_THE_STORE in body


@pytest.mark.skipif(shutil.which("wget") is None, reason="there is no wget on this machine")
def test_the_health_check_works_as_written(edge: Edge) -> None:
    import subprocess

    eventually(lambda: subprocess.run(edge.health_check, timeout=10).returncode == 0)
