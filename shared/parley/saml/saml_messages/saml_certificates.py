"""Certificates of identity providers, pinned by an administrator; and our own key pair, which signs requests.

A certificate is a carrier of a public key here: nobody's chain is asked. What has expired is refused all the same.
"""

import base64
import binascii
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from parley.kernel.values.clock import now
from parley.kernel.values.errors import Unprocessable

_LEAST_RSA_BITS = 2048
_OWN_BITS = 2048
_OWN_LIFE = timedelta(days=3650)
_CURVES = (ec.SECP256R1, ec.SECP384R1, ec.SECP521R1)


class UnusableCertificate(Unprocessable):
    """It can't be read, is not valid now, or its key is too weak."""


def read(written: str) -> str:
    """A certificate in PEM or base64, as base64 of its DER. Raises `UnusableCertificate`."""
    lines = (line.strip() for line in written.strip().splitlines())
    try:
        der = base64.b64decode("".join(line for line in lines if not line.startswith("-----")), validate=True)
        certificate = x509.load_der_x509_certificate(der)
        key = certificate.public_key()
    except (binascii.Error, ValueError, TypeError):
        raise UnusableCertificate("A certificate can't be read; send PEM, or the base64 of its DER.") from None
    if isinstance(key, rsa.RSAPublicKey):
        is_strong = key.key_size >= _LEAST_RSA_BITS
    else:
        is_strong = isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, _CURVES)
    if not is_strong:
        raise UnusableCertificate("The key of a certificate is too weak: RSA from 2048 bits on, or a curve of NIST from P-256 on.")
    if certificate.not_valid_after_utc <= now():
        raise UnusableCertificate("A certificate has expired; take the one that your identity provider signs with today.")
    return base64.b64encode(der).decode()


def opened(stored: str) -> x509.Certificate:
    return x509.load_der_x509_certificate(base64.b64decode(stored))


def fingerprint(stored: str) -> str:
    """SHA-256 of the DER in hexadecimal."""
    return opened(stored).fingerprint(hashes.SHA256()).hex()


def expires_at(stored: str) -> datetime:
    return opened(stored).not_valid_after_utc


def make_own(name: str) -> tuple[str, str]:
    """A new key pair of ours: the private key in PEM, and a self-signed certificate in base64 of its DER."""
    key = rsa.generate_private_key(65537, _OWN_BITS)
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now() - timedelta(minutes=5))
        .not_valid_after(now() + _OWN_LIFE)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return private.decode(), base64.b64encode(made.public_bytes(serialization.Encoding.DER)).decode()


def sign(private_key: str, message: bytes) -> bytes:
    """RSA-SHA256 (PKCS #1 v1.5), what every identity provider verifies."""
    key = serialization.load_pem_private_key(private_key.encode(), password=None)
    assert isinstance(key, rsa.RSAPrivateKey)
    return key.sign(message, padding.PKCS1v15(), hashes.SHA256())
