"""Display names of users, as KBase knows them, for answers that show people.

A name that is known is given at once, one that is not is asked for in the background and given the next time: no
answer ever waits for this.  KBase is asked with a KBase token of whoever wants to know; other tokens are never shown
to it.  What it says, and also that it knows nobody of a name, is remembered for some minutes in a bounded table.
"""

import asyncio
import re
import time
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Final
from urllib.parse import quote

import structlog

from vendor.identity.expiring import Expiring
from vendor.identity.fetch import Fetcher, FetchFailed, tls_context
from vendor.identity.kbase import KBASE_TOKEN
from vendor.identity.trust_shape import KBase
from vendor.names import UserName
from vendor.secret import RawToken
from vendor.strict_json import BadJson, parse_object
from vendor.tasks import give_up
from vendor.times import Clock

REMEMBERED_SECONDS: Final = 300.0
AGAIN_SECONDS: Final = 15.0  # after a failure
MOST: Final = 50_000
BATCH: Final = 100  # names in one question
QUESTIONS: Final = 4  # at a time; more than these are not asked, and there is a next time
MAX_ANSWER_BYTES: Final = 64 * 1024
_KBASE_USER = re.compile(r"[a-z][a-z0-9_]{0,99}", re.ASCII)  # one that is not makes KBase refuse the whole question

_log = structlog.get_logger(__name__)


class Profiles:
    """What people are called.  Without a KBase in the trust file it knows nobody and asks nobody."""

    def __init__(self, kbase: KBase | None, *, folder: Path, monotonic: Clock = time.monotonic) -> None:
        self._kbase = kbase if kbase is not None and kbase.mode == "enforce" else None
        self._fetcher = Fetcher()
        self._tls = tls_context(folder / kbase.ca_file) if kbase is not None and kbase.ca_file else None
        self._known: Expiring[str] = Expiring(MOST, monotonic)  # an empty text: KBase knows nobody of this name
        self._asking: set[asyncio.Task[None]] = set()
        self._asked: set[str] = set()

    def names(self, users: Collection[UserName], token: RawToken) -> Mapping[UserName, str]:
        """Return the display names that are known by now, and see to it that more of them are known later."""
        found = {user: self._known.get(user.encode()) for user in users}
        missing = [user for user, name in found.items() if name is None]
        if missing and self._kbase is not None and KBASE_TOKEN.fullmatch(token.reveal()):
            self._ask_for(self._kbase, missing, token)
        return {user: name for user, name in found.items() if name}

    @property
    def busy(self) -> bool:
        """Say whether a question is under way."""
        return bool(self._asking)

    async def close(self) -> None:
        """Give up the questions that are under way, and close all connections."""
        await give_up(self._asking)
        await self._fetcher.close()

    def _ask_for(self, kbase: KBase, users: Sequence[UserName], token: RawToken) -> None:
        theirs = {user.removeprefix(kbase.prefix): user for user in users if user.startswith(kbase.prefix)}
        wanted = [name for name in theirs if _KBASE_USER.fullmatch(name) and name not in self._asked]
        for start in range(0, len(wanted), BATCH):
            if len(self._asking) >= QUESTIONS:
                return
            batch = wanted[start : start + BATCH]
            self._asked.update(batch)
            task = asyncio.create_task(self._ask(kbase, {name: theirs[name] for name in batch}, token))
            self._asking.add(task)
            task.add_done_callback(self._asking.discard)

    async def _ask(self, kbase: KBase, batch: Mapping[str, UserName], token: RawToken) -> None:
        names: Mapping[str, object] = {}
        seconds = AGAIN_SECONDS
        try:
            answer = await self._fetcher.get(
                f"{kbase.url.rstrip('/')}/api/V2/users/?list={quote(','.join(batch))}",
                limit=MAX_ANSWER_BYTES,
                headers={"Authorization": token.reveal()},
                tls=self._tls,
                total_seconds=kbase.timeout_seconds,
            )
            if answer.status == 200:
                names, seconds = parse_object(answer.body), REMEMBERED_SECONDS
            else:
                _log.info("display names not given", status=answer.status)
        except (FetchFailed, BadJson) as problem:
            _log.info("display names not given", problem=str(problem))
        finally:
            self._asked.difference_update(batch)
        for name, user in batch.items():
            self._known.put(user.encode(), _shown(names.get(name)), seconds)


def _shown(name: object) -> str:
    return name if isinstance(name, str) and len(name) <= 200 and name.isprintable() else ""
