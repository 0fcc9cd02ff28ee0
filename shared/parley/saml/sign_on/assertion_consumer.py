"""An answer of an identity provider as a browser brings it: a form with the response, and the cookie of the request that it answers."""

import base64
import binascii
import hashlib
import hmac
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import parse_qs
from uuid import UUID

from sqlalchemy import delete, update
from sqlalchemy.orm import Session

from parley.identity.declared import IdentityAction
from parley.kernel.access.callers import NOWHERE, Caller
from parley.kernel.audit import audit
from parley.kernel.persistence.transactions import transaction
from parley.kernel.postgres.deferred import execute_later
from parley.kernel.values.clock import now
from parley.kernel.values.errors import BadRequest, Forbidden, Refusal
from parley.saml.models import SamlAssertion, SamlRequest
from parley.saml.queries import ResponseExpectations
from parley.saml.saml_messages import safe_xml, saml_endpoints, saml_responses, sp_documents
from parley.saml.saml_messages.saml_responses import VerifiedAssertion
from parley.saml.sign_on import authn_requests

_FIELDS = ("SAMLResponse", "RelayState")


class MalformedResponse(BadRequest):
    """The form is not what the HTTP-POST binding sends."""


class UnknownRequest(Forbidden):
    """It answers no log-in that this browser has begun and that is still open."""


class AssertionReplayed(Forbidden):
    """It was used before."""


@dataclass(frozen=True, slots=True)
class PostedResponse:
    """`request_id` is what RelayState names, `is_ours` whether this browser began that request; `NOWHERE` is no request's id."""

    document: bytes
    relay_state: str
    request_id: UUID
    is_ours: bool


def read(form: str, cookies: list[str]) -> PostedResponse:
    """Raises `MalformedResponse`."""
    try:
        fields = parse_qs(form, keep_blank_values=True, max_num_fields=10, errors="strict")
        if any(len(fields.get(name, [])) > 1 for name in _FIELDS) or "SAMLResponse" not in fields:
            raise MalformedResponse("The form must have one SAMLResponse and at most one RelayState.")
        # Some providers break the lines of their base64.
        document = base64.b64decode("".join(fields["SAMLResponse"][0].split()), validate=True)
    except (binascii.Error, ValueError):
        raise MalformedResponse("SAMLResponse must be base64, in a form.") from None
    if len(document) > safe_xml.MOST_BYTES:
        raise MalformedResponse(f"The response has more than {safe_xml.MOST_BYTES} bytes.")
    relay_state = fields.get("RelayState", [""])[0]
    try:
        request_id = UUID(relay_state)
    except ValueError:
        request_id = NOWHERE
    shown = dict(cookie.partition("=")[::2] for cookie in cookies)
    secret = shown.get(authn_requests.cookie_name(request_id), "")
    is_ours = request_id != NOWHERE and hmac.compare_digest(secret.encode(), authn_requests.cookie(request_id).encode())
    return PostedResponse(document, relay_state, request_id, is_ours)


def verified(posted: PostedResponse, organization_id: UUID, door: ResponseExpectations) -> VerifiedAssertion:
    """The person that the answer speaks of, once it is known to answer a request of this browser.

    Raises `UnknownRequest`, and the refusals of `saml_responses.verified`.
    """
    asserted = saml_responses.verified(posted.document, organization_id, door.idp_entity_id, door.certificates, now())
    if asserted.in_response_to is None:
        if not door.is_idp_initiated_allowed:
            raise UnknownRequest(f"Log-ins begin here: {saml_endpoints.log_in(organization_id)}.")
    elif not (posted.is_ours and door.request_id and asserted.in_response_to == sp_documents.request_name(door.request_id)):
        raise UnknownRequest("This answers no log-in that this browser has begun, or it came too late; begin again.")
    return asserted


def use(session: Session, asserted: VerifiedAssertion, door: ResponseExpectations, user_id: UUID) -> SamlAssertion:
    """Take request and assertion, so that neither opens a second session. Raises `UnknownRequest`; the row that is returned is not flushed
    yet, and violates `models.USED_ONCE` if the assertion was used before."""
    moment: datetime = now()
    if asserted.in_response_to is not None:
        taken = update(SamlRequest).where(SamlRequest.id == door.request_id, SamlRequest.used_at.is_(None)).values(used_at=moment)
        if session.execute(taken.returning(SamlRequest.id)).one_or_none() is None:
            raise UnknownRequest("This log-in was answered already.")
    execute_later(session, delete(SamlAssertion).where(SamlAssertion.expires_at < moment))
    name = hashlib.sha256(f"{door.idp_entity_id}\0{asserted.assertion_id}".encode()).hexdigest()
    used = SamlAssertion(digest=name, user_id=user_id, expires_at=asserted.expires_at)
    session.add(used)
    return used


def record_refusal(caller: Caller, refusal: Refusal) -> None:
    """Audit, in a transaction of its own, that somebody was not let in, and why."""
    with transaction(caller) as session:
        audit.record(session, caller, IdentityAction.USER_LOGIN_FAILED, because=refusal.code, by="saml")


def return_to(posted: PostedResponse, door: ResponseExpectations) -> str | None:
    """Where the browser wants to be: as it said when it began; where the identity provider began, as that says, if it is a path of ours."""
    if posted.is_ours and door.request_id is not None:
        return door.return_to
    return posted.relay_state if saml_endpoints.is_path(posted.relay_state) else None
