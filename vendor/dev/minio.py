"""A MinIO server, from a `minio` binary that is found on the PATH; there is no wheel of it."""

from pathlib import Path

from vendor.dev.canned import start_canned
from vendor.dev.folder import StateFolder
from vendor.dev.ports import LOOPBACK
from vendor.dev.process import Children
from vendor.dev.programs import find_program
from vendor.dev.store import Store, StoreSite

KIND = "minio"


def find_minio() -> str:
    """Return the path of the binary, or raise MissingProgramError."""
    return find_program("minio", "put a MinIO server binary on the PATH")


def start_minio(site: StoreSite, folder: StateFolder, children: Children, *, issuer: str, policies: Path) -> Store:
    """Start a single-drive server in the state folder, trusting `issuer`, which must answer already."""
    environment = {
        # Nobody uses it, but MinIO takes it for a signing key: an empty or a known one lets anybody forge tokens.
        "MINIO_IDENTITY_OPENID_CLIENT_SECRET": folder.secret("minio-client-secret", 64),
        "MINIO_BROWSER": "off",
        "MINIO_UPDATE": "off",
    }
    argv = [find_minio(), "server", str(folder.sub(KIND) / "data"), "--address", f"{LOOPBACK}:{site.port}"]
    return start_canned(site, folder, children, issuer=issuer, policies=policies, argv=argv, environment=environment)
