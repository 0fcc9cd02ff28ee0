"""A request that may come again, as a handler holds it. Who sends no key pays for no table: that, and what is kept, is `idempotency`'s."""

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Self, TypeVar

from pydantic import BaseModel

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
    """The request's idempotency key (None: it has none), its route, the SHA-256 of its target and body, and how long it is remembered.

    The answer of one that `is_sealed` holds a secret which is shown once: it lies in the database sealed.
    """

    key: str | None
    route: str
    fingerprint: bytes
    kept: timedelta = KEPT
    is_sealed: bool = False

    def within(self, kept: timedelta) -> Self:
        """The same request, remembered for less than a day: its answer is of no use for longer."""
        return replace(self, kept=kept)

    def answer(self, session: "Session", answer: Answer, status: int = 201) -> Answer:
        """Keep the answer in the transaction of its effect (which has claimed the key), and give it back for the handler to return."""
        if self.key is not None:
            session.info["keep_answer"](status, answer.model_dump_json())
        return answer
