"""Programs that know only a key pair, through `vend proxy`, with the lease token of the server they run in."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.integrations.real.conftest import ROOT
from tests.support.gateways import api
from vendor.dev.stack import running_stack

LIFE, LIVES = 10, 3


@pytest.mark.timeout(240)
def test_s3contents_and_minio_py_go_on_with_the_pair_they_read_at_their_start(python: str, tmp_path: Path) -> None:
    file = tmp_path / "lease-token"
    with running_stack("seaweedfs", short_seconds=LIFE) as stack, api(stack, "alice") as alice:
        home = ("s3://cdm-lake/users-general-warehouse/alice/", "write")
        answer = alice.lease(home, duration=LIFE, renewable_for=600)
        file.write_text(answer["lease_token"])
        file.chmod(0o600)

        vend = [sys.executable, "-m", "vendor.cli.main", "proxy", "--lease-token-file", str(file), "--"]
        client = [python, str(Path(__file__).with_name("pair_clients.py")), str(LIFE * (LIVES + 1))]
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "VENDOR_"))}
        environ = {**kept, "PYTHONPATH": str(ROOT), "HOME": str(tmp_path), "VENDOR_URL": stack.gateway.url}
        done = subprocess.run([*vend, *client], env=environ, capture_output=True, text=True, timeout=180, check=False)

        assert done.returncode == 0, done.stderr
        assert int(done.stdout) > LIVES
        shown = alice.call("GET", f"/v1/leases/{answer['lease']['id']}").json()["lease"]
        assert shown["renewals"] > LIVES, "three lives and more"
        assert shown["ended"] is None, "the lease is its server's, not the proxy's"
