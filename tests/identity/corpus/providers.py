"""Groups 50 to 56: identity providers that fail or lie, and KBase."""

import time
from typing import Any

from tests.identity.corpus.case import Case, accepted, token
from tests.identity.world.kbase import ROLES, error
from tests.identity.world.world import BROKEN, World


def through(group: int, provider: str) -> Case:
    return token(group, provider, lambda world: world.token(provider), status=503)


def kbase(group: int, title: str, status: int, code: str = "", **story: Any) -> Case:
    """A KBase token with this story."""
    letters = "".join(character for character in f"{group}{title}".upper() if character.isalnum())
    opaque = f"KB{letters}"[:32].ljust(32, "Z")

    def make(world: World) -> str:
        changes = {name: value() if callable(value) else value for name, value in story.items()}
        return world.kbase.login(opaque, changes.pop("user", "alice"), **changes)

    if status == 200:
        return accepted(group, f"kbase-{title}", make, code)
    return token(group, f"kbase-{title}", make, status=status, code=code)


def in_ms(seconds: float) -> Any:
    return lambda: int((time.time() + seconds) * 1000)


_GROUPS = {
    "other-issuer": 51,
    "jwks-http": 52,
    "jwks-elsewhere": 52,
    "jwks-next-door": 52,
    "jwks-metadata": 52,
    "jwks-file-url": 52,
}
_HTML = "<html><body>401 Unauthorized</body></html>"

CASES = [
    *(through(_GROUPS.get(name, 50), name) for name in BROKEN),
    token(53, "key-that-was-never-there", lambda world: world.token(signer=world.other)),
    token(54, "kbase-unknown-token", lambda _world: "NOSUCHTOKENNOSUCHTOKENNOSUCHTOKE"),
    kbase(54, "ok", 200, "alice"),
    kbase(54, "agent-token", 200, "alice", type="Agent"),
    kbase(54, "expired", 401, "expired_token", expires=in_ms(-1)),
    kbase(54, "expired-long-ago", 401, "expired_token", expires=0),
    kbase(
        54,
        "revoked",
        401,
        answers=(401, '{"error": {"appcode": 10020, "apperror": "Invalid token"}}', "application/json"),
    ),
    kbase(54, "illegal", 401, answers=(400, '{"error": {"appcode": 30001}}', "application/json")),
    kbase(55, "lost-the-role", 403, customroles=["OTHER"]),
    kbase(55, "no-roles", 403, customroles=[]),
    kbase(55, "roles-left-out", 403, customroles=None),
    kbase(55, "admin-without-the-required-role", 403, customroles=["KBASE_ADMIN"]),
    kbase(55, "role-in-other-case", 403, customroles=["berdl_user"]),
    kbase(55, "disabled", 403, answers=(403, '{"error": {"appcode": 20010}}', "application/json")),
    kbase(55, "mfa-missing", 403, mfa="NotUsed"),
    kbase(55, "mfa-unknown", 403, mfa="Unknown"),
    kbase(55, "mfa-left-out", 403, mfa=None),
    kbase(55, "mfa-in-other-case", 403, mfa="used"),
    kbase(55, "developer-token", 403, type="Developer"),
    kbase(55, "no-type", 403, type=None),
    kbase(55, "renamed-to-an-unusable-name", 403, "invalid_name", user="alice__x"),
    kbase(55, "name-with-trailing-underscore", 403, "invalid_name", user="alice_"),
    kbase(55, "name-of-65", 403, "invalid_name", user="a" * 65),
    kbase(55, "name-in-capitals", 403, "invalid_name", user="Alice"),
    kbase(55, "name-in-anothers-space", 403, "invalid_name", user="twin-alice"),
    kbase(55, "name-of-a-workload", 403, "invalid_name", user="nightly"),
    kbase(55, "underscore-inside", 200, "alice_x", user="alice_x"),
    kbase(56, "answers-are-about-two-users", 503, me="bob"),
    kbase(56, "no-user", 503, user=None, me="alice"),
    kbase(56, "user-is-a-number", 503, user=7, me=7),
    kbase(56, "no-expiry", 503, expires=None),
    kbase(56, "expiry-text", 503, expires="tomorrow"),
    kbase(56, "expiry-negative", 503, expires=-1),
    kbase(56, "roles-text", 503, customroles="BERDL_USER"),
    kbase(56, "roles-with-a-number", 503, customroles=[*ROLES, 7]),
    kbase(56, "500", 503, answers=(500, str(error(500, 0, "broken")), "application/json")),
    kbase(56, "500-html", 503, answers=(500, _HTML, "text/html")),
    kbase(56, "200-html", 503, answers=(200, _HTML, "text/html")),
    kbase(56, "401-html", 503, answers=(401, _HTML, "text/html")),
    kbase(56, "403-html", 503, answers=(403, _HTML, "text/html")),
    kbase(56, "401-without-error", 503, answers=(401, "{}", "application/json")),
    kbase(56, "404", 503, answers=(404, '{"error": {}}', "application/json")),
    kbase(56, "429", 503, answers=(429, '{"error": {}}', "application/json")),
    kbase(56, "empty", 503, answers=(200, "", "application/json")),
    kbase(56, "array", 503, answers=(200, "[]", "application/json")),
    kbase(56, "member-twice", 503, answers=(200, '{"user": "alice", "user": "bob", "expires": 1}', "application/json")),
    kbase(56, "huge", 503, answers=(200, '{"user": "' + "x" * 600_000 + '"}', "application/json")),
    kbase(56, "slow", 503, delay=3.0),
]
