"""Who somebody is to us: address, name and role out of what the identity provider asserts."""

from dataclasses import dataclass

from pydantic import TypeAdapter, ValidationError

from parley.identity.models import MemberRole
from parley.identity.roles.role_policy import rank
from parley.kernel.values.errors import Forbidden
from parley.kernel.values.fields import Email
from parley.saml.domain_proof.mail_domains import of_address
from parley.saml.queries import AssertionMapping
from parley.saml.saml_messages.saml_responses import VerifiedAssertion

_CLAIMS = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/"
_ADDRESSES = ("urn:oid:0.9.2342.19200300.100.1.3", f"{_CLAIMS}emailaddress", "email", "mail", "emailAddress")
_NAMES = (
    "urn:oid:2.16.840.1.113730.3.1.241",
    "http://schemas.microsoft.com/identity/claims/displayname",
    "displayName",
    f"{_CLAIMS}name",
    "name",
)
_GRANTABLE = {role.value: role for role in MemberRole if role is not MemberRole.OWNER}
_EMAIL: TypeAdapter[str] = TypeAdapter(Email)


class NoAddress(Forbidden):
    """The assertion does not say which e-mail address the person has."""


class ForeignAddress(Forbidden):
    """The identity provider speaks of an address in a domain that is not bound to the organization."""


@dataclass(frozen=True, slots=True)
class SamlProfile:
    """`role` is what the assertion says, or what newcomers become. `is_proven`: the organization has proven the address's domain."""

    name_id: str
    email: str
    name: str | None
    role: MemberRole
    is_proven: bool


def profile_of(asserted: VerifiedAssertion, reading: AssertionMapping) -> SamlProfile:
    """Raises `NoAddress`, `ForeignAddress`."""
    email = _address(asserted, reading)
    if of_address(email) not in reading.domains:
        raise ForeignAddress("Your address is not in a domain of this organization; ask its administrator.")
    name = _first(asserted, (reading.name_attribute,) if reading.name_attribute else _NAMES)
    return SamlProfile(asserted.name_id, email, name[:200] if name else None, _role(asserted, reading), of_address(email) in reading.proven)


def _address(asserted: VerifiedAssertion, reading: AssertionMapping) -> str:
    if reading.email_attribute:
        candidates = asserted.attributes.get(reading.email_attribute, [])
    else:
        candidates = [asserted.name_id] if "@" in asserted.name_id else []
        candidates = candidates or next((asserted.attributes[name] for name in _ADDRESSES if asserted.attributes.get(name)), [])
    if len(candidates) != 1:
        raise NoAddress("The assertion must say one e-mail address: as its NameID, or in the attribute that the connection names.")
    try:
        return _EMAIL.validate_python(candidates[0])
    except ValidationError:
        raise NoAddress("What the assertion says as e-mail address is not one.") from None


def _role(asserted: VerifiedAssertion, reading: AssertionMapping) -> MemberRole:
    """The highest that the attribute names: it may name groups beside it."""
    words = [word.upper() for word in asserted.attributes.get(reading.role_attribute or "", [])]
    return max((_GRANTABLE[word] for word in words if word in _GRANTABLE), key=rank, default=reading.default_role)


def _first(asserted: VerifiedAssertion, names: tuple[str, ...]) -> str | None:
    return next((value for name in names for value in asserted.attributes.get(name, []) if value), None)
