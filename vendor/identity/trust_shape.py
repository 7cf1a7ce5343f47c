"""The shape of `policies/trust.toml`: every key it may have, and what its value may be.

The JSON Schema that editors use is made from these classes.  What needs more than one key to judge (two issuers that
share a name space, say) is checked in `trust`.
"""

from collections.abc import Callable
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from vendor.errors import VendError
from vendor.identity.conditions import ClaimPath, Condition, Pattern, Text
from vendor.names import parse_s3_path, parse_tenant_name, parse_user_name

DAY = 86_400

Algorithm = Literal["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]
TokenKind = Literal["id", "access", "plain-access", "workload"]
Mode = Literal["enforce", "audit"]


def _named(parse: Callable[[str], object]) -> AfterValidator:
    """Check a text with one of the parsers of names and paths."""

    def check(text: str) -> str:
        try:
            parse(text)
        except VendError as problem:
            raise ValueError(problem.message) from None
        return text

    return AfterValidator(check)


# Lists of the file are given to these classes as tuples: frozen, and strict.
Texts = tuple[Text, ...]
SomeTexts = Annotated[tuple[Text, ...], Field(min_length=1)]
Label = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]{0,39}$")]
NamePrefix = Annotated[str, StringConstraints(pattern=r"^(?:[a-z0-9]{1,15}[._-])?$")]
LeaseSeconds = Annotated[int, Field(ge=1, le=30 * DAY)]


class Shape(BaseModel):
    """A table of the file: unknown keys are refused, values are not converted."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, populate_by_name=False)


class ScopeEntry(Shape):
    """One entry of a rule's maximum scope."""

    path: Annotated[Text, _named(parse_s3_path)] = Field(description="s3://bucket/folder/")
    access: Literal["read", "write"] = "read"


class Rule(Shape):
    """One way for a verified token to become a principal.  The first rule whose conditions all hold decides."""

    name: Label = Field(description="For logs, audit events and `vendor trust check`.")
    mode: Mode = Field("enforce", description="audit: say what the rule would have done, and go on without it.")
    when: tuple[Condition, ...] = Field((), description="All of them have to hold.")
    kind: Literal["user", "workload"] = "user"
    as_: Annotated[Text, _named(parse_user_name)] | None = Field(
        None, alias="as", description="The principal's name, fixed.  Without it the name comes from a claim."
    )
    joins: Label | None = Field(
        None,
        description="With `as`: the entry whose principal of that name this one is.  Without: names are kept apart.",
    )
    name_claim: ClaimPath | None = Field(
        None, description="The claim that names the principal, if not the issuer's `user`."
    )
    name_pattern: Pattern | None = Field(
        None, description="A pattern for that claim; its groups, joined by dots, are the name."
    )
    home: bool | None = Field(
        None, description="Whether the principal has a home.  Default: users have, workloads not."
    )
    tenant: Annotated[Text, _named(parse_tenant_name)] | None = Field(
        None, description="A workload acts for this tenant: it has the tenant's grants and no others."
    )
    access: Literal["read_only", "read_write"] = Field("read_only", description="With `tenant`: how it may act there.")
    scope: Annotated[tuple[ScopeEntry, ...], Field(min_length=1)] | None = Field(
        None, description="The most this principal can ever lease."
    )
    max_lease_seconds: LeaseSeconds | None = None
    may_act_for: tuple[Label, ...] = Field(
        (), description="The entries whose users this principal may act for at token exchange, with a token of theirs."
    )


class Profile(Shape):
    """Claims that a token of this issuer must carry beyond the usual ones."""

    tenants: SomeTexts | None = Field(None, description="`tenant` must be `tenant:` and one of these.")
    principal_types: Annotated[tuple[Literal["human", "service", "agent"], ...], Field(min_length=1)] | None = Field(
        None, description="`principal_type` must be one of these, with the claims that belong to it."
    )
    assurance: Literal["aal0", "aal1", "aal2", "aal3"] | None = Field(None, description="The least `assurance.level`.")
    mfa: bool = Field(False, description="Demand `assurance.mfa = true`, or one of `mfa_methods` in `amr`.")
    mfa_methods: SomeTexts = ("mfa",)


class BreakGlass(Shape):
    """How logins with `assurance.level = break_glass` are admitted; without this table they are refused."""

    max_lease_seconds: Annotated[int, Field(ge=1, le=4 * 3600)] = 900


class SignIn(Shape):
    """How `vend login` signs people in at this issuer.  Published to anyone at /v1/sign-in."""

    client_id: Text = Field(description="A public client there, with the device flow allowed.")
    scopes: SomeTexts = ("openid", "profile", "email")


class Source(Shape):
    """What OIDC issuers and KBase have in common."""

    name: Label = Field(description="For logs, metrics, audit events and `joins`.")
    mode: Mode = Field("enforce", description="audit: check its tokens and say what would have happened, admit nobody.")
    prefix: NamePrefix = Field(
        "", description="Put before every name that comes from this entry.  One entry may go without."
    )
    joins: Label | None = Field(
        None, description="The entry with the same prefix whose users are this one's users, too."
    )
    required_roles: Texts = Field((), description="All of them are needed, by admins as well.")
    admin_roles: Texts = Field((), description="Any of them makes an admin.")
    max_lease_seconds: LeaseSeconds | None = None
    lower_case: bool = Field(False, description="Names differing in case mean the same user there; fold them.")
    allow_http: bool = Field(False, description="Allow http:// beyond this machine.")
    ca_file: Text | None = Field(
        None, description="PEM file of the authorities to trust for https, instead of the system's."
    )


class Issuer(Source):
    """An OIDC issuer whose tokens are checked."""

    url: Text = Field(description="Exactly the `iss` of its tokens.")
    audiences: SomeTexts = Field(description="One of them has to be in `aud`.")
    tolerated_audiences: Texts = Field((), description="May be in `aud` beside one of `audiences`.")
    algorithms: Annotated[tuple[Algorithm, ...], Field(min_length=1)]
    tokens: Annotated[tuple[TokenKind, ...], Field(min_length=1)] = Field(
        description="id: OIDC ID token.  access: RFC 9068.  plain-access: access token without that type, told apart "
        "by `require`.  workload: Kubernetes, GitHub Actions and the like."
    )
    clients: SomeTexts | None = Field(None, description="The clients (`azp`, `client_id`) whose tokens are accepted.")
    any_client: bool = Field(False, description="Accept access tokens of every client of this issuer.")
    require: tuple[Condition, ...] = Field((), description="Demanded of every token.")
    user: ClaimPath = Field("sub", description="The claim that names the user.")
    roles: ClaimPath | None = None
    groups: ClaimPath | None = None
    max_token_seconds: Annotated[int, Field(ge=60, le=400 * DAY)] = Field(DAY, description="The longest exp minus iat.")
    leeway_seconds: Annotated[int, Field(ge=0, le=300)] = Field(30, description="How far clocks may differ.")
    jwks_uri: Text | None = Field(None, description="Where the keys are, instead of asking the discovery document.")
    jwks_file: Text | None = Field(None, description="A file with the keys, for issuers that cannot be reached.")
    jwks_hosts: Texts = Field((), description="Other hosts at which the discovery document may place the keys.")
    bearer_file: Text | None = Field(None, description="A file whose token is sent when asking for the keys.")
    refresh_seconds: Annotated[int, Field(ge=10, le=DAY)] = Field(300, description="How often the keys are read again.")
    sign_in: SignIn | None = None
    profile: Profile | None = None
    break_glass: BreakGlass | None = None
    rules: Annotated[tuple[Rule, ...], Field(min_length=1)] = Field(alias="rule")


class KBase(Source):
    """The KBase auth service: opaque tokens, shown to it for every answer that is not cached."""

    url: Text = Field(description="For instance https://kbase.us/services/auth/")
    require_mfa: bool = Field(False, description='Admit only logins with `mfa = "Used"`.')
    token_types: Annotated[tuple[Literal["Login", "Agent", "Developer", "Service"], ...], Field(min_length=1)] = (
        "Login",
        "Agent",
        "Developer",
        "Service",
    )
    cache_seconds: Annotated[int, Field(ge=0, le=3600)] = Field(
        300, description="How long a good answer is used; also how long a revoked token may go on working."
    )
    negative_cache_seconds: Annotated[int, Field(ge=0, le=300)] = 20
    timeout_seconds: Annotated[int, Field(ge=1, le=30)] = 5


class TrustFile(Shape):
    """policies/trust.toml: who is believed about whom."""

    version: Literal[1]
    issuers: tuple[Issuer, ...] = Field((), alias="issuer")
    kbase: Annotated[tuple[KBase, ...], Field(max_length=1)] = Field(
        (), description="At most one: an opaque token names no issuer, and is shown to one service only."
    )
