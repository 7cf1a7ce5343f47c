"""In which form a path's refusals are written: each door's clients know one, and get no other."""

from typing import Final

from vendor.doors import container
from vendor.doors.catalogs import iceberg, unity
from vendor.doors.oauth import door as oauth_door
from vendor.doors.oauth import form as oauth
from vendor.doors.operation import NATIVE, ErrorForm
from vendor.doors.sts import form as sts

_EXACTLY: Final[dict[str, ErrorForm]] = {
    "/": sts.FORM,
    container.PATH: container.FORM,
    iceberg.PATH: iceberg.FORM,
    oauth_door.TOKEN: oauth.FORM,
    oauth_door.REVOKE: oauth.FORM,
}


def form_of(path: str) -> ErrorForm:
    """Return the form of a path, whether there is a route for it or not."""
    return unity.FORM if path.startswith(unity.ROOT) else _EXACTLY.get(path, NATIVE)
