"""What single sign-on takes and answers."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Self
from uuid import UUID

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from parley.identity.models import MemberRole
from parley.kernel.values.fields import Email, Flag, Line, RequestModel, ResponseModel, Text, pattern_hint
from parley.saml.models import NameIdFormat
from parley.saml.saml_messages import saml_endpoints

_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"


def _address(url: str) -> str:
    if not saml_endpoints.is_web(url):
        raise ValueError("must be an https address of printable ASCII characters, without user and fragment")
    return url


def _known_role(role: MemberRole) -> MemberRole:
    if role is MemberRole.OWNER:
        raise ValueError("must not be OWNER: an organization has one, and names them itself")
    return role


Domain = Annotated[
    str,
    StringConstraints(strict=True, strip_whitespace=True, max_length=253, pattern=rf"^{_LABEL}(?:\.{_LABEL})+$"),
    pattern_hint("must be the name of a domain, like example.com"),
    AfterValidator(str.lower),
]
Address = Annotated[Text, Field(max_length=2000), AfterValidator(_address)]
EntityId = Annotated[Text, Field(min_length=1, max_length=1024)]
JoiningRole = Annotated[MemberRole, AfterValidator(_known_role)]


class SamlConnectionWanted(RequestModel):
    """The identity provider, by its metadata or by its parts; whose addresses it speaks for; and what its people become."""

    idp_metadata: Annotated[Text, Field(max_length=256 * 1024)] | None = None
    idp_entity_id: EntityId | None = None
    idp_sso_url: Address | None = None
    idp_certificates: Annotated[list[Annotated[Text, Field(max_length=16_000)]], Field(min_length=1, max_length=10)] | None = None
    domains: Annotated[list[Domain], Field(min_length=1, max_length=50)]
    default_role: JoiningRole = MemberRole.MEMBER
    name_id_format: NameIdFormat = NameIdFormat.EMAIL_ADDRESS
    email_attribute: Line | None = None
    name_attribute: Line | None = None
    role_attribute: Line | None = None
    is_enforced: Flag = False
    is_idp_initiated_allowed: Flag = False

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        parts = (self.idp_entity_id, self.idp_sso_url, self.idp_certificates)
        if self.idp_metadata is None and None in parts:
            raise ValueError("send idp_metadata, or all of idp_entity_id, idp_sso_url and idp_certificates")
        if self.idp_metadata is not None and parts != (None, None, None):
            raise ValueError("send either idp_metadata, or the parts of it")
        return self


class SamlCertificateRead(ResponseModel):
    sha256_fingerprint: str
    expires_at: datetime


class SamlConnectionStatus(StrEnum):
    ACTIVE = "ACTIVE"
    AWAITING_OWNER = "AWAITING_OWNER"


class SamlDomainStatus(StrEnum):
    """TAKEN: another organization has proven it."""

    UNPROVEN = "UNPROVEN"
    PROVEN = "PROVEN"
    TAKEN = "TAKEN"


class SamlDomainRead(ResponseModel):
    """A claim, and the record that DNS has to have for it."""

    domain: str
    status: SamlDomainStatus
    record_type: str
    record_name: str
    record_value: str
    verified_at: datetime | None
    checked_at: datetime | None


class SamlProposalRead(ResponseModel):
    """What waits for the owner's agreement, which is given to exactly this by its `digest`. `asked_by` is the user who wants it."""

    digest: str
    asked_by: UUID | None
    asked_at: datetime | None
    idp_entity_id: str
    idp_sso_url: str
    idp_certificates: list[SamlCertificateRead]
    domains: list[str]
    default_role: MemberRole
    name_id_format: NameIdFormat
    email_attribute: str | None
    name_attribute: str | None
    role_attribute: str | None
    is_enforced: bool
    is_idp_initiated_allowed: bool


class SamlApprovalWanted(RequestModel):
    """The digest of what waits, as `GET /v1/saml/connection` shows it."""

    digest: Annotated[Text, Field(min_length=1, max_length=100)]


class SamlConnectionRead(ResponseModel):
    """`sp_entity_id`, `acs_url` and `metadata_url` are what the identity provider has to be told. Nobody logs in while `status` is
    AWAITING_OWNER; `awaiting` is what the owner has not agreed to yet. `domain_proofs` are those of `domains`, and of what waits."""

    id: UUID
    status: SamlConnectionStatus
    awaiting: SamlProposalRead | None
    sp_entity_id: str
    acs_url: str
    metadata_url: str
    login_url: str
    idp_entity_id: str
    idp_sso_url: str
    idp_certificates: list[SamlCertificateRead]
    domains: list[str]
    domain_proofs: list[SamlDomainRead]
    default_role: MemberRole
    name_id_format: NameIdFormat
    email_attribute: str | None
    name_attribute: str | None
    role_attribute: str | None
    is_enforced: bool
    is_idp_initiated_allowed: bool
    created_at: datetime
    updated_at: datetime


class SamlDomainWanted(RequestModel):
    domain: Domain


class SamlDiscoveryWanted(RequestModel):
    email: Email


class SamlDiscoveryRead(ResponseModel):
    """Where people of the address's domain log in; null where the domain has no single sign-on."""

    login_url: str | None
