"""Devices that an account was logged in from: a token each, which proves that and opens nothing (OWASP, "device cookies").

Browsers keep it in a cookie that no script reads, programs send it in the header. It belongs to one address; who brings one is counted by
itself, so failures of strangers never keep a person out of what they used before. Nothing of it is stored.
"""

import hmac
import secrets
import time

from parley.kernel.values.secret_hashes import derive

COOKIE = "__Secure-parley_device"
HEADER = "parley-device"
LIFE_SECONDS = 180 * 24 * 60 * 60
_LONGEST = 200
_PURPOSE = "device"


def issue(address: str) -> str:
    """A token for a device on which the account with this address has been logged in to: `name.until.proof`."""
    name, until = secrets.token_urlsafe(16), str(int(time.time()) + LIFE_SECONDS)
    return f"{name}.{until}.{_proof(address, name, until)}"


def verified_name(token: str | None, address: str) -> str | None:
    """The name of the device whose token this is, if it is one for this address and not too old."""
    parts = (token or "").split(".")
    if len(parts) != 3 or len(token or "") > _LONGEST or not parts[1].isdecimal() or not (token or "").isascii():
        return None
    name, until, proof = parts
    is_right = hmac.compare_digest(proof.encode(), _proof(address, name, until).encode())
    return name if is_right and int(until) > time.time() else None


def _proof(address: str, name: str, until: str) -> str:
    return derive(_PURPOSE, address.strip().lower(), name, until)
