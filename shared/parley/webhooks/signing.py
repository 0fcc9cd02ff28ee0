"""Signatures of webhooks. Source: Standard Webhooks 1.0.0, symmetric (`v1`)."""

import base64
import binascii
import hmac
import os
from collections.abc import Sequence
from datetime import datetime

_PREFIX = "whsec_"
_KEY_BYTES = 32


def new_secret() -> str:
    """A secret to be shown once: `whsec_` and 32 random bytes in base64."""
    return _PREFIX + base64.b64encode(os.urandom(_KEY_BYTES)).decode()


def headers(secrets: Sequence[str], message_id: str, at: datetime, body: str) -> dict[str, str]:
    """The three headers of an attempt. While a secret is being replaced there are two, and each of them signs."""
    timestamp = str(int(at.timestamp()))
    signed = f"{message_id}.{timestamp}.{body}".encode()
    return {
        "webhook-id": message_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": " ".join(f"v1,{_signature(secret, signed)}" for secret in secrets),
    }


def _signature(secret: str, signed: bytes) -> str:
    key = binascii.a2b_base64(secret.removeprefix(_PREFIX))
    return base64.b64encode(hmac.digest(key, signed, "sha256")).decode()
