"""The KBase emulator answers like the real service, and can be told to fail like it."""

from typing import Any

import httpx2
import pytest

from vendor.dev.kbase import KBase


def ask(kbase: KBase, path: str, token: str | None = None, timeout: float = 5) -> httpx2.Response:
    with httpx2.Client(trust_env=False, timeout=timeout) as web:
        return web.get(kbase.url + path, headers={} if token is None else {"authorization": token})


def appcode(answer: httpx2.Response) -> tuple[int, Any]:
    return answer.status_code, answer.json()["error"].get("appcode")


def test_it_says_what_it_is(kbase: KBase) -> None:
    assert ask(kbase, "").json()["servicename"] == "Authentication Service"


def test_a_token_tells_its_user_its_end_and_its_mfa(kbase: KBase) -> None:
    known = ask(kbase, "api/V2/token", kbase.token("alice")).json()
    assert known["user"] == "alice"
    assert known["mfa"] == "Used"
    assert known["type"] == "Login"
    assert known["expires"] - known["created"] == 14 * 24 * 3600 * 1000


def test_me_tells_roles(kbase: KBase) -> None:
    me = ask(kbase, "api/V2/me", kbase.token("carol")).json()
    assert me["user"] == "carol"
    assert me["display"] == "Carol Clark"
    assert me["customroles"] == ["BERDL_USER", "CDM_JUPYTERHUB_ADMIN"]


def test_users_tells_display_names_of_those_it_knows(kbase: KBase) -> None:
    answer = ask(kbase, "api/V2/users/?list=alice,zed,bob", kbase.token("alice"))
    assert answer.json() == {"alice": "Alice Adams", "bob": "Bob Brown"}


@pytest.mark.parametrize(
    ("token", "path", "expected"),
    [
        pytest.param(None, "api/V2/me", (400, 10010), id="no-token"),
        pytest.param("", "api/V2/me", (400, 10010), id="empty-token"),
        pytest.param("UNKNOWN", "api/V2/me", (401, 10020), id="unknown-token"),
        pytest.param("UNKNOWN", "api/V2/token", (401, 10020), id="unknown-token-at-token"),
        pytest.param("UNKNOWN", "api/V2/users/?list=alice", (401, 10020), id="unknown-token-at-users"),
        pytest.param("alice", "api/V2/users/?list=Alice!", (400, 30010), id="illegal-user-name"),
        pytest.param("alice", "api/V2/nothing", (404, None), id="no-such-route"),
        pytest.param("Bearer alice", "api/V2/me", (401, 10020), id="bearer-is-not-understood"),
    ],
)
def test_refusals(kbase: KBase, token: str | None, path: str, expected: tuple[int, int | None]) -> None:
    given = token.replace("alice", kbase.token("alice")) if token else token
    assert appcode(ask(kbase, path, given)) == expected


def test_a_revoked_token_is_invalid_at_once(kbase: KBase) -> None:
    token = kbase.issue("bob")
    assert ask(kbase, "api/V2/me", token).status_code == 200
    kbase.revoke(token)
    assert appcode(ask(kbase, "api/V2/me", token)) == (401, 10020)


def test_a_token_ends(kbase: KBase) -> None:
    assert appcode(ask(kbase, "api/V2/token", kbase.issue("bob", seconds=-1))) == (401, 10020)


def test_users_roles_mfa_and_kind_can_be_changed(kbase: KBase) -> None:
    kbase.add_user("dora_the_2nd", ["BERDL_USER"], "Dora")
    token = kbase.issue("dora_the_2nd", mfa="NotUsed", kind="Agent")
    known = ask(kbase, "api/V2/token", token).json()
    assert (known["mfa"], known["type"]) == ("NotUsed", "Agent")
    kbase.set_roles("dora_the_2nd", [])
    assert ask(kbase, "api/V2/me", token).json()["customroles"] == []
    kbase.reset()
    assert ask(kbase, "api/V2/token", token).status_code == 401
    assert ask(kbase, "api/V2/token", kbase.token("alice")).status_code == 200


def test_faults(kbase: KBase) -> None:
    token = kbase.token("alice")
    kbase.break_down("500")
    assert appcode(ask(kbase, "api/V2/me", token)) == (500, None)
    kbase.break_down("html")
    broken = ask(kbase, "api/V2/me", token)
    assert (broken.status_code, broken.headers["content-type"]) == (502, "text/html; charset=utf-8")
    kbase.break_down("nonsense")
    assert ask(kbase, "api/V2/me", token).text == "Under maintenance"
    kbase.break_down("huge")
    assert len(ask(kbase, "api/V2/me", token).content) > 4_000_000
    kbase.break_down(delay=30)
    with pytest.raises(httpx2.ReadTimeout):
        ask(kbase, "api/V2/me", token, timeout=0.3)
    kbase.recover()
    assert ask(kbase, "api/V2/me", token).status_code == 200


def test_its_log_holds_no_token(kbase: KBase) -> None:
    ask(kbase, "api/V2/me", kbase.token("alice"))
    assert kbase.token("alice") not in kbase.child.log.read_text()
