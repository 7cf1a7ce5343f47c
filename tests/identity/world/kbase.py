"""A KBase auth service whose every token is a story: what is asked about it decides what happens."""

import asyncio
import time
from typing import Any

from aiohttp import web

from tests.identity.world.provider import Provider

ROLES = ["BERDL_USER"]
EXPIRES_IN = 3600


class FakeKBase:
    """Answers `api/V2/token` and `api/V2/me`; `logins` may be changed while it runs."""

    def __init__(self, provider: Provider, path: str = "/kbase/") -> None:
        self.provider = provider
        self.path = path
        self.url = provider.url + path
        self.broken: web.Response | None = None
        self.delay = 0.0
        self.asked: list[tuple[str, str]] = []
        self.logins: dict[str, dict[str, Any]] = {}
        provider.documents[path] = {"servicename": "Authentication Service"}
        provider.faults[path + "api/"] = self.answer

    def login(self, token: str, user: Any, **changes: Any) -> str:
        """Make `token` stand for `user`.  `changes` replace members of the two answers, `None` leaves them out."""
        self.logins[token] = {
            "user": user,
            "type": "Login",
            "expires": int((time.time() + EXPIRES_IN) * 1000),
            "cachefor": 300_000,
            "mfa": "Used",
            "display": f"The user {user}",
            "email": f"{user}@example.org",
            "customroles": ROLES,
            **changes,
        }
        return token

    async def answer(self, request: web.Request) -> web.StreamResponse:
        token = request.headers.get("Authorization", "")
        self.asked.append((request.path.removeprefix(self.path), token))
        story = self.logins.get(token, {})
        if delay := max(self.delay, story.get("delay", 0.0)):
            await asyncio.sleep(delay)
        if "answers" in story:
            status, text, kind = story["answers"]
            return web.Response(status=status, text=text, content_type=kind)
        if not story:
            return web.json_response(error(401, 10020, "Invalid token"), status=401)
        names = (
            ("user", "type", "expires", "cachefor", "mfa")
            if request.path.endswith("/token")
            else ("user", "display", "email", "customroles")
        )
        answer = {name: story[name] for name in names if story[name] is not None}
        if request.path.endswith("/me") and "me" in story:
            answer["user"] = story["me"]
        return web.json_response(answer)


def error(status: int, code: int, text: str) -> dict[str, object]:
    """An error as KBase writes it."""
    return {"error": {"httpcode": status, "httpstatus": "x", "appcode": code, "apperror": text, "message": text}}
