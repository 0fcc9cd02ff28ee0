"""An identity provider that shares no code with ours: pysaml2 reads metadata and requests and writes responses, libxmlsec1 signs them."""

from __future__ import annotations

import base64
import sys
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import parse_qs, urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from lxml import etree

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from saml2 import BINDING_HTTP_REDIRECT
    from saml2.config import IdPConfig
    from saml2.metadata import entity_descriptor
    from saml2.saml import NAMEID_FORMAT_EMAILADDRESS, NameID
    from saml2.server import Server

xmlsec: Any = import_module("xmlsec")  # its types leave out most of it

NS = {
    "samlp": "urn:oasis:names:tc:SAML:2.0:protocol",
    "saml": "urn:oasis:names:tc:SAML:2.0:assertion",
    "ds": "http://www.w3.org/2000/09/xmldsig#",
}
AUTHN = {"class_ref": "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport", "authn_auth": "https://idp.example/"}
EMAIL_ATTRIBUTE = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress"

Twist = Callable[[Any], None]
"""Changes the tree of a response, before or after it is signed."""


def key_pair(*, name: str = "idp", expired: bool = False, bits: int = 2048) -> tuple[str, str]:
    """Private key and certificate in PEM."""
    key = rsa.generate_private_key(65537, bits)
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    moment = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(moment - timedelta(days=10))
        .not_valid_after(moment + timedelta(days=-1 if expired else 365))
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return private.decode(), made.public_bytes(serialization.Encoding.PEM).decode()


@dataclass
class ReceivedAuthnRequest:
    """What an AuthnRequest of ours said, after pysaml2 has verified its signature."""

    id: str
    acs: str
    sp_entity_id: str
    relay_state: str


@dataclass
class IdentityProvider:
    entity_id: str = "https://idp.example/metadata"
    sso_url: str = "https://idp.example/sso"
    sp_metadata: str | None = None
    keys: tuple[str, str] = field(default_factory=key_pair)

    @property
    def certificate(self) -> str:
        return self.keys[1]

    def _config(self, folder: Path) -> IdPConfig:
        (folder / "key.pem").write_text(self.keys[0])
        (folder / "cert.pem").write_text(self.keys[1])
        config = {
            "entityid": self.entity_id,
            "xmlsec_binary": sys.executable,  # asked for at the start, and never run: libxmlsec1 is called as a library
            "key_file": str(folder / "key.pem"),
            "cert_file": str(folder / "cert.pem"),
            "service": {
                "idp": {
                    "endpoints": {"single_sign_on_service": [(self.sso_url, BINDING_HTTP_REDIRECT)]},
                    "policy": {"default": {"lifetime": {"minutes": 5}, "attribute_restrictions": None}},
                    "want_authn_requests_signed": True,
                }
            },
            "metadata": {"inline": [self.sp_metadata]} if self.sp_metadata else {},
        }
        return IdPConfig().load(config)

    @cached_property
    def server(self) -> Server:
        assert self.sp_metadata is not None
        with TemporaryDirectory() as folder:
            return Server(config=self._config(Path(folder)))

    def metadata(self) -> str:
        with TemporaryDirectory() as folder:
            config = self._config(Path(folder))
            config.xmlsec_binary = None  # it would be asked which algorithms it knows
            return str(entity_descriptor(config))

    def read(self, url: str) -> ReceivedAuthnRequest:
        """Our request, as pysaml2 understands it; it raises when the signature is wrong."""
        query = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
        request = self.server.parse_authn_request(
            query["SAMLRequest"], BINDING_HTTP_REDIRECT, query["RelayState"], query["SigAlg"], query["Signature"]
        )
        message = request.message
        return ReceivedAuthnRequest(message.id, message.assertion_consumer_service_url, message.issuer.text, query["RelayState"])

    def unsigned(self, authn_request: ReceivedAuthnRequest, email: str, name_id: str | None = None, **attributes: list[str]) -> Any:
        """The tree of a response that pysaml2 writes."""
        made = self.server.create_authn_response(
            {name.replace("__", ":"): values for name, values in attributes.items()},
            authn_request.id,
            authn_request.acs,
            authn_request.sp_entity_id,
            name_id=NameID(format=NAMEID_FORMAT_EMAILADDRESS, text=name_id or email),
            authn=AUTHN,
            sign_response=False,
            sign_assertion=False,
        )
        return etree.fromstring(str(made).encode())

    def sign(self, node: Any, keys: tuple[str, str] | None = None, *, digest: Any = None, method: Any = None) -> None:
        """An enveloped signature of a Response or an Assertion, where the schema wants it: after the Issuer."""
        private_key, certificate = keys or self.keys
        template = xmlsec.template.create(node, xmlsec.Transform.EXCL_C14N, method or xmlsec.Transform.RSA_SHA256, ns="ds")
        node.insert(1, template)
        reference = xmlsec.template.add_reference(template, digest or xmlsec.Transform.SHA256, uri=f"#{node.get('ID')}")
        xmlsec.template.add_transform(reference, xmlsec.Transform.ENVELOPED)
        xmlsec.template.add_transform(reference, xmlsec.Transform.EXCL_C14N)
        xmlsec.template.add_x509_data(xmlsec.template.ensure_key_info(template))
        context = xmlsec.SignatureContext()
        context.key = xmlsec.Key.from_memory(private_key, xmlsec.KeyFormat.PEM)
        context.key.load_cert_from_memory(certificate, xmlsec.KeyFormat.CERT_PEM)
        context.register_id(node, "ID")
        context.sign(template)

    def respond(
        self,
        authn_request: ReceivedAuthnRequest,
        email: str,
        *,
        name_id: str | None = None,
        before: Twist | None = None,
        after: Twist | None = None,
        signs: str = "assertion",
        **signing: Any,
    ) -> bytes:
        """A whole response. `before` changes it before it is signed, `after` afterwards; `signs`: assertion, response, both or nothing."""
        root = self.unsigned(authn_request, email, name_id)
        if before:
            before(root)
        if signs in ("assertion", "both"):
            self.sign(assertion(root), **signing)
        if signs in ("response", "both"):
            self.sign(root, **signing)
        if after:
            root = etree.fromstring(etree.tostring(root))  # lxml does not find by name what libxmlsec1 has put in
            after(root)
        return bytes(etree.tostring(root))


def assertion(root: Any) -> Any:
    return root.find(".//saml:Assertion", NS)


def encoded(document: bytes) -> str:
    return base64.b64encode(document).decode()
