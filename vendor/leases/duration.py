"""How long a lease lasts."""

from dataclasses import dataclass

from vendor.errors import InvalidDuration, ScopeNotGranted
from vendor.times import rfc3339


@dataclass(frozen=True, slots=True)
class DurationRules:
    """The gateway's own settings, in seconds."""

    default: int = 3600
    least: int = 900
    most: int = 43_200


def choose_duration(
    asked: int | None, rules: DurationRules, *, store_least: int, most: int | None, ends_at: float | None, now: float
) -> int:
    """Return the length of a lease in seconds.

    `store_least` is what the store can do, `most` the principal's own maximum, `ends_at` the earliest end of
    anything the lease rests on.  An ask outside the rules is an InvalidDuration; the principal's maximum and the
    ends of grants cut the lease without asking, because the caller cannot know them.  Raises ScopeNotGranted if what
    is left is shorter than the store's keys can be.
    """
    least = max(rules.least, store_least)
    if asked is not None and not least <= asked <= rules.most:
        raise InvalidDuration(
            f"A lease on this store lasts {least} to {rules.most} seconds; {asked} were asked for.",
            remedy=f"Ask for a duration of {least} to {rules.most}.",
            details={"minimum": least, "maximum": rules.most},
        )
    if most is not None and most < least:
        raise InvalidDuration(
            f"Whoever signs in like this holds keys for at most {most} seconds; this store's last at least {least}.",
            remedy="Use another store, or ask the operator for a longer maximum in the trust rules.",
            details={"minimum": least, "maximum": most},
        )
    seconds = asked if asked is not None else max(least, min(rules.default, rules.most))
    if most is not None:
        seconds = min(seconds, most)
    if ends_at is not None and ends_at - now < seconds:
        seconds = int(ends_at - now)
    if seconds < least:
        raise ScopeNotGranted(
            f"A grant that this lease rests on ends at {rfc3339(ends_at or now)}, sooner than the shortest lease.",
            remedy=f"Ask for a scope without it; the shortest lease here lasts {least} seconds.",
            details={"minimum": least},
        )
    return seconds
