"""Policies through MinIO's admin API (add, list and remove canned policies), which also MinIO's relatives have."""

import asyncio
import json
import re
from typing import Final

from vendor.errors import StoreRefused
from vendor.stores.ceilings.replies import Sender, require
from vendor.stores.s3 import Call, Reply

ADMIN: Final = "/minio/admin/v3/"
_CODE: Final = re.compile(r"[A-Za-z0-9.]{1,64}", re.ASCII)


class CannedPolicies:
    """The keeper for these stores; see `keeper.Keeper`."""

    def __init__(self, operator: Sender) -> None:
        self._operator = operator

    async def close(self) -> None:
        """Close all connections."""
        await self._operator.close()

    async def put(self, name: str, text: str) -> None:
        """Keep a document."""
        call = Call("PUT", f"{ADMIN}add-canned-policy", (("name", name),), body=text.encode("ascii"))
        reply = await self._operator.send(call)
        require(reply, "keep a policy", _code(reply))

    async def remove(self, name: str) -> None:
        """Remove a document."""
        reply = await self._operator.send(Call("DELETE", f"{ADMIN}remove-canned-policy", (("name", name),)))
        code = _code(reply)
        if code != "XMinioAdminNoSuchPolicy":
            require(reply, "remove a policy", code)

    async def names(self) -> list[str]:
        """Return the names of all policies."""
        reply = await self._operator.send(Call("GET", f"{ADMIN}list-canned-policies"))
        require(reply, "list policies", _code(reply))
        listed = await asyncio.to_thread(_object, reply.body)
        if listed is None:
            raise StoreRefused("The store's list of policies cannot be read.")
        return list(listed)


def _code(reply: Reply) -> str:
    """Return the error code; this API answers in JSON where it is reached, and in XML where it is not."""
    said = None if reply.fine else _object(reply.body)
    code = said.get("Code") if said else None
    return code if isinstance(code, str) and _CODE.fullmatch(code) else reply.code


def _object(body: bytes) -> dict[str, object] | None:
    try:
        parsed = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return parsed if isinstance(parsed, dict) else None
