"""The authorizer: whom it lets in, and the attacks it refuses."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, utils

from local.emulator import ROOT
from parley.identity.roles.scopes import CATALOGUE, SCOPES
from parley.identity.sessions import token_signing_keys
from parley.kernel.persistence import transactions
from parley.kernel.values.ids import new_id
from tests.harness import Client, Member, World
from tests.kernel.postgres_proxy import wired


def encoded(part: Any) -> str:
    raw = part if isinstance(part, bytes) else json.dumps(part).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def claims_of(token: str, **changes: Any) -> dict[str, Any]:
    claims: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
    return {name: value for name, value in (claims | changes).items() if value is not None}


def authorizer_answer(world: World, header: str) -> dict[str, Any]:
    """What the authorizer answers to an Authorization header."""
    answer: dict[str, Any] = world.invoke("identity/authorize", {"identitySource": [header], "requestContext": {}})
    return answer


def nobody(reason: str) -> dict[str, Any]:
    """Let in without a name, for the function to refuse: nothing else is said of who asks."""
    return {"isAuthorized": True, "context": {"refused": reason}}


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
    private_key = ec.generate_private_key(ec.SECP256R1())
    public = json.loads(jwt.algorithms.ECAlgorithm.to_jwk(private_key.public_key()))
    return jwt.encode(claims_of(token), private_key, "ES256", {"jwk": public, "kid": "mine"})


def signed_by_us(header: Any, claims: Any) -> str:
    """What our key signs, whatever it is: as if somebody had come to use it, or a tool of ours went wrong."""
    signing_input = f"{encoded(header)}.{encoded(claims)}"
    der = token_signing_keys.sign(os.environ["TOKEN_KEY_ID"], signing_input.encode())
    r, s = utils.decode_dss_signature(der)
    return f"{signing_input}.{encoded(r.to_bytes(32) + s.to_bytes(32))}"


def header_of(token: str, **changes: Any) -> dict[str, Any]:
    return {name: value for name, value in (jwt.get_unverified_header(token) | changes).items() if value is not None}


def with_doubled_claims(token: str) -> str:
    """The header names two algorithms, and the claims two roles: JSON parsers do not agree which of them counts."""
    kid = jwt.get_unverified_header(token)["kid"]
    header = f'{{"alg":"ES256","alg":"none","kid":"{kid}","typ":"at+jwt"}}'.encode()
    return f"{encoded(header)}.{encoded(claims_of(token))}."


def with_spare_bits(token: str) -> str:
    """The last digit of base64 holds four bits that no decoder looks at: another text with the same signature."""
    digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    return token[:-1] + digits[digits.index(token[-1]) ^ 1]


def with_der(token: str) -> str:
    signing_input = token.rpartition(".")[0]
    return f"{signing_input}.{encoded(token_signing_keys.sign(os.environ['TOKEN_KEY_ID'], signing_input.encode()))}"


def with_a_psychic_signature(token: str) -> str:
    """r = s = 0, which verified for everything in some libraries (CVE-2022-21449)."""
    return f"{token.rpartition('.')[0]}.{encoded(bytes(64))}"


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
        with_doubled_claims,
        with_spare_bits,
        with_der,
        with_a_psychic_signature,
        lambda token: signed_by_us(header_of(token, typ="JWT"), claims_of(token)),
        lambda token: signed_by_us(header_of(token, typ=None), claims_of(token)),
        lambda token: signed_by_us(header_of(token, typ="at+jwt+x"), claims_of(token)),
        lambda token: signed_by_us(header_of(token, kid=None), claims_of(token)),
        lambda token: signed_by_us(header_of(token, kid="another"), claims_of(token)),
        lambda token: signed_by_us(header_of(token, kid="../../dev/null"), claims_of(token)),
        lambda token: signed_by_us(header_of(token, kid=["x"]), claims_of(token)),
        lambda token: signed_by_us(header_of(token, kid={"x": 1}), claims_of(token)),
        lambda token: signed_by_us(header_of(token, alg="none"), claims_of(token)),
        lambda token: signed_by_us(header_of(token, alg="es256"), claims_of(token)),
        lambda token: signed_by_us(header_of(token, alg="ES384"), claims_of(token)),
        lambda token: signed_by_us(header_of(token, crit=["exp"]), claims_of(token)),
        lambda token: signed_by_us(header_of(token, crit=[]), claims_of(token)),
        lambda token: signed_by_us(header_of(token, b64=False), claims_of(token)),
        lambda token: signed_by_us(header_of(token, jku="https://evil.example/jwks.json"), claims_of(token)),
        lambda token: signed_by_us(header_of(token, x5u="https://evil.example/x.pem"), claims_of(token)),
        lambda token: signed_by_us(header_of(token, zip="DEF"), claims_of(token)),
        lambda token: signed_by_us(header_of(token), claims_of(token, exp=None)),
        lambda token: signed_by_us(header_of(token), claims_of(token, exp="never")),
        lambda token: signed_by_us(header_of(token), claims_of(token, exp=1)),
        lambda token: signed_by_us(header_of(token), claims_of(token, exp=1e400)),
        lambda token: signed_by_us(header_of(token), claims_of(token, nbf=9999999999)),
        lambda token: signed_by_us(header_of(token), claims_of(token, iat=9999999999)),
        lambda token: signed_by_us(header_of(token), claims_of(token, nbf=None)),
        lambda token: signed_by_us(header_of(token), claims_of(token, aud=None)),
        lambda token: signed_by_us(header_of(token), claims_of(token, iss=None)),
        lambda token: signed_by_us(header_of(token), claims_of(token, sub=None)),
        lambda token: signed_by_us(header_of(token), claims_of(token, sub="'; DROP TABLE users; --")),
        lambda token: signed_by_us(header_of(token), claims_of(token, role="SYSTEM")),
        lambda token: signed_by_us(header_of(token), claims_of(token, role=["OWNER"])),
        lambda token: signed_by_us(header_of(token), claims_of(token, organization_id="*")),
        lambda token: signed_by_us(header_of(token), claims_of(token, sid="*")),
        lambda token: signed_by_us(header_of(token), claims_of(token, padding="x" * 4000)),
        lambda token: signed_by_us(header_of(token), [claims_of(token)]),
        lambda token: signed_by_us(header_of(token), b"null"),
        lambda token: signed_by_us([header_of(token)], claims_of(token)),
        lambda token: token + ".",
        lambda token: token + "=",
        lambda token: token.replace(".", "..", 1),
        lambda token: f"{token} {token}",
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
    answer = authorizer_answer(world, f"Bearer {attack(acme.token)}")
    assert answer in [nobody(reason) for reason in ("no_bearer_token", "invalid_token", "token_expired")]


@pytest.mark.parametrize("scheme", ["Basic", "bearer\t", "", "Token"])
def test_another_scheme_is_refused(world: World, acme: Member, scheme: str) -> None:
    assert authorizer_answer(world, f"{scheme} {acme.token}") == nobody("no_bearer_token")


def test_a_token_is_valid_for_its_time_for_us_and_from_us(world: World, acme: Member, monkeypatch: pytest.MonkeyPatch) -> None:
    now = datetime.now(UTC)

    def let_in(**changes: Any) -> bool:
        token = world.token(acme.organization_id, acme.user_id, changes.pop("role", "OWNER"), **changes)
        return bool(world.authorized(token))

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
    assert [world.authorized(token) for token in (elsewhere, foreign)] == [{}, {}]


def test_what_our_key_signs_in_our_form_is_valid(world: World, acme: Member) -> None:
    """The other way round: the attacks above fail for what they change."""
    token = str(acme.token)
    assert world.authorized(signed_by_us(header_of(token), claims_of(token)))["actor_id"] == str(acme.user_id)


def test_no_changed_character_of_a_token_goes_unseen(world: World, acme: Member) -> None:
    token = str(acme.token)
    for at, character in enumerate(token):
        other = "A" if character != "A" else "B"
        assert not world.authorized(token[:at] + other + token[at + 1 :]), at


def test_no_part_of_a_token_is_one(world: World, acme: Member) -> None:
    token = str(acme.token)
    assert not [length for length in range(1, len(token), 7) if world.authorized(token[:length]) or world.authorized(token[-length:])]


CONTEXT = {"actor_type": "USER", "role": "OWNER", "scopes": "*", "isAuthorized": "true"}


def spoken(member: Member) -> dict[str, str]:
    """Headers that say who asks, as gateways, proxies and load balancers write them."""
    ids = {"actor_id": str(member.user_id), "organization_id": str(member.organization_id)}
    context = json.dumps({"authorizer": {"lambda": CONTEXT | ids}})
    named = [f"x-amzn-{name}" for name in ("request-context", "authorizer", "oidc-data", "oidc-identity", "apigateway-authorizer")]
    plain = ["x-forwarded-user", "x-user-id", "x-organization-id", "x-tenant-id", "x-role", "remote-user", "x-remote-user", "x-scopes"]
    plain += ["x-actor-id", "parley-caller", "x-parley-caller", "parley.caller", "x-api-key", "cookie"]
    token = str(member.token)
    return dict.fromkeys(named, context) | {name: str(member.user_id) for name in plain} | {"x-authorization": f"Bearer {token}"}


def test_what_a_client_writes_into_headers_makes_nobody_a_caller(stranger: Client, acme: Member) -> None:
    for name, value in spoken(acme).items():
        assert stranger.get("/v1/identity/me", headers={name: value}).status == 401, name
    assert stranger.get(f"/v1/identity/me?token={acme.token}&authorization=Bearer%20{acme.token}").status == 401


def test_what_a_client_writes_makes_nobody_somebody_else(acme: Member, globex: Member) -> None:
    viewer = globex.as_role("VIEWER")
    plain = viewer.get("/v1/identity/me").body
    headers = {name: value for name, value in spoken(acme).items() if name != "x-authorization"}
    ids = {"actor_id": str(acme.user_id), "organization_id": str(acme.organization_id)}
    assert viewer.get("/v1/identity/me", headers=headers).body == plain
    body = {"requestContext": {"authorizer": {"lambda": CONTEXT | ids}}, "parley.caller": CONTEXT | ids}
    refused = viewer.request("POST", "/v1/scheduling/schedules", body, headers, CONTEXT | ids)
    assert (refused.status, refused.body["code"]) == (403, "missing_scope")


def test_a_token_ends_when_it_says_whatever_the_gateway_remembers(world: World, acme: Member, monkeypatch: pytest.MonkeyPatch) -> None:
    token = world.token(acme.organization_id, acme.user_id, "OWNER", life=timedelta(seconds=30))
    client = Client(world, token)
    assert client.get("/v1/identity/me").status == 200
    later = time.time() + 31
    monkeypatch.setattr(time, "time", lambda: later)
    refused = client.get("/v1/identity/me")
    assert (refused.status, refused.body["code"]) == (401, "token_expired")


def test_what_the_authorizer_says_fits_what_the_gateway_takes(world: World, acme: Member) -> None:
    keys = [str(acme.key(*permissions).token) for permissions in (("*",), tuple(sorted(CATALOGUE)))]
    for secret in [str(acme.as_role(role).token) for role in SCOPES if role != "OWNER"] + keys:
        context = world.authorized(secret)
        assert all(isinstance(value, str) for value in context.values())
        assert len(json.dumps(context)) < 8 * 1024


def loaded_by(module: str) -> set[str]:
    code = f"import sys; sys.path.insert(0, 'shared'); import {module}; print(*sys.modules)"
    surroundings = {"PATH": os.environ["PATH"], "AWS_DEFAULT_REGION": "eu-central-1"}
    return set(
        subprocess.run([sys.executable, "-c", code], env=surroundings, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    )


def test_a_token_asks_no_database_and_loads_no_driver(world: World, acme: Member) -> None:
    with wired() as wire:
        assert world.authorized(str(acme.token))
        assert wire.round_trips == 0
    assert not {"sqlalchemy", "pg8000", "pydantic", "parley.kernel.persistence.transactions"} & loaded_by("functions.identity.authorize")


def test_a_key_loads_the_driver_and_nothing_above_it() -> None:
    loaded = loaded_by("parley.identity.keys.api_key_lookup")
    assert "pg8000" in loaded and not {"sqlalchemy", "pydantic", "parley.identity.models"} & loaded


def test_a_connection_that_died_while_frozen_is_replaced(world: World, acme: Member) -> None:
    key = str(acme.key("schedules:read").token)
    assert world.authorized(key)
    with world.stack.postgres.superuser("parley") as superuser:
        superuser.run("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'parley_app'")
    assert world.authorized(key)


def test_many_threads_ask_for_many_keys(world: World, acme: Member, globex: Member) -> None:
    keys = [member.key("schedules:read") for member in (acme, globex) for _ in range(4)]
    with ThreadPoolExecutor(8) as pool:
        actor_ids = list(pool.map(lambda at: world.authorized(str(keys[at % 8].token))["actor_id"], range(80)))
    assert actor_ids == [str(keys[at % 8].id) for at in range(80)]


def test_a_database_that_is_away_stops_keys_and_no_tokens(world: World, acme: Member, monkeypatch: pytest.MonkeyPatch) -> None:
    key = str(acme.key("schedules:read").token)
    transactions.engine().dispose()
    monkeypatch.setenv("DATABASE_URL", "postgresql://parley_app:x@127.0.0.1:1/parley")
    try:
        assert world.authorized(str(acme.token))
        context = world.authorized(key)  # not a refusal: the gateway would remember that for a minute
        assert context.keys() == {"organization_id", "key_digest"} and key not in str(context)
    finally:
        transactions.engine().dispose()
