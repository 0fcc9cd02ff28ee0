"""What an identity provider's metadata says (saml-metadata-2.0-os, 2.4.3): who it is, where it takes requests, what it signs with."""

from dataclasses import dataclass

from parley.kernel.errors import Unprocessable
from parley.saml import addresses, certificates, xml
from parley.saml.names import METADATA, REDIRECT, SIGNATURE

_ENTITY = f"{{{METADATA}}}EntityDescriptor"
_PATH_TO_CERTIFICATE = (f"{{{SIGNATURE}}}KeyInfo", f"{{{SIGNATURE}}}X509Data", f"{{{SIGNATURE}}}X509Certificate")


class UnusableMetadata(Unprocessable):
    """The document describes no identity provider, or not enough of it."""


@dataclass(frozen=True, slots=True)
class IdentityProvider:
    entity_id: str
    sso_url: str
    certificates: list[str]


def read(document: str) -> IdentityProvider:
    """The identity provider of a metadata document. Its signature is not asked: an administrator vouches for it by sending it.

    Raises `UnusableMetadata`, `xml.UnsafeXml`, `certificates.UnusableCertificate`.
    """
    root = xml.read(document.encode(), drops_comments=True)
    if root.tag != _ENTITY:
        raise UnusableMetadata("The metadata must be one EntityDescriptor: that of your identity provider.")
    described = list(xml.children(root, f"{{{METADATA}}}IDPSSODescriptor"))
    if len(described) != 1 or not 0 < len(root.get("entityID", "")) <= 1024:
        raise UnusableMetadata("The metadata describes no identity provider: it needs an entityID and one IDPSSODescriptor.")
    services = xml.children(described[0], f"{{{METADATA}}}SingleSignOnService")
    urls = [service.get("Location", "") for service in services if service.get("Binding") == REDIRECT]
    if not urls or not addresses.is_web(urls[0]):
        raise UnusableMetadata("The metadata names no SingleSignOnService with the HTTP-Redirect binding and an https address.")
    return IdentityProvider(root.get("entityID"), urls[0], _usable(_signing(described[0])))


def _usable(written: list[str]) -> list[str]:
    """What can be verified with; while certificates roll over, one that has expired may still stand beside its successor."""
    found: list[str] = []
    unusable: certificates.UnusableCertificate | None = None
    for one in written:
        try:
            found.append(certificates.read(one))
        except certificates.UnusableCertificate as refusal:
            unusable = refusal
    if not found:
        raise unusable or UnusableMetadata("The metadata holds no certificate to verify signatures with.")
    return list(dict.fromkeys(found))


def _signing(described: xml.Element) -> list[str]:
    written: list[str] = []
    for key in xml.children(described, f"{{{METADATA}}}KeyDescriptor"):
        if key.get("use", "signing") == "signing":
            found = [key]
            for name in _PATH_TO_CERTIFICATE:
                found = [child for element in found for child in xml.children(element, name)]
            written += [xml.text(element) for element in found]
    return written
