"""In which form a path's refusals are written: each door's clients know one, and get no other."""

from typing import Final

from vendor.doors import container
from vendor.doors.operation import NATIVE, ErrorForm

_EXACTLY: Final[dict[str, ErrorForm]] = {container.PATH: container.FORM}


def form_of(path: str) -> ErrorForm:
    """Return the form of a path, whether there is a route for it or not."""
    return _EXACTLY.get(path, NATIVE)
