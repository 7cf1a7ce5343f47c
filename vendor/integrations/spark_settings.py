"""The settings that a Spark session works with on a lease: store, keys, committer and folders, set on what it has."""

import http.client
import time
from collections.abc import Mapping, MutableMapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from vendor.client import tools
from vendor.client.answers import Endpoint, Vended
from vendor.client.errors import BadInput, ClientError
from vendor.integrations.proxy import sigv4
from vendor.integrations.proxy.upstream import Upstream
from vendor.secret import SecretKey

PROVIDER: Final = "stsvendor.s3a.LeaseCredentialsProvider"
# Hadoop's name for the SDK's container provider, which S3A cannot make by itself.
CONTAINER_PROVIDER: Final = "org.apache.hadoop.fs.s3a.auth.IAMInstanceCredentialsProvider"
EVENT_LOG: Final = "spark-events/"

COMMITTER: Final = {
    # The magic committer: no renames, and nothing of a task that failed is ever seen.
    "spark.hadoop.fs.s3a.committer.name": "magic",
    "spark.hadoop.mapreduce.outputcommitter.factory.scheme.s3a": (
        "org.apache.hadoop.fs.s3a.commit.S3ACommitterFactory"
    ),
    "spark.sql.sources.commitProtocolClass": "org.apache.spark.internal.io.cloud.PathOutputCommitProtocol",
    "spark.sql.parquet.output.committer.class": "org.apache.spark.internal.io.cloud.BindingParquetOutputCommitter",
}


def store_settings(endpoint: Endpoint) -> dict[str, str]:
    """Return where the store is, and how it is spoken to."""
    return {
        "spark.hadoop.fs.s3a.endpoint": endpoint.url,
        "spark.hadoop.fs.s3a.endpoint.region": endpoint.region,
        "spark.hadoop.fs.s3a.path.style.access": str(endpoint.path_style).lower(),
        "spark.hadoop.fs.s3a.connection.ssl.enabled": str(endpoint.url.startswith("https:")).lower(),
        # Folders above the lease's cannot be looked at, and need not be.
        "spark.hadoop.fs.s3a.performance.flags": "mkdir",
    }


def key_settings(gateway: str, file: Path, *, with_jar: bool, insecure_http: bool) -> dict[str, str]:
    """Return where keys come from: the token file alone, through our jar or through the SDK's container provider."""
    if with_jar:
        settings = {
            "spark.hadoop.fs.s3a.aws.credentials.provider": PROVIDER,
            "spark.hadoop.fs.s3a.vendor.gateway": gateway,
            "spark.hadoop.fs.s3a.vendor.lease.token.file": str(file),
        }
        return settings | ({"spark.hadoop.fs.s3a.vendor.insecure.http": "true"} if insecure_http else {})
    options = (
        f"-Daws.containerCredentialsFullUri={gateway}/v1/container-credentials "
        f"-Daws.containerAuthorizationTokenFile={file} "
        "-Daws.disableEc2Metadata=true"  # else it would go on with the machine's own keys where the lease has ended
    )
    return {
        "spark.hadoop.fs.s3a.aws.credentials.provider": CONTAINER_PROVIDER,
        "spark.driver.extraJavaOptions": options,
        "spark.executor.extraJavaOptions": options,
    }


def folder_settings(held: Vended, places: Mapping[str, str], *, warehouse: bool, event_log: bool) -> dict[str, str]:
    """Return where tables and event logs go; the folder of the latter is made.  Raises ClientError."""
    settings = {}
    if warehouse and "sql" in places:
        settings["spark.sql.warehouse.dir"] = places["sql"]
    if event_log and "general" in places:
        place = f"{places['general'].rstrip('/')}/{EVENT_LOG}"
        _make_folder(held, place)
        settings |= {"spark.eventLog.enabled": "true", "spark.eventLog.dir": place}
    return settings


def _make_folder(held: Vended, place: str) -> None:
    """Put the empty object that S3A takes for a folder: Spark writes no event log where it finds none."""
    parts = urlsplit(place)
    key, secret, token = tools.keys(held)
    target = sigv4.canonical_path(f"/{parts.netloc}{parts.path}")
    upstream = Upstream(held.endpoint.url)
    headers = [("host", upstream.host), ("content-length", "0")]
    signed = sigv4.signed(
        sigv4.Pair(key, SecretKey(secret)),
        token,
        held.endpoint.region,
        "PUT",
        target,
        headers,
        sigv4.EMPTY,
        time.time(),
    )
    try:
        status = upstream.send("PUT", target, signed, ()).status
    except (OSError, http.client.HTTPException) as error:
        raise ClientError(f"The store cannot be reached ({type(error).__name__}).") from None
    finally:
        upstream.close()
    if status != 200:
        raise ClientError(f"The folder for event logs cannot be made at {place} (status {status}).")


def apply(target: Any, settings: Mapping[str, str]) -> None:
    """Put settings on a session's builder, a SparkConf or a dictionary; on None they are not put.  Raises BadInput."""
    if target is None:
        return
    if isinstance(target, MutableMapping):
        target.update(settings)
        return
    put = getattr(target, "config", None) or getattr(target, "set", None)
    if put is None:
        raise BadInput("Settings go to a SparkSession.builder, a SparkConf or a dictionary.")
    for name, value in settings.items():
        put(name, value)
