"""What a check is, and what comes out of one."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vendor.stores.probe.trial import Trial


class Verdict(StrEnum):
    """PASS: as it should be.  FAIL: not so.  SKIP: cannot be tried here; the detail says why."""

    PASS = "PASS"  # noqa: S105 - not a password
    FAIL = "FAIL"
    SKIP = "SKIP"


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found.  `detail` is what was seen: no secret, and nothing that differs from run to run."""

    verdict: Verdict
    detail: str


def passed(detail: str) -> Finding:
    """Return that all is as it should be."""
    return Finding(Verdict.PASS, detail)


def failed(detail: str) -> Finding:
    """Return that something is not."""
    return Finding(Verdict.FAIL, detail)


def skipped(why: str) -> Finding:
    """Return that this cannot be tried here."""
    return Finding(Verdict.SKIP, why)


Run = Callable[["Trial"], Awaitable[Finding]]


@dataclass(frozen=True, slots=True)
class Check:
    """One thing to try.  `shows` is what must hold, `advice` what to do where it does not.

    `relied_on`: leases are not safe, or do not work, where it does not hold.  Everything else is worth knowing, but
    the gateway manages without.
    """

    name: str
    shows: str
    advice: str
    relied_on: bool
    run: Run


def check(name: str, *, shows: str, advice: str, relied_on: bool = True) -> Callable[[Run], Check]:
    """Make a check of a function."""

    def make(run: Run) -> Check:
        return Check(name, shows, advice, relied_on, run)

    return make
