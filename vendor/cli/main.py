"""The command `vend`: S3 keys for people, from their own sign-in.

Exit codes: 0 done, 1 refused, 2 usage, 3 sign-in missing or refused, 4 gateway or store unavailable, 70 a bug here;
`vend exec` passes its child's status on.
"""

import os
import sys

import typer
from typer.completion import completion_init  # type: ignore[attr-defined]  # public by its name alone

from vendor.cli import (
    access,
    configuring,
    doctor,
    failures,
    leases,
    leasing,
    options,
    running,
    sharing,
    sign_in,
    tenants,
)
from vendor.cli.help import PanelCommand, PanelGroup

app = typer.Typer(
    name="vend",
    cls=PanelGroup,
    help="Short-lived S3 keys to exactly the data you may touch.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,  # they print variables, and ours can be secrets
    rich_markup_mode=None,
    context_settings={"help_option_names": ["--help", "-h"]},
)
app.callback()(options.before_the_command)

_COMMANDS = {
    "Who you are": (sign_in.login, sign_in.logout, sign_in.whoami),
    "What you may": (access.access, access.can, access.explain),
    "Get keys": (leasing.lease, leasing.env, leasing.process, running.server),
    "Leases": (leases.leases, leases.renew, leases.revoke),
    "Share": (sharing.share, sharing.unshare, sharing.shares),
    "This machine": (doctor.doctor, configuring.completion),
}
for _panel, _commands in _COMMANDS.items():
    for _command in _commands:
        app.command(cls=PanelCommand, rich_help_panel=_panel)(_command)
# Everything from the first word of the command on is the command's, with or without '--'.
app.command("exec", cls=PanelCommand, rich_help_panel="Get keys", context_settings={"allow_interspersed_args": False})(
    running.exec_
)
app.command("who-can", cls=PanelCommand, rich_help_panel="What you may")(access.who_can)
app.add_typer(tenants.app, name="tenant", rich_help_panel="Share")
app.add_typer(configuring.app, name="config", rich_help_panel="This machine")


def main() -> None:
    """Run the command line and leave with its exit code."""
    if os.environ.get("_VEND_COMPLETE"):
        completion_init()  # Typer does it only together with options that would change the shell's own files
    try:
        app(prog_name="vend")
        sys.stdout.flush()
    except BrokenPipeError:
        _silence(sys.stdout.fileno())
        sys.exit(failures.REFUSED)
    except OSError as error:
        sys.stderr.write(f"vend: {error.strerror or type(error).__name__}\n")
        sys.exit(failures.REFUSED)


def _silence(descriptor: int) -> None:
    # Whoever read our output has left; without this, Python complains about it once more at exit.
    os.dup2(os.open(os.devnull, os.O_WRONLY), descriptor)


if __name__ == "__main__":
    main()
