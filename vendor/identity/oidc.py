"""JWTs of one trusted issuer to principals: signature, claims, rules, in this order."""

from dataclasses import dataclass

from vendor.errors import VendError
from vendor.identity.assurance import assurance_of
from vendor.identity.claims import check_claims, refused
from vendor.identity.jws import UnverifiedToken, VerifiedClaims, verify
from vendor.identity.key_cache import KeyCache
from vendor.identity.names_owned import NameSpaces
from vendor.identity.observe import Observation
from vendor.identity.principal import Principal
from vendor.identity.rules import RuleVerdict, deciding_rule, judge, principal_by
from vendor.identity.trust_shape import Issuer, Rule


@dataclass(frozen=True, slots=True)
class Admission:
    """What became of a token whose claims hold, and what rules in audit mode would have made of it."""

    outcome: Principal | VendError
    observations: tuple[Observation, ...]

    def result(self) -> Principal:
        """Return the principal, or raise the refusal."""
        if isinstance(self.outcome, VendError):
            raise self.outcome
        return self.outcome


class OidcVerifier:
    """Verifies the tokens of one issuer."""

    def __init__(self, issuer: Issuer, *, keys: KeyCache, spaces: NameSpaces) -> None:
        self.entry = issuer
        self.keys = keys
        self._spaces = spaces

    async def verified(self, token: UnverifiedToken, now: float) -> VerifiedClaims:
        """Return the token's claims once signature and claims hold.  Raises InvalidToken, ExpiredToken and others."""
        check_algorithm(self.entry, token)
        key = await self.keys.find(token.kid)
        if key is None:
            raise refused("kid", "The token is signed with a key that its issuer does not publish.")
        claims = verify(token, key)
        check_claims(self.entry, token.typ, claims, now)
        return claims

    async def admit(self, token: UnverifiedToken, now: float) -> Admission:
        """Verify `token` and ask the rules about it.  Raises what `verified` raises."""
        claims = await self.verified(token, now)
        verdicts = judge(self.entry, claims)
        observations = tuple(self._observed(verdict, claims) for verdict in verdicts if verdict.rule.mode == "audit")
        try:
            outcome: Principal | VendError = self._principal(deciding_rule(verdicts), claims)
        except VendError as refusal:
            outcome = refusal
        return Admission(outcome, observations)

    def _principal(self, rule: Rule, claims: VerifiedClaims) -> Principal:
        return principal_by(self.entry, rule, claims, assurance_of(self.entry, claims), self._spaces)

    def _observed(self, verdict: RuleVerdict, claims: VerifiedClaims) -> Observation:
        name, rule, subject = self.entry.name, verdict.rule, str(claims["sub"])
        if not verdict.matched:
            return Observation(name, rule.name, subject, admitted=False, reason="; ".join(verdict.problems))
        try:
            principal = self._principal(rule, claims)
        except VendError as problem:
            return Observation(name, rule.name, subject, admitted=False, reason=problem.message)
        return Observation(name, rule.name, subject, admitted=True, principal=principal)


def check_algorithm(issuer: Issuer, token: UnverifiedToken) -> None:
    """The algorithm is one that the operator allows for this issuer, before any key is looked for."""
    if token.algorithm not in issuer.algorithms:
        raise refused("alg", "The token's algorithm is not one of those allowed for its issuer.")
