"""What each kind of store can do, as far as issuing keys is concerned.

Measured on SeaweedFS 4.48, the JuiceFS gateway 1.4.2, a MinIO of its last community source, and for AWS on the
emulator ministack 1.5.33, where it agrees with AWS's documentation; docs/stores.md shows what was found.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from vendor.errors import InvalidDuration


class StoreKind(StrEnum):
    """The stores that the gateway knows how to ask."""

    SEAWEEDFS = "seaweedfs"
    JUICEFS = "juicefs"
    MINIO = "minio"
    AWS = "aws"


class StoreCheck(StrEnum):
    """What is done with a store that does not enforce session policies: nothing leased, a warning, or not looked at."""

    ENFORCE = "enforce"
    WARN = "warn"
    OFF = "off"


class Mode(StrEnum):
    """How the gateway proves itself: by a token it signs, or by a service key of the store."""

    WEB_IDENTITY = "web-identity"
    ASSUME_ROLE = "assume-role"


class Lifetime(StrEnum):
    """What decides when keys got with a web identity token end."""

    EXP = "exp"  # the token's `exp`, exactly; `DurationSeconds` must not be sent
    DURATION = "duration"  # `DurationSeconds`, or the store's own default where it is left out


class CeilingApi(StrEnum):
    """How policies are kept in a store while it runs, to be named in the token's `policy` claim."""

    CANNED = "canned"  # MinIO's admin API
    IAM = "iam"  # AWS's IAM API, which takes no denials here


@dataclass(frozen=True, slots=True)
class StoreProfile:
    """One kind of store.

    `policy_limit` is in bytes.  `claims_policy`: the rights come from a policy named in the token's `policy` claim;
    otherwise from the role in `RoleArn`.  Durations are in seconds; `least_duration` and `most_duration` bound
    `DurationSeconds`.  `ceilings`: how documents of ours are kept in it that a lease can name beside a session policy
    or instead of one; None where they cannot be, or where changing one does not act on live keys.  `removes`:
    whether one can be removed without harm to others.  `parallel` is how many STS calls are worth making at a time.
    """

    kind: StoreKind
    web_identity_lifetime: Lifetime
    claims_policy: bool
    policy_limit: int = 2048
    least_duration: int = 900
    most_duration: int = 43_200
    ceilings: CeilingApi | None = None
    removes: bool = True
    parallel: int = 32


_CANNED, _IAM = CeilingApi.CANNED, CeilingApi.IAM
# JuiceFS takes a lock for each STS call and looks every 250 ms whether it is free.  One at a time it makes 115 to 137 a
# second with a p99 of 25 ms, two 153 and 145 ms, sixteen 144 and 1.3 s (measured, on SQLite as on Redis).
_FEW: Final = 2
PROFILES: Final = {
    StoreKind.SEAWEEDFS: StoreProfile(StoreKind.SEAWEEDFS, Lifetime.DURATION, claims_policy=False, ceilings=_IAM),
    StoreKind.JUICEFS: StoreProfile(
        StoreKind.JUICEFS,
        Lifetime.EXP,
        claims_policy=True,
        most_duration=604_800,
        ceilings=_CANNED,
        removes=False,  # all live keys are refused then until --refresh-iam-interval, five minutes, is over (measured)
        parallel=_FEW,
    ),
    StoreKind.MINIO: StoreProfile(
        StoreKind.MINIO, Lifetime.EXP, claims_policy=True, most_duration=31_536_000, ceilings=_CANNED
    ),
    StoreKind.AWS: StoreProfile(StoreKind.AWS, Lifetime.DURATION, claims_policy=False),
}


@dataclass(frozen=True, slots=True)
class Durations:
    """The lengths of keys that a configured store can give.

    `short` is the length that the store gives when it is not told one (its own setting), None where that is unknown.
    """

    profile: StoreProfile
    mode: Mode
    short: int | None = None

    @property
    def least(self) -> int:
        """The shortest keys this store gives, in seconds."""
        if self._exact:
            return 1
        return min(self.profile.least_duration, self.short or self.profile.least_duration)

    def to_send(self, seconds: int) -> int | None:
        """Return the `DurationSeconds` for keys of at most `seconds`; None to leave it out.

        Raises InvalidDuration if the store has no way to give keys that short.
        """
        if seconds < self.least:
            raise InvalidDuration(
                f"This store gives no keys for less than {self.least} seconds.",
                remedy=f"Ask for a duration of at least {self.least}.",
                details={"minimum": self.least},
            )
        if self._exact or seconds < self.profile.least_duration:
            return None
        return min(seconds, self.profile.most_duration)

    @property
    def _exact(self) -> bool:
        return self.mode is Mode.WEB_IDENTITY and self.profile.web_identity_lifetime is Lifetime.EXP
