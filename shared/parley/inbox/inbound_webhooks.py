"""A webhook's body comes in: taken apart, given to its organizations, and what nobody can place goes into quarantine for a person.

Nothing that can't succeed later is ever raised: one bad item must not bring back its neighbours for days.
"""

import json
import logging
from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Literal, TypeAlias
from uuid import UUID

from sqlalchemy.exc import DBAPIError

from parley.inbox import ingestion
from parley.inbox.contacts import LostRace
from parley.inbox.declared import InboxDirectory
from parley.inbox.models import Platform
from parley.inbox.platforms import whatsapp
from parley.inbox.platforms.platform_updates import PlatformUpdate, WebhookItem, webhook_envelope
from parley.kernel.access.callers import system
from parley.kernel.persistence.directory import organizations_of
from parley.kernel.persistence.transactions import transaction
from parley.kernel.postgres.integrity_errors import is_passing, sqlstate

QuarantineReason: TypeAlias = Literal["malformed", "malformed-item", "unhandled", "unknown-account", "unstorable"]
Quarantine: TypeAlias = Callable[[QuarantineReason, bytes], None]
"""Keeps a body for a person. What was taken out of a larger body has the platform's own form, and can be delivered again."""

QuarantinedItems: TypeAlias = defaultdict[QuarantineReason, list[WebhookItem]]

log = logging.getLogger(__name__)
_ATTEMPTS = 6
# A deadlock was broken, or a conversation was merged into another one meanwhile: begun again, the transaction sees how things are.
_RACES = ("40001", "40P01", "23503", "23505")
_UNFIT = ("22", "23", "54")


def process_webhook(body: bytes, arrived_at: datetime, quarantine: Quarantine) -> None:
    """Store everything of a body of WhatsApp. May see it again, whole or in part.

    Raises what may pass (the database is away), after every organization has had its turn.
    """
    try:
        parsed = whatsapp.parse(body, arrived_at)
    except ValueError:
        quarantine("malformed", body)
        return
    quarantined: QuarantinedItems = defaultdict(list, {"malformed-item": parsed.malformed, "unhandled": parsed.unhandled})
    failed: list[Exception] = []
    for organization_id, updates in _shares(parsed.updates, quarantined).items():
        try:
            _store(organization_id, updates, quarantined)
        except Exception as error:  # noqa: BLE001  # raised again below: the others come first
            failed.append(error)
    for reason, sources in quarantined.items():
        if sources:
            quarantine(reason, _body_of(sources, body))
    if failed:
        raise failed[0]


def _shares(updates: Sequence[PlatformUpdate], quarantined: QuarantinedItems) -> dict[UUID, list[PlatformUpdate]]:
    """Whose updates these are: one look-up for all accounts of a body."""
    accounts = sorted({update.account for update in updates})
    owners = organizations_of(InboxDirectory.WHATSAPP_NUMBER, accounts) if accounts else {}
    shares: dict[UUID, list[PlatformUpdate]] = defaultdict(list)
    for update in updates:
        if update.account in owners:
            shares[owners[update.account]].append(update)
        else:
            quarantined["unknown-account"].append(update.source)
    return shares


def _store(organization_id: UUID, updates: Sequence[PlatformUpdate], quarantined: QuarantinedItems) -> None:
    """All of the updates, in one transaction. If the database refuses one, the halves in their own; down to the one that is unstorable."""
    try:
        _try(organization_id, updates)
    except ingestion.NoConnection as error:
        quarantined["unknown-account"].extend(update.source for update in error.updates)
        refused_ids = {id(update) for update in error.updates}
        remaining_updates = [update for update in updates if id(update) not in refused_ids]
        if remaining_updates:
            _store(organization_id, remaining_updates, quarantined)
    except DBAPIError as error:
        if is_passing(error) or not sqlstate(error).startswith(_UNFIT):
            raise
        log.warning("the database refuses %d updates: %s", len(updates), sqlstate(error))
        if len(updates) == 1:
            quarantined["unstorable"].append(updates[0].source)
            return
        half = len(updates) // 2
        _store(organization_id, updates[:half], quarantined)
        _store(organization_id, updates[half:], quarantined)


def _try(organization_id: UUID, updates: Sequence[PlatformUpdate]) -> None:
    caller = system(organization_id)
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            with transaction(caller) as session:
                ingestion.store(session, caller, Platform.WHATSAPP, updates)
            return
        except LostRace:
            if attempt == _ATTEMPTS:
                raise
        except DBAPIError as error:
            if attempt == _ATTEMPTS or sqlstate(error) not in _RACES:
                raise


def _body_of(sources: Sequence[WebhookItem], body: bytes) -> bytes:
    try:
        return json.dumps(webhook_envelope(sources)).encode()
    except RecursionError:
        return body
