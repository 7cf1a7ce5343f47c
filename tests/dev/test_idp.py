"""The OpenID provider signs its users in as a real one would."""

from typing import Any

import httpx2
import jwt
import pytest
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from vendor.dev.idp import CLIENT_ID, Idp

DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"


def form(idp: Idp, path: str, **fields: str) -> httpx2.Response:
    with httpx2.Client(trust_env=False) as web:
        return web.post(idp.issuer + path, data={"client_id": CLIENT_ID, **fields})


def verified(idp: Idp, token: str) -> dict[str, Any]:
    """Verify with the keys that the provider publishes."""
    with httpx2.Client(trust_env=False) as web:
        keys = jwt.PyJWKSet.from_dict(web.get(web.get(idp.discovery).json()["jwks_uri"]).json())
    key = keys[jwt.get_unverified_header(token)["kid"]]
    claims: dict[str, Any] = jwt.decode(token, key, algorithms=["RS256"], audience="vendor", issuer=idp.issuer)
    return claims


@pytest.mark.parametrize(("user", "admin"), [("alice", False), ("bob", False), ("carol", True)])
def test_a_ready_made_token_lasts_hours_and_carries_roles(idp: Idp, user: str, admin: bool) -> None:
    claims = verified(idp, idp.token(user))
    assert claims["sub"] == user
    assert ("ADMIN" in claims["roles"]) is admin
    assert claims["exp"] - claims["iat"] >= 2 * 3600


def test_a_token_can_be_made_that_is_over(idp: Idp) -> None:
    with pytest.raises(jwt.ExpiredSignatureError):
        verified(idp, idp.token("alice", minutes=-1))


def test_the_device_flow_with_a_person_who_approves(idp: Idp) -> None:
    started = idp.begin_device_flow()
    assert started["interval"] == 1
    poll = {"grant_type": DEVICE_GRANT, "device_code": started["device_code"]}
    assert form(idp, "/token", **poll).json()["error"] == "authorization_pending"

    idp.approve(started["user_code"], "alice")

    tokens = form(idp, "/token", **poll).json()
    assert verified(idp, tokens["access_token"])["sub"] == "alice"
    renewed = form(idp, "/token", grant_type="refresh_token", refresh_token=tokens["refresh_token"])
    assert verified(idp, renewed.json()["access_token"])["sub"] == "alice"
    assert form(idp, "/token", **poll).json()["error"] == "invalid_grant"


def test_the_device_flow_with_a_person_who_refuses(idp: Idp) -> None:
    started = idp.begin_device_flow()
    idp.approve(started["user_code"], "alice", approved=False)
    answer = form(idp, "/token", grant_type=DEVICE_GRANT, device_code=started["device_code"])
    assert answer.json()["error"] == "access_denied"


def test_a_wrong_password_approves_nothing(idp: Idp) -> None:
    started = idp.begin_device_flow()
    with pytest.raises(RuntimeError, match="did not take"):
        idp.approve(started["user_code"], "nobody")
    answer = form(idp, "/token", grant_type=DEVICE_GRANT, device_code=started["device_code"])
    assert answer.json()["error"] == "authorization_pending"


def test_nobody_mints_tokens_without_the_management_secret(idp: Idp) -> None:
    with httpx2.Client(trust_env=False) as web:
        assert web.post(f"{idp.issuer}/api/users/carol/token", json={}).status_code in {401, 403}


def test_a_script_can_sign_with_the_providers_key(idp: Idp) -> None:
    made = idp.token("alice")
    claims = {**verified(idp, made), "sub": "dave"}
    key = load_pem_private_key(idp.signing_key().encode(), None)
    forged = jwt.encode(claims, key, algorithm="RS256", headers={"kid": jwt.get_unverified_header(made)["kid"]})  # type: ignore[arg-type]  # an RSA key
    assert verified(idp, forged)["sub"] == "dave"


def test_keys_rotate_and_the_old_one_stays_published(idp: Idp) -> None:
    old, old_key = idp.token("alice"), idp.signing_key()
    idp.rotate_keys()
    new = idp.token("alice")
    assert jwt.get_unverified_header(old)["kid"] != jwt.get_unverified_header(new)["kid"]
    assert idp.signing_key() != old_key
    assert verified(idp, old)["sub"] == verified(idp, new)["sub"] == "alice"
