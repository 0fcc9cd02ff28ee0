"""What an identity provider says of somebody, after everything about it was checked.

Sources: saml-core-2.0-os 2.3 to 2.7; saml-profiles-2.0-os 4.1.4.3 (what a service provider must verify).
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from parley.kernel.values.errors import Forbidden
from parley.kernel.values.fields import storable
from parley.saml.saml_messages import safe_xml, saml_endpoints, xml_signatures
from parley.saml.saml_messages.saml_names import ASSERTION, BEARER, PROTOCOL, SUCCESS, TRANSIENT

SKEW = timedelta(seconds=60)
_LAST = datetime.max.replace(tzinfo=UTC) - SKEW  # .NET says "for ever" with the last instant there is
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,12})?(Z|[+-]\d\d:\d\d)", re.ASCII)
_CONDITIONS = {f"{{{ASSERTION}}}{name}" for name in ("AudienceRestriction", "OneTimeUse", "ProxyRestriction")}
_LONGEST_NAME = 256


class LoginRefused(Forbidden):
    """The identity provider did not let the person in."""


class IncompleteAssertion(Forbidden):
    """Something that every assertion must say is not there, or is there twice."""


class WrongIssuer(Forbidden):
    """Somebody else says it than the connection's identity provider."""


class WrongRecipient(Forbidden):
    """It was made for another address than this."""


class WrongAudience(Forbidden):
    """It was made for another service provider."""


class AssertionExpired(Forbidden):
    """Its time is over."""


class AssertionNotYetValid(Forbidden):
    """Its time has not come."""


@dataclass(frozen=True, slots=True)
class VerifiedAssertion:
    """A person as the identity provider knows them. `in_response_to` names the request; None when there was none."""

    assertion_id: str
    name_id: str
    attributes: dict[str, list[str]]
    in_response_to: str | None
    expires_at: datetime


def verified(document: bytes, organization_id: UUID, idp_entity_id: str, pinned: list[str], moment: datetime) -> VerifiedAssertion:
    """The person that a response speaks of. Raises `safe_xml.UnsafeXml`, the refusals of `xml_signatures`, and those above."""
    root = safe_xml.read(document)
    if root.tag == xml_signatures.RESPONSE_TAG:
        _envelope(root, organization_id, idp_entity_id)
    assertion = xml_signatures.signed_assertion(root, pinned)

    # From here on, nothing is read but what was signed.
    if assertion.get("Version") != "2.0" or not assertion.get("ID"):
        raise IncompleteAssertion("The assertion must be of version 2.0 and have an ID.")
    if safe_xml.text(_one(assertion, "Issuer")) != idp_entity_id:
        raise WrongIssuer("The assertion comes from another identity provider.")
    _conditions(_one(assertion, "Conditions"), organization_id, moment)
    _authenticated(assertion, moment)
    subject = _one(assertion, "Subject")
    confirmed = _confirmed(subject, organization_id, moment)
    in_response_to = confirmed.get("InResponseTo")
    if root.get("InResponseTo") not in (None, in_response_to):
        raise WrongRecipient("Response and assertion answer different requests.")
    return VerifiedAssertion(
        assertion_id=assertion.get("ID"),
        name_id=_name_id(subject),
        attributes=_attributes(assertion),
        in_response_to=in_response_to,
        expires_at=min(_instant(confirmed, "NotOnOrAfter"), _LAST) + SKEW,
    )


def _envelope(root: safe_xml.Element, organization_id: UUID, idp_entity_id: str) -> None:
    """What the response says around the assertion. It may be unsigned, so that this only ever refuses."""
    if root.get("Version") != "2.0":
        raise IncompleteAssertion("The response must be of version 2.0.")
    if root.get("Destination") != saml_endpoints.acs(organization_id):
        raise WrongRecipient("The response was sent to another address (Destination).")
    for issuer in safe_xml.children(root, f"{{{ASSERTION}}}Issuer"):
        if safe_xml.text(issuer) != idp_entity_id:
            raise WrongIssuer("The response comes from another identity provider.")
    codes = [code.get("Value") for status in safe_xml.children(root, f"{{{PROTOCOL}}}Status") for code in safe_xml.children(status, _CODE)]
    if codes != [SUCCESS]:
        raise LoginRefused("Your identity provider did not let you in; try again there, or ask your administrator.")


_CODE = f"{{{PROTOCOL}}}StatusCode"


def _all(parent: safe_xml.Element, name: str) -> Iterator[safe_xml.Element]:
    return safe_xml.children(parent, f"{{{ASSERTION}}}{name}")


def _one(parent: safe_xml.Element, name: str) -> safe_xml.Element:
    elements = list(_all(parent, name))
    if len(elements) != 1:
        raise IncompleteAssertion(f"The assertion must have one {name} where it belongs.")
    return elements[0]


def _instant(element: safe_xml.Element, name: str) -> datetime:
    written = element.get(name) or ""
    try:
        if _INSTANT.fullmatch(written):
            return datetime.fromisoformat(written).astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise IncompleteAssertion(f"The assertion must say {name} as an instant in UTC.")


def _in_time(element: safe_xml.Element, moment: datetime, *, must_end: bool) -> None:
    if element.get("NotBefore") is not None and moment + SKEW < _instant(element, "NotBefore"):
        raise AssertionNotYetValid("The assertion is not valid yet; is the clock of the identity provider right?")
    if (must_end or element.get("NotOnOrAfter") is not None) and moment - SKEW >= _instant(element, "NotOnOrAfter"):
        raise AssertionExpired("The assertion has expired; log in again.")


def _conditions(conditions: safe_xml.Element, organization_id: UUID, moment: datetime) -> None:
    if any(condition.tag not in _CONDITIONS for condition in conditions):
        raise IncompleteAssertion("The assertion sets a condition that is not known here.")
    _in_time(conditions, moment, must_end=False)
    restrictions = list(_all(conditions, "AudienceRestriction"))
    entity_id = saml_endpoints.entity_id(organization_id)
    if not restrictions or not all(
        entity_id in [safe_xml.text(audience) for audience in _all(restriction, "Audience")] for restriction in restrictions
    ):
        raise WrongAudience("The assertion was made for another service provider.")


def _authenticated(assertion: safe_xml.Element, moment: datetime) -> None:
    statements = list(_all(assertion, "AuthnStatement"))
    if not statements:
        raise IncompleteAssertion("The assertion must say how the person was authenticated.")
    for statement in statements:
        if statement.get("SessionNotOnOrAfter") is not None and moment - SKEW >= _instant(statement, "SessionNotOnOrAfter"):
            raise AssertionExpired("The session at the identity provider is over; log in again.")


def _confirmed(subject: safe_xml.Element, organization_id: UUID, moment: datetime) -> safe_xml.Element:
    """The data of the one bearer confirmation: for this address, not over, not held back."""
    bearers = [confirmation for confirmation in _all(subject, "SubjectConfirmation") if confirmation.get("Method") == BEARER]
    if len(bearers) != 1:
        raise IncompleteAssertion("The assertion must have one bearer confirmation of its subject.")
    data = _one(bearers[0], "SubjectConfirmationData")
    if data.get("Recipient") != saml_endpoints.acs(organization_id):
        raise WrongRecipient("The assertion was made for another address (Recipient).")
    _in_time(data, moment, must_end=True)
    return data


def _name_id(subject: safe_xml.Element) -> str:
    element = _one(subject, "NameID")
    name = safe_xml.text(element)
    if not 0 < len(name) <= _LONGEST_NAME or storable(name) != name:
        raise IncompleteAssertion("The NameID must be a text of at most 256 characters.")
    if element.get("Format") == TRANSIENT:
        raise IncompleteAssertion("A transient NameID names nobody; send a persistent one, or an e-mail address.")
    return name


def _attributes(assertion: safe_xml.Element) -> dict[str, list[str]]:
    """By name. The values that are texts; a name that comes twice has all of them."""
    attributes: dict[str, list[str]] = {}
    for statement in _all(assertion, "AttributeStatement"):
        for attribute in _all(statement, "Attribute"):
            values = [safe_xml.text(value) for value in _all(attribute, "AttributeValue") if not len(value)]
            attributes.setdefault(attribute.get("Name", ""), []).extend(storable(value) for value in values)
    return attributes
