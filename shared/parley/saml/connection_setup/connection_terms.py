"""What is agreed to in a connection: who the identity provider is, whose addresses it speaks for, what its people become."""

import hashlib
import json
from enum import StrEnum
from typing import Any

from parley.identity.models import MemberRole
from parley.saml.models import NameIdFormat, SamlConnection
from parley.saml.saml_messages import saml_certificates
from parley.saml.schemas import SamlConnectionWanted

CHOSEN = (
    "default_role",
    "name_id_format",
    "email_attribute",
    "name_attribute",
    "role_attribute",
    "is_enforced",
    "is_idp_initiated_allowed",
)
_ALL = ("idp_entity_id", "idp_sso_url", "certificates", "domains", *CHOSEN)

_KINDS: dict[str, type[StrEnum]] = {"default_role": MemberRole, "name_id_format": NameIdFormat}

ConnectionTerms = dict[str, Any]
"""By column of `SamlConnection`; values of JSON."""


def of_request(wanted: SamlConnectionWanted) -> ConnectionTerms:
    """Raises `idp_metadata.UnusableMetadata`, `safe_xml.UnsafeXml`, `saml_certificates.UnusableCertificate`."""
    named: ConnectionTerms
    if wanted.idp_metadata is not None:
        from parley.saml.saml_messages import idp_metadata

        provider = idp_metadata.read(wanted.idp_metadata)
        named = {"idp_entity_id": provider.entity_id, "idp_sso_url": provider.sso_url, "certificates": provider.certificates}
    else:
        read = list(dict.fromkeys(saml_certificates.read(written) for written in wanted.idp_certificates or []))
        named = {"idp_entity_id": wanted.idp_entity_id, "idp_sso_url": wanted.idp_sso_url, "certificates": read}
    domains = list(dict.fromkeys(wanted.domains))
    return _plain(named | {"domains": domains} | {name: getattr(wanted, name) for name in CHOSEN})


def of_connection(connection: SamlConnection) -> ConnectionTerms:
    return _plain({name: getattr(connection, name) for name in _ALL})


def apply(connection: SamlConnection, terms: ConnectionTerms) -> None:
    """Make them the connection's."""
    for name in _ALL:
        kind = _KINDS.get(name)
        setattr(connection, name, kind(terms[name]) if kind else terms[name])


def digest(terms: ConnectionTerms) -> str:
    """A name for exactly these: who agrees says to what."""
    return hashlib.sha256(json.dumps(terms, sort_keys=True).encode()).hexdigest()


def _plain(terms: ConnectionTerms) -> ConnectionTerms:
    return {name: str(value) if name in _KINDS else value for name, value in terms.items()}
