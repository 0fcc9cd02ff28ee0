"""A request whose answer holds a secret that is shown once: what is kept of it for a replay is sealed (`sealed`)."""

import base64
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

from parley.kernel.access.callers import Caller
from parley.kernel.persistence.idempotency_key import Answer, IdempotentRequest, Replayed

if TYPE_CHECKING:
    from sqlalchemy.orm import Session


@dataclass(slots=True)
class _Kept:
    """A kept answer as the place that a sealed value belongs to."""

    organization_id: UUID
    id: str
    body: Any = None

    __tablename__ = "idempotency_keys"


class SealedIdempotentRequest(IdempotentRequest):
    """Like `Once`; the answer lies in the database sealed."""

    __slots__ = ()

    def claim(self, session: "Session", caller: Caller) -> None:
        try:
            IdempotentRequest.claim(self, session, caller)
        except Replayed as was:
            from parley.kernel.persistence.column_encryption import Sealed, unseal

            kept = _Kept(caller.organization_id, self._place(caller), Sealed(base64.b64decode(was.body)))
            raise Replayed(was.status, unseal(session, kept, "body")) from None

    def answer(self, session: "Session", answer: Answer, status: int = 201) -> Answer:
        if self.key is not None:
            from parley.kernel.persistence import idempotency
            from parley.kernel.persistence.column_encryption import seal

            caller: Caller = session.info["caller"]
            kept = _Kept(caller.organization_id, self._place(caller))
            seal(session, kept, "body", answer.model_dump_json())
            idempotency.keep(session, self, status, base64.b64encode(kept.body.token).decode())
        return answer

    def _place(self, caller: Caller) -> str:
        return f"{self.route} {caller.actor_id} {self.key}"
