"""Secrets that are only compared: stored as a keyed hash (HMAC-SHA-256), shown once. `purpose` separates their uses."""

import base64
import hmac

from parley.kernel.values.settings import setting

_LEAST_KEY_BYTES = 32


def _mac(purpose: str, text: str) -> bytes:
    key = setting("PEPPER").encode()
    if len(key) < _LEAST_KEY_BYTES:
        raise LookupError(f"The setting PEPPER needs at least {_LEAST_KEY_BYTES} characters.")
    return hmac.digest(key, f"{purpose}\0{text}".encode(), "sha256")


def digest(purpose: str, secret: str) -> str:
    """What is stored for a secret: 64 hexadecimal digits."""
    return _mac(f"digest of {purpose}", secret).hex()


def derive(purpose: str, *parts: object) -> str:
    """A secret that can be made again from what it belongs to: 43 characters that are safe in a URL."""
    mac = _mac(f"derivation of {purpose}", "\0".join(str(part) for part in parts))
    return base64.urlsafe_b64encode(mac).rstrip(b"=").decode()
