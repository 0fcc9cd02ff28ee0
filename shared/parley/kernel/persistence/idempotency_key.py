"""A request that may come again, as a handler holds it. The table and its rules are in `idempotency`, imported when a key is there."""

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Self, TypeVar

from pydantic import BaseModel

from parley.kernel.access.callers import Caller

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

Answer = TypeVar("Answer", bound=BaseModel)
KEPT = timedelta(hours=24)


class Replayed(Exception):
    """Not an error: this request was answered before, and this is the answer."""

    def __init__(self, status: int, body: str) -> None:
        super().__init__(status)
        self.status = status
        self.body = body


@dataclass(frozen=True, slots=True)
class IdempotentRequest:
    """The request's idempotency key (None: it has none), its route, the SHA-256 of its target and body, and how long it is remembered."""

    key: str | None
    route: str
    fingerprint: bytes
    kept: timedelta = KEPT

    def within(self, kept: timedelta) -> Self:
        """The same request, remembered for less than a day: its answer is of no use for longer."""
        return replace(self, kept=kept)

    def claim(self, session: "Session", caller: Caller) -> None:
        """Take the key for this transaction, see `idempotency.claim`. Without a key nothing happens."""
        if self.key is not None:
            from parley.kernel.persistence import idempotency

            idempotency.claim(session, caller, self)

    def answer(self, session: "Session", answer: Answer, status: int = 201) -> Answer:
        """Keep the answer in the transaction of its effect, and give it back for the handler to return."""
        if self.key is not None:
            from parley.kernel.persistence import idempotency

            idempotency.keep(session, self, status, answer.model_dump_json())
        return answer
