"""A store that issues temporary keys, by web identity or by AssumeRole.

Neither call is ever made without a session policy or the name of a ceiling: on every store an empty or absent policy
means all the rights of the role.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Final, Protocol

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as SigningKey

from vendor.errors import StoreRefused
from vendor.secret import Secret, WebIdentityToken
from vendor.spans import span
from vendor.stores.credentials import Credentials
from vendor.stores.profile import Durations, Lifetime, Mode, StoreProfile
from vendor.stores.turns import Turns
from vendor.stores.wire import FORM, Wire, encoded
from vendor.tally import Calls
from vendor.times import Clock

STS_VERSION: Final = "2011-06-15"
TOKEN_SECONDS: Final = 60  # a token that is redeemed at once needs no more, except where its end is the keys' end
CLOCK_SLACK: Final = 90.0  # how far a store's clock may be off before its expiry is not believed


class Sign(Protocol):
    """Signs one web identity token for a store."""

    def __call__(
        self, *, subject: str, audience: str, lifetime_ends: float, claims: Mapping[str, object]
    ) -> WebIdentityToken: ...


@dataclass(frozen=True, slots=True)
class Order:
    """One set of keys to be issued.

    `session` names it in the store's own log; `policy` is the session policy as text; `seconds` how long at most.
    `ceiling` are names of documents kept in the store, whose union takes the place of the role.  One of the two is
    there, or both; then the keys can do what both allow.
    """

    lease_id: str
    user: str
    policy: str | None
    seconds: int
    renewals: int = 0
    ceiling: tuple[str, ...] = ()

    @property
    def subject(self) -> str:
        """Unique per set of keys: a store may keep rights by subject, and a renewal must not touch older keys."""
        return f"{self.user}/{self.lease_id}" + (f".{self.renewals}" if self.renewals else "")

    @property
    def session(self) -> str:
        """A RoleSessionName: 2 to 64 of `\\w+=,.@-` (AWS STS API reference); the lease id is never cut."""
        return f"{self.user[: 63 - len(self.lease_id)]}.{self.lease_id}"


@dataclass(frozen=True, slots=True)
class ServiceKey:
    """A long-lived key of the gateway itself, for stores that do not take web identities."""

    access_key_id: str
    secret_key: Secret


@dataclass(frozen=True, slots=True)
class StoreSettings:
    """How one store is reached and asked.

    With a `service_key` keys are asked for by AssumeRole, without one by web identity.  `endpoint` is where the
    gateway calls, `sts_endpoint` where it asks for keys if that is elsewhere, `public_endpoint` what clients are told.
    `role_arn` and `policy` say whose rights the session policy narrows: a role's, or those of a policy named in the
    token.  With an `operator_policy`, the name of one that lets its holder keep policies in the store, leases have
    ceilings.
    """

    name: str
    profile: StoreProfile
    endpoint: str
    public_endpoint: str
    region: str
    audience: str
    sts_endpoint: str | None = None
    role_arn: str | None = None
    policy: str | None = None
    service_key: ServiceKey | None = None
    short_seconds: int | None = None
    operator_policy: str | None = None

    @property
    def mode(self) -> Mode:
        """By AssumeRole where there is a service key to sign it with, else by web identity."""
        return Mode.WEB_IDENTITY if self.service_key is None else Mode.ASSUME_ROLE


class Store:
    """One configured store."""

    def __init__(self, settings: StoreSettings, sign: Sign, clock: Clock) -> None:
        self.settings = settings
        self.profile = settings.profile
        self.durations = Durations(settings.profile, settings.mode, settings.short_seconds)
        self.calls = Calls()
        self._sign = sign
        self._clock = clock
        self._wire = Wire(settings.sts_endpoint or settings.endpoint)
        self.admit: Callable[[], Awaitable[None]] | None = None
        """Asked before keys are issued; raises where this store must not be used (see `stores.probe.watch`)."""
        self.turns: Turns | None = None
        """Limits how many keys are issued at a time, fairly among the users they are for."""

    async def close(self) -> None:
        """Close all connections."""
        await self._wire.close()

    async def answers(self) -> bool:
        """Say whether the store is there."""
        return await self._wire.answers()

    async def issue(self, order: Order) -> Credentials:
        """Have the store issue keys that can do no more than `order.policy`.

        Raises InvalidDuration, StoreRefused, StoreUnavailable.
        """
        if self.admit is not None:
            await self.admit()
        if self.turns is None:
            return await self.mint(order)
        async with self.turns.place(order.user):
            return await self.mint(order)

    async def mint(self, order: Order) -> Credentials:
        """Do what `issue` does, without asking whether the store may be used: for the checks that decide that."""
        self._require_limits(order)
        asked_at = self._clock()
        credentials = await self.redeem(self.form(order))
        latest = asked_at + order.seconds + CLOCK_SLACK
        if not asked_at - CLOCK_SLACK < credentials.expires_at <= latest:
            raise StoreRefused("The store's keys end at another time than asked for; is a clock wrong?")
        return credentials

    def _require_limits(self, order: Order) -> None:
        limited = order.policy is not None or order.ceiling
        if not limited or (order.policy is not None and not order.policy.startswith('{"')):
            raise StoreRefused("A lease without a session policy or a ceiling is never asked for.")
        if order.ceiling and (self.settings.service_key is not None or self.profile.ceilings is None):
            raise StoreRefused("This store, asked like this, does not look at ceilings.")

    def form(self, order: Order) -> dict[str, str]:
        """Return the STS call for an order, as a form; by web identity it holds a token.  Raises InvalidDuration."""
        duration = self.durations.to_send(order.seconds)
        if self.settings.service_key is not None:
            return self._form("AssumeRole", order, duration)
        token = self._web_identity(order)
        return self._form("AssumeRoleWithWebIdentity", order, duration) | {"WebIdentityToken": token.reveal()}

    async def redeem(self, form: Mapping[str, str]) -> Credentials:
        """Send an STS call as it is: `mint` sends none without a policy, and believes not every expiry."""
        body = encoded(form)
        key = self.settings.service_key
        said = {"vendor.store": self.settings.name, "vendor.action": form["Action"]}
        with span("sts", said), self.calls.timed(form["Action"], refused=StoreRefused):
            return await self._wire.post(body, None if key is None else self._signature(body, key))

    def _web_identity(self, order: Order) -> WebIdentityToken:
        token_decides = self.profile.web_identity_lifetime is Lifetime.EXP
        claims = {"policy": self.settings.policy} if self.profile.claims_policy else {}
        if order.ceiling:
            claims = {"policy": ",".join(order.ceiling)}
        return self._sign(
            subject=order.subject,
            audience=self.settings.audience,
            lifetime_ends=self._clock() + (order.seconds if token_decides else TOKEN_SECONDS),
            claims=claims,
        )

    def _form(self, action: str, order: Order, duration: int | None) -> dict[str, str]:
        form = {"Action": action, "Version": STS_VERSION, "RoleSessionName": order.session}
        if order.policy is not None:
            form["Policy"] = order.policy
        if self.settings.role_arn is not None and not order.ceiling:  # with a role, the claim would count for nothing
            form["RoleArn"] = self.settings.role_arn
        if duration is not None:
            form["DurationSeconds"] = str(duration)
        return form

    def _signature(self, body: str, key: ServiceKey) -> dict[str, str]:
        request = AWSRequest("POST", self._wire.url, {"content-type": FORM}, body.encode())
        signing_key = SigningKey(key.access_key_id, key.secret_key.reveal())
        SigV4Auth(signing_key, "sts", self.settings.region).add_auth(request)
        return dict(request.headers.items())
