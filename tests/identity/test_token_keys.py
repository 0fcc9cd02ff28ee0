"""The published keys of access tokens, and how one follows another."""

from __future__ import annotations

import base64
import json
import os

import jwt
import pytest

from parley.identity.sessions import access_tokens, token_signing_keys
from parley.kernel.aws import aws_requests
from tests.harness import Client, World
from tests.identity.registered_users import person


def test_anybody_can_verify_a_token_with_the_published_keys(world: World, stranger: Client) -> None:
    ada = person(world)
    answer = stranger.get("/.well-known/jwks.json")
    assert answer.headers["cache-control"] == "public, max-age=300"
    (key,) = jwt.PyJWKSet.from_dict(answer.body).keys
    claims = jwt.decode(ada.token or "", key, algorithms=["ES256"], audience="parley", issuer=os.environ["TOKEN_ISSUER"])
    assert (claims["sub"], claims["exp"] - claims["iat"]) == (ada.tokens["user"]["id"], 900)
    assert jwt.get_unverified_header(ada.token or "")["kid"] == key.key_id
    assert not {"d", "p", "q"} & set(answer.body["keys"][0])


def test_while_keys_rotate_tokens_of_both_are_valid(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    ada = person(world)
    old_key, user_id = os.environ["TOKEN_KEY_ID"], ada.tokens["user"]["id"]
    made = aws_requests.call("kms", "CreateKey", {"KeySpec": "ECC_NIST_P256", "KeyUsage": "SIGN_VERIFY"})
    new_key = made["KeyMetadata"]["KeyId"]

    # 1: the new key is listed second. The old one signs; a token of the new one would be taken already.
    monkeypatch.setenv("TOKEN_JWKS", token_signing_keys.published([old_key, new_key]))
    ada.takes(ada.log_in())
    by_old = ada.token or ""
    # 2: first. It signs; tokens of the old one are taken until they run out.
    monkeypatch.setenv("TOKEN_JWKS", token_signing_keys.published([new_key, old_key]))
    monkeypatch.setenv("TOKEN_KEY_ID", new_key)
    ada.takes(ada.log_in())
    by_new = ada.token or ""
    assert jwt.get_unverified_header(by_old)["kid"] != jwt.get_unverified_header(by_new)["kid"]
    assert [str(access_tokens.verify(token).user_id) for token in (by_old, by_new)] == [user_id] * 2
    assert [Client(world, token).get("/v1/identity/me").status for token in (by_old, by_new)] == [200, 200]
    # 3: the old one is gone.
    monkeypatch.setenv("TOKEN_JWKS", token_signing_keys.published([new_key]))
    assert str(access_tokens.verify(by_new).user_id) == user_id
    with pytest.raises(access_tokens.InvalidToken):
        access_tokens.verify(by_old)


def test_a_deployment_says_which_key_signs(world: World) -> None:
    from local.template import load
    from tests.platform.call_graph import ROOT

    published = json.loads(os.environ["TOKEN_JWKS"])["keys"]
    der = base64.b64decode(aws_requests.call("kms", "GetPublicKey", {"KeyId": os.environ["TOKEN_KEY_ID"]})["PublicKey"])
    assert access_tokens.public_jwk(der) == published[0]
    assert load(ROOT / "template.yaml").resources["TokenKeys"].properties["KeyIds"]
