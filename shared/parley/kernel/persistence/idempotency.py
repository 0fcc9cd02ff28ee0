"""`Idempotency-Key`: the answer of a creating request is kept in the transaction of its effect.

Same key and same request: the same answer, for a day or what the route says. Same key, other request: 422. Still running: a second one
waits for the first, five seconds at most, then 409. Source: IETF draft "The Idempotency-Key HTTP Header Field".
"""

import base64
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

from sqlalchemy import LargeBinary, SmallInteger, case, delete, or_, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Mapped, Session, mapped_column

from parley.kernel.access.callers import Caller
from parley.kernel.persistence.base_models import Base, Swept
from parley.kernel.persistence.idempotency_key import KEPT, IdempotentRequest, Replayed
from parley.kernel.postgres.deferred import execute_later
from parley.kernel.postgres.integrity_errors import LOCK_NOT_AVAILABLE, sqlstate
from parley.kernel.values.clock import now, of_database
from parley.kernel.values.errors import Conflict, Unprocessable

EMPTIED = '{"is_erased":true}'
"""What is answered again in the place of an answer that told of somebody who was erased since."""


class IdempotencyRecord(Swept, Base):
    __tablename__ = "idempotency_keys"

    organization_id: Mapped[UUID] = mapped_column(primary_key=True)
    scope: Mapped[str] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    fingerprint: Mapped[bytes] = mapped_column(LargeBinary)
    status: Mapped[int | None] = mapped_column(SmallInteger)
    body: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(default=now, index=True)


class StillRunning(Conflict):
    """The first request with this key has not ended."""


class KeyReused(Unprocessable):
    """The key was used with another request."""


@dataclass(slots=True)
class _SealedAnswer:
    """A kept answer as the place that a sealed value belongs to."""

    organization_id: UUID
    id: str
    body: Any = None

    __tablename__ = IdempotencyRecord.__tablename__


def _scope(once: IdempotentRequest, caller: Caller) -> str:
    """Whose key it is. Visitors have no name but their network: a key of one is nothing to another."""
    whose = caller.actor_id or (caller.dues.network if caller.dues is not None else "")
    return f"{once.route} {caller.actor_type.value} {whose}"


def claim(session: Session, caller: Caller, once: IdempotentRequest) -> None:
    """Take the key for this transaction, which then can `keep_answer`. Raises `Replayed`, `StillRunning` or `KeyReused`."""
    session.info["keep_answer"] = partial(keep, session, caller, once)
    fresh = insert(IdempotencyRecord).values(
        organization_id=caller.organization_id,
        scope=_scope(once, caller),
        key=once.key,
        fingerprint=once.fingerprint,
        created_at=of_database(),
    )
    # The update waits for a transaction that holds the key, and returns what it left: as it is, or as new where its time is over.
    is_over = IdempotencyRecord.created_at <= of_database() - once.kept
    renewed = {
        column: case((is_over, fresh.excluded[column]), else_=getattr(IdempotencyRecord, column))
        for column in ("fingerprint", "status", "body", "created_at")
    }
    claimed = fresh.on_conflict_do_update(index_elements=["organization_id", "scope", "key"], set_=renewed).returning(
        IdempotencyRecord.fingerprint, IdempotencyRecord.status, IdempotencyRecord.body
    )
    try:
        fingerprint, status, body = session.execute(claimed).one()
    except DBAPIError as error:
        if sqlstate(error) == LOCK_NOT_AVAILABLE:
            raise StillRunning("A request with this Idempotency-Key is still running; ask again in a moment.") from error
        raise
    if bytes(fingerprint) != once.fingerprint:
        raise KeyReused("This Idempotency-Key was used with another request; take a new key for a new request.")
    if status is not None:
        raise Replayed(status, _unseal(session, caller, once, body or "") if once.is_sealed else body or "")


def keep(session: Session, caller: Caller, once: IdempotentRequest, status: int, body: str) -> None:
    """Keep the answer beside its effect. It travels with the commit."""
    kept = _seal(session, caller, once, body) if once.is_sealed else body
    claimed = update(IdempotencyRecord).where(
        IdempotencyRecord.organization_id == caller.organization_id,
        IdempotencyRecord.scope == _scope(once, caller),
        IdempotencyRecord.key == once.key,
    )
    execute_later(session, claimed.values(status=status, body=kept))


def _sealed_answer(caller: Caller, once: IdempotentRequest, body: Any = None) -> _SealedAnswer:
    return _SealedAnswer(caller.organization_id, f"{once.route} {caller.actor_id} {once.key}", body)


def _seal(session: Session, caller: Caller, once: IdempotentRequest, body: str) -> str:
    from parley.kernel.persistence.column_encryption import NamedColumn, seal  # for the few whose answer is a secret

    answer = _sealed_answer(caller, once)
    seal(session, answer, NamedColumn("body"), body)
    return base64.b64encode(answer.body.token).decode()


def _unseal(session: Session, caller: Caller, once: IdempotentRequest, body: str) -> str:
    from parley.kernel.persistence.column_encryption import NamedColumn, Sealed, unseal

    return unseal(session, _sealed_answer(caller, once, Sealed(base64.b64decode(body))), NamedColumn("body"))


def empty(session: Session, ids: Collection[UUID]) -> None:
    """Empty the kept answers that name one of these things. The keys stay: a request that comes again must not be done again.

    It looks through what the organization's requests of the last day were answered. It travels with the next statement.
    """
    named = or_(*(IdempotencyRecord.body.contains(str(entity_id)) for entity_id in sorted(ids)))
    execute_later(session, update(IdempotencyRecord).where(IdempotencyRecord.own(), named).values(body=EMPTIED))


def forget(session: Session) -> int:
    """Delete keys older than a day, in a sweep. Returns how many."""
    result = session.execute(delete(IdempotencyRecord).where(IdempotencyRecord.created_at < of_database() - KEPT))
    return result.rowcount  # type: ignore[attr-defined, no-any-return]  # a DELETE's result has it
