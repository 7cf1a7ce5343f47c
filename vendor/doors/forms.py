"""In which form a path's refusals are written: each door's clients know one, and get no other."""

from typing import Final, Protocol

from starlette.responses import Response
from starlette.types import Scope

from vendor.doors import container
from vendor.doors.render import error_answer
from vendor.errors import VendError


class Form(Protocol):
    """How a door writes refusals."""

    def answer(self, error: VendError, scope: Scope) -> Response:
        """Render one refusal."""


class _Native:
    def answer(self, error: VendError, scope: Scope) -> Response:
        return error_answer(error, scope)


NATIVE: Final[Form] = _Native()
_EXACTLY: Final[dict[str, Form]] = {container.PATH: container.FORM}


def form_of(path: str) -> Form:
    """Return the form of a path, whether there is a route for it or not."""
    return _EXACTLY.get(path, NATIVE)
