"""What a Spark session needs to work with a lease: where, with which keys, committing how, and into which folders.

`configure` takes the lease of the notebook or job it runs in, or asks for one with the current identity.  Spark's JVMs
get the place of a token file, never keys; they fetch and renew those by themselves (deploy/spark).  Where Spark runs,
on the driver and on every executor, the file has to lie at the same path.
"""

import os
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Self

from vendor.client import files
from vendor.client.answers import Vended
from vendor.client.calls import Ask, Wanted
from vendor.client.connection import connect
from vendor.client.errors import BadAnswer, BadInput, GatewayError
from vendor.client.keeper import RENEWABLE_FOR
from vendor.client.sync import Client
from vendor.integrations import folders
from vendor.integrations.spark_settings import COMMITTER, apply, folder_settings, key_settings, store_settings
from vendor.integrations.tokenfile import TokenFileSource, read_lease_token
from vendor.secret import LeaseToken

TOKEN_FILE_VARIABLE: Final = "VENDOR_LEASE_TOKEN_FILE"  # noqa: S105 - the name of a variable
GATEWAY_VARIABLE: Final = "VENDOR_URL"
WAREHOUSE_VARIABLE: Final = "VENDOR_WAREHOUSE"
EVENT_LOG_VARIABLE: Final = "VENDOR_EVENT_LOG"


@dataclass
class SparkLease:
    """What was set, and the lease behind it.  Whoever asked for the lease (`owned`) ends it with `close`."""

    gateway: str
    token_file: Path
    settings: Mapping[str, str] = field(repr=False)
    owned: bool
    _ask: Callable[[], Vended] = field(repr=False)
    _client: Client = field(repr=False)
    _lease: str = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def refresh(self, session: Any = None) -> None:
        """Use what is granted now.  The driver of a classic `session` does at once, executors when they next renew.

        A lease that has ended is replaced: its successor's token goes into the file, where every JVM finds it.
        """
        if self.owned:
            held = self._ask()
            old, self._lease = (read_lease_token(self.token_file), self._lease), held.lease.id
            _keep(held, self.token_file)
            _end(self._client, old[1], old[0])
        jvm = getattr(getattr(session, "sparkContext", None), "_jvm", None)
        if jvm is not None:
            jvm.stsvendor.s3a.LeaseCredentialsProvider.renewNow()

    def defaults(self) -> str:
        """Return the settings as lines of `spark-defaults.conf`, for a Spark Connect server or `spark-submit`."""
        return "".join(f"{name} {value}\n" for name, value in sorted(self.settings.items()))

    def close(self) -> None:
        """End the lease, if it is ours, and remove its token."""
        if self.owned and self.token_file.exists():
            _end(self._client, self._lease, read_lease_token(self.token_file))
            files.remove_private(self.token_file)
        self._client.close()


def configure(
    target: Any = None,
    *,
    gateway: str | None = None,
    lease_token_file: str | os.PathLike[str] | None = None,
    token_folder: str | os.PathLike[str] | None = None,
    scope: Sequence[tuple[str, str]] = (),
    duration: int | None = None,
    renewable_for: int = RENEWABLE_FOR,
    store: str | None = None,
    jar: str | os.PathLike[str] | None = None,
    with_jar: bool = True,
    committer: bool = True,
    warehouse: bool = True,
    event_log: bool = False,
    insecure_http: bool = False,
    environ: Mapping[str, str] | None = None,
) -> SparkLease:
    """Set all that a session needs on `target`: a `SparkSession.builder`, a `SparkConf`, or a dictionary.

    In a notebook or job that was handed a lease (VENDOR_LEASE_TOKEN_FILE, or `lease_token_file`), that is used;
    otherwise one for `scope`, pairs of path and access, is asked for with the identity that `vend` would use, and its
    token is kept in `token_folder`.  `with_jar=False` does without our provider, see docs/spark.md.
    """
    environ = os.environ if environ is None else environ
    handed = lease_token_file or environ.get(TOKEN_FILE_VARIABLE)
    if handed and scope:
        raise BadInput("A lease that was handed over has its scope already.", remedy="Leave out `scope`.")
    if handed:
        client = _bare_client(gateway or environ.get(GATEWAY_VARIABLE), insecure_http=insecure_http)
    else:
        client = connect(gateway, insecure_http=insecure_http)
    with ExitStack() as on_failure:
        on_failure.callback(client.close)
        if handed:
            held, lease = _handed(client, Path(handed))
            places = _told_folders(environ)
        else:
            wanted = tuple(Wanted(path, "write" if access == "write" else "read") for path, access in scope)
            ask = Ask(wanted, duration, renewable_for, store, audit_context={"client": "spark"})
            held, lease = _asked(client, ask, token_folder)
            on_failure.callback(lease.close)
            places = client.run(folders.homes(held.lease.principal))
        settings = store_settings(held.endpoint)
        settings |= key_settings(client.gateway, lease.token_file, with_jar=with_jar, insecure_http=insecure_http)
        settings |= COMMITTER if committer else {}
        settings |= {"spark.jars": str(jar)} if jar else {}
        settings |= folder_settings(held, places, warehouse=warehouse, event_log=event_log)
        lease.settings = settings
        apply(target, settings)
        on_failure.pop_all()
    return lease


def _bare_client(gateway: str | None, *, insecure_http: bool) -> Client:
    """Return a client without an identity: a lease that was handed over has its own token."""
    if not gateway:
        raise BadInput("No gateway is named.", remedy=f"Say `gateway`, or set {GATEWAY_VARIABLE}.")
    return Client(gateway, insecure_http=insecure_http)


def _handed(client: Client, file: Path) -> tuple[Vended, SparkLease]:
    source = TokenFileSource(client, file)
    held = source.first()
    return held, SparkLease(client.gateway, file.absolute(), {}, False, source.first, client, held.lease.id)


def _asked(client: Client, ask: Ask, folder: str | os.PathLike[str] | None) -> tuple[Vended, SparkLease]:
    held = client.lease(ask)
    place = Path(folder) if folder else Path(tempfile.mkdtemp(prefix="vend-spark-"))
    file = place.absolute() / f"{held.lease.id}.token"
    _keep(held, file)
    return held, SparkLease(client.gateway, file, {}, True, lambda: client.lease(ask), client, held.lease.id)


def _keep(held: Vended, file: Path) -> None:
    if held.lease_token is None:
        raise BadAnswer("The gateway gave no lease token.")
    files.write_private(file, held.lease_token.reveal().encode())  # no newline: some SDKs would send it along


def _end(client: Client, lease: str, token: LeaseToken) -> None:
    try:
        client.revoke(lease, token)
    except GatewayError as refused:
        if refused.status not in {401, 404, 410}:  # it has ended already
            raise


def _told_folders(environ: Mapping[str, str]) -> Mapping[str, str]:
    told = {"sql": environ.get(WAREHOUSE_VARIABLE), "general": environ.get(EVENT_LOG_VARIABLE)}
    return {name: folder for name, folder in told.items() if folder}
