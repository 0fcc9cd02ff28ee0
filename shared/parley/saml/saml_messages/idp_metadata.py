"""What an identity provider's metadata says (saml-metadata-2.0-os, 2.4.3): who it is, where it takes requests, what it signs with."""

from dataclasses import dataclass

from parley.kernel.values.errors import Unprocessable
from parley.saml.saml_messages import safe_xml, saml_certificates, saml_endpoints
from parley.saml.saml_messages.saml_names import METADATA, REDIRECT, SIGNATURE

_ENTITY, _ENTITIES = f"{{{METADATA}}}EntityDescriptor", f"{{{METADATA}}}EntitiesDescriptor"
_IDP = f"{{{METADATA}}}IDPSSODescriptor"
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

    Raises `UnusableMetadata`, `safe_xml.UnsafeXml`, `saml_certificates.UnusableCertificate`.
    """
    root = _entity(safe_xml.read(document.encode(), drops_comments=True))
    described = list(safe_xml.children(root, _IDP))
    if len(described) != 1 or not 0 < len(root.get("entityID", "")) <= 1024:
        raise UnusableMetadata("The metadata describes no identity provider: it needs an entityID and one IDPSSODescriptor.")
    services = safe_xml.children(described[0], f"{{{METADATA}}}SingleSignOnService")
    urls = [service.get("Location", "") for service in services if service.get("Binding") == REDIRECT]
    if not urls or not saml_endpoints.is_web(urls[0]):
        raise UnusableMetadata("The metadata names no SingleSignOnService with the HTTP-Redirect binding and an https address.")
    return IdentityProvider(root.get("entityID"), urls[0], _usable(_signing(described[0])))


def _entity(root: safe_xml.Element) -> safe_xml.Element:
    """The one identity provider: the document itself, or the one in a list, or in lists of lists, of entities (2.3.1)."""
    if root.tag == _ENTITY:
        return root
    if root.tag != _ENTITIES:
        raise UnusableMetadata("The metadata must be an EntityDescriptor, or an EntitiesDescriptor with your identity provider in it.")
    listed = [entity for each in root.iter(_ENTITIES) for entity in safe_xml.children(each, _ENTITY)]
    providers = [entity for entity in listed if next(safe_xml.children(entity, _IDP), None) is not None]
    if len(providers) > 1:
        raise UnusableMetadata(
            f"The metadata describes {len(providers)} identity providers; send the EntityDescriptor of the one that is to be connected."
        )
    if not providers:
        raise UnusableMetadata("The metadata describes no identity provider: none of its entities has an IDPSSODescriptor.")
    return providers[0]


def _usable(written: list[str]) -> list[str]:
    """What can be verified with; while certificates roll over, one that has expired may still stand beside its successor."""
    certificates: list[str] = []
    unusable: saml_certificates.UnusableCertificate | None = None
    for certificate in written:
        try:
            certificates.append(saml_certificates.read(certificate))
        except saml_certificates.UnusableCertificate as refusal:
            unusable = refusal
    if not certificates:
        raise unusable or UnusableMetadata("The metadata holds no certificate to verify signatures with.")
    return list(dict.fromkeys(certificates))


def _signing(described: safe_xml.Element) -> list[str]:
    written: list[str] = []
    for key in safe_xml.children(described, f"{{{METADATA}}}KeyDescriptor"):
        if key.get("use", "signing") == "signing":
            elements = [key]
            for name in _PATH_TO_CERTIFICATE:
                elements = [child for element in elements for child in safe_xml.children(element, name)]
            written += [safe_xml.text(element) for element in elements]
    return written
