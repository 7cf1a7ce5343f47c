"""The command `vend`: S3 keys for people, from their own sign-in.

Exit codes: 0 done, 1 refused, 2 usage, 3 sign-in missing or refused, 4 gateway or store unavailable, 70 a bug here;
`vend exec` passes its child's status on.
"""

import os
import sys
from typing import Final

import typer
from typer.completion import completion_init  # type: ignore[attr-defined]  # public by its name alone

from vendor.cli import failures, options
from vendor.cli.help import Entry, TableGroup

WHO, WHAT, GET, LEASES, SHARE, AUDIT, MACHINE = (
    "Who you are",
    "What you may",
    "Get keys",
    "Leases",
    "Share",
    "What was done",
    "This machine",
)
# Everything from the first word of the command on is the command's, with or without '--'.
_FOREIGN_WORDS: Final = {"allow_interspersed_args": False}

COMMANDS: Final = {
    "login": Entry("vendor.cli.sign_in:login", WHO, "Sign in, and remember the gateway and the sign-in."),
    "logout": Entry("vendor.cli.sign_out:logout", WHO, "End your sign-in and your leases."),
    "whoami": Entry("vendor.cli.sign_in:whoami", WHO, "Show whom your token stands for at the gateway."),
    "access": Entry("vendor.cli.access:access", WHAT, "List everything you may touch, and why."),
    "can": Entry("vendor.cli.access:can", WHAT, "Say by the exit code whether you may read or write a path."),
    "explain": Entry("vendor.cli.access:explain", WHAT, "Say why something is allowed or not, and what would help."),
    "who-can": Entry("vendor.cli.access:who_can", WHAT, "List who reaches a path, and through what."),
    "lease": Entry("vendor.cli.leasing:lease", GET, "Get S3 keys for some paths or for all, and print them."),
    "env": Entry("vendor.cli.leasing:env", GET, "Print S3 keys for a shell or a program."),
    "process": Entry("vendor.cli.leasing:process", GET, "Be the credential_process of an AWS profile."),
    "exec": Entry("vendor.cli.running:exec_", GET, "Run a command with keys that are renewed.", _FOREIGN_WORDS),
    "mc": Entry("vendor.cli.wrapping:mc", GET, "Run mc with just the rights its arguments need.", _FOREIGN_WORDS),
    "rclone": Entry(
        "vendor.cli.wrapping:rclone", GET, "Run rclone with just the rights its arguments need.", _FOREIGN_WORDS
    ),
    "server": Entry("vendor.cli.running:server", GET, "Serve S3 keys to the programs of this machine."),
    "proxy": Entry("vendor.cli.proxying:proxy", GET, "Serve S3 to programs that know only a key pair.", _FOREIGN_WORDS),
    "leases": Entry("vendor.cli.leases:leases", LEASES, "List your live leases, or show one."),
    "renew": Entry("vendor.cli.leases:renew", LEASES, "Print fresh keys for a renewable lease."),
    "revoke": Entry("vendor.cli.leases:revoke", LEASES, "End leases, and say from when their keys are dead."),
    "share": Entry("vendor.cli.sharing:share", SHARE, "Let somebody else reach a path of yours."),
    "unshare": Entry("vendor.cli.sharing:unshare", SHARE, "Take shares back."),
    "shares": Entry("vendor.cli.sharing:shares", SHARE, "List the shares of your home, or others that concern you."),
    "tenant": Entry("vendor.cli.tenants", SHARE, "Tenants, members and stewards."),
    "audit": Entry("vendor.cli.auditing", AUDIT, "The audit log: follow it, read it, keep it, check it."),
    "doctor": Entry("vendor.cli.doctor:doctor", MACHINE, "Look for what keeps keys from working."),
    "completion": Entry("vendor.cli.configuring:completion", MACHINE, "Print a shell's completion script."),
    "config": Entry("vendor.cli.configuring", MACHINE, "Profiles: named gateways."),
}


class Vend(TableGroup):
    """The command itself."""

    table = COMMANDS


app = typer.Typer(
    name="vend",
    cls=Vend,
    help="Short-lived S3 keys to exactly the data you may touch.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,  # they print variables, and ours can be secrets
    rich_markup_mode=None,
    context_settings={"help_option_names": ["--help", "-h"]},
)
app.callback()(options.before_the_command)


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
