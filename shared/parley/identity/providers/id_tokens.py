"""ID tokens (OpenID Connect Core 1.0, 3.1.3.7): whose signature, for whom, from whom, when, and for which attempt."""

import base64
import hashlib
import hmac
import time
from typing import Any
from uuid import UUID

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from parley.identity.providers import provider_jwks
from parley.identity.providers.provider_settings import TENANT, LogInProvider
from parley.kernel.values.errors import Unauthenticated

ALGORITHMS = {"RS256": "RSA", "ES256": "EC"}
_LONGEST = 16384
_LEEWAY_SECONDS = 60
_OLDEST_SECONDS = 900
_LEAST_RSA_BITS = 2048
_REQUIRED = ["iss", "sub", "aud", "exp", "iat", "nonce"]


class InvalidIdToken(Unauthenticated):
    """The provider's ID token does not hold. `reason` is for the log."""

    def __init__(self, reason: str) -> None:
        super().__init__("The provider's answer could not be verified; start the log-in again.")
        self.reason = reason


def verify(provider: LogInProvider, token: Any, *, nonce: str, access_token: str) -> dict[str, Any]:
    """The token's claims. Raises `InvalidIdToken`, `provider_jwks.KeysUnavailable`."""
    if not isinstance(token, str) or not 0 < len(token) <= _LONGEST:
        raise InvalidIdToken("no_token")
    try:
        return _verified(provider, token, nonce, access_token)
    except jwt.PyJWTError as error:
        raise InvalidIdToken(type(error).__name__) from None
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise InvalidIdToken("malformed") from None


def _verified(provider: LogInProvider, token: str, nonce: str, access_token: str) -> dict[str, Any]:
    header = jwt.get_unverified_header(token)
    algorithm, kid = header.get("alg"), header.get("kid")
    # Before any key is looked at: what is signed with nothing, or with a public key as a password, is not asked about.
    if algorithm not in ALGORITHMS:
        raise InvalidIdToken("algorithm")
    if not isinstance(kid, str) or not 0 < len(kid) <= 200:
        raise InvalidIdToken("no_kid")
    jwk = provider_jwks.key(provider.jwks, kid)
    if jwk is None:
        raise InvalidIdToken("unknown_kid")
    claims: dict[str, Any] = jwt.decode(
        token,
        _public(jwk, algorithm),
        algorithms=[algorithm],
        audience=provider.client_id,
        leeway=_LEEWAY_SECONDS,
        options={"require": _REQUIRED, "strict_aud": False, "verify_iss": False},
    )
    _check_issuer(provider, claims, jwk)
    _check_parties(provider, claims)
    if not hmac.compare_digest(str(claims["nonce"]).encode(), nonce.encode()):
        raise InvalidIdToken("nonce")
    if time.time() - float(claims["iat"]) > _OLDEST_SECONDS:
        raise InvalidIdToken("too_old")
    _check_access_token(claims, access_token)
    subject = claims["sub"]
    if not isinstance(subject, str) or not 0 < len(subject) <= 255 or not subject.isascii() or not subject.isprintable():
        raise InvalidIdToken("subject")
    return claims


def _public(jwk: dict[str, Any], algorithm: str) -> jwt.PyJWK:
    if jwk.get("kty") != ALGORITHMS[algorithm] or jwk.get("use", "sig") != "sig" or jwk.get("alg", algorithm) != algorithm:
        raise InvalidIdToken("key_of_another_kind")
    made = jwt.PyJWK(jwk, algorithm=algorithm)
    public = made.key
    if isinstance(public, rsa.RSAPublicKey):
        is_strong = public.key_size >= _LEAST_RSA_BITS
    else:
        is_strong = isinstance(public, ec.EllipticCurvePublicKey) and isinstance(public.curve, ec.SECP256R1)
    if not is_strong:
        raise InvalidIdToken("weak_key")
    return made


def _check_issuer(provider: LogInProvider, claims: dict[str, Any], jwk: dict[str, Any]) -> None:
    """The issuer is one of the provider's. Microsoft's names the tenant: that of the token, for which its key must be good too.

    Source: Microsoft identity platform, "Secure applications and APIs by validating claims" and "Signing key issuer".
    """
    issuer = claims["iss"]
    allowed = provider.issuers
    if any(TENANT in template for template in allowed):
        tenant = str(UUID(claims["tid"]))
        if tenant != claims["tid"] or (_is_one_tenant(provider.tenant) and tenant != provider.tenant):
            raise InvalidIdToken("tenant")
        allowed = tuple(template.replace(TENANT, tenant) for template in allowed)
        signs_for = jwk.get("issuer")
        if signs_for is not None and str(signs_for).replace(TENANT, tenant) != issuer:
            raise InvalidIdToken("key_of_another_issuer")
    if issuer not in allowed:
        raise InvalidIdToken("issuer")


def _is_one_tenant(tenant: str) -> bool:
    try:
        return bool(UUID(tenant))
    except ValueError:
        return False


def _check_parties(provider: LogInProvider, claims: dict[str, Any]) -> None:
    """For us, and for nobody else besides: an audience that we don't know could have passed the token on."""
    audience = claims["aud"]
    if audience not in (provider.client_id, [provider.client_id]):
        raise InvalidIdToken("audience")
    if claims.get("azp", provider.client_id) != provider.client_id:
        raise InvalidIdToken("authorized_party")


def _check_access_token(claims: dict[str, Any], access_token: str) -> None:
    """`at_hash` (3.1.3.6), where it is there, is of the access token that came with it."""
    if "at_hash" not in claims:
        return
    half = hashlib.sha256(access_token.encode()).digest()[:16]
    if not hmac.compare_digest(str(claims["at_hash"]).encode(), base64.urlsafe_b64encode(half).rstrip(b"=")):
        raise InvalidIdToken("access_token")
