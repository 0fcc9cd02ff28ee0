"""What we say to an identity provider: our metadata, and requests in the HTTP-Redirect binding. Written as text: nothing is parsed here.

Sources: saml-metadata-2.0-os 2.4.4; saml-core-2.0-os 3.4.1; saml-bindings-2.0-os 3.4.4.
"""

import base64
import zlib
from collections.abc import Callable
from datetime import datetime
from urllib.parse import urlencode
from uuid import UUID
from xml.sax.saxutils import escape, quoteattr

from parley.saml.saml_messages import saml_endpoints
from parley.saml.saml_messages.saml_names import ASSERTION, METADATA, NAME_ID_FORMATS, POST, PROTOCOL, RSA_SHA256, SIGNATURE

METADATA_TYPE = "application/samlmetadata+xml"


def request_name(request_id: UUID) -> str:
    """The ID of a request: an NCName, so it can't begin with a digit."""
    return f"_{request_id.hex}"


def metadata(organization_id: UUID, certificate: str | None, name_id_format: str) -> str:
    """The metadata of an organization's service provider; without a connection there is no certificate yet."""
    key = (
        f'<md:KeyDescriptor use="signing"><ds:KeyInfo xmlns:ds="{SIGNATURE}"><ds:X509Data><ds:X509Certificate>{certificate}'
        "</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>"
        if certificate
        else ""
    )
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<md:EntityDescriptor xmlns:md="{METADATA}"'
        f" entityID={quoteattr(saml_endpoints.entity_id(organization_id))}>"
        f'<md:SPSSODescriptor protocolSupportEnumeration="{PROTOCOL}" AuthnRequestsSigned="true" WantAssertionsSigned="true">{key}'
        f"<md:NameIDFormat>{NAME_ID_FORMATS[name_id_format]}</md:NameIDFormat>"
        f'<md:AssertionConsumerService index="0" isDefault="true" Binding="{POST}"'
        f" Location={quoteattr(saml_endpoints.acs(organization_id))}/></md:SPSSODescriptor></md:EntityDescriptor>\n"
    )


def authn_request(request_id: UUID, organization_id: UUID, destination: str, name_id_format: str, issued_at: datetime) -> str:
    """An AuthnRequest. It asks for an answer by POST at our one address."""
    return (
        f'<samlp:AuthnRequest xmlns:samlp="{PROTOCOL}" xmlns:saml="{ASSERTION}" ID="{request_name(request_id)}" Version="2.0"'
        f' IssueInstant="{issued_at:%Y-%m-%dT%H:%M:%SZ}" Destination={quoteattr(destination)} ProtocolBinding="{POST}"'
        f" AssertionConsumerServiceURL={quoteattr(saml_endpoints.acs(organization_id))}>"
        f"<saml:Issuer>{escape(saml_endpoints.entity_id(organization_id))}</saml:Issuer>"
        f'<samlp:NameIDPolicy Format="{NAME_ID_FORMATS[name_id_format]}" AllowCreate="true"/></samlp:AuthnRequest>'
    )


def redirect(destination: str, message: str, relay_state: str, sign: Callable[[bytes], bytes]) -> str:
    """The address that carries a request: deflated, and signed as the binding says, over the query and not in the XML."""
    deflated = zlib.compress(message.encode(), wbits=-15)
    query = urlencode({"SAMLRequest": base64.b64encode(deflated).decode(), "RelayState": relay_state, "SigAlg": RSA_SHA256})
    signature = base64.b64encode(sign(query.encode())).decode()
    return f"{destination}{'&' if '?' in destination else '?'}{query}&{urlencode({'Signature': signature})}"
