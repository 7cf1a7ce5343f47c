"""Policies through an AWS-style IAM API, as SeaweedFS has it.

A policy that exists is not made again; its next version becomes the one in force, in one step.  SeaweedFS keeps one
version and forgets the others (measured); where several are kept, the oldest ones are deleted when there are too many.
"""

from typing import Final
from urllib.parse import urlencode

from vendor.errors import StoreRefused
from vendor.stores.ceilings.replies import Sender, require
from vendor.stores.s3 import Call, Reply
from vendor.stores.wire import FORM
from vendor.stores.xml import parse_members, parse_text

VERSION: Final = "2010-05-08"
_PAGE: Final = 1000
_MOST_PAGES: Final = 1000
_MISSING: Final = "NoSuchEntity"


class IamPolicies:
    """The keeper for these stores; see `keeper.Keeper`."""

    def __init__(self, operator: Sender) -> None:
        self._operator = operator
        self._known: set[str] = set()

    async def close(self) -> None:
        """Close all connections."""
        await self._operator.close()

    async def put(self, name: str, text: str) -> None:
        """Keep a document: as a further version where there is one of this name, else as a new policy."""
        if name in self._known:
            reply = await self._next_version(name, text)
            if reply.fine or reply.code != _MISSING:
                require(reply, "keep a policy", reply.code)
                return
        reply = await self._call("CreatePolicy", PolicyName=name, PolicyDocument=text)
        if reply.code == "EntityAlreadyExists":
            reply = await self._next_version(name, text)
        require(reply, "keep a policy", reply.code)
        self._known.add(name)

    async def remove(self, name: str) -> None:
        """Remove a document."""
        reply = await self._call("DeletePolicy", PolicyArn=_arn(name))
        self._known.discard(name)
        if reply.code != _MISSING:
            require(reply, "remove a policy", reply.code)

    async def names(self) -> list[str]:
        """Return the names of all policies."""
        found: list[str] = []
        marker: dict[str, str] = {}
        for _ in range(_MOST_PAGES):
            reply = await self._call("ListPolicies", MaxItems=str(_PAGE), **marker)
            require(reply, "list policies", reply.code)
            found += [member.get("PolicyName", "") for member in parse_members(reply.body)]
            following = parse_text(reply.body, "Marker")
            if parse_text(reply.body, "IsTruncated") != "true" or not following:
                return found
            marker = {"Marker": following}
        raise StoreRefused("The store's list of policies has no end.")

    async def _next_version(self, name: str, text: str) -> Reply:
        version = {"PolicyArn": _arn(name), "PolicyDocument": text, "SetAsDefault": "true"}
        reply = await self._call("CreatePolicyVersion", **version)
        if reply.code == "LimitExceeded":
            await self._drop_versions(name)
            reply = await self._call("CreatePolicyVersion", **version)
        return reply

    async def _drop_versions(self, name: str) -> None:
        reply = await self._call("ListPolicyVersions", PolicyArn=_arn(name))
        require(reply, "list versions of a policy", reply.code)
        for version in parse_members(reply.body):
            if version.get("IsDefaultVersion") != "true":
                await self._call("DeletePolicyVersion", PolicyArn=_arn(name), VersionId=version.get("VersionId", ""))

    async def _call(self, action: str, **parameters: str) -> Reply:
        form = urlencode({"Action": action, "Version": VERSION, **parameters})
        return await self._operator.send(
            Call("POST", "/", headers={"content-type": FORM}, body=form.encode("ascii"), service="iam")
        )


def _arn(name: str) -> str:
    return f"arn:aws:iam:::policy/{name}"
