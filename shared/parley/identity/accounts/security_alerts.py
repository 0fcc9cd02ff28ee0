"""Security alerts: what changed in how an account is come into is told to its person by mail, with a link that says "this was not me".

An alert is a link (`email_links`) of a kind of its own, good for a week. `created_at` is the fault, if it is one: what is younger than that
goes when the link is used (`account_recovery`). One about a new address goes to the old one, which `wanted` holds, to be taken back.
"""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import update
from sqlalchemy.orm import Session

from parley.identity.accounts import email_links
from parley.identity.declared import IdentityEvent
from parley.identity.models import VerificationKind, VerificationToken
from parley.kernel.persistence import outbox
from parley.kernel.postgres.deferred import execute_later


class SecurityChange(StrEnum):
    PASSWORD = "password"  # noqa: S105  # what changed, not a secret
    EMAIL = "email"
    EMAIL_TAKEN_BACK = "email_taken_back"
    SECOND_FACTOR_ON = "second_factor_on"
    SECOND_FACTOR_OFF = "second_factor_off"
    RECOVERY_CODES = "recovery_codes"
    PROVIDER_LINKED = "provider_linked"
    PROVIDER_UNLINKED = "provider_unlinked"
    API_KEY = "api_key"


def tell(session: Session, user_id: UUID, change: SecurityChange, since: datetime, *, to: str = "", **details: Any) -> None:
    """Have the person told of a change that began at `since`, in the transaction that makes it; at their address, unless `to` names one."""
    wanted = {"change": change.value, **details}
    row = email_links.add(session, VerificationKind.SECURITY_ALERT, to, at=since, user_id=user_id, wanted=wanted)
    if change is SecurityChange.EMAIL_TAKEN_BACK:
        row.used_at = since  # its link opens nothing: whoever had the address before keeps it
    outbox.announce(session, IdentityEvent.SECURITY_ALERT_RAISED, token_id=row.id, user_id=user_id)


def keep_address(session: Session, user_id: UUID, email: str) -> None:
    """As the address changes: alerts whose mail has not left go to the one that was the account's as they were raised."""
    conditions = VerificationToken.user_id == user_id, VerificationToken.kind == VerificationKind.SECURITY_ALERT
    unsent = update(VerificationToken).where(*conditions, VerificationToken.email == "", VerificationToken.sent_at.is_(None))
    execute_later(session, unsent.values(email=email))
