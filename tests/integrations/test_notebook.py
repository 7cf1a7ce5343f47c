"""What runs inside a notebook server, with a real lease: SDKs and clients with a pair, on loopback."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.gateways import api
from vendor.client.errors import BadInput
from vendor.dev.stack import Stack
from vendor.integrations.notebook import key_pair, serve_keys

HOME = "users-general-warehouse/alice/"
NOTEBOOK = f"""
import os
from vendor.integrations import notebook
notebook.load_ipython_extension(None)
notebook.load_ipython_extension(None)  # a second time changes nothing
assert os.environ["AWS_CONTAINER_CREDENTIALS_FULL_URI"].startswith("http://127.0.0.1:")
assert "AWS_ACCESS_KEY_ID" not in os.environ
import boto3
boto3.client("s3").put_object(Bucket="cdm-lake", Key="{HOME}notebook", Body=b"by the extension")
place = notebook.key_pair()
assert place.secret_key not in repr(place)
s3 = boto3.client(
    "s3", endpoint_url=place.url, aws_access_key_id=place.access_key, aws_secret_access_key=place.secret_key
)
print(s3.get_object(Bucket="cdm-lake", Key="{HOME}notebook")["Body"].read().decode())
"""


def test_a_notebook_finds_its_keys_and_serves_a_pair(seaweedfs_stack: Stack, tmp_path: Path) -> None:
    file = tmp_path / "lease-token"
    with api(seaweedfs_stack, "alice") as alice:
        answer = alice.lease((f"s3://cdm-lake/{HOME}", "write"), renewable_for=3600)
        file.write_text(answer["lease_token"])
        file.chmod(0o600)
        environ = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "VENDOR_"))},
            "VENDOR_URL": seaweedfs_stack.gateway.url,
            "VENDOR_LEASE_TOKEN_FILE": str(file),
            "AWS_ACCESS_KEY_ID": "left from before",
        }
        done = subprocess.run(
            [sys.executable, "-c", NOTEBOOK], env=environ, capture_output=True, text=True, timeout=60, check=False
        )
        lease = alice.call("GET", f"/v1/leases/{answer['lease']['id']}").json()["lease"]
        assert (done.returncode, done.stdout) == (0, "by the extension\n"), f"{done.stderr}\n{lease}"
        assert lease["ended"] is None, "the lease is the hub's to end"


def test_without_a_lease_it_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("VENDOR_LEASE_TOKEN_FILE", raising=False)
    for serve in (serve_keys, key_pair):
        with pytest.raises(BadInput, match="not handed a lease"):
            serve()
