"""Write the answers that the document shows: `python -m tests.openapi.answers`, on a stack of its own.

Secrets are blanked, addresses are those of an example, and long lists are cut: what is left is still as the document
says, which a test looks at.
"""

import json
import re
import sys
from typing import Any, Final

import httpx2

from tests.openapi.sending import JSON, tried, with_examples
from vendor.dev.stack import Stack, running_stack
from vendor.doors.answers import FILE

LEFT_OUT: Final = {"getOpenApi", "getDocs", "getDocsStyle", "getMetrics"}
"""The document itself, pages, and what is for machines only."""
MOST: Final = 2
BLANK: Final = {
    "access_key_id": "ASIAEXAMPLE",
    "secret_access_key": "secret-of-the-example",
    "session_token": "token-of-the-example",
    "lease_token": "vlt_of_the_example",
    "access_token": "vlt_of_the_example",
    "AccessKeyId": "ASIAEXAMPLE",
    "SecretAccessKey": "secret-of-the-example",
    "SessionToken": "token-of-the-example",
    "Token": "token-of-the-example",
    "jws": "header.payload.signature-of-the-example",
    "s3.access-key-id": "ASIAEXAMPLE",
    "s3.secret-access-key": "secret-of-the-example",
    "s3.session-token": "token-of-the-example",
}
_ELEMENT: Final = re.compile(rf"<({'|'.join(name for name in BLANK if name.isalpha())})>[^<]*<")


def written(stack: Stack) -> dict[str, dict[str, Any]]:
    """Try all examples, and return what the document may show of their answers."""
    places = {
        stack.gateway.url: "https://vendor.example.org",
        stack.store.site.endpoint: "https://s3.example.org",
        stack.idp.issuer: "https://login.example.org",
        stack.kbase.url: "https://kbase.example.org",
    }
    found = {}
    for operation in with_examples():
        answer = tried(stack, operation)
        assert answer.is_success, (operation.id, answer.text)
        if answer.content and operation.id not in LEFT_OUT:
            found[operation.id] = {"status": answer.status_code, "body": _shown(answer, places)}
    return dict(sorted(found.items()))


def _shown(answer: httpx2.Response, places: dict[str, str]) -> Any:
    text = answer.text
    for place, shown in sorted(places.items(), key=lambda one: -len(one[0])):
        text = text.replace(place, shown)
    if answer.headers["content-type"].startswith(JSON):
        return blanked(json.loads(text))
    if answer.headers["content-type"].startswith("text/xml"):
        return _ELEMENT.sub(lambda found: f"<{found[1]}>{BLANK[found[1]]}<", text)
    return "".join(text.splitlines(keepends=True)[:MOST])


def blanked(value: Any) -> Any:
    """Blank secrets by the names of their members, and cut lists."""
    if isinstance(value, dict):
        return {
            name: BLANK[name] if name in BLANK and isinstance(one, str) else blanked(one) for name, one in value.items()
        }
    return [blanked(one) for one in value[:MOST]] if isinstance(value, list) else value


def main() -> None:
    """Start a stack, and write the file."""
    with running_stack() as stack:
        found = written(stack)
    FILE.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    sys.stdout.write(f"{FILE.name}: {len(found)} answers\n")


if __name__ == "__main__":
    main()
