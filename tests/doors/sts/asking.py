"""Asking the STS door by hand, and reading its XML."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import httpx2
from defusedxml import ElementTree

from vendor.dev.stack import Stack
from vendor.dev.store import KeyPair, s3_client

NAMESPACE = "{https://sts.amazonaws.com/doc/2011-06-15/}"
ASSUME = {"Action": "AssumeRoleWithWebIdentity", "Version": "2011-06-15"}
IDENTITY = {"Action": "GetCallerIdentity", "Version": "2011-06-15"}
ROLE = "arn:aws:iam::000000000000:role/vendor"
FORM = "application/x-www-form-urlencoded"
Pairs = Sequence[tuple[str, str]]


@dataclass
class Sts:
    """The STS door of one stack."""

    stack: Stack
    web: httpx2.Client = field(default_factory=lambda: httpx2.Client(trust_env=False, timeout=20))

    def token(self, user: str) -> str:
        return self.stack.tokens[user]

    def post(
        self, form: dict[str, str] | Pairs, query: dict[str, str] | Pairs = (), headers: dict[str, str] | None = None
    ) -> httpx2.Response:
        url = f"{self.stack.gateway.url}/?{urlencode(query)}" if query else f"{self.stack.gateway.url}/"
        body = urlencode(form)
        sent = {**({"content-type": FORM} if body else {}), **(headers or {})}
        return self.web.post(url, content=body.encode(), headers=sent)

    def assume(self, token: str, **parameters: str) -> dict[str, str]:
        """Assume a role, and return all texts of the answer by the names of their elements."""
        answer = self.post({**ASSUME, "WebIdentityToken": token, **parameters})
        assert answer.status_code == 200, answer.text
        return texts(answer)

    def refused(self, token: str, **parameters: str) -> tuple[int, str]:
        return refusal(self.post({**ASSUME, "WebIdentityToken": token, **parameters}))

    def s3(self, found: dict[str, str]) -> Any:
        keys = KeyPair(found["AccessKeyId"], found["SecretAccessKey"])
        return s3_client(self.stack.store.site.endpoint, keys, found["SessionToken"])


def texts(answer: httpx2.Response) -> dict[str, str]:
    """All elements in AWS's namespace; there are no others."""
    assert answer.headers["content-type"].startswith("text/xml")
    assert answer.headers["cache-control"] == "no-store"
    root = ElementTree.fromstring(answer.content)
    found = {}
    for element in root.iter():
        assert element.tag.startswith(NAMESPACE), element.tag
        found[element.tag.removeprefix(NAMESPACE)] = (element.text or "").strip()
    assert found["RequestId"] == answer.headers["x-request-id"]
    return found


def refusal(answer: httpx2.Response) -> tuple[int, str]:
    """Status and code of an answer that has to be a refusal in AWS's form."""
    found = texts(answer)
    assert next(iter(found)) == "ErrorResponse"
    assert found["Type"] == ("Sender" if answer.status_code < 500 else "Receiver")
    assert found["Message"]
    return answer.status_code, found["Code"]
