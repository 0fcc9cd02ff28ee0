"""An identity provider on loopback that we have not written: Authlib's authorization server and OpenID Connect grants, on Flask.

It stands for all four providers, each below its own path and in its own manner: Google and Microsoft with RS256, Microsoft with an issuer
for each tenant, Apple with ES256, a client secret that is a JWT and an answer as a form, GitHub without ID tokens. Keys are made as it
starts. A person of the site may bring trouble: other claims, forged tokens, an endpoint that errs.
"""

from __future__ import annotations

import base64
import hmac
import json
import os
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from html import escape
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from authlib.integrations.flask_oauth2 import AuthorizationServer
from authlib.oauth2 import OAuth2Error
from authlib.oauth2.rfc6749 import AuthorizationCodeMixin, ClientMixin, grants
from authlib.oauth2.rfc6749.errors import InvalidRequestError
from authlib.oauth2.rfc7636 import CodeChallenge
from authlib.oidc.core.grants import OpenIDCode
from flask import Flask, Response, request
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, KeySet, RSAKey
from werkzeug.serving import make_server

KINDS = ("google", "github", "microsoft", "apple")
TENANT = "72f988bf-86f1-41af-91ab-2d7cd011db47"
Trouble = Callable[["OpenIdProvider", dict[str, Any]], Response | tuple[str, int] | None]


@dataclass
class ProviderAccount:
    """Somebody with an account at the provider. `claims` go into the ID token over the provider's own; None takes one away. `token` may
    change the answer of the token endpoint, or give another."""

    subject: str = field(default_factory=lambda: secrets.token_hex(8))
    claims: dict[str, Any] = field(default_factory=dict)
    emails: list[dict[str, Any]] = field(default_factory=list)
    form: dict[str, str] = field(default_factory=dict)
    denies: bool = False
    token: Trouble | None = None
    tenant: str = TENANT

    @property
    def number(self) -> int:
        return int(self.subject, 16)


class OurClient(ClientMixin):  # type: ignore[misc]  # Authlib has no types
    def __init__(self, site: OpenIdProvider, kind: str) -> None:
        self.site, self.kind = site, kind
        self.client_id, self.secret = f"client-of-{kind}", secrets.token_urlsafe(24)

    @property
    def id_token_signed_response_alg(self) -> str:
        return "ES256" if self.kind == "apple" else "RS256"

    def get_client_id(self) -> str:
        return self.client_id

    def get_default_redirect_uri(self) -> None:
        return None

    def get_allowed_scope(self, scope: str) -> str:
        return scope

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        return redirect_uri == f"{self.site.client_url}/v1/auth/providers/{self.kind}/callback"

    def check_client_secret(self, client_secret: str) -> bool:
        if self.kind != "apple":
            return secrets.compare_digest(client_secret, self.secret)
        try:
            token = jwt.decode(client_secret, self.site.team_key, algorithms=["ES256"])
            claims = jwt.JWTClaimsRegistry(
                iss={"essential": True, "value": "TEAM"},
                sub={"essential": True, "value": self.client_id},
                aud={"essential": True, "value": self.site.issuer("apple")},
                exp={"essential": True},
            )
            claims.validate(token.claims)
        except JoseError:
            return False
        return bool(token.header["kid"] == "KEYID" and token.claims["exp"] - token.claims["iat"] < 15777000)  # six months, as Apple says

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        return method in ("client_secret_basic", "client_secret_post")

    def check_response_type(self, response_type: str) -> bool:
        return response_type == "code"

    def check_grant_type(self, grant_type: str) -> bool:
        return grant_type in ("authorization_code", "refresh_token")


@dataclass
class AuthorizationCode(AuthorizationCodeMixin):  # type: ignore[misc]  # Authlib has no types
    code: str
    kind: str
    account: ProviderAccount
    redirect_uri: str
    scope: str
    nonce: str | None
    code_challenge: str
    code_challenge_method: str

    def get_redirect_uri(self) -> str:
        return self.redirect_uri

    def get_scope(self) -> str:
        return self.scope

    def get_nonce(self) -> str | None:
        return self.nonce

    def get_auth_time(self) -> None:
        return None

    get_acr = get_amr = get_auth_time


class OnlyS256(CodeChallenge):  # type: ignore[misc]  # Authlib has no types
    """PKCE for confidential clients too (RFC 9700), and without `plain`."""

    SUPPORTED_CODE_CHALLENGE_METHOD = ["S256"]

    def validate_code_challenge(self, grant: Any, redirect_uri: str) -> None:
        data = grant.request.payload.data
        if not data.get("code_challenge") or data.get("code_challenge_method") != "S256":
            raise InvalidRequestError("PKCE with S256 is asked for here.")
        super().validate_code_challenge(grant, redirect_uri)


class OpenIdProvider:
    """The provider, and what its people and clients are. `with Site(...)` serves it."""

    def __init__(self, client_url: str) -> None:
        os.environ["AUTHLIB_INSECURE_TRANSPORT"] = "1"  # loopback
        self.client_url = client_url
        self.accounts: dict[str, ProviderAccount] = {}
        self.clients = {f"client-of-{kind}": OurClient(self, kind) for kind in KINDS}
        self.codes: dict[str, AuthorizationCode] = {}
        self.tokens: dict[str, ProviderAccount] = {}
        self.requests: list[str] = []
        self.team_key = ECKey.generate_key("P-256")
        self.rotate()
        self.server = make_server("127.0.0.1", 0, self._app(), threaded=True)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self._thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self.server.shutdown()
        self.server.server_close()

    def rotate(self) -> None:
        """New keys, with new names; the old ones are published no more."""
        number = secrets.token_hex(4)
        self.rsa = RSAKey.generate_key(2048, {"kid": f"rsa-{number}", "use": "sig", "alg": "RS256"})
        self.ec = ECKey.generate_key("P-256", {"kid": f"ec-{number}", "use": "sig", "alg": "ES256"})

    def key(self, kind: str) -> RSAKey | ECKey:
        return self.ec if kind == "apple" else self.rsa

    def issuer(self, kind: str, tenant: str = TENANT) -> str:
        return f"{self.url}/{kind}/{tenant}/v2.0" if kind == "microsoft" else f"{self.url}/{kind}"

    def settings(self, **changed: dict[str, Any]) -> str:
        """OAUTH_PROVIDERS, with all four at this address."""
        made: dict[str, dict[str, Any]] = {}
        for kind in KINDS:
            client = self.clients[f"client-of-{kind}"]
            at = f"{self.url}/{kind}"
            made[kind] = {
                "trusted_domains": ["people.test"],  # an own server, for the people of the house
                "client_id": client.client_id,
                "client_secret": client.secret,
                "authorization": f"{at}/authorize",
                "token": f"{at}/token",
            }
            if kind == "github":
                made[kind] |= {"userinfo": f"{at}/user", "emails": f"{at}/user/emails"}
            else:
                made[kind] |= {"jwks": f"{at}/jwks", "issuer": self.issuer(kind, "{tenantid}")}
        made["apple"] |= {"team_id": "TEAM", "key_id": "KEYID", "private_key": self.team_key.as_pem(private=True).decode()}
        for kind, terms in changed.items():
            made[kind] |= terms
        return json.dumps(made)

    # --- how tokens are forged ----------------------------------------------------------------------------------------------------------

    def signed(self, claims: dict[str, Any], kind: str, key: Any = None, **header: Any) -> str:
        """A token with these claims, by the provider's key or another."""
        by = key or self.key(kind)
        jose_header = {"alg": "ES256" if isinstance(by, ECKey) else "RS256", "kid": self.key(kind).kid} | header
        return jwt.encode(
            {name: value for name, value in jose_header.items() if value is not None}, claims, by, algorithms=[jose_header["alg"]]
        )

    def signed_with_public_key(self, claims: dict[str, Any], kind: str) -> str:
        """HS256, the password being the provider's public key as anybody can read it. By hand: no library of today does this."""
        header = {"alg": "HS256", "typ": "JWT", "kid": self.key(kind).kid}
        text = ".".join(_encoded(json.dumps(part).encode()) for part in (header, claims))
        return f"{text}.{_encoded(hmac.digest(self.key(kind).as_pem(private=False), text.encode(), 'sha256'))}"

    @staticmethod
    def claims(token: str) -> dict[str, Any]:
        body = token.split(".")[1]
        payload: dict[str, Any] = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
        return payload

    # --- the server ---------------------------------------------------------------------------------------------------------------------

    def _app(self) -> Flask:
        app = Flask("an identity provider")
        app.config["OAUTH2_REFRESH_TOKEN_GENERATOR"] = True
        server = AuthorizationServer(app, query_client=self.clients.get, save_token=self._save_token)
        server.register_grant(_grant(self), [_open_id(self), OnlyS256(required=True)])
        # A route is a function of Flask's; what they do is Authlib's.
        app.add_url_rule("/<kind>/authorize", "authorize", lambda kind: self._authorize(server, kind))
        app.add_url_rule("/<kind>/token", "token", lambda kind: self._token(server, kind), methods=["POST"])
        app.add_url_rule("/<kind>/jwks", "jwks", self._jwks)
        app.add_url_rule("/github/user", "user", self._user)
        app.add_url_rule("/github/user/emails", "emails", self._emails)
        app.add_url_rule("/forbidden", "forbidden", lambda: ({"message": "Resource not accessible by integration"}, 403))
        app.before_request(lambda: self.requests.append(request.path))
        return app

    def _authorize(self, server: Any, kind: str) -> Any:
        account = self.accounts[request.headers["x-account"]]
        try:
            grant = server.get_consent_grant(end_user=account)
        except OAuth2Error as error:
            return server.handle_error_response(None, error)
        answer = server.create_authorization_response(grant_user=None if account.denies else account, grant=grant)
        if request.args.get("response_mode") != "form_post":
            return answer
        action, _, query = answer.headers["location"].partition("?")
        fields = [*parse_qsl(query), *account.form.items()]
        inputs = "".join(f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">' for name, value in fields)
        return Response(f'<form method="post" action="{escape(action)}">{inputs}</form>', mimetype="text/html")

    def _token(self, server: Any, kind: str) -> Any:
        code = self.codes.get(request.form.get("code", ""))
        answer = server.create_token_response()
        if code is None:
            return answer
        if answer.status_code == 200 and code.account.token is not None:
            body = answer.get_json()
            other = code.account.token(self, body)
            return other if other is not None else Response(json.dumps(body), mimetype="application/json")
        return answer

    def _save_token(self, token: dict[str, Any], oauth_request: Any) -> None:
        self.tokens[token["access_token"]] = oauth_request.user

    def _jwks(self, kind: str) -> Any:
        key_set = KeySet([self.key(kind)]).as_dict(private=False)
        if kind == "microsoft":
            key_set = {"keys": [{**key, "issuer": self.issuer(kind, "{tenantid}")} for key in key_set["keys"]]}
        return key_set

    def _user(self) -> Any:
        account = self.tokens[request.headers["authorization"].removeprefix("Bearer ")]
        return {"id": account.number, "login": f"user{account.number % 1000}", "name": None, "email": "public@profile.test"}

    def _emails(self) -> Any:
        return Response(
            json.dumps(self.tokens[request.headers["authorization"].removeprefix("Bearer ")].emails), mimetype="application/json"
        )


def _grant(site: OpenIdProvider) -> Any:
    class Grant(grants.AuthorizationCodeGrant):  # type: ignore[misc]  # Authlib has no types
        TOKEN_ENDPOINT_AUTH_METHODS = ["client_secret_basic", "client_secret_post"]

        def save_authorization_code(self, code: str, oauth_request: Any) -> None:
            data, client = oauth_request.payload.data, oauth_request.client
            scope = f"openid {oauth_request.payload.scope}" if client.kind == "apple" else oauth_request.payload.scope
            site.codes[code] = AuthorizationCode(
                code, client.kind, oauth_request.user, data["redirect_uri"], scope, data.get("nonce"),
                data["code_challenge"], data["code_challenge_method"],
            )  # fmt: skip

        def query_authorization_code(self, code: str, client: Any) -> AuthorizationCode | None:
            authorization_code = site.codes.get(code)
            return authorization_code if authorization_code is not None and authorization_code.kind == client.kind else None

        def delete_authorization_code(self, authorization_code: AuthorizationCode) -> None:
            del site.codes[authorization_code.code]

        def authenticate_user(self, authorization_code: AuthorizationCode) -> ProviderAccount:
            return authorization_code.account

    return Grant


def _open_id(site: OpenIdProvider) -> Any:
    class OpenId(OpenIDCode):  # type: ignore[misc]  # Authlib has no types
        def exists_nonce(self, nonce: str, oauth_request: Any) -> bool:
            return any(code.nonce == nonce for code in site.codes.values())

        def resolve_client_private_key(self, client: OurClient) -> Any:
            return site.key(client.kind)

        def get_encode_header(self, client: OurClient) -> dict[str, Any]:
            return {"alg": client.id_token_signed_response_alg, "kid": site.key(client.kind).kid}

        def get_client_claims(self, client: OurClient) -> dict[str, Any]:
            return {"aud": client.client_id}

        def generate_user_info(self, user: ProviderAccount, scope: str) -> dict[str, Any]:
            kind = request.path.split("/")[1]
            own: dict[str, Any] = {"iss": site.issuer(kind, user.tenant), "sub": user.subject, "iat": int(time.time())}
            if kind == "microsoft":
                own |= {"tid": user.tenant, "ver": "2.0"}
            return {name: value for name, value in (own | user.claims).items() if value is not None}

    return OpenId()


def _encoded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


@cache
def start_openid_provider(client_url: str) -> OpenIdProvider:
    """The one site of this test process, which the functions in it log in with."""
    site = OpenIdProvider(client_url)
    os.environ["OAUTH_PROVIDERS"] = site.settings()
    return site


def query_of(url: str) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(url).query))
