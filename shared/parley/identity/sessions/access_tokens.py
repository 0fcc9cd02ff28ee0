"""Access tokens: ES256 JSON Web Tokens (RFC 7519, RFC 9068) signed by a KMS key, verified offline with the published key set (RFC 7517).

The key set comes in the setting TOKEN_JWKS, put there at deployment. A token names its key (`kid`, an RFC 7638 thumbprint), so a new key
and an old one are valid side by side while a rotation lasts.
"""

import base64
import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from uuid import UUID

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.hazmat.primitives.serialization import load_der_public_key

from parley.kernel.values.ids import new_id
from parley.kernel.values.settings import setting

ALGORITHM = "ES256"
TYPE = "at+jwt"
LIFE = timedelta(minutes=15)
# That the clocks of who signs and who verifies may differ by. Beyond five minutes KMS takes no request of a machine (Signature Version 4).
_LEEWAY_SECONDS = 30
_LONGEST = 4096
_COORDINATE_BYTES = 32


class InvalidToken(Exception):
    """The token is not ours, not for us, or its time is over."""


class ExpiredToken(InvalidToken):
    """The token was ours and for us, and its time is over."""


@dataclass(frozen=True, slots=True)
class Bearer:
    """Whom a valid token names, until when (seconds since 1970). Without an organization, a user who has not chosen one; without a
    session, a tool's."""

    organization_id: UUID | None
    user_id: UUID
    role: str | None
    session_id: UUID | None = None
    expires_at: int | None = None


def _encoded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def public_jwk(der: bytes) -> dict[str, str]:
    """The JSON Web Key of a P-256 public key in DER (as KMS returns it). Its `kid` is the thumbprint."""
    key = load_der_public_key(der)
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
        raise InvalidToken("A token signing key must be ECC_NIST_P256.")
    numbers = key.public_numbers()
    point = {
        "crv": "P-256",
        "kty": "EC",
        "x": _encoded(numbers.x.to_bytes(_COORDINATE_BYTES)),
        "y": _encoded(numbers.y.to_bytes(_COORDINATE_BYTES)),
    }
    thumbprint = _encoded(hashlib.sha256(json.dumps(point, separators=(",", ":"), sort_keys=True).encode()).digest())
    return point | {"kid": thumbprint, "alg": ALGORITHM, "use": "sig"}


def _is_canonical(token: str) -> bool:
    """Whether each part is written as we write it. The last digit of base64 has bits that count for nothing (RFC 4648, 3.5)."""
    return all(_encoded(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))) == part for part in token.split("."))


@cache
def _published(jwks: str) -> dict[str, jwt.PyJWK]:
    return {key["kid"]: jwt.PyJWK(key, algorithm=ALGORITHM) for key in json.loads(jwks)["keys"]}


def verify(token: str) -> Bearer:
    """Whom the token names. Raises `ExpiredToken`, `InvalidToken`. No network, no database."""
    try:
        if len(token) > _LONGEST:
            raise InvalidToken
        header = jwt.get_unverified_header(token)
        # RFC 9068, 2.1 and 4. Nothing else stands in a header of ours: no key, no address of one, nothing critical.
        if header.keys() != {"alg", "kid", "typ"} or (header["alg"], header["typ"]) != (ALGORITHM, TYPE) or not _is_canonical(token):
            raise InvalidToken
        claims = jwt.decode(
            token,
            _published(setting("TOKEN_JWKS"))[header["kid"]],
            algorithms=[ALGORITHM],
            audience=setting("TOKEN_AUDIENCE", "parley"),
            issuer=setting("TOKEN_ISSUER"),
            leeway=_LEEWAY_SECONDS,
            options={"require": ["exp", "iat", "nbf", "iss", "aud", "sub", "jti"]},
        )
        organization_id, session_id = claims.get("organization_id"), claims.get("sid")
        return Bearer(
            UUID(organization_id) if organization_id is not None else None,
            UUID(claims["sub"]),
            str(claims["role"]) if organization_id is not None else None,
            UUID(session_id) if session_id is not None else None,
            int(claims["exp"]),
        )
    except jwt.ExpiredSignatureError:  # looked at after the signature
        raise ExpiredToken("The time of this token is over.") from None
    except (jwt.PyJWTError, InvalidToken, KeyError, ValueError, TypeError, AttributeError, RecursionError):
        raise InvalidToken("This token is not valid here.") from None


def issue(sign: Callable[[bytes], bytes], kid: str, bearer: Bearer, now: datetime, life: timedelta = LIFE) -> str:
    """A token for a member. `sign` turns the signing input into an ECDSA signature in DER, as KMS does."""
    claims = {
        "iss": setting("TOKEN_ISSUER"),
        "aud": setting("TOKEN_AUDIENCE", "parley"),
        "sub": str(bearer.user_id),
        "iat": int(now.timestamp()),
        "nbf": int(now.timestamp()),
        "exp": int((now + life).timestamp()),
        "jti": str(new_id()),
    }
    if bearer.organization_id is not None:
        claims |= {"organization_id": str(bearer.organization_id), "role": str(bearer.role)}
    if bearer.session_id is not None:
        claims["sid"] = str(bearer.session_id)
    header = {"alg": ALGORITHM, "kid": kid, "typ": TYPE}
    signing_input = ".".join(_encoded(json.dumps(part, separators=(",", ":")).encode()) for part in (header, claims))
    r, s = utils.decode_dss_signature(sign(signing_input.encode()))
    return f"{signing_input}.{_encoded(r.to_bytes(_COORDINATE_BYTES) + s.to_bytes(_COORDINATE_BYTES))}"
