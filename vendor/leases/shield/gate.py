"""The one question to Redis before keys are made: may this caller ask now, and has somebody got the answer already?

A token bucket per identity and door, the turn to make the keys of one ask, and sealed keys that another replica made
lie in one slot, and one script looks at all of them.  Redis' own clock counts, so replicas need not agree on the time.
"""

import secrets
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from vendor.database import Database, Script

TURN_MS: Final = 12_000  # longer than a call to a store lasts; whoever died with it holds up nobody for longer

# KEYS: bucket[, turn, sealed keys].  ARGV: burst, refill per second, cost, what marks the turn as ours, milliseconds it
# lasts, sealed keys that are of no use.  Returns {answer, detail}.
_ENTER: Final = Script("""
if #KEYS == 3 then
  local sealed = redis.call('GET', KEYS[3])
  if sealed and sealed ~= ARGV[6] then return { 'sealed', sealed } end
  if redis.call('EXISTS', KEYS[2]) == 1 then return { 'wait', '0' } end
end
local burst, refill, cost = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
if burst > 0 then
  local time = redis.call('TIME')
  local now = time[1] * 1000 + math.floor(time[2] / 1000)
  local kept = redis.call('HMGET', KEYS[1], 'left', 'at')
  local left = burst
  if kept[1] then
    left = math.min(burst, tonumber(kept[1]) + math.max(0, now - tonumber(kept[2])) * refill / 1000)
  end
  if left < cost then return { 'limited', string.format('%d', math.ceil((cost - left) * 1000 / refill)) } end
  redis.call('HSET', KEYS[1], 'left', string.format('%.3f', left - cost), 'at', string.format('%d', now))
  redis.call('PEXPIRE', KEYS[1], math.ceil(burst * 1000 / refill) + 1000)
end
if #KEYS == 3 then redis.call('SET', KEYS[2], ARGV[4], 'PX', ARGV[5]) end
return { 'go', '0' }
""")

# KEYS: turn, sealed keys.  ARGV: what marks the turn as ours, sealed keys or empty, milliseconds they are of use.
_LEAVE: Final = Script("""
if ARGV[2] ~= '' then redis.call('SET', KEYS[2], ARGV[2], 'PX', ARGV[3]) end
if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end
return 1
""")


@dataclass(frozen=True, slots=True)
class Rate:
    """`burst` at once, and `per_second` in the long run.  A burst of 0 is no limit."""

    burst: int
    per_second: float


class Says(StrEnum):
    """What the gate answers."""

    GO = "go"
    LIMITED = "limited"
    WAIT = "wait"
    SEALED = "sealed"


@dataclass(frozen=True, slots=True)
class Answer:
    """`wait_ms` is how long until there is room again, `sealed` what another replica left."""

    says: Says
    wait_ms: int = 0
    sealed: str = ""


@dataclass(frozen=True, slots=True)
class Turn:
    """The turn to make the keys of one ask.  `name` is that of the ask, `mark` says whose turn it is."""

    name: str
    mark: str


def new_turn(name: str) -> Turn:
    """Return a turn that is told from everybody else's."""
    return Turn(name, secrets.token_hex(16))


class Gate:
    """Both methods raise StateUnavailable."""

    def __init__(self, database: Database, prefix: str) -> None:
        self._database = database
        self._prefix = prefix

    async def enter(
        self, who: str, bucket: str, rate: Rate, *, turn: Turn | None = None, useless: str = "", cost: int = 1
    ) -> Answer:
        """Take `cost` from a bucket of `who`, and with it a turn.

        With a turn, sealed keys are answered instead if there are any but the `useless` ones, and WAIT while somebody
        else has the turn; neither costs anything.  GO without a turn is only about the bucket.
        """
        keys = [self._key(who, f"bucket:{bucket}"), *self._places(who, turn)]
        mark = turn.mark if turn else ""
        arguments: list[str | int | float] = [rate.burst, rate.per_second, cost, mark, TURN_MS, useless]
        said, detail = await self._database.run(_ENTER, keys, arguments, repeatable=False)
        answer = Says(said)
        if answer is Says.SEALED:
            return Answer(answer, sealed=detail)
        return Answer(answer, wait_ms=int(detail))

    async def leave(self, who: str, turn: Turn, sealed: str = "", milliseconds: int = 0) -> None:
        """Give a turn back, and leave keys that are of use for so long, sealed, to those who wait for it."""
        useful = sealed if milliseconds > 0 else ""
        arguments: list[str | int | float] = [turn.mark, useful, milliseconds]
        await self._database.run(_LEAVE, self._places(who, turn), arguments, repeatable=True)

    def _places(self, who: str, turn: Turn | None) -> list[str]:
        return [self._key(who, f"turn:{turn.name}"), self._key(who, f"live:{turn.name}")] if turn else []

    def _key(self, who: str, what: str) -> str:
        return f"{self._prefix}:shield:{{{who}}}:{what}"
