"""How a user or a group is deleted: first what the gateway knows of it, then its objects if that is asked for."""

from collections.abc import Awaitable, Callable

from vendor.doors.mms import models
from vendor.doors.mms.errors import ServiceError
from vendor.leases.purge import Purged


class DeleteQuery(models.Lenient):
    """Both are ours: delete the objects, too; and take away a tenant's last steward."""

    purge_data: bool = False
    force: bool = False


async def deleted(
    kind: str, name: str, missing: ServiceError, *, known: bool, purge: Callable[[], Awaitable[Purged]] | None
) -> models.ResourceDeleteResponse:
    """Delete the objects, if there is a way to, and say what became of all.

    Objects can be left of what is not known any more; `missing` is raised if there was neither it nor any object.
    """
    if not known and purge is None:
        raise missing
    purged = None if purge is None else await purge()
    if not known and purged is not None and purged.complete and not purged.removed:
        raise missing
    told = None
    if purged is not None:
        told = models.Purged(removed=purged.removed, complete=purged.complete, prefixes=list(purged.folders))
    message = f"{kind.capitalize()} {name} deleted successfully"
    return models.ResourceDeleteResponse(resource_type=kind, resource_name=name, message=message, purged=told)
