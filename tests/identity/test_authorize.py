"""The authorizer: whom it lets in, and the attacks it refuses."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from parley.kernel.ids import new_id
from tests.harness import Client, Member, World


def encoded(part: Any) -> str:
    raw = part if isinstance(part, bytes) else json.dumps(part).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def claims_of(token: str, **changes: Any) -> dict[str, Any]:
    claims: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
    return {name: value for name, value in (claims | changes).items() if value is not None}


def test_a_member_is_let_in_and_known(acme: Member) -> None:
    answer = acme.get("/v1/identity/me")
    assert answer.status == 200
    assert (answer.body["user_id"], answer.body["role"], answer.body["scopes"]) == (str(acme.user_id), "OWNER", ["*"])
    assert answer.body["organization"]["id"] == str(acme.organization_id)


def test_without_a_token_nobody_is(stranger: Client) -> None:
    answer = stranger.get("/v1/identity/me")
    assert (answer.status, answer.body) == (401, {"message": "Unauthorized"})


def test_a_role_brings_its_scopes(acme: Member) -> None:
    viewer = acme.as_role("VIEWER").get("/v1/identity/me").body
    assert "bookings:read" in viewer["scopes"] and not [scope for scope in viewer["scopes"] if scope.endswith(":write")]


def test_who_is_no_member_is_refused_whatever_the_token_says(acme: Member, globex: Member, world: World) -> None:
    answer = world.member(acme.organization_id, globex.user_id, "OWNER").get("/v1/identity/me")
    assert (answer.status, answer.body["code"]) == (403, "not_a_member")


def hmac_with_the_public_key(token: str) -> str:
    """Signed with what everybody knows: the attack on verifiers that let the token choose its algorithm."""
    key = jwt.PyJWK(json.loads(os.environ["TOKEN_JWKS"])["keys"][0]).key
    pem = key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    header = {"alg": "HS256", "kid": jwt.get_unverified_header(token)["kid"], "typ": "JWT"}
    signing_input = f"{encoded(header)}.{encoded(claims_of(token))}"
    return f"{signing_input}.{encoded(hmac.digest(pem, signing_input.encode(), hashlib.sha256))}"


def unsigned(token: str) -> str:
    return f"{encoded({'alg': 'none', 'kid': jwt.get_unverified_header(token)['kid']})}.{encoded(claims_of(token))}."


def with_another_key(token: str) -> str:
    return jwt.encode(claims_of(token), ec.generate_private_key(ec.SECP256R1()), "ES256", jwt.get_unverified_header(token))


def with_an_embedded_key(token: str) -> str:
    mine = ec.generate_private_key(ec.SECP256R1())
    public = json.loads(jwt.algorithms.ECAlgorithm.to_jwk(mine.public_key()))
    return jwt.encode(claims_of(token), mine, "ES256", {"jwk": public, "kid": "mine"})


def with_a_changed_claim(token: str) -> str:
    header, _, signature = token.split(".")
    return f"{header}.{encoded(claims_of(token, organization_id=str(new_id())))}.{signature}"


@pytest.mark.parametrize(
    "attack",
    [
        unsigned,
        hmac_with_the_public_key,
        with_another_key,
        with_an_embedded_key,
        with_a_changed_claim,
        lambda token: token[:-5],
        lambda token: token.rsplit(".", 1)[0] + ".",
        lambda token: "." * 5,
        lambda token: "x" * 100_00,
        lambda token: token.replace(".", "\x00", 1),
        lambda token: encoded(b"[" * 1500) + ".e30.",
        lambda token: "",
    ],
)
def test_a_forged_token_is_refused(world: World, acme: Member, attack: Callable[[str], str]) -> None:
    assert acme.token is not None
    event = {"identitySource": [f"Bearer {attack(acme.token)}"], "requestContext": {}}
    assert world.invoke("identity/authorize", event) == {"isAuthorized": False}


@pytest.mark.parametrize("scheme", ["Basic", "bearer\t", "", "Token"])
def test_another_scheme_is_refused(world: World, acme: Member, scheme: str) -> None:
    event = {"identitySource": [f"{scheme} {acme.token}"], "requestContext": {}}
    assert world.invoke("identity/authorize", event) == {"isAuthorized": False}


def test_a_token_is_valid_for_its_time_for_us_and_from_us(world: World, acme: Member, monkeypatch: pytest.MonkeyPatch) -> None:
    now = datetime.now(UTC)

    def let_in(**changes: Any) -> bool:
        token = world.token(acme.organization_id, acme.user_id, changes.pop("role", "OWNER"), **changes)
        event = {"identitySource": [f"Bearer {token}"], "requestContext": {}}
        return bool(world.invoke("identity/authorize", event)["isAuthorized"])

    assert let_in()
    assert not let_in(now=now - timedelta(minutes=16))
    assert not let_in(now=now + timedelta(minutes=5))
    assert not let_in(role="EMPEROR")
    with monkeypatch.context() as other:
        other.setenv("TOKEN_ISSUER", "https://elsewhere.test")
        elsewhere = world.token(acme.organization_id, acme.user_id, "OWNER")
    with monkeypatch.context() as other:
        other.setenv("TOKEN_AUDIENCE", "another-product")
        foreign = world.token(acme.organization_id, acme.user_id, "OWNER")
    for token in (elsewhere, foreign):
        event = {"identitySource": [f"Bearer {token}"], "requestContext": {}}
        assert not world.invoke("identity/authorize", event)["isAuthorized"]


def test_what_a_client_writes_into_headers_makes_nobody_a_caller(stranger: Client, acme: Member) -> None:
    headers = {"x-organization-id": str(acme.organization_id), "x-amzn-request-context": '{"authorizer":{"lambda":{"role":"OWNER"}}}'}
    assert stranger.get("/v1/identity/me", headers=headers).status == 401
