"""The token signing keys, in KMS: their public halves, and signatures."""

import base64
import json

from parley.identity.sessions.access_tokens import public_jwk
from parley.kernel.aws import aws_requests


def published(key_ids: list[str]) -> str:
    """The JSON Web Key Set of KMS keys, the signing one first."""
    keys = [aws_requests.call("kms", "GetPublicKey", {"KeyId": key_id}) for key_id in key_ids]
    return json.dumps({"keys": [public_jwk(base64.b64decode(key["PublicKey"])) for key in keys]}, separators=(",", ":"))


def sign(key_id: str, message: bytes) -> bytes:
    """An ECDSA signature over SHA-256 of the message, in DER."""
    answer = aws_requests.call(
        "kms",
        "Sign",
        {"KeyId": key_id, "Message": base64.b64encode(message).decode(), "MessageType": "RAW", "SigningAlgorithm": "ECDSA_SHA_256"},
    )
    return base64.b64decode(answer["Signature"])
