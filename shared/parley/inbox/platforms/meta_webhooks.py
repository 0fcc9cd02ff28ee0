"""What webhooks of the Graph API have in common: the handshake and the signature.

Source: Meta, "Webhooks, Getting started": the signature is HMAC-SHA256 with the app secret over the bytes of the body as they were sent.
There is no timestamp in it and so no window against replays: only storing once protects.
"""

import hmac
from collections.abc import Mapping


def challenge(query: Mapping[str, str], verify_token: str) -> str | None:
    """The text that answers the handshake, or None when it is not for us."""
    offered = query.get("hub.verify_token", "")
    if query.get("hub.mode") != "subscribe" or not hmac.compare_digest(offered.encode(errors="surrogatepass"), verify_token.encode()):
        return None
    return query.get("hub.challenge") or None


def is_signed(body: bytes, header: str, secret: str) -> bool:
    """Whether `header` (`X-Hub-Signature-256`) is the signature of exactly these bytes."""
    scheme, _, offered = header.partition("=")
    expected = hmac.digest(secret.encode(), body, "sha256").hex()
    return scheme == "sha256" and hmac.compare_digest(offered.encode(errors="surrogatepass"), expected.encode())
